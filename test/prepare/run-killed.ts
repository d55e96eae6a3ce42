// The command line as a process that may be killed at any moment.

import { spawn } from 'node:child_process'
import { main } from '../built-program.js'

/** Runs the command; kills it after `killAfterMs` if it is still running. True when it ended by itself with exit code 0. */
export function runUntilKilled(words: string[], killAfterMs?: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (text) => {
      errors += text
    })
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') resolve(false)
      else if (exitCode === 0) resolve(true)
      else reject(new Error(`exit ${exitCode}: ${errors}`))
    })
  })
}
