// diskferry image repair: saves what is good of an LZ4 image that was cut off or damaged, as another file.

import type { CommandModule } from 'yargs'
import { exitCodes, formatBytes, repairImage } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import { followRun } from '../image-options.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface RepairWords extends GlobalOptions {
  image: string
  to: string
  overwrite: boolean
}

export const imageRepairCommand: CommandModule<GlobalOptions, RepairWords> = {
  command: 'repair <image> <to>',
  describe: 'Save what is good of an image that was cut off or damaged',
  builder: (options) =>
    options
      .positional('image', { type: 'string', demandOption: true, describe: 'The damaged image; it stays as it is' })
      .positional('to', { type: 'string', demandOption: true, describe: 'The file to make' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace a file that is there' })
      .example('$0 image repair cut.img.lz4 saved.img.lz4', '')
      .epilogue(`What is lost becomes zeros, listed as unreadable; exit status 3 then.\n\n${exitCodeHelp}`) as never,
  handler: async (words) => {
    const terminal = createTerminal(words)
    const { image, to, overwrite } = words
    const result = await followRun(repairImage({ image, to, overwrite }), terminal)
    terminal.emit({ event: 'image-repaired', ...result })
    const lostBytes = result.lost.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
    terminal.print(
      `${to}: ${result.goodBlocks} of ${result.blocks} blocks are good, ${formatBytes(lostBytes)} are zeros now`,
    )
    for (const note of result.notes) terminal.print(`Note: ${note}`)
    if (lostBytes > 0) process.exitCode = exitCodes.partly
  },
}
