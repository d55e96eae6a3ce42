// diskferry image info: what an image holds, and a picture or a map of it. Reads only its ends.

import type { CommandModule } from 'yargs'
import { describeImageInfo, imageInfo, writeImageMap, writeImagePicture } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface InfoWords extends GlobalOptions {
  image: string
  format?: 'lz4' | 'raw' | 'vhd'
  svg?: string
  rescueMap?: string
}

export const imageInfoCommand: CommandModule<GlobalOptions, InfoWords> = {
  command: 'info <image>',
  describe: 'Show what an image holds: partitions, file systems, digests, bad sectors',
  builder: (options) =>
    options
      .positional('image', { type: 'string', demandOption: true, describe: 'The image; also one that is not finished' })
      .option('format', { choices: ['lz4', 'raw', 'vhd'] as const, describe: 'Take the image for this' })
      .option('svg', { type: 'string', describe: 'Write a picture of its blocks to this file' })
      .option('rescue-map', { type: 'string', describe: 'Write a map file for ddrescue' })
      .epilogue(exitCodeHelp) as never,
  handler: async ({ image, format, svg, rescueMap, json }) => {
    const terminal = createTerminal({ json })
    const info = await imageInfo(image, format)
    const { kinds: _, ...told } = info
    if (svg !== undefined) await writeImagePicture(info, svg)
    if (rescueMap !== undefined) await writeImageMap(info, rescueMap)
    terminal.emit({ event: 'image-info', ...told })
    terminal.print(describeImageInfo(info))
    for (const path of [svg, rescueMap]) if (path !== undefined) terminal.print(`Written: ${path}`)
  },
}
