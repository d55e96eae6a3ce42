// The last steps of an image: what stands behind its data (the trailer, a VHD's footer), and the name that says it is whole.
// Each is on stable storage before the next.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import type { ImageDescription } from '../formats/image-description.js'
import { blockLengthBytes, type ImageIndex, indexRecordBytes, markKinds } from '../formats/image-index.js'
import { encodeTrailer, type ImageContainer } from '../formats/image-trailer.js'
import { encodeVhdFooter } from '../formats/vhd-footer.js'
import { renameDurably } from '../sync-folder.js'
import { mapPath, partialPath } from './image-names.js'

export interface ImageData {
  container: ImageContainer
  contentBytes: number
  /** Of the file with the data: an LZ4 frame with its end mark, or the device as it is. */
  dataBytes: number
  index: ImageIndex
  description: ImageDescription
}

/**
 * Gives a file that holds the whole data its end and its name.
 * @param from where the data is; @param to what the image is to be called.
 * @returns the length of the image.
 * @throws TransferError DEVICE_FULL, DEVICE_WRITE_FAILED
 */
export async function finishImage(from: string, to: string, data: ImageData): Promise<number> {
  const { container, contentBytes, description, index } = data
  let { dataBytes } = data
  if (container === 'vhd') {
    const made = { at: new Date(description.startedAt), uniqueId: randomBytes(16) }
    await appendDurably(from, contentBytes, [encodeVhdFooter(contentBytes, made)])
    dataBytes = contentBytes + 512
  }
  markKinds(index, contentBytes, description)
  if (container !== 'lz4') storeWhole(index, contentBytes)
  const trailer = encodeTrailer({ container, contentBytes, dataBytes, index, description })
  if (container === 'lz4') {
    const imageBytes = await appendDurably(from, dataBytes, trailer)
    await forgetMap(to)
    await renameDurably(from, to)
    return imageBytes
  }
  const map = mapPath(to)
  await appendDurably(partialPath(map), 0, trailer)
  await renameDurably(partialPath(map), map)
  await renameDurably(from, to)
  return dataBytes
}

/** An index that an older image of that name left would be taken for that of the new one. */
export async function forgetMap(image: string): Promise<void> {
  await rm(mapPath(image), { force: true }).catch((cause) => {
    throw writeError(mapPath(image), cause)
  })
}

/** In an image that is the device as it is, each block is its content. */
function storeWhole(index: ImageIndex, contentBytes: number): void {
  for (let block = 0; block < index.blocks; block++) {
    index.records.writeUInt32LE(blockLengthBytes(block, contentBytes), block * indexRecordBytes)
  }
}

async function appendDurably(path: string, offsetBytes: number, pieces: readonly Buffer[]): Promise<number> {
  return writing(path, async (file) => {
    await file.truncate(offsetBytes)
    let at = offsetBytes
    for (const piece of pieces) {
      await writeAll(file, piece, at)
      at += piece.length
    }
    await file.sync()
    return at
  })
}

async function writing<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return open(path, 'w+')
      throw error
    })
    return await use(file)
  } catch (cause) {
    throw writeError(path, cause)
  } finally {
    await file?.close()
  }
}

export async function writeAll(file: FileHandle, bytes: Buffer, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offsetBytes + done)
    done += bytesWritten
  }
}

export function writeError(path: string, cause: unknown): unknown {
  if (cause instanceof TransferError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
  return new TransferError(isFull ? 'DEVICE_FULL' : 'DEVICE_WRITE_FAILED', `${path} cannot be written: ${message}.`, {
    path,
    cause,
  })
}
