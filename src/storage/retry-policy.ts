// The one retry policy of storage. The client library's own is switched off: it starts a request again without a pause, has
// no time-out of its own, and reads neither Retry-After nor 429.

import { setTimeout as sleepFor } from 'node:timers/promises'
import { TransferError } from '../errors.js'
import { interrupted, throwIfAborted } from './local-rules.js'

export interface RetryOptions {
  /** Requests until it is given up; 8. */
  tries?: number
  /** Before the second try; 500. Doubled each time, with up to a quarter of it taken off at random. */
  firstDelayMs?: number
  /** Longest pause, also for what the service asks for; 30,000. */
  maxDelayMs?: number
  /** Time for one try, 60,000, to which every request adds what its bytes take at `slowestBytesPerSecond`. */
  tryTimeoutMs?: number
  /** 65,536. */
  slowestBytesPerSecond?: number
}

/** What went wrong with one try; `isTransient` when the next may succeed by itself. */
export interface TryFailure {
  error: TransferError
  isTransient: boolean
  /** What the service asked for. */
  retryAfterMs?: number | undefined
}

export interface RetryRequest<Result> {
  /** Begins the sentence of an error, such as `Blob container/name`. */
  subject: string
  /** Bytes that go up or come down. */
  lengthBytes?: number
  signal?: AbortSignal | undefined
  /** @param tryNumber 1 for the first. After a failed try nobody knows whether the service has done the request. */
  send: (signal: AbortSignal, tryNumber: number) => Promise<Result>
  judge: (error: unknown) => TryFailure
}

export class RetryPolicy {
  readonly #tries: number
  readonly #firstDelayMs: number
  readonly #maxDelayMs: number
  readonly #tryTimeoutMs: number
  readonly #slowestBytesPerSecond: number

  constructor(options: RetryOptions = {}) {
    this.#tries = positive('tries', options.tries ?? 8)
    this.#firstDelayMs = positive('firstDelayMs', options.firstDelayMs ?? 500)
    this.#maxDelayMs = positive('maxDelayMs', options.maxDelayMs ?? 30_000)
    this.#tryTimeoutMs = positive('tryTimeoutMs', options.tryTimeoutMs ?? 60_000)
    this.#slowestBytesPerSecond = positive('slowestBytesPerSecond', options.slowestBytesPerSecond ?? 65_536)
  }

  /** @throws TransferError INTERRUPTED, STORAGE_UNREACHABLE when the tries are used up, or what `judge` calls final. */
  async run<Result>(request: RetryRequest<Result>): Promise<Result> {
    for (let tryNumber = 1; ; tryNumber++) {
      throwIfAborted(request.signal)
      const failure = await this.#try(request, tryNumber)
      if (!('error' in failure)) return failure.result
      if (request.signal?.aborted) throw interrupted()
      if (!failure.isTransient) throw failure.error
      if (tryNumber >= this.#tries) throw givenUp(failure.error, tryNumber)
      await this.#pause(tryNumber, failure.retryAfterMs, request.signal)
    }
  }

  async #try<Result>(request: RetryRequest<Result>, tryNumber: number): Promise<{ result: Result } | TryFailure> {
    const { signal, lengthBytes = 0 } = request
    const timeoutMs = this.#tryTimeoutMs + (lengthBytes * 1000) / this.#slowestBytesPerSecond
    const abort = new AbortController()
    let isTimeout = false
    const timer = setTimeout(() => {
      isTimeout = true
      abort.abort()
    }, timeoutMs)
    const stop = () => abort.abort()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return { result: await request.send(abort.signal, tryNumber) }
    } catch (error) {
      if (isTimeout) return timedOut(request.subject, timeoutMs)
      return request.judge(error)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
  }

  async #pause(tryNumber: number, retryAfterMs: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    const backOffMs = Math.min(this.#firstDelayMs * 2 ** (tryNumber - 1), this.#maxDelayMs) * (1 - Math.random() / 4)
    const pauseMs = Math.max(backOffMs, Math.min(retryAfterMs ?? 0, this.#maxDelayMs))
    await sleepFor(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {
      throw interrupted()
    })
  }
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`expected a positive number for ${name} but received ${value}`)
}

function timedOut(subject: string, timeoutMs: number): TryFailure {
  const message = `${subject}: no answer within ${(timeoutMs / 1000).toFixed(1)} s.`
  return { error: new TransferError('STORAGE_UNREACHABLE', message), isTransient: true }
}

function givenUp(error: TransferError, tries: number): TransferError {
  const message = `${error.message} Given up after ${tries} ${tries === 1 ? 'try' : 'tries'}.`
  return new TransferError('STORAGE_UNREACHABLE', message, {
    hint: error.hint ?? 'Check the network and the service, then run the same command again.',
    cause: error.cause,
  })
}
