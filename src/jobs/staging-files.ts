// Files of a staging location, which others can write to as well: no link is followed out of it, nothing is read without a
// limit, and what replaces a file is there whole or not at all.

import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TransferError } from '../errors.js'
import { syncFolder } from '../sync-folder.js'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** Undefined when there is none. @throws TransferError STAGING_INVALID for a link, a folder, a device, or too much. */
export async function readPlainFile(path: string, bytesMax: number): Promise<string | undefined> {
  try {
    // Without O_NONBLOCK, opening a named pipe that somebody put there would wait for ever.
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const facts = await file.stat()
      if (!facts.isFile()) throw notPlain(path)
      if (facts.size > bytesMax) throw invalid(path, `it has ${facts.size} bytes, at most ${bytesMax} are read`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'EISDIR' || code === 'ENXIO') throw notPlain(path)
    throw error
  }
}

/** A reader sees the old file or the new one, also after a crash. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID().slice(0, 8)}`
  try {
    await writeNewFile(beside, text)
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  await syncSharedFolder(dirname(path))
}

/** @throws the system's error EEXIST when something of that name is there, were it a broken link. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o640)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Adds a line and syncs. A line that a crash cut off stays a line of its own. */
export async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o640).catch((error) => {
    throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? notPlain(path) : error
  })
  try {
    const facts = await file.stat()
    if (!facts.isFile()) throw notPlain(path)
    const last = Buffer.alloc(1)
    const isTorn = facts.size > 0 && (await file.read(last, 0, 1, facts.size - 1)).bytesRead === 1 && last[0] !== 0x0a
    await file.appendFile(`${isTorn ? '\n' : ''}${line}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Undefined when nothing is there. Links are told as links. */
export async function factsOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** Some network file systems cannot; a rename there stands all the same. */
export async function syncSharedFolder(path: string): Promise<void> {
  await syncFolder(path).catch((error: NodeJS.ErrnoException) => {
    if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes(error.code ?? '')) throw error
  })
}

export function invalid(path: string, problem: string): TransferError {
  return new TransferError('STAGING_INVALID', `${path}: ${problem}.`, { path })
}

function notPlain(path: string): TransferError {
  return new TransferError('STAGING_INVALID', `${path} is a link or no regular file; it is not followed.`, {
    hint: 'Nothing that belongs there is a link. Look who put it there.',
    path,
  })
}
