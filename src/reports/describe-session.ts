// A plan and the result of a session, as text for people and as plain objects for --json. The types are the least that is
// needed, so that reports can be rebuilt from stored facts.

import { formatBytes, formatDuration, formatRate, table } from './format-bytes.js'
import { counted, grouped, printable } from './printable.js'
import { folderSpread, type PlannedTree } from './whole-folders.js'

export interface PlanFacts {
  sessionId: string
  drives: readonly {
    target: { path: string; driveId: string; sizeBytes: number; description: string }
    files: number
    bytes: number
    capacityBytes: number
    freeBytes: number
    /** What was planned onto it; the folders are left out of the text without it. */
    plan?: { tree: PlannedTree['tree'] }
  }[]
  unused: readonly { path: string; driveId: string }[]
  files: number
  bytes: number
  lowerBound: number
  skipped: readonly { path: string; reason: string; message: string }[]
  /** Id of a drive that is given up for these. */
  replaces?: string
}

export function describePlan(plan: PlanFacts): string {
  const rows = plan.drives.map((drive) => [
    drive.target.driveId,
    drive.target.path,
    formatBytes(drive.target.sizeBytes),
    grouped(drive.files),
    formatBytes(drive.bytes),
    `${Math.floor(100 * (1 - drive.freeBytes / drive.capacityBytes))} %`,
    printable(drive.target.description),
  ])
  const { drives, lowerBound } = plan
  const needed = lowerBound === drives.length ? 'no fewer would do' : `at least ${lowerBound} would be needed`
  const content = `${counted(plan.files, 'file')}, ${formatBytes(plan.bytes)}`
  const lines = [
    ...(plan.replaces === undefined ? [] : [`Drive ${plan.replaces} is given up: no job will name it.`]),
    `Session ${plan.sessionId}: ${content}, on ${counted(drives.length, 'drive')} (${needed}).`,
    table(['DRIVE', 'PATH', 'SIZE', 'FILES', 'BYTES', 'FULL', 'NOW'], rows),
    ...describeFolders(drives),
  ]
  for (const drive of plan.unused) lines.push(`${drive.driveId} (${drive.path}) is not needed.`)
  return [...lines, ...describeSkipped(plan.skipped)].join('\n')
}

const foldersShown = 5

function describeFolders(drives: PlanFacts['drives']): string[] {
  const trees = drives.flatMap(({ plan, files }) => (plan === undefined ? [] : [{ tree: plan.tree, files }]))
  if (drives.length < 2 || trees.length < drives.length) return []
  const spread = folderSpread(trees)
  const idOf = (drive: number) => drives[drive]?.target.driveId ?? ''
  const lines = spread.whole.flatMap((folders, drive) => {
    return folders.length === 0 ? [] : [`Whole on ${idOf(drive)}: ${some(folders)}`]
  })
  const split = spread.split.map(({ path, drives: on }) => `${path || '/'} (${on.map(idOf).join(', ')})`)
  if (split.length > 0) lines.push(`Split over drives: ${some(split)}`)
  return lines
}

function some(items: readonly string[]): string {
  const shown = items.slice(0, foldersShown).map(printable).join(', ')
  return items.length > foldersShown ? `${shown} and ${grouped(items.length - foldersShown)} more` : shown
}

const skippedShown = 20

function describeSkipped(skipped: PlanFacts['skipped']): string[] {
  if (skipped.length === 0) return []
  const lines = skipped.slice(0, skippedShown).map((entry) => `  ${entry.reason}: ${printable(entry.path)}`)
  if (skipped.length > skippedShown)
    lines.push(`  and ${grouped(skipped.length - skippedShown)} more (all of them with --json)`)
  return [`Left out: ${grouped(skipped.length)}`, ...lines]
}

export function planToJson(plan: PlanFacts): Record<string, unknown> {
  const { sessionId, files, bytes, lowerBound, skipped, unused } = plan
  const drives = plan.drives.map(({ target, files, bytes, capacityBytes, freeBytes }) => {
    const { path, driveId, sizeBytes, description } = target
    return { driveId, path, sizeBytes, description, files, bytes, capacityBytes, freeBytes }
  })
  const json = { sessionId, files, bytes, lowerBound, drives, unused: unused.map((drive) => drive.driveId), skipped }
  return plan.replaces === undefined ? json : { ...json, replaces: plan.replaces }
}

export interface SessionFacts {
  sessionId: string
  journalPath: string
  drives: readonly {
    driveId: string
    path: string
    outcome: string
    files: number
    bytes: number
    dropped: readonly string[]
    recoveryPassword: string
    manifestHash?: string
    seconds: number
    error?: { code: string; message: string; hint?: string | undefined }
  }[]
  replaced: readonly { driveId: string; by: readonly string[] }[]
  seconds: number
  isPartial: boolean
}

/** The one place that shows recovery passwords: once, when the drives are ready. */
export function describeSession(session: SessionFacts): string {
  const rows = session.drives.map((drive) => [
    drive.driveId,
    drive.path,
    drive.outcome,
    grouped(drive.files),
    formatBytes(drive.bytes),
    drive.seconds > 0.01 ? formatRate(drive.bytes / drive.seconds) : '',
    drive.recoveryPassword,
  ])
  const bytes = session.drives.reduce((sum, drive) => sum + drive.bytes, 0)
  const isReadBack = session.drives.every((drive) => drive.outcome === 'prepared')
  const lines = [
    table(['DRIVE', 'PATH', 'STATE', 'FILES', 'BYTES', 'RATE', 'RECOVERY PASSWORD'], rows),
    `${formatBytes(bytes)} in ${formatDuration(session.seconds)}${isReadBack ? ', written and read back' : ''}. Journal: ${session.journalPath}`,
    'The recovery passwords are shown this once; the journal keeps them. Whoever has one can read the drive.',
  ]
  if (session.drives.some((drive) => drive.outcome === 'written')) {
    lines.push(
      'Drives that are only "written" were not read back (--no-verify): do not ship them before diskferry verify.',
    )
  }
  for (const drive of session.drives) {
    if (drive.error !== undefined)
      lines.push(`${drive.driveId} failed: ${printable(drive.error.message)} (${drive.error.code})`)
    if (drive.error?.hint !== undefined) lines.push(`  ${printable(drive.error.hint)}`)
    if (drive.outcome === 'unfinished') lines.push(`${drive.driveId} was not given to this run and is not finished.`)
    for (const reason of drive.dropped) lines.push(`${drive.driveId} left out: ${printable(reason)}`)
  }
  for (const { driveId, by } of session.replaced)
    lines.push(`${driveId} was given up for ${by.join(', ')}: do not ship it.`)
  if (session.isPartial) lines.push('DONE IN PART: see above for what is missing (exit code 3).')
  return lines.join('\n')
}

export function sessionToJson(session: SessionFacts): Record<string, unknown> {
  const drives = session.drives.map(({ error, ...drive }) => {
    return error === undefined
      ? drive
      : { ...drive, error: { code: error.code, message: error.message, hint: error.hint } }
  })
  return { ...session, drives }
}
