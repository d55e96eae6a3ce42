// One process at a time on this computer. A lock file names its owner by process id and start time: a crash leaves it behind,
// and a process that is gone owns nothing.

import { open, readFile, rm } from 'node:fs/promises'
import type { TransferError } from '../errors.js'

export interface ProcessLock {
  release(): Promise<void>
}

const attemptsMax = 3
/** For an owner that is between making the lock and writing it: two seconds, counted in looks, because all may have been asleep. */
const unwrittenLooks = 100
const lookEveryMs = 20

/** @param inUse makes the error; without a process id the lock could not be taken because another one is starting. */
export async function takeProcessLock(
  path: string,
  inUse: (processId: string | undefined) => TransferError,
): Promise<ProcessLock> {
  const mine = `${process.pid} ${await startTicks(process.pid)}\n`
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      await make(path, mine)
      return { release: () => release(path, mine) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
    const owner = await ownerOf(path)
    if (owner === undefined) continue
    const [pid = '', ticks = ''] = owner.trim().split(' ')
    if (ticks !== '' && (await startTicks(Number(pid))) === ticks) throw inUse(pid)
    if ((await textOf(path)) === owner) await rm(path, { force: true })
  }
  throw inUse(undefined)
}

/** Undefined when the lock was released meanwhile; empty when nobody ever wrote it. */
async function ownerOf(path: string): Promise<string | undefined> {
  let owner = await textOf(path)
  for (let look = 0; owner === '' && look < unwrittenLooks; look++) {
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    owner = await textOf(path)
  }
  return owner
}

const textOf = (path: string) => readFile(path, 'utf8').catch(() => undefined)

async function make(path: string, mine: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(mine)
  } catch (cause) {
    await rm(path, { force: true })
    throw cause
  } finally {
    await file.close()
  }
}

async function release(path: string, mine: string): Promise<void> {
  if ((await textOf(path)) === mine) await rm(path, { force: true })
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused process id apart. */
export async function startTicks(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
