// diskferry vault backup, snapshots, check, forget: the daily work with a vault, in staging or where it was adopted.

import type { Argv, CommandModule } from 'yargs'
import {
  backUpVault,
  checkVault,
  forgetInVault,
  parseByteSize,
  printable,
  type Retention,
  retentionNames,
  vaultSnapshots,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import {
  type VaultOptions,
  type VaultStorageOptions,
  vaultEnvironmentHelp,
  vaultStorageOptions,
} from '../vault/options.js'
import { backupProgress, showBackup } from '../vault/show-backup.js'
import { withGlance, withVault } from '../vault/with-vault.js'

type Words = VaultOptions & VaultStorageOptions

export const vaultBackupCommand: CommandModule<GlobalOptions, Words & { limitUpload?: string }> = {
  command: 'backup',
  describe: 'A backup: into staging while the drives travel, then into the vault',
  builder: (options) =>
    vaultStorageOptions(options)
      .option('limit-upload', { type: 'string', describe: 'At most so many bytes a second, for example 20M' })
      .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
  handler: async (options) => {
    const uploadLimit = options.limitUpload === undefined ? undefined : parseByteSize(options.limitUpload)
    if (options.limitUpload !== undefined && (uploadLimit === undefined || uploadLimit < 1024)) {
      throw new TypeError(`expected at least 1K for --limit-upload but received ${options.limitUpload}`)
    }
    await withVault(options, async ({ vault, access, terminal }) => {
      const result = await backUpVault(vault, {
        ...access,
        ...(uploadLimit === undefined ? {} : { uploadLimit }),
        onProgress: backupProgress(terminal),
        onWarning: terminal.warn,
      })
      showBackup(terminal, vault.state.job, result, vault.state.state)
    })
  },
}

export const vaultSnapshotsCommand: CommandModule<GlobalOptions, Words> = {
  command: 'snapshots',
  describe: 'The snapshots of the vault, oldest first',
  builder: (options) => vaultStorageOptions(options).epilogue(exitCodeHelp) as never,
  handler: (options) =>
    withGlance(options, async ({ access, terminal, ...look }) => {
      for (const { id, time, host, paths, tags } of await vaultSnapshots(look, access)) {
        terminal.emit({ event: 'vault-snapshot', id, time, host, paths, tags })
        terminal.print(
          printable(`${id.slice(0, 8)}  ${time.slice(0, 19).replace('T', ' ')}  ${host}  ${paths.join(' ')}`),
        )
      }
    }),
}

interface CheckWords extends Words {
  readData: boolean
  subset?: string
}

export const vaultCheckCommand: CommandModule<GlobalOptions, CheckWords> = {
  command: 'check',
  describe: 'Check the structure of the vault, or all its data',
  builder: (options) =>
    vaultStorageOptions(options)
      .option('read-data', { type: 'boolean', default: false, describe: 'Read and compare all data' })
      .option('subset', { type: 'string', describe: 'Read and compare a part: 5%, or 1/7 for the first of seven' })
      .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
  handler: async (options) => {
    const { readData, subset } = options
    if (subset !== undefined && (readData || !isSubset(subset))) {
      throw new TypeError(`expected --read-data, or --subset with 5% or 1/7, but received ${subset}`)
    }
    await withVault(options, async ({ vault, access, terminal }) => {
      await checkVault(vault, { ...access, readData: subset ?? readData })
      terminal.emit({ event: 'vault-checked', job: vault.state.job, readData: subset ?? readData })
      terminal.print(readData ? 'Sound: all data was read and compared.' : 'Sound.')
    })
  },
}

/** `5%`, `1/7`. */
function isSubset(text: string): boolean {
  const [, percent, part, parts] = /^(?:(\d{1,3}(?:\.\d+)?)%|(\d+)\/(\d+))$/.exec(text) ?? []
  if (percent !== undefined) return Number(percent) > 0 && Number(percent) <= 100
  return Number(part) > 0 && Number(part) <= Number(parts)
}

export type KeepWords = Partial<Record<'keepLast' | 'keepDaily' | 'keepWeekly' | 'keepMonthly' | 'keepYearly', number>>

export function keepOptions<T>(options: Argv<T>): Argv<T & KeepWords> {
  const units = { last: 'newest', daily: 'days', weekly: 'weeks', monthly: 'months', yearly: 'years' }
  let all: Argv = options as unknown as Argv
  for (const name of retentionNames) {
    const what = name === 'last' ? 'the newest snapshots' : `the newest of each of so many ${units[name]}`
    all = all.option(`keep-${name}`, { type: 'number', describe: `Keep ${what}` })
  }
  return all as unknown as Argv<T & KeepWords>
}

export function readKeep(words: KeepWords): Retention {
  const { keepLast: last, keepDaily: daily, keepWeekly: weekly, keepMonthly: monthly, keepYearly: yearly } = words
  const found = Object.entries({ last, daily, weekly, monthly, yearly }).filter(([, count]) => count !== undefined)
  return Object.fromEntries(found) as Retention
}

export const vaultForgetCommand: CommandModule<GlobalOptions, Words & KeepWords & { prune: boolean; dryRun: boolean }> =
  {
    command: 'forget',
    describe: 'Remove snapshots that the policy does not keep, and what only they have',
    builder: (options) =>
      keepOptions(vaultStorageOptions(options))
        .option('prune', {
          type: 'boolean',
          default: true,
          describe: 'Also remove data that nothing refers to any more',
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'Say what would go' })
        .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
    handler: async (options) => {
      const { prune, dryRun } = options
      await withVault(options, async ({ vault, access, terminal }) => {
        const { kept, removed } = await forgetInVault(vault, { ...access, keep: readKeep(options), prune, dryRun })
        terminal.emit({
          event: 'vault-forgot',
          job: vault.state.job,
          dryRun,
          kept,
          removed: removed.map(({ id }) => id),
        })
        for (const { id, time } of removed) terminal.print(`${id.slice(0, 8)}  ${time.slice(0, 19).replace('T', ' ')}`)
        terminal.print(`${dryRun ? 'Would remove' : 'Removed'} ${removed.length} snapshots, ${kept} kept.`)
      })
    },
  }
