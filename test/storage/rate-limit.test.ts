import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RateClock, RateLimit } from '../../src/storage/rate-limit.js'

/** Time that passes only while somebody sleeps. */
class TestClock implements RateClock {
  timeMs = 5000
  nowMs = () => this.timeMs
  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (signal?.aborted) throw signal.reason
    this.timeMs += durationMs
  }
}

test('bytes go at the rate, after one second in advance', async () => {
  const clock = new TestClock()
  const limit = new RateLimit(1000, clock)
  for (let taken = 0; taken < 11; taken++) await limit.take(1000)
  assert.equal(clock.timeMs, 5000 + 9000)
  clock.timeMs += 60_000
  for (let taken = 0; taken < 3; taken++) await limit.take(1000)
  assert.equal(clock.timeMs, 5000 + 9000 + 60_000 + 1000, 'a long pause saves up one second, not a minute')
})

test('the first to ask is the first to go, and a large piece is paid for by those behind it', async () => {
  const clock = new TestClock()
  const limit = new RateLimit(1000, clock)
  const order: [number, number][] = []
  await Promise.all(
    [5000, 1, 1, 1].map((bytes, index) => limit.take(bytes).then(() => order.push([index, clock.timeMs]))),
  )
  assert.deepEqual(
    order.map(([index]) => index),
    [0, 1, 2, 3],
  )
  assert.equal(order[0]?.[1], 5000)
  assert.equal(order[1]?.[1], 9000)
})

test('who gives up leaves the queue at once and takes nothing', async () => {
  const clock = new TestClock()
  const limit = new RateLimit(1000, clock)
  await limit.take(3000)
  const abort = new AbortController()
  let isLastDone = false
  const first = limit.take(1000)
  const givenUp = limit.take(1_000_000, abort.signal)
  const last = limit.take(1).then(() => {
    isLastDone = true
  })
  abort.abort()
  await assert.rejects(givenUp, { code: 'INTERRUPTED' })
  assert.equal(isLastDone, false)
  await Promise.all([first, last])
  assert.equal(clock.timeMs, 5000 + 3000)
  await assert.rejects(limit.take(1, abort.signal), { code: 'INTERRUPTED' })
})

test('a limit is above zero, and may be none', async () => {
  for (const bad of [0, -1, Number.NaN]) assert.throws(() => new RateLimit(bad), RangeError)
  const limit = new RateLimit(Number.POSITIVE_INFINITY)
  for (let taken = 0; taken < 100; taken++) await limit.take(1e12)
})

test('the system clock is used without another', { timeout: 60_000 }, async () => {
  const limit = new RateLimit(10_000_000)
  const startMs = performance.now()
  for (let taken = 0; taken < 4; taken++) await limit.take(5_000_000)
  const elapsedMs = performance.now() - startMs
  assert.ok(elapsedMs > 400 && elapsedMs < 30_000, `${elapsedMs} ms`)
})
