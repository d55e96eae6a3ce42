// Runs restic. It gets an environment of its own, with the secrets that it needs and nothing that it does not; the password lies
// in a file in memory that ends with it, so that it stands on no disk, in no argument and no environment. When this process dies,
// restic is told to stop, and gives its lock back.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { createMemoryFile } from '../addon/ntfs.js'
import { TransferError } from '../errors.js'
import { findRclone, findRestic } from './find-restic.js'
import { resticError } from './restic-errors.js'
import type { ResticPlace } from './restic-place.js'

export interface ResticOptions {
  place: ResticPlace
  /** For people: where that is. */
  description: string
  password: string
  /** What of the caller's environment restic may see: PATH, proxies, certificates, where caches and temporary files go. */
  environment?: Readonly<Record<string, string>>
  /** KiB a second that go up; unlimited without it. */
  uploadLimitKibps?: number
  /** rclone's own timetable of limits, where the place is reached through it. */
  rcloneLimit?: string
  signal?: AbortSignal
}

export interface ResticEvents {
  /** A line that is JSON. */
  message?(message: Record<string, unknown>): void
  /** Any other line, from either stream. */
  line?(line: string): void
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const lastLinesMax = 60
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const clearsLine = /^\u001b\[2K/
const setpriv = '/usr/bin/setpriv'
/** Whoever died before the signal was ordered is the parent no more. */
const unlessOrphan = '[ "$PPID" = "$0" ] && exec "$@"'

export class Restic {
  private constructor(
    private readonly options: ResticOptions,
    private readonly program: readonly string[],
    readonly version: string,
  ) {}

  /** @throws TransferError TOOL_MISSING, TOOL_TOO_OLD */
  static async open(options: ResticOptions): Promise<Restic> {
    const searchPath = options.environment?.PATH ?? defaultPath
    const restic = await findRestic(searchPath)
    if (options.place.backend === 'rclone') await findRclone(searchPath)
    const dies = await access(setpriv, constants.X_OK).then(
      () => [setpriv, '--pdeathsig', 'INT', '--', '/bin/sh', '-c', unlessOrphan, String(process.pid)],
      () => [],
    )
    return new Restic(options, [...dies, restic.path], restic.version)
  }

  get description(): string {
    return this.options.description
  }

  get place(): ResticPlace {
    return this.options.place
  }

  /**
   * @param words the command first.
   * @param accepted exit codes that are no failure.
   * @returns the exit code.
   * @throws TransferError INTERRUPTED when aborted, else what restic's last words mean.
   */
  async run(words: readonly string[], events: ResticEvents = {}, accepted: readonly number[] = [0]): Promise<number> {
    const { signal, description } = this.options
    if (signal?.aborted) throw interrupted()
    const child = this.#spawn(words)
    const heard = new LastWords(events, () => child.kill('SIGINT'))
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream as Readable }).on('line', (line) => heard.take(line.replace(clearsLine, '')))
    }
    const stop = () => child.kill('SIGINT')
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const { exitCode, ended } = await endOf(child)
      if (signal?.aborted) throw interrupted()
      if (exitCode !== null && accepted.includes(exitCode) && !heard.isFull) return exitCode
      const lastWords = heard.text
      throw resticError({ command: words[0] ?? '', exitCode, signal: ended, lastWords, place: description })
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /** All that it printed on lines that are JSON; a list is one line. */
  async ask<T>(words: readonly string[]): Promise<T[]> {
    const found: T[] = []
    await this.run([...words, '--json'], {
      message: (message) => found.push(message as T),
      line: (line) => {
        if (/^\[(?:\{|\])/.test(line)) found.push(...(JSON.parse(line) as T[]))
      },
    })
    return found
  }

  #spawn(words: readonly string[]): ChildProcess {
    const { place, password, uploadLimitKibps } = this.options
    const [program, ...prefix] = this.program as [string, ...string[]]
    const limit = uploadLimitKibps === undefined ? [] : ['--limit-upload', String(Math.max(1, uploadLimitKibps))]
    const all = [...prefix, '--repo', place.repository, '--password-file', '/dev/fd/3', ...limit, ...words]
    const secret = Buffer.from(password)
    const descriptor = createMemoryFile(secret.length)
    try {
      writeSync(descriptor, secret, 0, secret.length, 0)
      return spawn(program, all, { env: this.#environment(), stdio: ['ignore', 'pipe', 'pipe', descriptor] })
    } finally {
      closeSync(descriptor)
    }
  }

  #environment(): Record<string, string> {
    const { environment = {}, place, rcloneLimit } = this.options
    return {
      PATH: defaultPath,
      HOME: homedir(),
      ...environment,
      ...place.environment,
      ...(rcloneLimit === undefined ? {} : { RCLONE_BWLIMIT: rcloneLimit }),
      // Twice a second is enough for a bar, and a line for every file would be most of the work.
      RESTIC_PROGRESS_FPS: '2',
    }
  }
}

/** Sorts what restic says, and keeps its last lines. */
class LastWords {
  isFull = false
  readonly #lines: string[] = []

  constructor(
    private readonly events: ResticEvents,
    private readonly stop: () => void,
  ) {}

  get text(): string {
    return this.#lines.join('\n')
  }

  take(line: string): void {
    const message = line.startsWith('{') ? parseObject(line) : undefined
    if (message !== undefined && message.message_type !== 'error') this.events.message?.(message)
    else this.events.line?.(line)
    if (message?.message_type === 'status') return
    this.#lines.push(line)
    if (this.#lines.length > lastLinesMax) this.#lines.shift()
    // It would try again for a quarter of an hour.
    if (this.isFull || !/no space left on device|disk quota exceeded/i.test(line)) return
    this.isFull = true
    this.stop()
  }
}

function endOf(child: ChildProcess): Promise<{ exitCode: number | null; ended: string | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, ended) => resolve({ exitCode, ended }))
  })
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function interrupted(): TransferError {
  return new TransferError('INTERRUPTED', 'restic was stopped.', { hint: 'Run the same command again to go on.' })
}
