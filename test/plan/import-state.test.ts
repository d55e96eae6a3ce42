// What an import's journal says of blobs that were begun: the ranges of many windows and runs are one question.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importRecords, isInDoubt, reduceImport } from '../../src/plan/import-state.js'

function stateOf(begun: readonly (readonly [number, number])[]) {
  const drafts = [importRecords.import('memory:', 'test'), importRecords.drive('D', 'A'.repeat(32), 1_000_000)]
  for (const [from, to] of begun) drafts.push(importRecords.begun('D', from, to))
  const records = drafts.map((draft, index) => ({ ...draft, time: new Date(0), line: index + 1 }))
  const state = reduceImport(records as never).drives.get('D')
  assert.ok(state !== undefined)
  return state
}

const vectors: readonly (readonly [string, [number, number][], [number, number][]])[] = [
  [
    'windows of one run',
    [
      [0, 10],
      [10, 20],
      [20, 25],
    ],
    [[0, 25]],
  ],
  [
    'a second run over the first',
    [
      [0, 10],
      [10, 20],
      [3, 14],
    ],
    [[0, 20]],
  ],
  [
    'a run that skips',
    [
      [0, 5],
      [50, 60],
      [20, 30],
    ],
    [
      [0, 5],
      [20, 30],
      [50, 60],
    ],
  ],
  [
    'a window that joins others',
    [
      [0, 5],
      [10, 15],
      [20, 25],
      [4, 21],
    ],
    [[0, 25]],
  ],
  [
    'one within another',
    [
      [0, 100],
      [20, 30],
    ],
    [[0, 100]],
  ],
  [
    'one around another',
    [
      [20, 30],
      [0, 100],
    ],
    [[0, 100]],
  ],
]
for (const [what, begun, joined] of vectors) {
  test(`blobs are in doubt that were begun: ${what}`, () => {
    const state = stateOf(begun)
    assert.deepEqual(state.begun, joined)
    for (let blob = 0; blob < 110; blob++) {
      assert.equal(
        isInDoubt(state, blob),
        begun.some(([from, to]) => from <= blob && blob < to),
        String(blob),
      )
    }
    state.outcomes.set(2, 'created')
    assert.equal(isInDoubt(state, 2), false)
  })
}

test('random windows are the same as asking each', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  for (let round = 0; round < 200; round++) {
    const begun = Array.from({ length: random(12) }, () => {
      const from = random(60)
      return [from, from + 1 + random(15)] as const
    })
    const state = stateOf(begun)
    for (let blob = 0; blob < 80; blob++) {
      assert.equal(
        isInDoubt(state, blob),
        begun.some(([from, to]) => from <= blob && blob < to),
        JSON.stringify(begun),
      )
    }
  }
})
