// The command line at a real terminal: `script`, which every Debian has, gives it one, and the test types. What is asked
// only of people can be tested so, with the terminal's own rules for Ctrl-C.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'

/** Why there is no pseudo-terminal here; false when there is one. */
export const terminalMissing = spawnSync('script', ['--version']).status === 0 ? false : 'needs script (bsdutils)'

export interface TerminalRun {
  /** Types an answer, once the output shows the question that it is for. */
  when(question: RegExp, answer: string): Promise<void>
  /** The exit code, when the program has ended. */
  ended: Promise<number>
  isOver(): boolean
  /** Everything shown so far, without control sequences. */
  shown(): string
}

export const enter = '\r'
export const controlC = '\u0003'

/** Starts a program at a terminal of its own. It is stopped after `timeoutMs` whatever it does. */
export function atTerminal(words: readonly string[], options: { cwd: string; timeoutMs?: number }): TerminalRun {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const command = `stty rows 40 columns 120; exec ${quoted}`
  const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1', DISKFERRY_RECOVERY_PASSWORD: undefined, CI: undefined }
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd: options.cwd,
    env: env as unknown as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: options.timeoutMs ?? 240_000,
  })
  let output = ''
  const shown = () => stripVTControlCharacters(output)
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
    for (const look of waiting) look()
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => {
      for (const look of waiting) look()
      resolve(exitCode ?? -1)
    })
  })
  // What was answered is passed over: the next question must come after it.
  let seen = 0
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  return {
    shown,
    ended,
    isOver,
    async when(question, answer) {
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          const found = question.exec(shown().slice(seen))
          if (found === null && !isOver()) return
          waiting.delete(look)
          if (found === null) reject(new assert.AssertionError({ message: `${question} was not asked: ${shown()}` }))
          else {
            seen += found.index + found[0].length
            resolve()
          }
        }
        waiting.add(look)
        look()
      })
      child.stdin.write(answer)
    },
  }
}
