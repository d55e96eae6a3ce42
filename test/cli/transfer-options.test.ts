// Words of --limit-rate and --concurrency: what is taken, and what is said of the rest.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkConcurrency, readRate, readRateLimit } from '../../src/cli/transfer-options.js'

describe('--limit-rate', () => {
  const rates: [text: string | undefined, bytesPerSecond: number | undefined][] = [
    [undefined, undefined],
    ['1', 1],
    ['20M', 20 << 20],
  ]
  for (const [text, rate] of rates) test(`${text} is ${rate}`, () => assert.equal(readRate(text), rate))

  for (const text of ['0', '0M', '', 'fast', '-1', '20M/s']) {
    test(`${JSON.stringify(text)} is refused`, () => {
      const message = `expected bytes a second such as 20M for --limit-rate but received ${text}`
      assert.throws(() => readRate(text), { name: 'TypeError', message })
    })
  }

  test('nothing given is no limit', () => {
    assert.deepEqual(readRateLimit(undefined), {})
    assert.ok(readRateLimit('3M').rateLimit)
  })
})

describe('--concurrency', () => {
  for (const count of [1, 64]) test(`${count} of 64 is taken`, () => checkConcurrency(count, 64))
  for (const count of [0, 65, 1.5, Number.NaN]) {
    test(`${count} of 64 is refused`, () => {
      const message = `expected 1 to 64 for --concurrency but received ${count}`
      assert.throws(() => checkConcurrency(count, 64), { name: 'TypeError', message })
    })
  }
})
