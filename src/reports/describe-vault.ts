// Where a vault stands, for people.

import { formatTime, type Retention, retentionNames, type VaultSchedule } from '../formats/vault-schedule.js'
import type { VaultCounts, VaultState } from '../formats/vault-state.js'
import { formatBytes, formatRate } from './format-bytes.js'
import { printable } from './printable.js'

const meaning = {
  seeding: 'the first backup is not complete: run diskferry vault seed again',
  seeded: 'ready for drives: diskferry prepare --staging',
  frozen: 'Waiting for the import job to complete',
  adopted: 'in the vault; staging is still there',
  released: 'in the vault',
} as const

/** @param worker who works on it now. @param jobState what the job's service said last. */
export function describeVault(
  state: VaultState,
  { worker, jobState }: { worker?: string; jobState?: string } = {},
): string {
  const { job, account, container, prefix, source, target, frozen, adoption, lastBackup, checkedAt, schedule } = state
  const lines: [string, string][] = [
    ['Vault', `${job}, account ${account}, ${container}/${prefix}`],
    ['State', `${state.state}: ${meaning[state.state]}`],
    ['Backs up', `${source.paths.join(' ')} of ${source.host}`],
  ]
  if (jobState !== undefined) lines.push(['Import job', jobState])
  if (target !== undefined && adoption?.finishedAt !== undefined) lines.push(['Lies in', target.address])
  if (frozen !== undefined)
    lines.push(['On drives', `${counts(frozen)}, generation ${state.generation}, ${day(frozen.at)}`])
  if (adoption?.finishedAt !== undefined) lines.push(['Adopted', `${day(adoption.finishedAt)}, ${shares(adoption)}`])
  if (adoption !== undefined && adoption.finishedAt === undefined)
    lines.push(['Adopting', `begun ${day(adoption.startedAt)}`])
  if (adoption?.forcedBecause !== undefined) lines.push(['Forced', adoption.forcedBecause])
  if (lastBackup !== undefined) {
    const partial = lastBackup.isPartial ? ', some files could not be read' : ''
    lines.push(['Last backup', `${lastBackup.snapshot} into ${lastBackup.place}, ${day(lastBackup.at)}${partial}`])
  }
  if (state.state === 'adopted' || state.state === 'released') {
    lines.push(['All data read', checkedAt === undefined ? 'never' : day(checkedAt)])
  }
  if (schedule !== undefined) lines.push(['Schedule', describeSchedule(schedule)])
  if (worker !== undefined) lines.push(['In use by', worker])
  return lines.map(([name, text]) => printable(`${name.padEnd(14)}${text}`)).join('\n')
}

export function describeSchedule({ atMinutes, keep, limits }: VaultSchedule): string {
  const times = atMinutes.map(formatTime).join(', ')
  const rates = limits.map(({ bytesPerSecond, fromMinute, untilMinute }) => {
    const window =
      fromMinute === undefined || untilMinute === undefined
        ? 'always'
        : `${formatTime(fromMinute)}-${formatTime(untilMinute)}`
    return `${formatRate(bytesPerSecond)} ${window}`
  })
  return [`at ${times}`, `keeps ${describeRetention(keep)}`, ...rates.map((rate) => `upload at most ${rate}`)].join(
    '; ',
  )
}

function shares({ disk, network, repaired = 0 }: NonNullable<VaultState['adoption']>): string {
  if (disk === undefined || network === undefined) return ''
  const mended = repaired === 0 ? '' : `, ${repaired} repaired`
  return `${formatBytes(disk.bytes)} by disk, ${formatBytes(network.bytes)} by network${mended}`
}

function counts({ files, bytes }: VaultCounts): string {
  return `${files} files, ${formatBytes(bytes)}`
}

function day(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}

function describeRetention(keep: Retention): string {
  const parts = retentionNames.flatMap((name) => (keep[name] ? [`${keep[name]} ${name}`] : []))
  return parts.join(', ') || 'everything'
}
