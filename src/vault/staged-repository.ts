// The repository in staging, as files: what is there, what may go, how much room is left.

import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { TransferError } from '../errors.js'
import type { NamedSize } from '../formats/frozen-list.js'
import { isTemporary, travelFiles, travelFolders, travels } from '../plan/repository-files.js'
import { formatBytes } from '../reports/format-bytes.js'

/**
 * Every file that travels, in the order of names. Nothing for a folder that is not there.
 * @param kind `data/`, `index/` and so on, or the name of a file; all of them without it.
 */
export async function* listRepository(folder: string, kind = ''): AsyncIterable<NamedSize> {
  const tops = [...travelFolders.map((name) => `${name}/`), ...travelFiles].sort()
  for (const top of tops) {
    if (kind !== '' && kind !== top) continue
    if (top.endsWith('/')) yield* listFolder(folder, top)
    else yield* sizeOf(folder, top)
  }
}

async function* listFolder(root: string, below: string): AsyncIterable<NamedSize> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  entries.sort((one, other) => (one.name < other.name ? -1 : 1))
  for (const entry of entries) {
    const name = `${below}${entry.name}`
    if (entry.isDirectory()) yield* listFolder(root, `${name}/`)
    else if (entry.isFile() && travels(name)) yield* sizeOf(root, name)
  }
}

async function* sizeOf(root: string, name: string): AsyncIterable<NamedSize> {
  const facts = await stat(join(root, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (facts !== undefined) yield { name, sizeBytes: facts.size }
}

/** SHA-256 of the repository's config, hex; undefined when there is none. */
export async function configHashOf(folder: string): Promise<string | undefined> {
  const config = await readFile(join(folder, 'config')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return config === undefined ? undefined : createHash('sha256').update(config).digest('hex')
}

/** Removes what an interrupted run left half written. Only while no run of restic is under way. */
export async function removeTemporary(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.isFile() && isTemporary(entry.name))
      await rm(join(entry.parentPath ?? entry.path, entry.name), { force: true })
  }
}

/** Whether somebody runs restic on it now, or left a lock. */
export async function hasLocks(folder: string): Promise<boolean> {
  const locks = await readdir(join(folder, 'locks')).catch(() => [])
  return locks.some((name) => !isTemporary(name))
}

/** @throws TransferError STAGING_FULL when there is less room than data. */
export async function requireRoom(folder: string, neededBytes: number, presentBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  if (freeBytes + presentBytes >= neededBytes) return
  const has = `${folder} has ${formatBytes(freeBytes)} free`
  const message = `The data to back up has ${formatBytes(neededBytes)}, and ${has}.`
  throw new TransferError('STAGING_FULL', message, {
    hint: 'Compression may make it fit: --no-space-check tries. Excluded files were counted too.',
    path: folder,
  })
}
