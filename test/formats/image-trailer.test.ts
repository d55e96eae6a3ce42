import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { TransferError } from '../../src/errors.js'
import { type ImageDescription, parseDescription } from '../../src/formats/image-description.js'
import {
  blockKinds,
  blockLengthBytes,
  blocksOf,
  encodeIndex,
  ImageIndex,
  markKinds,
  parseIndex,
} from '../../src/formats/image-index.js'
import {
  checkTrailerPart,
  containers,
  encodeTrailer,
  footBytes,
  type ImageContainer,
  parseFoot,
  partPlace,
} from '../../src/formats/image-trailer.js'
import { imageBlockBytes, storedRawBit } from '../../src/formats/lz4-frame.js'
import { mutate, xorshift } from './mutate.js'

const contentBytes = 2 * imageBlockBytes + 1536

function madeIndex(): ImageIndex {
  const index = new ImageIndex(Buffer.alloc(3 * 24))
  const md5 = createHash('md5').update('x').digest()
  index.set(0, { storedWord: (imageBlockBytes | storedRawBit) >>> 0, kind: 'data', md5 })
  index.set(1, { storedWord: 16500, kind: 'zeros', md5 })
  index.set(2, { storedWord: 700, kind: 'partly', md5 })
  return index
}

const description: ImageDescription = {
  formatVersion: 1,
  madeBy: 'diskferry 0.1.0',
  startedAt: '2026-11-22T05:00:00.000Z',
  finishedAt: '2026-11-22T05:01:00.000Z',
  resumedAt: [],
  state: 'complete',
  source: {
    path: '/dev/sdb',
    kind: 'block',
    model: 'DISK \u00e9',
    serial: 'S1',
    sizeBytes: contentBytes,
    logicalSectorBytes: 512,
    physicalSectorBytes: 4096,
  },
  partitionTable: 'gpt',
  partitions: [
    {
      number: 1,
      type: 'Linux',
      offsetBytes: 1 << 20,
      sizeBytes: 1 << 20,
      fileSystem: { kind: 'ext4', label: 'data', state: 'clean', usedBytes: 4096 },
    },
  ],
  options: { usedOnly: true, rescue: true, level: 'fast' },
  digests: { sha256: 'ab'.repeat(32) },
  skipped: [{ offsetBytes: 4096, lengthBytes: 8192 }],
  unreadable: [{ offsetBytes: 2 * imageBlockBytes, lengthBytes: 512 }],
  notes: ['It was mounted.'],
}

function trailerOf(container: ImageContainer) {
  const dataBytes = { lz4: 5_000_000, raw: contentBytes, vhd: contentBytes + 512 }[container]
  const index = madeIndex()
  if (container !== 'lz4') {
    for (const block of [0, 1, 2]) {
      const storedWord = blockLengthBytes(block, contentBytes)
      index.set(block, { storedWord, kind: index.kind(block), md5: index.md5(block) })
    }
  }
  const pieces = encodeTrailer({ container, contentBytes, dataBytes, index, description })
  const trailer = Buffer.concat(pieces)
  return { trailer, startBytes: container === 'lz4' ? dataBytes : 0, dataBytes }
}

function read(trailer: Buffer, startBytes: number) {
  const foot = parseFoot(trailer.subarray(-footBytes), startBytes + trailer.length)
  if (foot === undefined) return undefined
  const part = (name: 'index' | 'description') => {
    const { offsetBytes, lengthBytes } = partPlace(name, foot)
    const at = offsetBytes - startBytes
    return checkTrailerPart(name, trailer.subarray(at, at + lengthBytes), foot)
  }
  const place = { contentBytes: foot.contentBytes, isPacked: foot.container === 'lz4' }
  return {
    foot,
    index: parseIndex(part('index'), place),
    text: parseDescription(part('description'), foot.contentBytes),
  }
}

test('a trailer comes back as it was written, and is three skippable frames', () => {
  const { trailer, startBytes, dataBytes } = trailerOf('lz4')
  const back = read(trailer, startBytes)
  assert.deepEqual(back?.text, description)
  assert.deepEqual(back?.index.records, madeIndex().records)
  assert.equal(back?.foot.dataBytes, dataBytes)
  let at = 0
  for (const magic of [0x184d2a5d, 0x184d2a5e, 0x184d2a5f]) {
    assert.equal(trailer.readUInt32LE(at), magic)
    at += 8 + trailer.readUInt32LE(at + 4)
  }
  assert.equal(at, trailer.length)
})

test('an index says of each block its bytes, its kind and its digest', () => {
  const index = madeIndex()
  assert.deepEqual(
    [0, 1, 2].map((block) => index.storedBytes(block)),
    [imageBlockBytes, 16500, 700],
  )
  assert.deepEqual(
    [0, 1, 2].map((block) => index.isStoredRaw(block)),
    [true, false, false],
  )
  assert.deepEqual(
    [0, 1, 2].map((block) => index.kind(block)),
    ['data', 'zeros', 'partly'],
  )
  assert.equal(index.md5(2).toString('hex'), '9dd4e461268c8034f5c8564e155c67a6')
  assert.deepEqual(index.summary(), { data: 1, zeros: 1, skipped: 0, partly: 1, storedBytes: imageBlockBytes + 17200 })
})

