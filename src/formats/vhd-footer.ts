// The footer of a fixed VHD (Microsoft's Virtual Hard Disk Image Format Specification, 1.0): the last 512 bytes of the file, big
// endian. Before it the file is the device, byte for byte.

import { TransferError } from '../errors.js'

export const vhdFooterBytes = 512
/** The format's limit, that of its readers, and Azure's: 2040 GiB of content. */
export const vhdContentBytesMax = 2040 * 1024 ** 3

const cookie = 'conectix'
const sectorBytes = 512
const kindNames: Readonly<Record<number, string>> = { 2: 'fixed', 3: 'dynamic', 4: 'differencing' }
const epochMs = Date.UTC(2000, 0, 1)

export interface DiskGeometry {
  cylinders: number
  heads: number
  sectorsPerTrack: number
}

/** Of the specification's appendix: the geometry never covers more than the size, and often a little less. */
export function vhdGeometry(sizeBytes: number): DiskGeometry {
  const sectors = Math.min(Math.floor(sizeBytes / sectorBytes), 65535 * 16 * 255)
  let sectorsPerTrack = 17
  let tracks = Math.floor(sectors / 17)
  let heads = Math.max(4, Math.floor((tracks + 1023) / 1024))
  if (sectors >= 65535 * 16 * 63) {
    sectorsPerTrack = 255
    heads = 16
    tracks = Math.floor(sectors / 255)
  } else {
    if (tracks >= heads * 1024 || heads > 16) {
      sectorsPerTrack = 31
      heads = 16
      tracks = Math.floor(sectors / 31)
    }
    if (tracks >= heads * 1024) {
      sectorsPerTrack = 63
      heads = 16
      tracks = Math.floor(sectors / 63)
    }
  }
  return { cylinders: Math.floor(tracks / heads), heads, sectorsPerTrack }
}

/**
 * @param uniqueId 16 bytes.
 * @throws TransferError IMAGE_LIMIT for a size that a VHD cannot have.
 */
export function encodeVhdFooter(contentBytes: number, made: { at: Date; uniqueId: Uint8Array }): Buffer {
  if (contentBytes > vhdContentBytesMax) {
    const message = `A VHD holds at most ${vhdContentBytesMax} bytes (2040 GiB); the device has ${contentBytes}.`
    throw new TransferError('IMAGE_LIMIT', message, { hint: 'Choose --format lz4 or raw.' })
  }
  if (contentBytes % sectorBytes !== 0 || contentBytes <= 0) {
    throw new TransferError('IMAGE_LIMIT', `A VHD has whole sectors of 512 bytes; ${contentBytes} bytes are none.`)
  }
  const footer = Buffer.alloc(vhdFooterBytes)
  footer.write(cookie, 0, 'latin1')
  footer.writeUInt32BE(2, 8)
  footer.writeUInt32BE(0x0001_0000, 12)
  footer.fill(0xff, 16, 24)
  footer.writeUInt32BE(Math.max(0, Math.floor((made.at.getTime() - epochMs) / 1000)), 24)
  // By the creator readers decide whether they believe the size or the geometry: for `win ` it is the size, everywhere.
  footer.write('win ', 28, 'latin1')
  footer.writeUInt32BE(0x000a_0000, 32)
  footer.write('Wi2k', 36, 'latin1')
  footer.writeBigUInt64BE(BigInt(contentBytes), 40)
  footer.writeBigUInt64BE(BigInt(contentBytes), 48)
  const { cylinders, heads, sectorsPerTrack } = vhdGeometry(contentBytes)
  footer.writeUInt16BE(cylinders, 56)
  footer.writeUInt8(heads, 58)
  footer.writeUInt8(sectorsPerTrack, 59)
  footer.writeUInt32BE(2, 60)
  footer.set(made.uniqueId.subarray(0, 16), 68)
  footer.writeUInt32BE(checksum(footer), 64)
  return footer
}

/** Ones' complement of the sum of all bytes but its own. */
function checksum(footer: Buffer): number {
  let sum = 0
  for (const [at, byte] of footer.entries()) if (at < 64 || at >= 68) sum += byte
  return ~sum >>> 0
}

/**
 * @param end the last 512 bytes of a file; @param fileBytes its length.
 * @returns undefined for what is no footer.
 * @throws TransferError IMAGE_DAMAGED for a footer that is wrong, IMAGE_UNSUPPORTED for VHDs that are not fixed.
 */
export function parseVhdFooter(end: Buffer, fileBytes: number): { contentBytes: number } | undefined {
  if (end.length !== vhdFooterBytes || end.toString('latin1', 0, 8) !== cookie) return undefined
  const damaged = (what: string) => new TransferError('IMAGE_DAMAGED', `The footer of the VHD is damaged: ${what}.`)
  if (end.readUInt32BE(64) !== checksum(end)) throw damaged('its checksum does not fit')
  const kind = end.readUInt32BE(60)
  if (kind !== 2) {
    const message = `The VHD is ${kindNames[kind] ?? `of kind ${kind}`}; only fixed ones are read.`
    throw new TransferError('IMAGE_UNSUPPORTED', message, {
      hint: 'Convert it first: qemu-img convert -O vpc -o subformat=fixed,force_size=on',
    })
  }
  const contentBytes = end.readBigUInt64BE(48)
  if (contentBytes === 0n || contentBytes % 512n !== 0n) throw damaged(`a size of ${contentBytes} bytes`)
  if (contentBytes > BigInt(fileBytes - vhdFooterBytes)) {
    throw damaged(`a size of ${contentBytes} bytes in a file of ${fileBytes}`)
  }
  return { contentBytes: Number(contentBytes) }
}
