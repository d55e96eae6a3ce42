// Saves what is good of an LZ4 image: a tail that is missing and blocks that are damaged become zeros, recorded as unreadable, so
// that size and geometry hold and every reader takes it again. The damaged file stays as it is; the result is another one.

import { rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TransferError } from '../errors.js'
import type { ByteRange } from '../formats/byte-ranges.js'
import { forgetCapture, holdImage } from './hold-image.js'
import { namesOf, partialPath } from './image-names.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { openImage, readTrailer } from './open-image.js'
import { withFile } from './read-file.js'
import { refuseInput } from './refuse-input.js'
import { type IndexedImage, repairBlocks } from './repair-blocks.js'
import { repairTail } from './repair-tail.js'

export interface RepairOptions {
  image: string
  /** The file to make. */
  to: string
  overwrite?: boolean
  signal?: AbortSignal
}

export interface RepairedImage {
  image: string
  to: string
  contentBytes: number
  imageBytes: number
  /** Blocks of the device that are good, and all. */
  goodBlocks: number
  blocks: number
  /** What is zeros now because it was not found. */
  lost: ByteRange[]
  notes: string[]
  seconds: number
}

/**
 * `result` rejects with TransferError: IMAGE_INVALID for what was never an image of this program, IMAGE_UNSUPPORTED for raw and
 * VHD images, FILE_EXISTS, DEVICE_FULL, INTERRUPTED.
 */
export function repairImage(options: RepairOptions): ImageRun<RepairedImage> {
  const full = { ...options, image: resolve(options.image), to: resolve(options.to) }
  return startImageRun((context) => holdImage(full.to, () => repair(full, context)), options.signal)
}

async function repair(options: RepairOptions, context: RunContext): Promise<RepairedImage> {
  const startedMs = performance.now()
  const { image, to, overwrite } = options
  if (image === to) throw new TypeError('expected another file for to than the image itself')
  await refuseInput(image, namesOf(to))
  for (const path of [to, partialPath(to)]) {
    if (overwrite === true || (await stat(path).catch(() => undefined)) === undefined) continue
    throw new TransferError('FILE_EXISTS', `${path} is there already.`, { path, hint: 'Replace it with --overwrite.' })
  }
  try {
    const found = await openWhole(image)
    await forgetCapture(to)
    const done = found === undefined ? await repairTail(options, context) : await repairBlocks(found, options, context)
    return { ...done, image, to, seconds: (performance.now() - startedMs) / 1000 }
  } finally {
    await rm(partialPath(to), { force: true })
  }
}

/** Undefined when the trailer is missing or damaged. */
async function openWhole(path: string): Promise<IndexedImage | undefined> {
  try {
    const found = await openImage(path)
    if (found.container !== 'lz4') {
      const message = `${path} is a ${found.container} image, in which nothing can be told apart.`
      throw new TransferError('IMAGE_UNSUPPORTED', message, {
        path,
        hint: 'image verify says which blocks are damaged.',
      })
    }
    return found.trailer === undefined ? undefined : { ...found, trailer: found.trailer }
  } catch (error) {
    const isRepairable = error instanceof TransferError && ['IMAGE_DAMAGED', 'IMAGE_INCOMPLETE'].includes(error.code)
    // A changed header of the frame is damage too; the trailer says what it was.
    if (isRepairable) return trailerAlone(path)
    throw error
  }
}

async function trailerAlone(path: string): Promise<IndexedImage | undefined> {
  return withFile(path, async (file, fileBytes) => {
    const trailer = await readTrailer(path, file, fileBytes).catch(() => undefined)
    if (trailer === undefined || trailer.foot.container !== 'lz4') return undefined
    return { path, fileBytes, container: 'lz4' as const, contentBytes: trailer.foot.contentBytes, trailer }
  })
}
