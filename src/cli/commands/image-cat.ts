// diskferry image cat: any part of an image on stdout, as it is. No JSON: what is printed is the content.

import type { CommandModule } from 'yargs'
import { readImage } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import { byteOption } from '../image-options.js'
import type { GlobalOptions } from '../options.js'
import { abortOnSignals } from '../signals.js'

interface CatWords extends GlobalOptions {
  image: string
  format?: 'lz4' | 'raw' | 'vhd'
  offset: string
  length?: string
}

export const imageCatCommand: CommandModule<GlobalOptions, CatWords> = {
  command: 'cat <image>',
  describe: 'Print a part of the device in an image, without unpacking the rest',
  builder: (options) =>
    options
      .positional('image', { type: 'string', demandOption: true, describe: 'The image' })
      .option('format', { choices: ['lz4', 'raw', 'vhd'] as const, describe: 'Take the image for this' })
      .option('offset', { type: 'string', default: '0', describe: 'Bytes from the start of the device, such as 1M' })
      .option('length', { type: 'string', describe: 'Bytes; to the end when not given' })
      .example('$0 image cat backup.img.lz4 --offset 1M --length 4K | xxd', '')
      .epilogue(exitCodeHelp) as never,
  handler: async ({ image, format, offset, length, json }) => {
    if (json) throw new TypeError('expected image cat without --json: it prints the content itself')
    const { signal, done } = abortOnSignals()
    const lengthBytes = byteOption(length, '--length')
    const pieces = readImage({
      image,
      offsetBytes: byteOption(offset, '--offset') ?? 0,
      signal,
      ...(lengthBytes === undefined ? {} : { lengthBytes }),
      ...(format === undefined ? {} : { format }),
    })
    try {
      for await (const piece of pieces) if (!(await isPrinted(piece))) return
    } finally {
      done()
    }
  },
}

/** False when nobody takes any more, or where it goes is full: src/cli/main.ts tells of that. */
function isPrinted(piece: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(piece, (error) => resolve(!error))
  })
}
