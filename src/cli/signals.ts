// Ctrl-C and a polite kill stop the work at a point from which it resumes; a second one ends the process at once. What is locked
// is also stopped when somebody else takes it over.

import { exitCodes } from '../index.js'

/** @param next how to go on, where that is certain before it has stopped; else what it ends with says so. */
export function abortOnSignals(next?: string): { signal: AbortSignal; done(): void } {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    process.stderr.write(next === undefined ? '\nStopping.\n' : `\nStopping; ${next}.\n`)
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    done() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}

/** For what keeps its own journal or state. */
export const sameAgain = 'run the same command again to resume'

/** What one process has at a time, until another one takes it over. */
interface Locked {
  lock: { signal: AbortSignal }
  close(): Promise<void>
}

/**
 * Works on what was opened, and closes it. `signal` is for Ctrl-C and for a lock that was lost; once it is, whatever else
 * stopped did so because of that.
 */
export async function whileLocked<T>(opened: Locked, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, done } = abortOnSignals(sameAgain)
  const lost = opened.lock.signal
  try {
    return await work(AbortSignal.any([signal, lost]))
  } catch (error) {
    throw lost.aborted ? lost.reason : error
  } finally {
    done()
    await opened.close()
  }
}
