// One run of the native module: a handle, one function that hears everything it has to say, and a promise for its end.

import { type ErrorCode, TransferError } from '../errors.js'
import { addon, type EngineEvent, type EngineRunHandle } from './binding.js'

export type IoEngine = 'auto' | 'uring' | 'threads'

const ioEngines: readonly IoEngine[] = ['auto', 'uring', 'threads']

/** As the native module counts them. */
export const ioEngineNumber = (engine: IoEngine = 'auto') => ioEngines.indexOf(engine)

export interface EngineProgress {
  bytesDone: number
  bytesTotal: number
  filesDone: number
  filesTotal: number
}

/** A run that goes on by itself. */
export interface EngineRun<T, Progress = EngineProgress> {
  /** Rejects with INTERRUPTED after abort(). */
  finished: Promise<T>
  abort(): void
  progress(): Progress
}

// The order of native/addon/engine_run.h.
export const eventKinds = {
  mark: 0,
  dropped: 1,
  mismatch: 2,
  unreadable: 3,
  finished: 4,
  chunk: 5,
  damaged: 6,
} as const

type RunEvent = (...event: [...Parameters<EngineEvent>, run: EngineRunHandle]) => void

/** `toResult` makes the result of the last event's summary, `toProgress` of the five numbers that a run counts. */
export interface RunShape<T, Progress> {
  toResult(summary: unknown): T
  toProgress(numbers: Float64Array): Progress
}

export function startRun<T, Progress>(
  start: (report: EngineEvent) => EngineRunHandle,
  onEvent: RunEvent,
  { toResult, toProgress }: RunShape<T, Progress>,
): EngineRun<T, Progress> {
  const { promise, resolve, reject } = withResolvers<T>()
  let thrown: { error: Error } | undefined
  const run = start((kind, first, second, code, message, summary) => {
    if (kind !== eventKinds.finished) {
      if (thrown !== undefined) return
      try {
        onEvent(kind, first, second, code, message, summary, run)
      } catch (error) {
        // A listener that fails to record something must not let the run go on: what it did would be lost.
        thrown = { error: error as Error }
        addon.engineAbort(run)
      }
    } else if (thrown !== undefined) reject(thrown.error)
    else if (message === '') resolve(toResult(summary))
    else reject(nativeError(code, message, summary))
  })
  return {
    finished: promise,
    abort: () => addon.engineAbort(run),
    progress: () => toProgress(addon.engineProgress(run)),
  }
}

/** The shape of runs over files. */
export function fileRun<T>(): RunShape<T, EngineProgress> {
  return {
    toResult: (summary) => summary as T,
    toProgress([bytesDone = 0, bytesTotal = 0, filesDone = 0, filesTotal = 0]) {
      return { bytesDone, bytesTotal, filesDone, filesTotal }
    },
  }
}

/** What an event told, as an error. */
export function nativeError(code: ErrorCode, message: string, detail: unknown): TransferError {
  const { systemError } = detail as { systemError?: number }
  return new TransferError(code, message, systemError === undefined ? {} : { systemError })
}

// Promise.withResolvers comes with Node 22.
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}
