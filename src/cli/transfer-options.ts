// How fast data is sent, and how many requests at once: checked with the same words wherever it is asked.

import { parseByteSize, RateLimit } from '../index.js'

/** Bytes a second. @throws TypeError for what is none, and for 0 */
export function readRate(limitRate: string | undefined): number | undefined {
  if (limitRate === undefined) return undefined
  const rate = parseByteSize(limitRate)
  if (rate === undefined || rate === 0) {
    throw new TypeError(`expected bytes a second such as 20M for --limit-rate but received ${limitRate}`)
  }
  return rate
}

/** To be spread into a request. @throws TypeError */
export function readRateLimit(limitRate: string | undefined): { rateLimit?: RateLimit } {
  const rate = readRate(limitRate)
  return rate === undefined ? {} : { rateLimit: new RateLimit(rate) }
}

/** @throws TypeError */
export function checkConcurrency(concurrency: number, most: number): void {
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > most) {
    throw new TypeError(`expected 1 to ${most} for --concurrency but received ${concurrency}`)
  }
}
