// Restoring from a vault, to where the files came from or below another folder: first what it would do to what is there, then the
// files, then, if wanted, what was written is read back.

import { lstat, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  addObstacle,
  addToPreview,
  emptyPreview,
  type RestorableFile,
  type RestorePreview,
  restoreEffect,
} from '../plan/restore-preview.js'
import { sideOf } from '../plan/vault-actions.js'
import { eachLeaf, restoreSnapshot, type SnapshotNode } from '../restic/snapshots.js'
import { ClearedWay } from './clear-way.js'
import type { VaultLook } from './look-vault.js'
import { openRestic, type VaultAccess, withLocksCleared } from './vault-access.js'

export interface RestoreOptions extends VaultAccess {
  /** Id or `latest`. */
  snapshot: string
  /** Folder that everything is put below; undefined for where it came from. */
  target?: string
  /** Absolute paths in the snapshot; all of it when there are none. */
  paths: readonly string[]
  verify: boolean
  onLine?: (line: string) => void
}

/** Reads and compares; nothing is written. @throws TransferError SNAPSHOT_NOT_FOUND */
export async function previewRestore(look: VaultLook, options: RestoreOptions): Promise<RestorePreview> {
  const restic = await openRestic(look.jobFolder, look.state, sideOf('read', look.state), options)
  const preview = emptyPreview()
  const { snapshot, paths } = options
  await withLocksCleared(restic, () =>
    eachLeaf(restic, { snapshot, paths }, (leaves) => lookAtAll(leaves, options.target, preview)),
  )
  return preview
}

async function lookAtAll(nodes: readonly SnapshotNode[], target: string | undefined, preview: RestorePreview) {
  for (const { path, type, sizeBytes, modified } of nodes) {
    const place = target === undefined ? path : join(resolve(target), path)
    const file = { sizeBytes, modifiedMs: Date.parse(modified) }
    const effect = restoreEffect(file, await lookAt(place, type))
    if (type === 'file') addToPreview(preview, place, file, effect)
    else addObstacle(preview, place, effect)
  }
}

/** A link, of which the snapshot's list says no size, is the same when its time is. */
async function lookAt(path: string, type: SnapshotNode['type']): Promise<RestorableFile | 'other' | undefined> {
  try {
    const facts = await lstat(path)
    if (type === 'symlink' && facts.isSymbolicLink()) return { sizeBytes: 0, modifiedMs: facts.mtimeMs }
    return type === 'file' && facts.isFile() ? { sizeBytes: facts.size, modifiedMs: facts.mtimeMs } : 'other'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR' || code === 'EACCES') return 'other'
    throw error
  }
}

/** @throws TransferError SNAPSHOT_NOT_FOUND, VAULT_DAMAGED, TOOL_FAILED */
export async function restoreVault(look: VaultLook, options: RestoreOptions): Promise<void> {
  const restic = await openRestic(look.jobFolder, look.state, sideOf('read', look.state), options)
  const { snapshot, paths, verify, onLine } = options
  const target = options.target === undefined ? '/' : resolve(options.target)
  await mkdir(target, { recursive: true })
  const hasContent = (await readdir(target)).length > 0
  const request = { snapshot, target, includes: paths, verify, ...(onLine === undefined ? {} : { onLine }) }
  const way = new ClearedWay(target)
  try {
    if (hasContent)
      await withLocksCleared(restic, () => eachLeaf(restic, { snapshot, paths }, (leaves) => way.clear(leaves)))
    await withLocksCleared(restic, () => restoreSnapshot(restic, request))
  } catch (error) {
    await way.putBack()
    throw error
  }
}