test('a block is skipped when all of it was, and partly there when any byte could not be read', () => {
  const index = new ImageIndex(Buffer.alloc(3 * 24))
  const skipped = [{ offsetBytes: 4096, lengthBytes: 2 * imageBlockBytes - 4096 + 1536 }]
  markKinds(index, contentBytes, { skipped, unreadable: [{ offsetBytes: 4096, lengthBytes: 512 }] })
  assert.deepEqual(
    [0, 1, 2].map((block) => index.kind(block)),
    ['partly', 'skipped', 'skipped'],
  )
})

for (const container of containers) {
  test(`no bit of the trailer of a ${container} image can change unseen`, () => {
    const { trailer, startBytes } = trailerOf(container)
    assert.equal(read(trailer, startBytes)?.foot.container, container)
    for (let bit = 0; bit < trailer.length * 8; bit++) {
      const damaged = Buffer.from(trailer)
      damaged[bit >>> 3] = (damaged[bit >>> 3] as number) ^ (1 << (bit & 7))
      assert.throws(() => read(damaged, startBytes), { name: 'TransferError' }, `bit ${bit}`)
    }
  })
}

/** A foot with its checksum put right again: what somebody would write who means harm. */
function forge(trailer: Buffer, change: (foot: Buffer) => void): Buffer {
  const forged = Buffer.from(trailer)
  const foot = forged.subarray(-footBytes)
  change(foot)
  foot.writeUInt32LE(crc32(foot.subarray(0, 140)), 140)
  return forged
}

const lies: [string, (foot: Buffer) => void][] = [
  ['a later version', (foot) => foot.writeUInt16LE(2, 16)],
  ['an unknown container', (foot) => foot.writeUInt16LE(3, 18)],
  ['other blocks', (foot) => foot.writeUInt32LE(1 << 20, 20)],
  ['no content', (foot) => foot.writeBigUInt64LE(0n, 24)],
  ['content of 2^62 bytes', (foot) => foot.writeBigUInt64LE(1n << 62n, 24)],
  ['content of another size', (foot) => foot.writeBigUInt64LE(BigInt(contentBytes + imageBlockBytes), 24)],
  ['data elsewhere', (foot) => foot.writeBigUInt64LE(4_999_999n, 32)],
  ['data of no length', (foot) => foot.writeBigUInt64LE(0n, 32)],
  ['an index elsewhere', (foot) => foot.writeBigUInt64LE(8n, 40)],
  ['an index of 4 GiB', (foot) => foot.writeBigUInt64LE(1n << 32n, 48)],
  ['a description elsewhere', (foot) => foot.writeBigUInt64LE(8n, 56)],
  ['a description of 2^50 bytes', (foot) => foot.writeBigUInt64LE(1n << 50n, 64)],
  ['reserved bytes', (foot) => foot.writeUInt32LE(1, 136)],
]
for (const [what, change] of lies) {
  test(`a foot that tells of ${what} is refused before anything is read by it`, () => {
    const { trailer, startBytes } = trailerOf('lz4')
    const foot = forge(trailer, change).subarray(-footBytes)
    assert.throws(() => parseFoot(foot, startBytes + trailer.length), { name: 'TransferError' })
  })
}

const badRecords: [string, (record: Buffer) => void][] = [
  ['is of kind 4', (record) => record.writeUInt8(4, 4)],
  ['has reserved bytes', (record) => record.writeUInt8(1, 6)],
  ['is packed into nothing', (record) => record.writeUInt32LE(0, 0)],
  ['is packed into more than it holds', (record) => record.writeUInt32LE(imageBlockBytes, 0)],
  ['is stored in less than it holds', (record) => record.writeUInt32LE((700 | storedRawBit) >>> 0, 0)],
]
for (const [what, change] of badRecords) {
  test(`an index whose record ${what} is refused`, () => {
    const bytes = Buffer.concat(encodeIndex(madeIndex()))
    change(bytes.subarray(16 + 24, 16 + 48))
    const code = { code: 'IMAGE_DAMAGED', message: /block 1/ }
    assert.throws(() => parseIndex(bytes, { contentBytes, isPacked: true }), code)
  })
}

test('whatever is done to index and description, reading them ends with a result or a TransferError', () => {
  const random = xorshift(17)
  const [index, text] = [
    Buffer.concat(encodeIndex(madeIndex())),
    trailerOf('raw').trailer.subarray(8 + 88 + 8, -footBytes),
  ]
  parseDescription(text, contentBytes)
  let [refused, taken] = [0, 0]
  for (let round = 0; round < 4000; round++) {
    try {
      if (round % 4 === 0) parseIndex(mutate(index, random), { contentBytes, isPacked: random(2) === 1 })
      else parseDescription(mutate(text, random), contentBytes)
      taken++
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
      refused++
    }
  }
  assert.ok(refused > 1000 && taken > 10, `${refused} refused, ${taken} taken`)
})

test('blocks are counted up, and have four kinds', () => {
  assert.deepEqual([1, imageBlockBytes, imageBlockBytes + 1].map(blocksOf), [1, 1, 2])
  assert.deepEqual(blockKinds, ['data', 'zeros', 'skipped', 'partly'])
})
