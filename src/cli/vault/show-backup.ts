// A backup as it goes and when it is done: a bar, events, and a closing line.

import {
  type BackupProgress,
  type DriveProgress,
  exitCodes,
  formatBytes,
  formatDuration,
  type VaultBackupResult,
} from '../../index.js'
import type { Terminal } from '../terminal.js'

const eventEveryMs = 5000

/** For `onProgress`. */
export function backupProgress(terminal: Terminal): (progress: BackupProgress) => void {
  let lastEventMs = 0
  return ({ files, bytes, filesTotal, bytesTotal }) => {
    const row: DriveProgress = { driveId: 'backup', path: '', activity: 'copying', bytesDone: bytes, bytesTotal }
    terminal.progress([row])
    const nowMs = performance.now()
    if (nowMs - lastEventMs < eventEveryMs) return
    lastEventMs = nowMs
    terminal.emit({ event: 'vault-progress', files, bytes, filesTotal, bytesTotal })
  }
}

export function showBackup(terminal: Terminal, job: string, result: VaultBackupResult, state: string): void {
  const { snapshot, files, filesNew, filesChanged, bytes, bytesAdded, seconds, isPartial, place } = result
  terminal.emit({ event: 'vault-backup', job, ...result })
  terminal.print(
    `Snapshot ${snapshot} in ${place}: ${files} files, ${formatBytes(bytes)}; ${filesNew} new, ${filesChanged} changed, ${formatBytes(bytesAdded)} added, ${formatDuration(seconds)}`,
  )
  if (state === 'frozen') terminal.print('Waiting for the import job to complete.')
  if (!isPartial) return
  terminal.warn('Some files could not be read; the snapshot has the others.')
  process.exitCode = exitCodes.partly
}
