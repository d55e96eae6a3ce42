// Runs the command line as a process of its own, and keeps what can be seen of it from outside.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { main } from '../built-program.js'

export interface CommandRun {
  exitCode: number | null
  stdout: string
  stderr: string
  /** As any user of the machine sees it. */
  commandLine: string
  /** Most memory that it had at once. */
  peakBytes: number
}

export function runCommand(words: readonly string[], environment: Record<string, string> = {}): Promise<CommandRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...words], { env: { ...process.env, ...environment } })
    // It is what it will be when spawn returns.
    const commandLine = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
    const run: CommandRun = { exitCode: null, stdout: '', stderr: '', commandLine, peakBytes: 0 }
    child.stdout.on('data', (text) => {
      run.stdout += text
    })
    child.stderr.on('data', (text) => {
      run.stderr += text
    })
    const timer = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
        run.peakBytes = 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? run.peakBytes / 1024)
      } catch {
        // It has ended.
      }
    }, 20)
    child.on('error', reject)
    child.on('close', (exitCode) => {
      clearInterval(timer)
      resolve({ ...run, exitCode })
    })
  })
}
