// diskferry image restore: writes an image onto devices or files, several at once. ERASES them.

import type { CommandModule } from 'yargs'
import { describeRestore, planRestore, printable, type RestorePlan, restoreImage } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import { confirmTargets, errorToJson, followRun, rateOption, restoreExitCode } from '../image-options.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal, type Terminal } from '../terminal.js'

interface RestoreWords extends GlobalOptions {
  image: string
  targets: string[]
  format?: 'lz4' | 'raw' | 'vhd'
  verify: boolean
  sparse: boolean
  discard: boolean
  fixGpt: boolean
  resume: boolean
  overwrite: boolean
  limitRate?: string
  yes: boolean
  dryRun: boolean
}

export const imageRestoreCommand: CommandModule<GlobalOptions, RestoreWords> = {
  command: 'restore <image> <targets..>',
  describe: 'Write an image onto one device or several at once (ERASES them)',
  builder: (options) =>
    options
      .positional('image', { type: 'string', demandOption: true, describe: 'An image, any .lz4, a fixed .vhd, or raw' })
      .positional('targets', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Disks, partitions, or files (made when missing)',
      })
      .option('format', { choices: ['lz4', 'raw', 'vhd'] as const, describe: 'Take the image for this' })
      .option('verify', { type: 'boolean', default: false, describe: 'Read every target back and compare it' })
      .option('sparse', {
        type: 'boolean',
        default: false,
        describe: 'Leave alone what is zeros: for targets known empty',
      })
      .option('discard', { type: 'boolean', default: false, describe: 'Discard what is zeros instead of writing it' })
      .option('fix-gpt', {
        type: 'boolean',
        default: false,
        describe: 'On a larger target: move the backup partition table to its end',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: 'Compare what is there first; write what differs',
      })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Write over files that are there' })
      .option('limit-rate', { type: 'string', describe: 'Bytes a second to each target at most, such as 100M' })
      .option('yes', {
        type: 'boolean',
        default: false,
        describe: 'Erase the targets without asking for their serials',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Show what would be written, and stop' })
      .example('$0 image restore backup.img.lz4 /dev/sdc /dev/sdd --verify', '')
      .epilogue(`ERASES the targets.\n\n${exitCodeHelp}`) as never,
  handler: async (words) => {
    const terminal = createTerminal(words)
    const { image, targets, format, verify, sparse, discard, fixGpt, resume, overwrite, yes, dryRun } = words
    if (sparse && discard) throw new TypeError('expected --sparse or --discard, not both')
    const rate = rateOption(words.limitRate)
    const plan = await planRestore({ image, targets, resume, overwrite, ...(format === undefined ? {} : { format }) })
    tellPlan(plan, terminal)
    if (dryRun) return
    await confirmTargets(plan.targets, yes, terminal)
    const zeros = sparse ? { zeros: 'skip' as const } : discard ? { zeros: 'discard' as const } : {}
    const result = await followRun(restoreImage(plan, { verify, fixGpt, ...zeros, ...rate }), terminal, plan.notes)
    const told = result.targets.map(({ path, outcome, error }) => ({ path, outcome, ...errorToJson(error) }))
    terminal.emit({ event: 'image-restored', ...result, targets: told })
    terminal.print(describeRestore(result))
    // What became of --fix-gpt.
    for (const note of result.notes.filter((text) => !plan.notes.includes(text)))
      terminal.print(`Note: ${printable(note)}`)
    process.exitCode = restoreExitCode(result.targets)
  },
}

function tellPlan({ image, targets, notes }: RestorePlan, terminal: Terminal): void {
  const { path, container, contentBytes } = image
  terminal.emit({ event: 'restore-plan', image: path, container, contentBytes, targets, notes })
  for (const target of targets) terminal.print(`${target.path}: ${target.description}`)
  // Before anybody is asked whether to erase it.
  for (const note of notes) terminal.warn(`Note: ${printable(note)}`)
}
