// What stands behind the data of an image, in three skippable LZ4 frames: the index, the description, and a foot of fixed size
// that says where both are and what their digests are. Raw and VHD images have the same three in a file beside them.

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { TransferError } from '../errors.js'
import { encodeDescription, type ImageDescription } from './image-description.js'
import { blocksOf, encodeIndex, type ImageIndex, indexHeadBytes, indexRecordBytes } from './image-index.js'
import { endMarkBytes, frameHeaderBytes, imageBlockBytes } from './lz4-frame.js'

export const containers = ['lz4', 'raw', 'vhd'] as const
export type ImageContainer = (typeof containers)[number]

const indexFrameMagic = 0x184d2a5d
const descriptionFrameMagic = 0x184d2a5e
const footFrameMagic = 0x184d2a5f
const skippableHeadBytes = 8
const footMagic = 'DFERRYIM'
const version = 1
/** The foot with its frame head: the last bytes of the file. */
export const footBytes = 144
/** A description is text for people and a list of ranges: more than this is not taken into memory. */
export const descriptionBytesMax = 64 << 20

export interface ImageFoot {
  container: ImageContainer
  /** Size of the device. */
  contentBytes: number
  /** Where the data ends: of the LZ4 frame with its end mark, or the length of the raw or VHD file. */
  dataBytes: number
  /** Of the frames' contents, in the file that the foot is in. */
  index: { offsetBytes: number; lengthBytes: number; sha256: Buffer }
  description: { offsetBytes: number; lengthBytes: number; sha256: Buffer }
}

export interface TrailerInput {
  container: ImageContainer
  contentBytes: number
  dataBytes: number
  index: ImageIndex
  description: ImageDescription
}

/** All bytes of the trailer, in pieces. They go behind the data of an LZ4 image, and into a file of their own otherwise. */
export function encodeTrailer(input: TrailerInput): Buffer[] {
  const index = encodeIndex(input.index)
  const indexBytes = index.reduce((sum, piece) => sum + piece.length, 0)
  const description = encodeDescription(input.description)
  if (description.length > descriptionBytesMax || indexBytes > 0xffff_ffff) {
    const message = `The image cannot be described: ${indexBytes} bytes of index, ${description.length} of description.`
    throw new TransferError('IMAGE_LIMIT', message)
  }
  const startBytes = input.container === 'lz4' ? input.dataBytes : 0
  const indexOffset = startBytes + skippableHeadBytes
  const descriptionOffset = indexOffset + indexBytes + skippableHeadBytes
  const foot = encodeFoot({
    container: input.container,
    contentBytes: input.contentBytes,
    dataBytes: input.dataBytes,
    index: { offsetBytes: indexOffset, lengthBytes: indexBytes, sha256: digest(index) },
    description: {
      offsetBytes: descriptionOffset,
      lengthBytes: description.length,
      sha256: digest([description]),
    },
  })
  return [
    skippableHead(indexFrameMagic, indexBytes),
    ...index,
    skippableHead(descriptionFrameMagic, description.length),
    description,
    foot,
  ]
}

function skippableHead(magic: number, lengthBytes: number): Buffer {
  const head = Buffer.alloc(skippableHeadBytes)
  head.writeUInt32LE(magic, 0)
  head.writeUInt32LE(lengthBytes, 4)
  return head
}

function digest(pieces: readonly Buffer[]): Buffer {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

function encodeFoot(foot: ImageFoot): Buffer {
  const bytes = Buffer.alloc(footBytes)
  skippableHead(footFrameMagic, footBytes - skippableHeadBytes).copy(bytes)
  bytes.write(footMagic, 8, 'latin1')
  bytes.writeUInt16LE(version, 16)
  bytes.writeUInt16LE(containers.indexOf(foot.container), 18)
  bytes.writeUInt32LE(imageBlockBytes, 20)
  const numbers = [
    foot.contentBytes,
    foot.dataBytes,
    foot.index.offsetBytes,
    foot.index.lengthBytes,
    foot.description.offsetBytes,
    foot.description.lengthBytes,
  ]
  for (const [position, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), 24 + position * 8)
  foot.index.sha256.copy(bytes, 72)
  foot.description.sha256.copy(bytes, 104)
  // 136 to 139 are zero, for a later version.
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 140)), 140)
  return bytes
}

/**
 * @param end the last footBytes of the file that holds the trailer; @param fileBytes its length.
 * @returns undefined when there is no foot at all.
 * @throws TransferError IMAGE_DAMAGED for one that is wrong, IMAGE_UNSUPPORTED for one of a later version.
 */
