// diskferry vault restore: shows what it would overwrite, asks, restores, reads back.

import { resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import {
  formatBytes,
  overwritten,
  previewRestore,
  printable,
  type RestorePreview,
  restoreVault,
  TransferError,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import type { Terminal } from '../terminal.js'
import {
  type VaultOptions,
  type VaultStorageOptions,
  vaultEnvironmentHelp,
  vaultStorageOptions,
} from '../vault/options.js'
import { withGlance } from '../vault/with-vault.js'

interface RestoreWords extends VaultOptions, VaultStorageOptions {
  snapshot: string
  into?: string
  inPlace: boolean
  path?: string[]
  dryRun: boolean
  yes: boolean
  verify: boolean
}

export const vaultRestoreCommand: CommandModule<GlobalOptions, RestoreWords> = {
  command: 'restore [snapshot]',
  describe: 'Restore a snapshot, below a folder or where it came from',
  builder: (options) =>
    vaultStorageOptions(options)
      .positional('snapshot', { type: 'string', default: 'latest', describe: 'Id of the snapshot' })
      .option('into', { type: 'string', describe: 'Folder that everything is put below' })
      .option('in-place', { type: 'boolean', default: false, describe: 'Where it came from; replaces what is there' })
      .option('path', { type: 'string', array: true, describe: 'Only this file or folder (repeatable)' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Say what would be overwritten, and stop' })
      .option('yes', { type: 'boolean', default: false, describe: 'Overwrite without asking' })
      .option('verify', { type: 'boolean', default: true, describe: 'Read back what was written' })
      .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
  handler: async (options) => {
    const { snapshot, into, inPlace, path = [], dryRun, verify } = options
    if ((into === undefined) !== inPlace) throw new TypeError('expected --into DIR, or --in-place')
    await withGlance(options, async ({ access, terminal, ...look }) => {
      const paths = path.map((one) => resolve(one))
      const place = into === undefined ? {} : { target: resolve(into) }
      const restore = { ...access, ...place, snapshot, paths, verify }
      const preview = await previewRestore(look, restore)
      show(preview, terminal)
      if (preview.files === 0 && paths.length > 0) {
        throw new TransferError('FILE_NOT_FOUND', `Snapshot ${snapshot} has nothing at ${paths.join(', ')}.`)
      }
      if (dryRun) return
      await confirm(preview, options, terminal)
      await restoreVault(look, { ...restore, onLine: (line) => terminal.print(printable(line)) })
      terminal.emit({
        event: 'vault-restored',
        snapshot,
        target: into ?? '/',
        files: preview.files,
        verified: verify,
      })
      const checked = verify ? ', read back and compared' : ''
      terminal.print(`Restored ${preview.files} files, ${formatBytes(preview.bytes)}${checked}.`)
    })
  },
}

const words = {
  'overwrites-newer': 'newer than the snapshot, overwritten',
  'overwrites-older': 'overwritten',
  'in-the-way': 'no file, in the way',
} as const

function show(preview: RestorePreview, terminal: Terminal): void {
  const { files, bytes, effects, examples } = preview
  terminal.emit({ event: 'vault-restore-preview', files, bytes, effects, examples })
  terminal.print(`${files} files, ${formatBytes(bytes)}: ${effects.new} new, ${effects.unchanged} the same already`)
  for (const { path, effect } of examples.slice(0, 50)) {
    terminal.print(printable(`  ${path}  (${words[effect as keyof typeof words]})`))
  }
  const left = overwritten(preview) - Math.min(50, examples.length)
  if (left > 0) terminal.print(`  and ${left} more`)
}

async function confirm(preview: RestorePreview, { yes }: RestoreWords, terminal: Terminal): Promise<void> {
  const count = overwritten(preview)
  if (count === 0 || yes) return
  const typed = await terminal.ask(`Type yes to overwrite ${count} files`, { flag: '--yes' })
  if (typed.trim().toLowerCase() === 'yes') return
  throw new TransferError('CONFIRMATION_MISSING', 'That is not yes; nothing was restored.')
}
