// The one place that sends a request again: after 408, 429, 500, 502, 503 and 504, and after a connection that broke. How long
// to wait is what the service says in Retry-After, else twice as long each time. Every request to these services can be
// repeated: a PUT names the whole job, a PATCH the same values.

import type {
  PipelinePolicy,
  PipelineRequest,
  PipelineResponse,
  RestError,
  SendRequest,
} from '@azure/core-rest-pipeline'

export interface RetryOptions {
  /** All tries together, the first one included. */
  triesMax?: number
  /** Wait before the second try; doubled for each further one. */
  delayMs?: number
  /** A longer wait than this is not waited for. */
  delayMaxMs?: number
  /** For one try. */
  tryTimeoutMs?: number
}

const statuses = new Set([408, 429, 500, 502, 503, 504])
const connectionCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'REQUEST_SEND_ERROR',
])

/** Set on a response that took several tries. */
export const triesHeader = 'x-diskferry-tries'

export function retryPolicy(options: RetryOptions = {}): PipelinePolicy {
  const { triesMax = 5, delayMs = 800, delayMaxMs = 120_000, tryTimeoutMs = 60_000 } = options
  return {
    name: 'diskferryRetryPolicy',
    async sendRequest(request, next) {
      const { abortSignal } = request
      for (let tries = 1; ; tries++) {
        const { response, error } = await withTimeout(request, abortSignal, tryTimeoutMs, next).then(
          (answer) => ({ response: answer, error: undefined }),
          (problem: RestError) => ({ response: undefined, error: problem }),
        )
        const wait = waitMs(response, delayMs * 2 ** (tries - 1))
        const again = response === undefined ? isBroken(error, abortSignal) : statuses.has(response.status)
        if (!again || tries === triesMax || wait > delayMaxMs) {
          if (response === undefined) throw again ? givenUp(error, tries) : error
          response.headers.set(triesHeader, String(tries))
          return response
        }
        await sleep(wait, abortSignal)
      }
    },
  }
}

// The package's own time-out leaves its timer behind, which keeps a finished program from ending.
async function withTimeout(
  request: PipelineRequest,
  abortSignal: PipelineRequest['abortSignal'],
  timeoutMs: number,
  next: SendRequest,
): Promise<PipelineResponse> {
  const abort = new AbortController()
  const stop = () => abort.abort()
  const timer = setTimeout(stop, timeoutMs)
  abortSignal?.addEventListener('abort', stop)
  request.abortSignal = abort.signal
  try {
    if (abortSignal?.aborted) stop()
    return await next(request)
  } finally {
    clearTimeout(timer)
    abortSignal?.removeEventListener('abort', stop)
  }
}

// An abort that nobody asked for is the time-out of one try.
function isBroken(error: RestError | undefined, abortSignal: PipelineRequest['abortSignal']): boolean {
  if (error?.name === 'AbortError') return abortSignal?.aborted !== true
  return error?.name === 'RestError' && connectionCodes.has(error.code ?? '')
}

function givenUp(error: RestError | undefined, tries: number): Error {
  const what = error?.name === 'AbortError' ? 'no answer came in time' : (error?.message ?? 'the connection broke')
  return new Error(`${what}; given up after ${tries} tries`)
}

/** Seconds, a date, or milliseconds in the services' own headers. */
function waitMs(response: PipelineResponse | undefined, otherwise: number): number {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const value = response?.headers.get(name)
    if (value !== undefined && /^\d+$/.test(value)) return Number(value)
  }
  const value = response?.headers.get('retry-after')
  if (value === undefined) return otherwise
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? otherwise : Math.max(0, at - Date.now())
}

async function sleep(ms: number, abortSignal: PipelineRequest['abortSignal']): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    abortSignal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new Error('The request was cancelled while it waited to be sent again.'))
    })
  })
}
