// One computer at a time works on an import job. The staging location may be a network share, so the lock is a file that says
// who has it, and a sign of life: its owner rewrites it every few seconds. On the same computer the process is asked for; for
// another one the file's age counts, both times taken from the file system's own clock.

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, readFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TransferError } from '../errors.js'
import { startTicks } from '../journal/process-lock.js'
import { printable } from '../reports/printable.js'
import { factsOf, readPlainFile, writeNewFile } from './staging-files.js'

/** Which process on which computer. Two containers of one computer differ in `processSpace`. */
export interface LockIdentity {
  host: string
  pid: number
  startTicks: string
  bootId: string
  processSpace: string
}

export interface LockOwner {
  host: string
  pid: number
  /** ISO 8601. */
  since: string
  /** Since the last sign of life. */
  ageMs: number
  isAlive: boolean
}

export interface StagingLock {
  /** Who had it and did not give it back. */
  readonly tookOverFrom: string | undefined
  /** Aborted when somebody else took the lock: whoever has it must stop. */
  readonly signal: AbortSignal
  /** @throws TransferError STAGING_IN_USE when somebody else took it over. */
  assertHeld(): Promise<void>
  release(): Promise<void>
}

export interface LockOptions {
  identity?: LockIdentity
  staleAfterMs?: number
  beatEveryMs?: number
  /** False for a file system that has no hard links; it is found out otherwise. */
  hardLinks?: boolean
}

export const lockName = 'lock'
const staleAfterMsDefault = 10 * 60_000
const beatEveryMsDefault = 15_000
const lockBytesMax = 4096
const settleMs = 300

/** @throws TransferError STAGING_IN_USE with owner and age. */
export async function takeStagingLock(folder: string, options: LockOptions = {}): Promise<StagingLock> {
  const { staleAfterMs = staleAfterMsDefault, beatEveryMs = beatEveryMsDefault, hardLinks = true } = options
  const identity = options.identity ?? (await thisProcess())
  const nonce = randomUUID()
  const path = join(folder, lockName)
  const draft = `${path}.${nonce}`
  const text = `${JSON.stringify({ ...identity, since: new Date().toISOString(), nonce }, undefined, 2)}\n`
  await writeNewFile(draft, text)
  try {
    let tookOverFrom: string | undefined
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await publish(draft, path, text, hardLinks)) {
        if (attempt === 0 || (await isSettled(path, text))) return new HeldLock(path, text, tookOverFrom, beatEveryMs)
        continue
      }
      const found = await look(path, draft)
      if (found === undefined) continue
      const owner = await judge(found, identity, staleAfterMs)
      if (owner.isAlive) throw inUse(folder, owner, staleAfterMs)
      if (await setAside(path, found.text, `${draft}.stale`, hardLinks)) tookOverFrom = describeOwner(owner)
    }
    throw new TransferError('STAGING_IN_USE', `The lock of ${folder} could not be taken; another process is starting.`)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Undefined when nobody has it. */
export async function readLockOwner(folder: string, options: LockOptions = {}): Promise<LockOwner | undefined> {
  const path = join(folder, lockName)
  const found = await look(path, undefined)
  if (found === undefined) return undefined
  return judge(found, options.identity ?? (await thisProcess()), options.staleAfterMs ?? staleAfterMsDefault)
}

