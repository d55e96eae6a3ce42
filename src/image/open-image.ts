// What kind of image a file is, and its trailer where it has one. Everything is checked against the file's length and each other
// before anything is read by it; the blocks themselves are checked when they are read.

import { type FileHandle, open } from 'node:fs/promises'
import type { ImageContent } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import { type ImageDescription, parseDescription } from '../formats/image-description.js'
import { encodeIndex, type ImageIndex, parseIndex } from '../formats/image-index.js'
import {
  checkTrailerPart,
  footBytes,
  type ImageContainer,
  type ImageFoot,
  parseFoot,
  partPlace,
} from '../formats/image-trailer.js'
import { frameHeaderBytes, looksLikeLz4, ourContentBytes } from '../formats/lz4-frame.js'
import { parseVhdFooter, vhdFooterBytes } from '../formats/vhd-footer.js'
import { checkFrame } from './check-frame.js'
import { mapPath } from './image-names.js'
import { otherFormat } from './other-formats.js'
import { readAt, withFile } from './read-file.js'

export interface ImageTrailer {
  foot: ImageFoot
  index: ImageIndex
  description: ImageDescription
  /** The file that it is in: the image, or the one beside it. */
  path: string
}

export interface FoundImage {
  path: string
  fileBytes: number
  container: ImageContainer
  /** Of the device. Undefined for an LZ4 file of another program, which tells only when it is read to its end. */
  contentBytes?: number
  trailer?: ImageTrailer
}

/**
 * @param container takes the file for this, whatever it looks like, and without the trailer beside it.
 * @throws TransferError FILE_NOT_FOUND, IMAGE_INVALID, IMAGE_DAMAGED, IMAGE_INCOMPLETE, IMAGE_UNSUPPORTED
 */
export async function openImage(path: string, container?: ImageContainer): Promise<FoundImage> {
  return withFile(path, async (file, fileBytes) => {
    const start = await readAt(file, 0, Math.min(512, fileBytes))
    if (container === undefined ? looksLikeLz4(start) : container === 'lz4')
      return lz4Image(path, file, fileBytes, start)
    const beside = container === undefined ? await besideTrailer(path, fileBytes) : undefined
    const isVhd = container === undefined ? beside?.foot.container !== 'raw' : container === 'vhd'
    const footer = isVhd ? await vhdSize(path, file, fileBytes) : undefined
    if (footer !== undefined) return vhdImage(path, fileBytes, footer, beside)
    const needsFooter = container === 'vhd' || beside?.foot.container === 'vhd'
    if (needsFooter) throw new TransferError('IMAGE_DAMAGED', `${path} has no footer of a VHD.`, { path })
    const other = container === undefined && beside === undefined ? otherFormat(start) : undefined
    if (other !== undefined) {
      throw new TransferError('IMAGE_UNSUPPORTED', `${path} is ${other.name}.`, { path, hint: other.hint })
    }
    if (fileBytes === 0 || fileBytes % 512 !== 0) {
      const message = `${path} has ${fileBytes} bytes: a raw image is whole sectors of 512.`
      throw new TransferError('IMAGE_INVALID', message, { path, hint: 'Is it an image?' })
    }
    return { path, fileBytes, container: 'raw', contentBytes: fileBytes, ...(beside && { trailer: beside }) }
  })
}

async function lz4Image(path: string, file: FileHandle, fileBytes: number, start: Buffer): Promise<FoundImage> {
  const trailer = await readTrailer(path, file, fileBytes)
  if (trailer !== undefined) {
    if (trailer.foot.container !== 'lz4') throw damaged(path, `its foot is that of a ${trailer.foot.container} image`)
    await checkFrame(file, trailer)
    return { path, fileBytes, container: 'lz4', contentBytes: trailer.foot.contentBytes, trailer }
  }
  // Other programs can write the same header; what they write ends with an end mark and nothing behind it.
  const isOurs = ourContentBytes(start.subarray(0, frameHeaderBytes)) !== undefined
  const end = await readAt(file, fileBytes - 4, 4)
  if (isOurs && end.readUInt32LE(0) !== 0) {
    const message = `${path} ends without its trailer: its capture did not finish, or the copy was cut off.`
    throw new TransferError('IMAGE_INCOMPLETE', message, {
      path,
      hint: 'image capture --resume goes on with a capture; image repair saves what is there.',
    })
  }
  return { path, fileBytes, container: 'lz4' }
}

