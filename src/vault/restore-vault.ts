// Restoring from a vault, to where the files came from or below another folder: first what it would do to what is there, then the
// files, then, if wanted, what was written is read back.

import { lstat, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  addToPreview,
  emptyPreview,
  type RestorableFile,
  type RestorePreview,
  restoreEffect,
} from '../plan/restore-preview.js'
import { sideOf } from '../plan/vault-actions.js'
import { eachNode, restoreSnapshot, type SnapshotNode } from '../restic/snapshots.js'
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

const inBatch = 64

/** Reads and compares; nothing is written. @throws TransferError SNAPSHOT_NOT_FOUND */
export async function previewRestore(look: VaultLook, options: RestoreOptions): Promise<RestorePreview> {
  const restic = await openRestic(look.jobFolder, look.state, sideOf('read', look.state), options)
  const preview = emptyPreview()
  const waiting: SnapshotNode[] = []
  const looked: Promise<void>[] = []
  const flush = () => {
    const batch = waiting.splice(0)
    looked.push(lookAtAll(batch, options.target, preview))
  }
  const { snapshot, paths } = options
  await withLocksCleared(restic, () =>
    eachNode(restic, { snapshot, paths }, (node) => {
      if (node.type !== 'file') return
      waiting.push(node)
      if (waiting.length >= inBatch) flush()
    }),
  )
  flush()
  await Promise.all(looked)
  return preview
}

async function lookAtAll(nodes: readonly SnapshotNode[], target: string | undefined, preview: RestorePreview) {
  for (const { path, sizeBytes, modified } of nodes) {
    const place = target === undefined ? path : join(resolve(target), path)
    const file = { sizeBytes, modifiedMs: Date.parse(modified) }
    addToPreview(preview, place, file, restoreEffect(file, await lookAt(place)))
  }
}

async function lookAt(path: string): Promise<RestorableFile | 'other' | undefined> {
  try {
    const facts = await lstat(path)
    return facts.isFile() ? { sizeBytes: facts.size, modifiedMs: facts.mtimeMs } : 'other'
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
  const request = { snapshot, target, includes: paths, verify, ...(onLine === undefined ? {} : { onLine }) }
  await withLocksCleared(restic, () => restoreSnapshot(restic, request))
}
