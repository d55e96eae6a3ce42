import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coveredRanges } from '../../src/plan/covered-ranges.js'

const ranges = { offsets: Float64Array.of(0, 1024, 2048, 8192), lengths: Float64Array.of(1024, 1024, 512, 1024) }
const table: [name: string, written: [offset: number, length: number][], covered: number[]][] = [
  ['nothing was written', [], [0, 0, 0, 0]],
  ['all in one piece', [[0, 9216]], [1, 1, 1, 1]],
  ['two neighbours joined', [[0, 2048]], [1, 1, 0, 0]],
  ['one in the middle', [[1024, 1024]], [0, 1, 0, 0]],
  ['a part of one', [[1024, 512]], [0, 0, 0, 0]],
  ['the end of one and all of the next', [[512, 1536]], [0, 1, 0, 0]],
  [
    'the last alone, something before it in a gap',
    [
      [4096, 512],
      [8192, 1024],
    ],
    [0, 0, 0, 1],
  ],
]
for (const [name, written, covered] of table) {
  test(`pages: ${name}`, () => {
    const found = written.map(([offsetBytes, lengthBytes]) => ({ offsetBytes, lengthBytes }))
    assert.deepEqual([...coveredRanges(ranges, found)], covered)
  })
}
