import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  encodeFrameHeader,
  encodeZeroBlock,
  imageBlockBytes,
  looksLikeLz4,
  ourContentBytes,
} from '../../src/formats/lz4-frame.js'
import { xxh32 } from '../../src/formats/xxh32.js'

const hasLz4 = spawnSync('lz4', ['--version']).status === 0

// Of the reference implementation's own test vectors: seed 0.
const vectors: [text: string, hash: number][] = [
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0xe2293b2f],
]
for (const [text, hash] of vectors) {
  test(`XXH32 of ${JSON.stringify(text)}`, () => assert.equal(xxh32(Buffer.from(text)), hash))
}

for (const lengthBytes of [32, 512, 65_536, 1_048_576 + 512, imageBlockBytes]) {
  test(`lz4 unpacks our block of ${lengthBytes} zeros`, { skip: hasLz4 ? false : 'needs lz4' }, () => {
    const frame = Buffer.concat([encodeFrameHeader(lengthBytes), encodeZeroBlock(lengthBytes), Buffer.alloc(4)])
    const unpacked = spawnSync('lz4', ['-d', '-c'], { input: frame, maxBuffer: 1 << 24 })
    assert.equal(unpacked.status, 0, unpacked.stderr.toString())
    assert.ok(unpacked.stdout.equals(Buffer.alloc(lengthBytes)))
    frame[20] = 1
    assert.notEqual(spawnSync('lz4', ['-d', '-c'], { input: frame, maxBuffer: 1 << 24 }).status, 0)
  })
}

test('our own header is known from any other', () => {
  const header = encodeFrameHeader(5 * 1024 ** 4)
  assert.equal(ourContentBytes(header), 5 * 1024 ** 4)
  assert.equal(looksLikeLz4(header), true)
  for (let bit = 0; bit < header.length * 8; bit++) {
    const other = Buffer.from(header)
    other[bit >>> 3] = (other[bit >>> 3] as number) ^ (1 << (bit & 7))
    // The header's checksum has eight bits: one in 256 changes passes it, which is why the foot has the size as well.
    assert.notEqual(ourContentBytes(other), 5 * 1024 ** 4, `bit ${bit}`)
  }
  assert.equal(looksLikeLz4(Buffer.from('PK\x03\x04 is a zip')), false)
  assert.throws(() => encodeZeroBlock(16), RangeError)
})
