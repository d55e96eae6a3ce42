// The file that is the lock of a staging location: made, looked at and set aside so that of several computers that try it at
// once, on a network share too, one has it and the others find that out.

import { link, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { factsOf, readPlainFile, writeNewFile } from './staging-files.js'

export const lockBytesMax = 4096
const settleMs = 300

// A link is made whole or not at all, on network file systems too; where there are none, the file is made with O_EXCL.
export async function publishLock(draft: string, path: string, text: string, hardLinks: boolean): Promise<boolean> {
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
export async function isSettled(path: string, text: string): Promise<boolean> {
  await sleep(settleMs)
  return (await readPlainFile(path, lockBytesMax).catch(() => undefined)) === text
}

export interface FoundLock {
  text: string
  ageMs: number
}

/** @param probe a file that was just made there: its time is the file system's now. */
export async function lookAtLock(path: string, probe: string | undefined): Promise<FoundLock | undefined> {
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

// Two may find the same stale lock. Renaming is atomic, so one of them gets it; the other may rename what the first has made
// since, sees that, and puts it back.
export async function setAside(path: string, stale: string, aside: string, hardLinks: boolean): Promise<boolean> {
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
