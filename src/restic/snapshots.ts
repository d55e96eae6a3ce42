// The snapshots of a repository: listed, looked into, thinned out, restored.

import { TransferError } from '../errors.js'
import type { Restic } from './run-restic.js'

export interface Snapshot {
  /** 64 hex digits. */
  id: string
  /** ISO 8601, with the offset of the computer that made it. */
  time: string
  host: string
  paths: string[]
  tags: string[]
}

interface RawSnapshot {
  id: string
  time: string
  hostname?: string
  paths?: string[]
  tags?: string[] | null
}

/** Oldest first. */
export async function listSnapshots(restic: Restic): Promise<Snapshot[]> {
  const found = await restic.ask<RawSnapshot>(['snapshots'])
  const snapshots = found.map(readSnapshot)
  return snapshots.sort((one, other) => Date.parse(one.time) - Date.parse(other.time))
}

function readSnapshot({ id, time, hostname = '', paths, tags }: RawSnapshot): Snapshot {
  return { id, time, host: hostname, paths: paths ?? [], tags: tags ?? [] }
}

export interface SnapshotNode {
  path: string
  type: 'file' | 'dir' | 'symlink' | (string & {})
  sizeBytes: number
  /** ISO 8601 with nanoseconds. */
  modified: string
}

/** Everything in a snapshot, as it comes; nothing is kept. @param paths only what lies at or below these. */
export async function eachNode(
  restic: Restic,
  { snapshot, paths }: { snapshot: string; paths: readonly string[] },
  visit: (node: SnapshotNode) => void,
): Promise<void> {
  const words = ['ls', '--json', snapshot, ...(paths.length === 0 ? [] : ['--recursive', ...paths])]
  let isFound = false
  await restic.run(words, {
    message: ({ struct_type, path, type, size, mtime }) => {
      if (struct_type === 'snapshot') isFound = true
      if (struct_type !== 'node' || typeof path !== 'string') return
      const sizeBytes = typeof size === 'number' ? size : 0
      visit({ path, type: String(type), sizeBytes, modified: String(mtime) })
    },
  })
  // restic says so on the side, and ends well.
  if (!isFound) {
    throw new TransferError('SNAPSHOT_NOT_FOUND', `There is no snapshot ${snapshot} in ${restic.description}.`, {
      hint: 'diskferry vault snapshots lists them.',
    })
  }
}

const inBatch = 64

/** What is no folder, some at a time, several times at once. Ends when all visits have, with the first error that one met. */
export async function eachLeaf(
  restic: Restic,
  wanted: { snapshot: string; paths: readonly string[] },
  visit: (leaves: readonly SnapshotNode[]) => Promise<void>,
): Promise<void> {
  const waiting: SnapshotNode[] = []
  const visits: Promise<void>[] = []
  const problems: { error: unknown }[] = []
  const flush = () => {
    // Told of at the end: nobody waits for a visit while restic still lists.
    visits.push(visit(waiting.splice(0)).catch((error: unknown) => void problems.push({ error })))
  }
  try {
    await eachNode(restic, wanted, (node) => {
      if (node.type === 'dir') return
      waiting.push(node)
      if (waiting.length >= inBatch) flush()
    })
    flush()
  } finally {
    await Promise.all(visits)
  }
  if (problems[0] !== undefined) throw problems[0].error
}

export interface RestoreRequest {
  snapshot: string
  /** Folder that the paths of the snapshot are put below; `/` for where they came from. */
  target: string
  /** Only these paths, as they stand in the snapshot. */
  includes: readonly string[]
  /** Read what was written and compare it with the snapshot. */
  verify: boolean
  onLine?: (line: string) => void
}

export async function restoreSnapshot(restic: Restic, request: RestoreRequest): Promise<void> {
  const { snapshot, target, includes, verify, onLine } = request
  const words = ['restore', snapshot, '--target', target, ...(verify ? ['--verify'] : [])]
  for (const path of includes) words.push('--include', escapePattern(path))
  const problems: { message: string }[] = []
  const line = (text: string) => {
    onLine?.(text)
    const message = /^ignoring error for (.*)$/.exec(text)?.[1]
    if (message !== undefined) problems.push({ message })
  }
  await restic.run(words, { line }).catch((error: unknown) => {
    if (!(error instanceof TransferError) || error.code !== 'TOOL_FAILED' || problems.length === 0) throw error
    throw notRestored(error, problems)
  })
}

function notRestored(cause: TransferError, problems: { message: string }[]): TransferError {
  const message = `${problems.length} errors of restic; the first is: ${problems[0]?.message}. The rest was restored, and not read back.`
  return new TransferError('TOOL_FAILED', message, {
    hint: 'Move what is in the way, or restore into an empty folder with --into.',
    problems: problems.slice(0, 1000),
    cause,
  })
}

/** A path is meant, not a pattern. */
export function escapePattern(path: string): string {
  return path.replace(/[\\*?[]/g, '\\$&')
}

/** Removes one snapshot; its data stays. @param id at least eight digits of it. */
export async function forgetSnapshot(restic: Restic, id: string): Promise<void> {
  await restic.run(['forget', id])
}

export interface ForgetResult {
  kept: number
  removed: Snapshot[]
}

/** Removes snapshots, and with `prune` the data that nothing refers to any more. @param retention `--keep-…` words. */
export async function forgetSnapshots(
  restic: Restic,
  { retention, prune, dryRun }: { retention: readonly string[]; prune: boolean; dryRun: boolean },
): Promise<ForgetResult> {
  const flags = [...(prune ? ['--prune'] : []), ...(dryRun ? ['--dry-run'] : [])]
  const groups = await restic.ask<{ keep?: RawSnapshot[] | null; remove?: RawSnapshot[] | null }>([
    'forget',
    ...retention,
    ...flags,
  ])
  const removed = groups.flatMap(({ remove }) => (remove ?? []).map(readSnapshot))
  return { kept: groups.reduce((count, { keep }) => count + (keep?.length ?? 0), 0), removed }
}
