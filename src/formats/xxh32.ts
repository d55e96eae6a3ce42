// XXH32 (xxHash, 32 bits): the checksum of LZ4 frames. Here for headers and for the few blocks that a repair writes; what is
// read and written by the gigabyte is checked by the native module.

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

const rotate = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits))
const round = (lane: number, input: number) => Math.imul(rotate((lane + Math.imul(input, prime2)) | 0, 13), prime1)

/** Unsigned; seed 0, as LZ4 frames have it. */
export function xxh32(input: Uint8Array): number {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  let at = 0
  let hash = prime5
  if (bytes.length >= 16) {
    let [first, second, third, fourth] = [(prime1 + prime2) | 0, prime2 | 0, 0, -prime1 | 0]
    for (; at + 16 <= bytes.length; at += 16) {
      first = round(first, bytes.readInt32LE(at))
      second = round(second, bytes.readInt32LE(at + 4))
      third = round(third, bytes.readInt32LE(at + 8))
      fourth = round(fourth, bytes.readInt32LE(at + 12))
    }
    hash = (rotate(first, 1) + rotate(second, 7) + rotate(third, 12) + rotate(fourth, 18)) | 0
  }
  hash = (hash + bytes.length) | 0
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(bytes.readInt32LE(at), prime3)) | 0, 17), prime4)
  }
  for (; at < bytes.length; at++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes.readUInt8(at), prime5)) | 0, 11), prime1)
  }
  hash = Math.imul(hash ^ (hash >>> 15), prime2)
  hash = Math.imul(hash ^ (hash >>> 13), prime3)
  return (hash ^ (hash >>> 16)) >>> 0
}
