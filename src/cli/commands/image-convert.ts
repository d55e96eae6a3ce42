// diskferry image convert: LZ4, raw and VHD into each other, and what other programs wrote into ours.

import type { CommandModule } from 'yargs'
import { convertImage, describeCapture } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import { followRun } from '../image-options.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface ConvertWords extends GlobalOptions {
  image: string
  to: string
  format?: 'lz4' | 'raw' | 'vhd'
  from?: 'lz4' | 'raw' | 'vhd'
  level: 'fast' | 'default' | 'hc'
  overwrite: boolean
}

export const imageConvertCommand: CommandModule<GlobalOptions, ConvertWords> = {
  command: 'convert <image> <to>',
  describe: 'Make an image of another form: lz4, raw, vhd',
  builder: (options) =>
    options
      .positional('image', { type: 'string', demandOption: true, describe: 'An image, any .lz4, a fixed .vhd, or raw' })
      .positional('to', { type: 'string', demandOption: true, describe: 'The file to make' })
      .option('format', { choices: ['lz4', 'raw', 'vhd'] as const, describe: 'By the new name when not given' })
      .option('from', { choices: ['lz4', 'raw', 'vhd'] as const, describe: 'Take the old image for this' })
      .option('level', {
        choices: ['fast', 'default', 'hc'] as const,
        default: 'fast' as const,
        describe: 'How hard to compress',
      })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace a file that is there' })
      .example('$0 image convert backup.img.lz4 backup.vhd', '')
      .epilogue(exitCodeHelp) as never,
  handler: async (words) => {
    const terminal = createTerminal(words)
    const { image, to, format, from, level, overwrite } = words
    const kinds = { ...(format === undefined ? {} : { format }), ...(from === undefined ? {} : { from }) }
    const result = await followRun(convertImage({ image, to, level, overwrite, ...kinds }), terminal)
    terminal.emit({ event: 'image-converted', ...result })
    const facts = { ...result, image: result.to, skippedBytes: 0, unreadable: [], resumedAtBytes: 0 }
    terminal.print(describeCapture(facts))
  },
}
