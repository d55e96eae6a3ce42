import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ReadManifestBlob } from '../../src/formats/manifest-reader.js'
import { contentColumns, uniformBlockBytes } from '../../src/plan/content-columns.js'

const mebibyte = 1 << 20
const digest = (seed: number) => createHash('md5').update(String(seed)).digest()

function blob(
  kind: 'block' | 'page',
  lengthBytes: number,
  ranges: readonly (readonly [number, number])[],
): ReadManifestBlob {
  return {
    kind,
    blobPath: 'archive/x',
    filePath: '\\archive\\x',
    lengthBytes,
    disposition: 'rename',
    snapshot: undefined,
    metadata: undefined,
    properties: undefined,
    list: { id: undefined, metadata: undefined, properties: undefined },
    line: 1,
    offsets: Float64Array.from(ranges, ([offset]) => offset),
    lengths: Float64Array.from(ranges, ([, length]) => length),
    digests: Buffer.concat(ranges.map(([offset]) => digest(offset))),
    ids: undefined,
  }
}

describe('uniformBlockBytes', () => {
  for (const [what, made, expected] of [
    ['one short block', blob('block', 100, [[0, 100]]), 4 * mebibyte],
    ['one block of 5 MiB', blob('block', 5 * mebibyte, [[0, 5 * mebibyte]]), 8 * mebibyte],
    [
      'blocks of 64 KiB',
      blob('block', 98_304, [
        [0, 65_536],
        [65_536, 32_768],
      ]),
      65_536,
    ],
    [
      'blocks of 6062 bytes, which are no sectors',
      blob('block', 12_124, [
        [0, 6062],
        [6062, 6062],
      ]),
      undefined,
    ],
    [
      'blocks of two lengths',
      blob('block', 12_288, [
        [0, 4096],
        [4096, 8192],
      ]),
      undefined,
    ],
    [
      'a page blob with gaps',
      blob('page', 16 * mebibyte, [
        [0, 4 * mebibyte],
        [12 * mebibyte, 4 * mebibyte],
      ]),
      4 * mebibyte,
    ],
    [
      'a page blob with its last range short',
      blob('page', 4 * mebibyte + 512, [
        [0, 4 * mebibyte],
        [4 * mebibyte, 512],
      ]),
      4 * mebibyte,
    ],
    ['a page blob with only that short range', blob('page', 4 * mebibyte + 512, [[4 * mebibyte, 512]]), 4 * mebibyte],
    ['a page blob of one page', blob('page', 512, [[0, 512]]), 4 * mebibyte],
    ['a page blob of zeros', blob('page', mebibyte, []), 4 * mebibyte],
  ] as const) {
    it(`of ${what} is ${expected}`, () => assert.equal(uniformBlockBytes(made), expected))
  }
})

describe('contentColumns', () => {
  it('orders files as they lie, and skips what is left out or not wanted', () => {
    const extents = {
      firstExtent: Uint32Array.of(0, 1, 3),
      offsetBytes: Float64Array.of(900 * 4096, 100 * 4096, 5000 * 4096),
      lengthBytes: Float64Array.of(16 * mebibyte, 8 * mebibyte, 4096),
    }
    const page = blob('page', 16 * mebibyte, [
      [4 * mebibyte, 4 * mebibyte],
      [12 * mebibyte, 4 * mebibyte],
    ])
    const block = blob('block', 8 * mebibyte + 10, [
      [0, 4 * mebibyte],
      [4 * mebibyte, 4 * mebibyte],
      [8 * mebibyte, 10],
    ])
    const columns = contentColumns(
      [
        { blob: page, file: 0, blockBytes: 4 * mebibyte, isSkipped: (range) => range === 1 },
        { blob: block, file: 1, blockBytes: 4 * mebibyte, isSkipped: () => false },
      ],
      extents,
    )
    assert.deepEqual([...columns.order], [1, 0])
    assert.deepEqual([...columns.firstBlock], [0, 3, 7])
    assert.deepEqual([...columns.skip], [0, 0, 0, 1, 0, 1, 1])
    assert.deepEqual([...columns.extents.firstExtent], [0, 2, 3])
    assert.ok(columns.expected.subarray(4 * 16, 5 * 16).equals(digest(4 * mebibyte)))
    assert.ok(columns.expected.subarray(2 * 16, 3 * 16).equals(digest(8 * mebibyte)))
  })
})
