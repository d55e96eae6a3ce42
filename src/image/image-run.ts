// A run that goes on by itself, and what it tells meanwhile: an async iterable of events, and a promise of the result. Who does
// not listen misses nothing that counts; progress that nobody took is replaced by the newer one.

import type { EngineRun } from '../addon/engine-run.js'
import type { ImageProgress } from '../addon/image-engine.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import type { TransferError } from '../errors.js'

export type ImageEvent =
  | { kind: 'progress'; rows: readonly DriveProgress[] }
  /** Something that somebody should know; a sentence. */
  | { kind: 'note'; message: string }
  | { kind: 'unreadable'; offsetBytes: number; lengthBytes: number }
  /** The run goes on without this target. */
  | { kind: 'target-failed'; path: string; error: TransferError }
  | { kind: 'damaged'; offsetBytes: number; lengthBytes: number; message: string }

export interface ImageRun<T> extends AsyncIterable<ImageEvent> {
  /** Rejects with INTERRUPTED after abort(). Listening ends when it is settled, without its error. */
  readonly result: Promise<T>
  abort(): void
}

/** What the work of a run is handed. */
export interface RunContext {
  readonly signal: AbortSignal
  tell(event: ImageEvent): void
  /** Reports the progress of a native run until it ends, and stops it when this one is aborted. */
  follow<T>(run: EngineRun<T, ImageProgress>, row: DriveProgress): Promise<T>
}

const progressEveryMs = 200
/** Events that wait for a listener; the result has all of them. */
const waitingMax = 10_000

export function startImageRun<T>(work: (context: RunContext) => Promise<T>, signal?: AbortSignal): ImageRun<T> {
  const controller = new AbortController()
  const stop = () => controller.abort()
  if (signal?.aborted) stop()
  else signal?.addEventListener('abort', stop, { once: true })
  const events = new EventQueue()
  const context: RunContext = {
    signal: controller.signal,
    tell: (event) => events.push(event),
    follow: (run, row) => follow(run, row, events, controller.signal),
  }
  const result = work(context).finally(() => {
    signal?.removeEventListener('abort', stop)
    events.end()
  })
  // It may fail while somebody still listens; whoever awaits it hears of it then.
  result.catch(() => {})
  return { result, abort: stop, [Symbol.asyncIterator]: () => events.listen() }
}

async function follow<T>(
  run: EngineRun<T, ImageProgress>,
  row: DriveProgress,
  events: EventQueue,
  signal: AbortSignal,
): Promise<T> {
  const stop = () => run.abort()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  const report = () => {
    const { bytesDone, bytesTotal } = run.progress()
    Object.assign(row, { bytesDone, bytesTotal })
    events.push({ kind: 'progress', rows: [{ ...row }] })
  }
  const timer = setInterval(report, progressEveryMs)
  try {
    return await run.finished
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', stop)
    report()
  }
}

class EventQueue {
  readonly #waiting: ImageEvent[] = []
  #wake: (() => void) | undefined
  #isOver = false

  push(event: ImageEvent): void {
    const last = this.#waiting.at(-1)
    if (event.kind === 'progress' && last?.kind === 'progress') this.#waiting.pop()
    if (this.#waiting.length < waitingMax) this.#waiting.push(event)
    this.#wake?.()
  }

  end(): void {
    this.#isOver = true
    this.#wake?.()
  }

  async *listen(): AsyncGenerator<ImageEvent> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event !== undefined) yield event
      else if (this.#isOver) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    }
  }
}
