// One computer at a time works on an import job. The staging location may be a network share, so the lock is a file that says
// who has it, and a sign of life: its owner rewrites it every few seconds. On the same computer the process is asked for; for
// another one the file's age counts, both times taken from the file system's own clock.

import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TransferError } from '../errors.js'
import { readPlainFile, writeNewFile } from './staging-files.js'
import { isSettled, lockBytesMax, lookAtLock, publishLock, setAside } from './staging-lock-file.js'
import { describeOwner, judgeOwner, type LockIdentity, type LockOwner, thisProcess } from './staging-lock-owner.js'

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
      if (await publishLock(draft, path, text, hardLinks)) {
        if (attempt === 0 || (await isSettled(path, text))) return new HeldLock(path, text, tookOverFrom, beatEveryMs)
        continue
      }
      const found = await lookAtLock(path, draft)
      if (found === undefined) continue
      const owner = await judgeOwner(found, identity, staleAfterMs)
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
  const found = await lookAtLock(path, undefined)
  if (found === undefined) return undefined
  return judgeOwner(found, options.identity ?? (await thisProcess()), options.staleAfterMs ?? staleAfterMsDefault)
}

function inUse(folder: string, owner: LockOwner, staleAfterMs: number): TransferError {
  const waitMinutes = Math.max(1, Math.round((staleAfterMs - owner.ageMs) / 60_000))
  return new TransferError('STAGING_IN_USE', `${folder} is in use by ${describeOwner(owner)}.`, {
    hint: `Wait until it is done there, or take another job. If that computer is gone, try again in ${waitMinutes} min.`,
    path: folder,
  })
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
