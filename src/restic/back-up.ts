// One run of `restic backup`: what goes in, how far it is, and what came of it.

import type { Restic } from './run-restic.js'

export interface BackupRequest {
  paths: readonly string[]
  excludes?: readonly string[]
  excludeFiles?: readonly string[]
  oneFileSystem?: boolean
  /** Name of the computer that the snapshot is of: the next run on it finds what has not changed. */
  host: string
  tags: readonly string[]
  /** MiB; a drive likes few large files, a line that breaks off likes small ones. restic's own choice without it. */
  packMebibytes?: number
  onProgress?: (progress: BackupProgress) => void
  /** What could not be read, and other warnings. */
  onWarning?: (text: string) => void
}

export interface BackupProgress {
  files: number
  bytes: number
  /** Grow while restic still looks for files. */
  filesTotal: number
  bytesTotal: number
}

export interface BackupSummary {
  /** Eight hex digits. */
  snapshot: string
  filesNew: number
  filesChanged: number
  filesUnmodified: number
  files: number
  bytes: number
  /** What the repository grew by, before compression. */
  bytesAdded: number
  seconds: number
  /** Some files could not be read; the snapshot has the others. */
  isPartial: boolean
}

const partly = 3
/** The error that it ends with says the same. */
const isTold = /^Fatal: |^signal interrupt received/

/** @throws TransferError as `Restic.run`. */
export async function backUp(restic: Restic, request: BackupRequest): Promise<BackupSummary> {
  const { onProgress, onWarning } = request
  let found: Record<string, unknown> = {}
  const message = (said: Record<string, unknown>) => {
    if (said.message_type === 'summary') found = said
    else if (said.message_type === 'status') onProgress?.(progressOf(said))
  }
  const line = (text: string) => {
    if (!isTold.test(text)) onWarning?.(warningOf(text))
  }
  const exitCode = await restic.run(backupWords(request), { message, line }, [0, partly])
  const count = numberIn(found)
  return {
    snapshot: typeof found.snapshot_id === 'string' ? found.snapshot_id.slice(0, 8) : '',
    filesNew: count('files_new'),
    filesChanged: count('files_changed'),
    filesUnmodified: count('files_unmodified'),
    files: count('total_files_processed'),
    bytes: count('total_bytes_processed'),
    bytesAdded: count('data_added'),
    seconds: count('total_duration'),
    isPartial: exitCode === partly,
  }
}

export function backupWords(request: BackupRequest): string[] {
  const { paths, excludes = [], excludeFiles = [], oneFileSystem = false, host, tags, packMebibytes } = request
  return [
    'backup',
    '--json',
    '--compression',
    'auto',
    ...(packMebibytes === undefined ? [] : ['--pack-size', String(packMebibytes)]),
    '--host',
    host,
    ...tags.flatMap((tag) => ['--tag', tag]),
    ...excludes.flatMap((pattern) => ['--exclude', pattern]),
    ...excludeFiles.flatMap((path) => ['--exclude-file', path]),
    ...(oneFileSystem ? ['--one-file-system'] : []),
    '--',
    ...paths,
  ]
}

function progressOf(said: Record<string, unknown>): BackupProgress {
  const count = numberIn(said)
  return {
    files: count('files_done'),
    bytes: count('bytes_done'),
    filesTotal: count('total_files'),
    bytesTotal: count('total_bytes'),
  }
}

/** An error of a file is JSON: `{"message_type":"error","error":{…},"item":"/path"}`. */
function warningOf(text: string): string {
  if (!text.startsWith('{')) return text
  try {
    const { item, error } = JSON.parse(text) as { item?: string; error?: { Err?: unknown; message?: string } }
    const reason = error?.message ?? JSON.stringify(error ?? {})
    return `${item ?? 'a file'} could not be read: ${reason}`
  } catch {
    return text
  }
}

function numberIn(from: Record<string, unknown>): (name: string) => number {
  return (name) => (typeof from[name] === 'number' ? (from[name] as number) : 0)
}
