// The index of an image: for each block of the device how many bytes the file has of it, what it is, and the MD5 of its content.
// A block's place is the sum of what stands before it, so that there is nothing to contradict. docs/image-format.md has the bytes.

import { TransferError } from '../errors.js'
import { type ByteRange, eachTouchedBlock } from './byte-ranges.js'
import { imageBlockBytes, storedRawBit } from './lz4-frame.js'

export const indexHeadBytes = 16
export const indexRecordBytes = 24
const magic = 'DFIX'
const version = 1

/** `partly`: some of it could not be read, and is zeros. `skipped`: all of it was left out. */
export const blockKinds = ['data', 'zeros', 'skipped', 'partly'] as const
export type BlockKind = (typeof blockKinds)[number]

/** Records one after the other, without the head. Kept as bytes: an image of 16 TiB has four million. */
export class ImageIndex {
  readonly records: Buffer

  /** @throws RangeError for bytes that are not whole records. */
  constructor(records: Uint8Array) {
    if (records.byteLength % indexRecordBytes !== 0) {
      throw new RangeError(`expected records of ${indexRecordBytes} bytes but received ${records.byteLength} bytes`)
    }
    this.records = Buffer.from(records.buffer, records.byteOffset, records.byteLength)
  }

  get blocks(): number {
    return this.records.length / indexRecordBytes
  }

  /** Of the block's data in the file, without the size before and the checksum behind it. */
  storedBytes(block: number): number {
    return this.records.readUInt32LE(block * indexRecordBytes) & ~storedRawBit
  }

  isStoredRaw(block: number): boolean {
    return this.records.readUInt32LE(block * indexRecordBytes) >= storedRawBit
  }

  kind(block: number): BlockKind {
    return blockKinds[this.records[block * indexRecordBytes + 4] as number] ?? 'data'
  }

  md5(block: number): Buffer {
    return this.records.subarray(block * indexRecordBytes + 8, (block + 1) * indexRecordBytes)
  }

  set(block: number, record: { storedWord: number; kind: BlockKind; md5: Uint8Array }): void {
    const at = block * indexRecordBytes
    this.records.fill(0, at, at + 8)
    this.records.writeUInt32LE(record.storedWord, at)
    this.setKind(block, record.kind)
    this.records.set(record.md5, at + 8)
  }

  setKind(block: number, kind: BlockKind): void {
    this.records[block * indexRecordBytes + 4] = blockKinds.indexOf(kind)
  }

  /** How many blocks of each kind, and what the data of all takes in the file. */
  summary(): Record<BlockKind, number> & { storedBytes: number } {
    const counts = { data: 0, zeros: 0, skipped: 0, partly: 0, storedBytes: 0 }
    for (let block = 0; block < this.blocks; block++) {
      counts[this.kind(block)]++
      counts.storedBytes += this.storedBytes(block)
    }
    return counts
  }
}

/** How many blocks a device of this size has. */
export function blocksOf(contentBytes: number): number {
  return Math.ceil(contentBytes / imageBlockBytes)
}

export function blockLengthBytes(block: number, contentBytes: number): number {
  return Math.min(imageBlockBytes, contentBytes - block * imageBlockBytes)
}

/** Says of each block what was left out of it and what could not be read. */
export function markKinds(
  index: ImageIndex,
  contentBytes: number,
  ranges: { skipped: readonly ByteRange[]; unreadable: readonly ByteRange[] },
): void {
  eachTouchedBlock(ranges.skipped, imageBlockBytes, (block, coveredBytes) => {
    if (coveredBytes === blockLengthBytes(block, contentBytes)) index.setKind(block, 'skipped')
  })
  eachTouchedBlock(ranges.unreadable, imageBlockBytes, (block) => index.setKind(block, 'partly'))
}

/** The content of the index frame: head and records. */
export function encodeIndex(index: ImageIndex): Buffer[] {
  const head = Buffer.alloc(indexHeadBytes)
  head.write(magic, 0, 'latin1')
  head.writeUInt16LE(version, 4)
  head.writeUInt16LE(indexRecordBytes, 6)
  head.writeBigUInt64LE(BigInt(index.blocks), 8)
  return [head, index.records]
}

/**
 * @param place what the foot says: the device's size, the container, and where the data ends.
 * @throws TransferError IMAGE_DAMAGED, IMAGE_UNSUPPORTED
 */
export function parseIndex(bytes: Buffer, place: { contentBytes: number; isPacked: boolean }): ImageIndex {
  const damaged = (what: string) => new TransferError('IMAGE_DAMAGED', `The image's index is damaged: ${what}.`)
  if (bytes.length < indexHeadBytes || bytes.toString('latin1', 0, 4) !== magic) throw damaged('it has no head')
  if (bytes.readUInt16LE(4) !== version) {
    const message = `The image's index has version ${bytes.readUInt16LE(4)}; this program reads version ${version}.`
    throw new TransferError('IMAGE_UNSUPPORTED', message, { hint: 'Use a newer version of the program.' })
  }
  if (bytes.readUInt16LE(6) !== indexRecordBytes) throw damaged(`its records have ${bytes.readUInt16LE(6)} bytes`)
  const blocks = bytes.readBigUInt64LE(8)
  const expected = blocksOf(place.contentBytes)
  if (blocks !== BigInt(expected)) throw damaged(`it has ${blocks} blocks where the device has ${expected}`)
  if (bytes.length !== indexHeadBytes + expected * indexRecordBytes) throw damaged(`it has ${bytes.length} bytes`)
  const index = new ImageIndex(bytes.subarray(indexHeadBytes))
  for (let block = 0; block < expected; block++) {
    const problem = recordProblem(index, block, place)
    if (problem !== undefined) throw damaged(`block ${block} ${problem}`)
  }
  return index
}

function recordProblem(
  index: ImageIndex,
  block: number,
  { contentBytes, isPacked }: { contentBytes: number; isPacked: boolean },
): string | undefined {
  const at = block * indexRecordBytes
  const lengthBytes = blockLengthBytes(block, contentBytes)
  const storedBytes = index.storedBytes(block)
  const kind = index.records[at + 4] as number
  if (kind >= blockKinds.length) return `is of kind ${kind}, which is none`
  if (index.records.readUIntLE(at + 5, 3) !== 0) return 'has bytes set that are to be zero'
  if (!isPacked && index.isStoredRaw(block)) return 'is marked as stored in a frame, and there is none'
  if (!isPacked || index.isStoredRaw(block)) {
    if (storedBytes !== lengthBytes) return `is stored in ${storedBytes} bytes instead of ${lengthBytes}`
  } else if (storedBytes === 0 || storedBytes >= lengthBytes) {
    return `is packed into ${storedBytes} bytes, which cannot be of ${lengthBytes}`
  }
  return undefined
}