async function vhdSize(path: string, file: FileHandle, fileBytes: number): Promise<number | undefined> {
  if (fileBytes < vhdFooterBytes) return undefined
  try {
    return parseVhdFooter(await readAt(file, fileBytes - vhdFooterBytes, vhdFooterBytes), fileBytes)?.contentBytes
  } catch (error) {
    throw named(path, error)
  }
}

function vhdImage(path: string, fileBytes: number, contentBytes: number, trailer?: ImageTrailer): FoundImage {
  if (trailer !== undefined && trailer.foot.contentBytes !== contentBytes) {
    throw damaged(path, `its footer tells of ${contentBytes} bytes, ${trailer.path} of ${trailer.foot.contentBytes}`)
  }
  return { path, fileBytes, container: 'vhd', contentBytes, ...(trailer && { trailer }) }
}

async function besideTrailer(path: string, fileBytes: number): Promise<ImageTrailer | undefined> {
  const beside = mapPath(path)
  const found = await open(beside, 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new TransferError('SOURCE_READ_FAILED', `${beside} cannot be opened: ${cause.message}.`, {
      cause,
      path: beside,
    })
  })
  if (found === undefined) return undefined
  try {
    const trailer = await readTrailer(beside, found, (await found.stat()).size)
    if (trailer === undefined) throw damaged(beside, 'it is no index of an image')
    const { container, dataBytes } = trailer.foot
    if (container === 'lz4') throw damaged(beside, 'it belongs to an LZ4 image')
    if (dataBytes !== fileBytes) throw damaged(path, `it has ${fileBytes} bytes, and ${dataBytes} by ${beside}`)
    return trailer
  } finally {
    await found.close()
  }
}

/** Undefined for a file without a foot. @throws TransferError IMAGE_DAMAGED, IMAGE_UNSUPPORTED */
export async function readTrailer(
  path: string,
  file: FileHandle,
  fileBytes: number,
): Promise<ImageTrailer | undefined> {
  if (fileBytes < footBytes) return undefined
  try {
    const foot = parseFoot(await readAt(file, fileBytes - footBytes, footBytes), fileBytes)
    if (foot === undefined) return undefined
    const part = async (name: 'index' | 'description') => {
      const { offsetBytes, lengthBytes } = partPlace(name, foot)
      return checkTrailerPart(name, await readAt(file, offsetBytes, lengthBytes), foot)
    }
    const isPacked = foot.container === 'lz4'
    const index = parseIndex(await part('index'), { contentBytes: foot.contentBytes, isPacked })
    const description = parseDescription(await part('description'), foot.contentBytes)
    return { foot, index, description, path }
  } catch (error) {
    throw named(path, error)
  }
}

/** Where the native module finds the content. */
export function contentOf(image: FoundImage): ImageContent {
  const { path, container, contentBytes, trailer } = image
  const index = trailer === undefined ? undefined : Buffer.concat(encodeIndex(trailer.index))
  if (container !== 'lz4') {
    const lengthBytes = contentBytes as number
    return { kind: 'raw', path, offsetBytes: 0, lengthBytes, ...(index === undefined ? {} : { index }) }
  }
  if (index === undefined) return { kind: 'lz4', path }
  return { kind: 'indexed', path, index, sizeBytes: contentBytes as number }
}

function damaged(path: string, what: string): TransferError {
  return new TransferError('IMAGE_DAMAGED', `${path} is damaged: ${what}.`, { path })
}

/** The same error with the file's name in front of it. */
function named(path: string, error: unknown): unknown {
  if (!(error instanceof TransferError)) return error
  const hint = error.hint ?? 'image repair saves what is good of an LZ4 image.'
  return new TransferError(error.code, `${path}: ${error.message}`, { path, cause: error, hint })
}