export async function thisProcess(): Promise<LockIdentity> {
  const [bootId, processSpace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  const pid = process.pid
  return { host: hostname(), pid, startTicks: await startTicks(pid), bootId: bootId.trim(), processSpace }
}

// A link is made whole or not at all, on network file systems too; where there are none, the file is made with O_EXCL.
async function publish(draft: string, path: string, text: string, hardLinks: boolean): Promise<boolean> {
  if (hardLinks) {
    const linked = await linkNew(draft, path)
    if (linked !== 'unsupported') return linked === 'linked'
  }
  try {
    await writeNewFile(path, text)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function linkNew(from: string, to: string): Promise<'linked' | 'exists' | 'unsupported'> {
  try {
    await link(from, to)
    return 'linked'
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return 'exists'
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) return 'unsupported'
    throw error
  }
}

// Another that saw the same stale lock may still be about to set it aside, and would take ours instead; while it puts that
// back, a third may get in. Whoever is there after a moment has the lock.
async function isSettled(path: string, text: string): Promise<boolean> {
  await sleep(settleMs)
  return (await readPlainFile(path, lockBytesMax).catch(() => undefined)) === text
}

interface FoundLock {
  text: string
  ageMs: number
}

/** @param probe a file that was just made there: its time is the file system's now. */
async function look(path: string, probe: string | undefined): Promise<FoundLock | undefined> {
  try {
    const text = await readPlainFile(path, lockBytesMax)
    if (text === undefined) return undefined
    const now = probe === undefined ? Date.now() : (await stat(probe)).mtimeMs
    return { text, ageMs: Math.max(0, now - (await stat(path)).mtimeMs) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function judge(found: FoundLock, here: LockIdentity, staleAfterMs: number): Promise<LockOwner> {
  const { ageMs, text } = found
  const named = parseOwner(text)
  const isHere = named.bootId !== '' && named.bootId === here.bootId && named.processSpace === here.processSpace
  const isRunning = named.startTicks !== '' && (await startTicks(named.pid)) === named.startTicks
  const isAlive = isHere ? isRunning : ageMs < staleAfterMs
  return { host: named.host, pid: named.pid, since: named.since, ageMs, isAlive }
}

// What cannot be read names nobody, and its age counts.
function parseOwner(text: string): LockIdentity & { since: string } {
  let read: Partial<Record<string, unknown>> = {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) read = parsed as typeof read
  } catch {}
  const field = (name: string) => (typeof read[name] === 'string' ? printable(read[name].slice(0, 255)) : '')
  const pid = Number.isSafeInteger(read.pid) ? (read.pid as number) : 0
  const [host, since] = [field('host') || 'an unknown computer', field('since')]
  return {
    host,
    pid,
    since,
    startTicks: field('startTicks'),
    bootId: field('bootId'),
    processSpace: field('processSpace'),
  }
}

// Two may find the same stale lock. Renaming is atomic, so one of them gets it; the other may rename what the first has made
// since, sees that, and puts it back.
async function setAside(path: string, stale: string, aside: string, hardLinks: boolean): Promise<boolean> {
  if ((await readPlainFile(path, lockBytesMax)) !== stale) return false
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  const isStale = (await readPlainFile(aside, lockBytesMax)) === stale
  if (!isStale) await putBack(aside, path, hardLinks)
  await rm(aside, { force: true })
  return isStale
}

// Where somebody else has made a lock in between, whose it was finds that out at the next change.
async function putBack(aside: string, path: string, hardLinks: boolean): Promise<void> {
  const linked = hardLinks ? await linkNew(aside, path) : 'unsupported'
  if (linked === 'unsupported' && (await factsOf(path)) === undefined) await rename(aside, path)
}

function inUse(folder: string, owner: LockOwner, staleAfterMs: number): TransferError {
  const waitMinutes = Math.max(1, Math.round((staleAfterMs - owner.ageMs) / 60_000))
  return new TransferError('STAGING_IN_USE', `${folder} is in use by ${describeOwner(owner)}.`, {
    hint: `Wait until it is done there, or take another job. If that computer is gone, try again in ${waitMinutes} min.`,
    path: folder,
  })
}

/** `copy1, process 4711, since 2026-11-22 02:47, last seen 12 s ago` */
export function describeOwner({ host, pid, since, ageMs }: LockOwner): string {
  const seconds = Math.round(ageMs / 1000)
  const seen = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `${host}, process ${pid}, since ${since.slice(0, 16).replace('T', ' ')}, last seen ${seen} ago`
}

class HeldLock implements StagingLock {
  readonly #lost = new AbortController()
  readonly #timer: NodeJS.Timeout
  #isReleased = false

  constructor(
    private readonly path: string,
    private readonly text: string,
    readonly tookOverFrom: string | undefined,
    beatEveryMs: number,
  ) {
    this.#timer = setInterval(() => void this.#beat(), beatEveryMs)
    this.#timer.unref()
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  async assertHeld(): Promise<void> {
    if (this.#lost.signal.aborted || (await readPlainFile(this.path, lockBytesMax)) !== this.text)
      throw this.#takenOver()
  }

  async release(): Promise<void> {
    if (this.#isReleased) return
    this.#isReleased = true
    clearInterval(this.#timer)
    if ((await readPlainFile(this.path, lockBytesMax).catch(() => '')) === this.text)
      await rm(this.path, { force: true })
  }

  // Written in place with what it has already: only its time changes, and a reader never sees a part. A share that is away for
  // a moment is no reason to stop; whoever takes the lock over meanwhile is found as soon as it is back.
  async #beat(): Promise<void> {
    try {
      const found = await readPlainFile(this.path, lockBytesMax)
      if (this.#isReleased) return
      if (found !== this.text) {
        this.#lost.abort(this.#takenOver())
        clearInterval(this.#timer)
        return
      }
      const file = await open(this.path, constants.O_RDWR | constants.O_NOFOLLOW)
      try {
        await file.write(this.text, 0)
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch {}
  }

  #takenOver(): TransferError {
    return new TransferError('STAGING_IN_USE', `Another computer took over ${this.path}; this one stops.`, {
      hint: 'This computer gave no sign of life for too long. See who has the job with diskferry stage list.',
      path: this.path,
    })
  }
}
