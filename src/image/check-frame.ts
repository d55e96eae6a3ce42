// The few bytes of an image's LZ4 frame that no block has: its header, and where it ends. Both follow from the trailer.

import type { FileHandle } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import { encodeFrameHeader, endMarkBytes, frameHeaderBytes } from '../formats/lz4-frame.js'
import type { ImageTrailer } from './open-image.js'
import { readAt } from './read-file.js'

/** Of a block in the frame: its size before it, its checksum behind it. */
const blockFrameBytes = 8

/** @throws TransferError IMAGE_DAMAGED */
export async function checkFrame(file: FileHandle, { foot, index, path }: ImageTrailer): Promise<void> {
  const damaged = (what: string) => {
    const hint = 'image repair saves what is good of it.'
    return new TransferError('IMAGE_DAMAGED', `${path} is damaged: ${what}.`, { path, hint })
  }
  const { storedBytes } = index.summary()
  const dataBytes = frameHeaderBytes + storedBytes + index.blocks * blockFrameBytes + endMarkBytes
  if (dataBytes !== foot.dataBytes) {
    throw damaged(`its blocks take ${dataBytes} bytes by the index, and ${foot.dataBytes} by the foot`)
  }
  const header = await readAt(file, 0, frameHeaderBytes)
  if (!header.equals(encodeFrameHeader(foot.contentBytes))) throw damaged("the LZ4 frame's header was changed")
  const end = await readAt(file, dataBytes - endMarkBytes, endMarkBytes)
  if (end.readUInt32LE(0) !== 0) throw damaged("the LZ4 frame's end mark was changed")
}
