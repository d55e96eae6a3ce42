import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blobLengthProblem, blobTypeNote, blockBytesFor, defaultBlobType } from '../../src/formats/blob-limits.js'

const mebibyte = 1024 ** 2
const blocks: readonly (readonly [lengthBytes: number, mebibytes: number])[] = [
  [0, 4],
  [1, 4],
  [50_000 * 4 * mebibyte, 4],
  [50_000 * 4 * mebibyte + 1, 8],
  [50_000 * 8 * mebibyte, 8],
  [50_000 * 8 * mebibyte + 1, 16],
  [50_000 * 64 * mebibyte, 64],
  [50_000 * 64 * mebibyte + 1, 100],
  [50_000 * 100 * mebibyte, 100],
]

for (const [lengthBytes, mebibytes] of blocks) {
  test(`a file of ${lengthBytes} bytes is cut into blocks of ${mebibytes} MiB`, () => {
    assert.equal(blockBytesFor(lengthBytes), mebibytes * mebibyte)
    assert.ok(Math.ceil(lengthBytes / blockBytesFor(lengthBytes)) <= 50_000)
  })
}

test('page ranges stay at 4 MiB up to the largest page blob', () => {
  assert.equal(blockBytesFor(8 * 1024 ** 4, 'page'), 4 * mebibyte)
})

test('what no blob can be is named, and refused as an argument', () => {
  assert.match(blobLengthProblem(50_000 * 100 * mebibyte + 1, 'block') ?? '', /more than a block blob holds/)
  assert.match(blobLengthProblem(8 * 1024 ** 4 + 512, 'page') ?? '', /more than a page blob holds/)
  assert.match(blobLengthProblem(513, 'page') ?? '', /whole number of 512-byte pages/)
  assert.throws(() => blockBytesFor(50_000 * 100 * mebibyte + 1), RangeError)
  assert.throws(() => blockBytesFor(1.5), RangeError)
})

const types: readonly (readonly [name: string, lengthBytes: number, type: string, note: RegExp | undefined])[] = [
  ['a.txt', 512, 'block', undefined],
  ['disk.vhd', 1073742336, 'page', undefined],
  ['DISK.VHDX', 4 * mebibyte, 'page', undefined],
  ['empty.vhd', 0, 'page', undefined],
  ['disk.vhd', 1000, 'block', /disk\.vhd becomes a block blob: 1000 bytes are not a whole number/],
  ['huge.vhdx', 8 * 1024 ** 4 + 512, 'block', /more than a page blob holds/],
  ['disk.vhd.gz', 512, 'block', undefined],
]
for (const [name, lengthBytes, type, note] of types) {
  test(`${name} of ${lengthBytes} bytes becomes a ${type} blob`, () => {
    assert.equal(defaultBlobType(name, lengthBytes), type)
    if (note === undefined) assert.equal(blobTypeNote(name, lengthBytes), undefined)
    else assert.match(blobTypeNote(name, lengthBytes) ?? '', note)
  })
}
