// diskferry image capture: reads a device into an image. The device is only read.

import type { CommandModule } from 'yargs'
import {
  type CaptureOptions,
  captureImage,
  describeCapture,
  describeCapturePlan,
  exitCodes,
  planCapture,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import { followRun, rateOption } from '../image-options.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface CaptureWords extends GlobalOptions {
  device: string
  image: string
  format?: 'lz4' | 'raw' | 'vhd'
  usedOnly: boolean
  trustUnclean: boolean
  hash?: string
  level?: 'fast' | 'default' | 'hc'
  rescue: boolean
  retries?: number
  rescueMap?: string
  limitRate?: string
  resume: boolean
  overwrite: boolean
  allowMounted: boolean
  dryRun: boolean
}

export const imageCaptureCommand: CommandModule<GlobalOptions, CaptureWords> = {
  command: 'capture <device> <image>',
  describe: 'Read a device into an image: compressed, with digests, resumable',
  builder: (options) =>
    options
      .positional('device', {
        type: 'string',
        demandOption: true,
        describe: 'A disk, a partition, or a raw image file',
      })
      .positional('image', { type: 'string', demandOption: true, describe: 'The file to make, such as backup.img.lz4' })
      .option('format', {
        choices: ['lz4', 'raw', 'vhd'] as const,
        describe: 'By the name when not given: .vhd; .raw .img .dd .bin are raw; all others lz4',
      })
      .option('used-only', {
        type: 'boolean',
        default: false,
        describe: 'Leave out what the file systems say is unused',
      })
      .option('trust-unclean', {
        type: 'boolean',
        default: false,
        describe: 'With --used-only: believe also file systems that are mounted, or were not unmounted',
      })
      .option('hash', { type: 'string', describe: 'Of the whole: md5,sha1,sha256, or none; sha256 when not given' })
      .option('level', {
        choices: ['fast', 'default', 'hc'] as const,
        describe: 'How hard to compress; fast when not given',
      })
      .option('rescue', { type: 'boolean', default: false, describe: 'Read around bad sectors, and record them' })
      .option('retries', {
        type: 'number',
        describe: 'With --rescue: how often a bad sector is tried again; once when not given',
      })
      .option('rescue-map', {
        type: 'string',
        describe: 'With --rescue: map file of ddrescue; read when it is there, and written at the end',
      })
      .option('limit-rate', { type: 'string', describe: 'Bytes a second to read at most, such as 100M' })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: 'Go on with an unfinished capture, if there is one',
      })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace an image that is there' })
      .option('allow-mounted', {
        type: 'boolean',
        default: false,
        describe: 'Capture a device that is mounted: the image may not be consistent',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Show what would be read, and stop' })
      .example('$0 image capture /dev/sdb backup.img.lz4 --used-only', '')
      .example('$0 image capture /dev/sdb backup.img.lz4 --rescue --rescue-map sdb.map', 'a failing disk')
      .epilogue(`After an interruption: the same command with --resume.\n\n${exitCodeHelp}`) as never,
  handler: async (words) => {
    const terminal = createTerminal(words)
    const options = captureOptions(words)
    if (words.dryRun) {
      const plan = await planCapture(options)
      terminal.emit({ event: 'image-plan', image: words.image, ...plan })
      terminal.print(describeCapturePlan(words.image, plan))
      return
    }
    const result = await followRun(captureImage(options), terminal)
    terminal.emit({ event: 'image-captured', ...result })
    terminal.print(describeCapture(result))
    if (result.unreadable.length > 0) process.exitCode = exitCodes.partly
  },
}

function captureOptions(words: CaptureWords): CaptureOptions {
  const {
    device,
    image,
    format,
    usedOnly,
    trustUnclean,
    level,
    resume,
    overwrite,
    allowMounted,
    rescue,
    retries,
    rescueMap,
  } = words
  if (resume && overwrite) throw new TypeError('expected --resume or --overwrite, not both')
  if (retries !== undefined && !rescue) throw new TypeError('expected --retries only with --rescue')
  return {
    source: device,
    image,
    trustUnclean,
    resume,
    overwrite,
    allowMounted,
    // Only what was asked for is compared with what an unfinished capture began with.
    ...(usedOnly ? { usedOnly } : {}),
    ...(words.hash === undefined ? {} : { hashes: hashesOf(words.hash) }),
    ...(level === undefined ? {} : { level }),
    ...(format === undefined ? {} : { format }),
    ...(rescue ? { rescue: { retries: retries ?? 1 } } : {}),
    ...(rescueMap === undefined ? {} : { rescueMap }),
    ...rateOption(words.limitRate),
  }
}

/** The library refuses names that are no digests. */
function hashesOf(text: string): NonNullable<CaptureOptions['hashes']> {
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim().toLowerCase())
  return names as NonNullable<CaptureOptions['hashes']>
}
