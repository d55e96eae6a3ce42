// The parts of an LZ4 frame (frame format 1.6.x) that are handled outside the native module: the header that our images begin
// with, a block of zeros, and what a foreign header says. Blocks themselves are packed and unpacked natively.

import { xxh32 } from './xxh32.js'

export const lz4FrameMagic = 0x184d2204
const lz4LegacyMagic = 0x184c2102
const skippableMagicMin = 0x184d2a50
const skippableMagicMax = 0x184d2a5f

/** Every block of our images holds this much of the device; only the last may hold less. */
export const imageBlockBytes = 4 << 20
/** The size field's high bit: the block is stored as it is. */
export const storedRawBit = 0x8000_0000
/** Magic, flags, block descriptor, content size, header checksum. */
export const frameHeaderBytes = 15
export const endMarkBytes = 4

// Version 01, independent blocks, block checksums, content size; neither content checksum nor dictionary.
const ourFlags = 0b0111_1000
const fourMebibytes = 0x70

/** The header of our images. */
export function encodeFrameHeader(contentBytes: number): Buffer {
  const header = Buffer.alloc(frameHeaderBytes)
  header.writeUInt32LE(lz4FrameMagic, 0)
  header[4] = ourFlags
  header[5] = fourMebibytes
  header.writeBigUInt64LE(BigInt(contentBytes), 6)
  header[14] = (xxh32(header.subarray(4, 14)) >>> 8) & 0xff
  return header
}

/** The content size, when the file begins as our images do: as much as can be said of one without its trailer. */
export function ourContentBytes(start: Uint8Array): number | undefined {
  if (start.byteLength < frameHeaderBytes) return undefined
  const bytes = Buffer.from(start.buffer, start.byteOffset, frameHeaderBytes)
  const contentBytes = bytes.readBigUInt64LE(6)
  if (contentBytes > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return bytes.equals(encodeFrameHeader(Number(contentBytes))) ? Number(contentBytes) : undefined
}

/** Whether a file begins like something that `lz4 -d` takes: a frame, a skippable frame, the legacy form. */
export function looksLikeLz4(start: Uint8Array): boolean {
  if (start.byteLength < 7) return false
  const magic = Buffer.from(start.buffer, start.byteOffset, 4).readUInt32LE(0)
  return (
    magic === lz4FrameMagic || magic === lz4LegacyMagic || (magic >= skippableMagicMin && magic <= skippableMagicMax)
  )
}

/** A compressed block of so many zeros (at least 32) as it stands in a frame: size, data, checksum. */
export function encodeZeroBlock(contentBytes: number): Buffer {
  // One literal zero, a match over all but the last five bytes, which the format wants to be literals.
  const matchBytes = contentBytes - 1 - 5
  const more = matchBytes - 4 - 15
  if (!(more >= 0)) throw new RangeError(`expected at least 32 for contentBytes but received ${contentBytes}`)
  const data = Buffer.concat([
    Buffer.of(0x1f, 0x00, 0x01, 0x00),
    Buffer.alloc(Math.floor(more / 255), 0xff),
    Buffer.of(more % 255, 0x50, 0, 0, 0, 0, 0),
  ])
  const block = Buffer.alloc(4 + data.length + 4)
  block.writeUInt32LE(data.length, 0)
  data.copy(block, 4)
  block.writeUInt32LE(xxh32(data), 4 + data.length)
  return block
}

/** A block as it is, with its size and checksum: how the last block of our images stands in the frame. */
export function encodeStoredBlock(content: Uint8Array): Buffer {
  const block = Buffer.alloc(4 + content.byteLength + 4)
  block.writeUInt32LE((content.byteLength | storedRawBit) >>> 0, 0)
  block.set(content, 4)
  block.writeUInt32LE(xxh32(content), 4 + content.byteLength)
  return block
}
