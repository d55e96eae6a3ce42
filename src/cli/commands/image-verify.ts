// diskferry image verify: compares an image with its own digests, or a device with its image. Writes nothing.

import type { CommandModule } from 'yargs'
import { describeImageVerification, exitCodes, verifyImage } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import { followRun, shareOption } from '../image-options.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface VerifyWords extends GlobalOptions {
  image: string
  format?: 'lz4' | 'raw' | 'vhd'
  against?: string
  sample?: string
  digests: boolean
}

export const imageVerifyCommand: CommandModule<GlobalOptions, VerifyWords> = {
  command: 'verify <image>',
  describe: 'Check every block of an image, or compare a device with it',
  builder: (options) =>
    options
      .positional('image', { type: 'string', demandOption: true, describe: 'The image' })
      .option('format', { choices: ['lz4', 'raw', 'vhd'] as const, describe: 'Take the image for this' })
      .option('against', { type: 'string', describe: 'A device or file to compare with the image' })
      .option('sample', { type: 'string', describe: 'Only so much of it, chosen at random: 5%' })
      .option('digests', {
        type: 'boolean',
        default: false,
        describe: 'Also compute the digests of the whole again (slower, and finds nothing that the blocks do not)',
      })
      .example('$0 image verify backup.img.lz4 --against /dev/sdb', '')
      .epilogue(exitCodeHelp) as never,
  handler: async (words) => {
    const terminal = createTerminal(words)
    const { image, format, against, digests } = words
    const sample = shareOption(words.sample)
    const run = verifyImage({
      image,
      digests,
      ...(format === undefined ? {} : { format }),
      ...(against === undefined ? {} : { against }),
      ...(sample === undefined ? {} : { sample }),
    })
    const report = await followRun(run, terminal)
    terminal.emit({ event: 'image-verified', ...report })
    terminal.print(describeImageVerification(report))
    if (!report.sound) process.exitCode = exitCodes.damage
  },
}
