// Copies the LZ4 frame of an image block by block, with zeros in place of the blocks that are damaged.

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { blockLengthBytes, type ImageIndex } from '../formats/image-index.js'
import {
  encodeFrameHeader,
  encodeStoredBlock,
  encodeZeroBlock,
  endMarkBytes,
  frameHeaderBytes,
} from '../formats/lz4-frame.js'
import { writeAll, writeError } from './finish-image.js'
import { readAt } from './read-file.js'

/** Of a block in the frame: its size before it, its checksum behind it. */
const blockFrameBytes = 8

/**
 * @param input.index is changed: it describes the copy afterwards.
 * @returns the length of the frame.
 * @throws TransferError DEVICE_FULL, DEVICE_WRITE_FAILED, SOURCE_READ_FAILED
 */
export async function copyRepaired(
  from: string,
  to: string,
  { index, contentBytes, bad }: { index: ImageIndex; contentBytes: number; bad: ReadonlySet<number> },
): Promise<number> {
  const source = await open(from, 'r')
  const target = await open(to, 'w').catch(async (cause) => {
    await source.close()
    throw writeError(to, cause)
  })
  try {
    await writeAll(target, encodeFrameHeader(contentBytes), 0)
    let [readOffset, writeOffset] = [frameHeaderBytes, frameHeaderBytes]
    for (let block = 0; block < index.blocks; block++) {
      const lengthBytes = index.storedBytes(block) + blockFrameBytes
      const bytes = bad.has(block)
        ? zerosFor(index, block, contentBytes)
        : await readAt(source, readOffset, lengthBytes)
      await writeAll(target, bytes, writeOffset)
      readOffset += lengthBytes
      writeOffset += bytes.length
    }
    await writeAll(target, Buffer.alloc(endMarkBytes), writeOffset)
    await target.sync()
    return writeOffset + endMarkBytes
  } catch (cause) {
    throw writeError(to, cause)
  } finally {
    await source.close()
    await target.close()
  }
}

function zerosFor(index: ImageIndex, block: number, contentBytes: number): Buffer {
  const lengthBytes = blockLengthBytes(block, contentBytes)
  const zeros = Buffer.alloc(lengthBytes)
  const isLast = block === index.blocks - 1
  const bytes = isLast ? encodeStoredBlock(zeros) : encodeZeroBlock(lengthBytes)
  index.set(block, { storedWord: bytes.readUInt32LE(0), kind: 'partly', md5: createHash('md5').update(zeros).digest() })
  return bytes
}
