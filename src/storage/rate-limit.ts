// A limit on bytes a second that all uploads share: a token bucket that holds one second's worth, first come, first served.

import { setTimeout as sleepFor } from 'node:timers/promises'
import { interrupted, throwIfAborted } from './local-rules.js'

/** Time as the limit sees it; tests bring their own. */
export interface RateClock {
  nowMs(): number
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>
}

const systemClock: RateClock = {
  nowMs: () => performance.now(),
  sleep: (durationMs, signal) => sleepFor(durationMs, undefined, signal === undefined ? {} : { signal }),
}

export class RateLimit {
  /** When everything that was taken so far has been paid for. */
  #paidUntilMs = Number.NEGATIVE_INFINITY
  #queue: Promise<void> = Promise.resolve()

  constructor(
    private readonly bytesPerSecond: number,
    private readonly clock: RateClock = systemClock,
  ) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`expected bytes per second above 0 but received ${bytesPerSecond}`)
  }

  /**
   * Resolves when so many bytes may go. More than a second's worth may be taken at once: what follows waits the longer.
   * @throws TransferError INTERRUPTED; the bytes are not taken then.
   */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return
    const before = this.#queue
    let done = () => {}
    this.#queue = new Promise((resolve) => {
      done = resolve
    })
    try {
      await orAborted(before, signal)
      const burstMs = 1000
      const nowMs = this.clock.nowMs()
      const waitMs = this.#paidUntilMs - nowMs
      if (waitMs > 0) {
        await this.clock.sleep(waitMs, signal).catch(() => {
          throw interrupted()
        })
      }
      const startMs = Math.max(this.#paidUntilMs, nowMs - burstMs)
      this.#paidUntilMs = startMs + (bytes * 1000) / this.bytesPerSecond
    } finally {
      // Whoever gave up in the queue keeps the order of the others.
      void before.then(done)
    }
  }
}

async function orAborted(turn: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await turn
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(interrupted())
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([turn, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
