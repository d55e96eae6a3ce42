// What a command may say and ask: text for people on stdout, or one JSON object a line with --json; progress on stderr, as
// a line that is rewritten on a terminal and as a plain line every few seconds elsewhere.

import { select as askChoice, password as askPassword, text as askText, isCancel } from '@clack/prompts'
import {
  type DriveProgress,
  formatBytes,
  formatDuration,
  formatRate,
  printable,
  redact,
  TransferError,
} from '../index.js'

export interface Terminal {
  readonly json: boolean
  readonly isInteractive: boolean
  /** For people; nothing with --json. */
  print(text: string): void
  /** For programs; nothing without --json. */
  emit(object: Record<string, unknown>): void
  /** A warning or note on stderr, with and without --json. */
  warn(text: string): void
  progress(rows: readonly DriveProgress[]): void
  /** Takes the line of progress away. */
  clear(): void
  ask(question: string, options?: AskOptions): Promise<string>
  askSecret(question: string): Promise<string>
  /** One of several. @returns its `value`. */
  choose(question: string, choices: readonly Choice[], options?: AskOptions): Promise<string>
}

export interface AskOptions {
  /** What stands there already; the person may change it. */
  initial?: string
  /** The option that answers this where nobody can be asked. */
  flag?: string
}

export interface Choice {
  value: string
  label: string
  hint?: string
}

const plainLineEveryMs = 5000
const showsPercent = new Set([
  ...['copying', 'verifying', 'importing'],
  ...['capturing', 'restoring', 'comparing', 'converting', 'repairing'],
])

export function createTerminal(options: { json: boolean }): Terminal {
  const { json } = options
  const showsProgress = process.stderr.isTTY === true
  const isInteractive = process.stdin.isTTY === true && process.stdout.isTTY === true
  const line = new ProgressLine(showsProgress)
  return {
    json,
    isInteractive,
    print(text) {
      line.clear()
      if (!json) process.stdout.write(`${text}\n`)
    },
    emit(object) {
      if (json) process.stdout.write(`${JSON.stringify(object)}\n`)
    },
    warn(text) {
      line.clear()
      process.stderr.write(`${redact(text).split('\n').map(printable).join('\n')}\n`)
    },
    progress: (rows) => line.show(rows),
    clear: () => line.clear(),
    ask: (question, { initial, flag } = {}) => {
      const prompt = { message: question, ...(initial === undefined ? {} : { initialValue: initial }) }
      return answer(isInteractive, () => askText(prompt), question, flag)
    },
    askSecret: (question) => answer(isInteractive, () => askPassword({ message: question }), question),
    choose: (question, choices, { initial, flag } = {}) => {
      const prompt = {
        message: question,
        options: [...choices],
        ...(initial === undefined ? {} : { initialValue: initial }),
      }
      return answer(isInteractive, () => askChoice(prompt), question, flag)
    },
  }
}

async function answer(
  isInteractive: boolean,
  prompt: () => Promise<unknown>,
  question: string,
  flag?: string,
): Promise<string> {
  if (!isInteractive) {
    const how = flag === undefined ? 'Give the answer as an option (see --help)' : `Give ${flag}`
    throw new TransferError('CONFIRMATION_MISSING', `Nobody can answer here: ${question}`, {
      hint: `${how}, or run it in a terminal.`,
    })
  }
  const given = await prompt()
  if (isCancel(given)) {
    throw new TransferError('INTERRUPTED', 'Cancelled at the prompt.', {
      hint: 'What was done before that question stays; the same command goes on from there.',
    })
  }
  return String(given ?? '')
}

/** Progress of all drives in one line. The rate is over the last ten seconds. */
class ProgressLine {
  #shown = false
  #lastPlainMs = 0
  readonly #samples: { atMs: number; bytes: number; key: string }[] = []

  constructor(private readonly rewrites: boolean) {}

  clear(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K')
    this.#shown = false
  }

  show(rows: readonly DriveProgress[]): void {
    const nowMs = performance.now()
    if (!this.rewrites && nowMs - this.#lastPlainMs < plainLineEveryMs) return
    this.#lastPlainMs = nowMs
    const text = this.describe(rows, nowMs)
    if (this.rewrites) {
      process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 120) - 1)}`)
      this.#shown = true
    } else process.stderr.write(`${text}\n`)
  }

  private describe(rows: readonly DriveProgress[], nowMs: number): string {
    const bytesDone = rows.reduce((sum, row) => sum + row.bytesDone, 0)
    const bytesTotal = rows.reduce((sum, row) => sum + row.bytesTotal, 0)
    const rate = this.rate(bytesDone, nowMs, rows.map((row) => row.activity).join())
    const left = rate > 0 ? `, ${formatDuration((bytesTotal - bytesDone) / rate)} left` : ''
    const drives = rows.map((row) => {
      const percent = row.bytesTotal > 0 ? ` ${Math.floor((100 * row.bytesDone) / row.bytesTotal)}%` : ''
      return `${row.driveId} ${row.activity}${showsPercent.has(row.activity) ? percent : ''}`
    })
    return `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}, ${formatRate(rate)}${left} | ${drives.join(' | ')}`
  }

  private rate(bytes: number, atMs: number, key: string): number {
    // A change of activity starts the counters anew.
    if (this.#samples.at(-1)?.key !== key) this.#samples.length = 0
    this.#samples.push({ atMs, bytes, key })
    while (this.#samples.length > 2 && atMs - (this.#samples[0]?.atMs ?? 0) > 10_000) this.#samples.shift()
    const first = this.#samples[0]
    const seconds = first === undefined ? 0 : (atMs - first.atMs) / 1000
    return first !== undefined && seconds > 0.3 ? (bytes - first.bytes) / seconds : 0
  }
}
