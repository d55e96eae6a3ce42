// Ctrl-C and a polite kill stop the work at a point from which it resumes; a second one ends the process at once.

import { exitCodes } from '../index.js'

export function abortOnSignals(): { signal: AbortSignal; done(): void } {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    process.stderr.write('\nStopping; run the same command again to resume.\n')
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
