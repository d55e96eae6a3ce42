// The lower bound must never be more than some arrangement needs, and the two searches must never claim a false arrangement.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { driveBound } from '../../src/plan/drive-bound.js'
import { fitByLeastSlack, fitExactly } from '../../src/plan/fit-exactly.js'
import { numbers } from './make-tree.js'

const repeated = (count: number, value: number) => Array.from({ length: count }, () => value)

test('the bound counts files that exclude each other', () => {
  const cases: [sizes: number[], drives: number[], bound: number][] = [
    [[], [10], 0],
    [[0, 0], [10], 0],
    [[6, 6, 6], [10, 10, 10], 3],
    [[4, 4, 4], [10, 10, 10], 2],
    [[6, 6, 5, 5], [10, 10, 10, 10], 3],
    [[5, 5, 5], [10, 4], 3],
    [[...repeated(20, 6), ...repeated(20, 5)], repeated(40, 10), 30],
    [repeated(9, 34), repeated(9, 100), 5],
    [[11], [10, 10], 3],
    [[1], [0, 0], 3],
  ]
  for (const [sizes, drives, bound] of cases) {
    assert.equal(driveBound(Float64Array.from(sizes), drives), bound, `${sizes} onto ${drives}`)
  }
  assert.equal(driveBound(Float64Array.of(5), [10, 10], 6), 2, 'small parts count too')
})

/** Least number of drives, found by trying everything; one more than there are when nothing fits. */
function leastDrives(sizes: readonly number[], drives: readonly number[]): number {
  let best = drives.length + 1
  const room = [...drives]
  const place = (item: number, used: number): void => {
    if (used >= best) return
    if (item === sizes.length) {
      best = used
      return
    }
    const size = sizes[item] as number
    for (let drive = 0; drive < room.length; drive++) {
      const before = room[drive] as number
      if (before < size) continue
      room[drive] = before - size
      place(item + 1, used + (before === drives[drive] ? 1 : 0))
      room[drive] = before
    }
  }
  place(0, 0)
  return best
}

test('on small sets the bound never exceeds the truth, and mostly reaches it', () => {
  let reached = 0
  const rounds = 3000
  for (let round = 1; round <= rounds; round++) {
    const next = numbers(round * 69_621)
    const sizes = Array.from({ length: 1 + next(7) }, () => 1 + next(12))
    const drives = Array.from({ length: 1 + next(4) }, () => 8 + next(next(3) === 0 ? 1 : 10))
    const truth = leastDrives(sizes, drives)
    const bound = driveBound(Float64Array.from(sizes), drives)
    assert.ok(bound <= truth, `${sizes} onto ${drives}: bound ${bound}, truth ${truth}`)
    if (bound === truth) reached++
  }
  assert.ok(reached > 0.95 * rounds, `${reached} of ${rounds}`)
})

for (const [name, fit] of [
  ['searching', fitExactly],
  ['filling by least slack', fitByLeastSlack],
] as const) {
  test(`${name} only finds places that fit`, () => {
    let found = 0
    let possible = 0
    for (let round = 1; round <= 1500; round++) {
      const next = numbers(round * 40_503)
      const sizes = Array.from({ length: 1 + next(8) }, () => 1 + next(12)).sort((left, right) => right - left)
      const drives = Array.from({ length: 1 + next(4) }, () => 8 + next(10))
      const weights = sizes.map((size) => drives.map(() => size))
      const chosen = fit(weights, drives)
      if (leastDrives(sizes, drives) <= drives.length) possible++
      if (chosen === undefined) continue
      found++
      const room = [...drives]
      chosen.forEach((drive, item) => {
        room[drive] = (room[drive] as number) - (sizes[item] as number)
      })
      assert.equal(chosen.length, sizes.length)
      assert.ok(room.every((left) => left >= 0))
    }
    assert.ok(found <= possible && found > 0.9 * possible, `${found} of ${possible}`)
    if (fit === fitExactly) assert.equal(found, possible)
  })
}

test('both searches give up in time', () => {
  const sizes = Array.from({ length: 400 }, (_, index) => 3400 - (index % 7)).sort((left, right) => right - left)
  const drives = repeated(150, 10_000)
  const weights = sizes.map((size) => drives.map(() => size))
  const start = process.cpuUsage()
  fitExactly(weights, drives)
  fitByLeastSlack(weights, drives)
  driveBound(Float64Array.from(sizes), drives)
  // Half a second; what does not give up takes longer than anybody lives.
  const seconds = process.cpuUsage(start).user / 1e6
  assert.ok(seconds < 60, `${seconds} s`)
})

test('a drive weight of its own is respected for each drive', () => {
  // The second drive has larger clusters: the item fits only the first.
  assert.deepEqual(fitExactly([[5, 9]], [6, 6]), [0])
  assert.deepEqual(fitByLeastSlack([[9, 5]], [6, 6]), [1])
  assert.equal(fitExactly([[9, 9]], [6, 6]), undefined)
})