export function parseFoot(end: Buffer, fileBytes: number): ImageFoot | undefined {
  if (end.length !== footBytes) return undefined
  const hasMagic = end.toString('latin1', 8, 16) === footMagic
  if (!hasMagic && end.readUInt32LE(0) !== footFrameMagic) return undefined
  const damaged = (what: string) => new TransferError('IMAGE_DAMAGED', `The image's foot is damaged: ${what}.`)
  if (crc32(end.subarray(0, 140)) !== end.readUInt32LE(140)) throw damaged('its checksum does not fit')
  const head = skippableHead(footFrameMagic, footBytes - skippableHeadBytes)
  if (!hasMagic || !end.subarray(0, 8).equals(head)) throw damaged('its frame is not that of a foot')
  if (end.readUInt16LE(16) !== version) {
    const message = `The image has format version ${end.readUInt16LE(16)}; this program reads version ${version}.`
    throw new TransferError('IMAGE_UNSUPPORTED', message, { hint: 'Use a newer version of the program.' })
  }
  const container = containers[end.readUInt16LE(18)]
  if (container === undefined) throw damaged(`container ${end.readUInt16LE(18)} is none`)
  if (end.readUInt32LE(20) !== imageBlockBytes) throw damaged(`blocks of ${end.readUInt32LE(20)} bytes`)
  if (end.readUInt32LE(136) !== 0) throw damaged('bytes are set that are to be zero')
  const numbers = Array.from({ length: 6 }, (_, position) => end.readBigUInt64LE(24 + position * 8))
  if (numbers.some((number) => number > BigInt(Number.MAX_SAFE_INTEGER))) throw damaged('a number is beyond 2^53')
  const [contentBytes, dataBytes, ...places] = numbers.map(Number) as [number, number, number, number, number, number]
  const foot: ImageFoot = {
    container,
    contentBytes,
    dataBytes,
    index: { offsetBytes: places[0], lengthBytes: places[1], sha256: Buffer.from(end.subarray(72, 104)) },
    description: { offsetBytes: places[2], lengthBytes: places[3], sha256: Buffer.from(end.subarray(104, 136)) },
  }
  const problem = placeProblem(foot, fileBytes)
  if (problem !== undefined) throw damaged(problem)
  return foot
}

// Every place follows from the lengths: what says otherwise lies, whatever its checksum.
function placeProblem({ container, contentBytes, dataBytes, index, description }: ImageFoot, fileBytes: number) {
  if (contentBytes === 0) return 'the device has no bytes'
  const isPacked = container === 'lz4'
  if (isPacked && dataBytes < frameHeaderBytes + endMarkBytes) return `data of ${dataBytes} bytes`
  if (container === 'raw' && dataBytes !== contentBytes) return `data of ${dataBytes} bytes, device of ${contentBytes}`
  if (container === 'vhd' && dataBytes !== contentBytes + 512) return `data of ${dataBytes} bytes`
  if (index.lengthBytes !== indexHeadBytes + blocksOf(contentBytes) * indexRecordBytes) {
    return `an index of ${index.lengthBytes} bytes for a device of ${contentBytes}`
  }
  if (description.lengthBytes > descriptionBytesMax) return `a description of ${description.lengthBytes} bytes`
  const indexOffset = (isPacked ? dataBytes : 0) + skippableHeadBytes
  const descriptionOffset = indexOffset + index.lengthBytes + skippableHeadBytes
  if (index.offsetBytes !== indexOffset) return `an index at ${index.offsetBytes} instead of ${indexOffset}`
  if (description.offsetBytes !== descriptionOffset) return `a description at ${description.offsetBytes}`
  const endBytes = descriptionOffset + description.lengthBytes + footBytes
  return endBytes === fileBytes ? undefined : `a file of ${fileBytes} bytes that should have ${endBytes}`
}

/** @throws TransferError IMAGE_DAMAGED when a part is not what the foot says: its digest, and the head of its frame. */
export function checkTrailerPart(name: 'index' | 'description', withHead: Buffer, foot: ImageFoot): Buffer {
  const { lengthBytes, sha256 } = foot[name]
  const content = withHead.subarray(skippableHeadBytes)
  const magic = name === 'index' ? indexFrameMagic : descriptionFrameMagic
  if (!withHead.subarray(0, skippableHeadBytes).equals(skippableHead(magic, lengthBytes))) {
    throw new TransferError('IMAGE_DAMAGED', `The image's ${name} is damaged: its frame has a wrong head.`)
  }
  if (!digest([content]).equals(sha256)) {
    throw new TransferError('IMAGE_DAMAGED', `The image's ${name} is damaged: its SHA-256 is not what the foot says.`)
  }
  return content
}

/** Where a part lies with the head of its frame. */
export function partPlace(
  name: 'index' | 'description',
  foot: ImageFoot,
): { offsetBytes: number; lengthBytes: number } {
  const { offsetBytes, lengthBytes } = foot[name]
  return { offsetBytes: offsetBytes - skippableHeadBytes, lengthBytes: lengthBytes + skippableHeadBytes }
}
