// How the import of a drive ended: the status that its copy log carries, and the error behind it.

import { type ErrorCode, TransferError } from '../errors.js'
import type { DriveStatus } from '../formats/copy-log-codes.js'
import type { ImportDriveState } from '../plan/import-state.js'
import { isNoRoom, noRoom } from './no-room.js'

/** Of an import that came to its end. */
export function finishedStatus({ failures, outcomes }: ImportDriveState): DriveStatus {
  if (failures.size > 0) return 'CompletedWithErrors'
  return outcomes.counts.renamed + outcomes.counts.skipped > 0 ? 'CompletedWithWarnings' : 'Completed'
}

const driveStatuses: Partial<Record<ErrorCode, DriveStatus>> = {
  DEVICE_NOT_FOUND: 'DiskNotFound',
  PARTITION_MISSING: 'BitLockerVolumeNotFound',
  VOLUME_NOT_BITLOCKER: 'BitLockerVolumeNotFound',
  VOLUME_DAMAGED: 'BitLockerFailed',
  VOLUME_UNSUPPORTED: 'BitLockerFailed',
  VOLUME_CONVERTING: 'BitLockerFailed',
  KEY_MISTYPED: 'BitLockerKeyInvalid',
  KEY_WRONG: 'BitLockerKeyInvalid',
  KEY_NOT_APPLICABLE: 'BitLockerProtectorNotFound',
  NTFS_DAMAGED: 'VolumeNotNtfs',
  NTFS_UNSUPPORTED: 'VolumeNotNtfs',
  DRIVE_DAMAGED: 'DiskOperationFailed',
  DRIVE_GONE: 'DiskOperationFailed',
  DEVICE_READ_FAILED: 'DiskOperationFailed',
  MANIFEST_MISSING: 'ManifestNotFound',
  MANIFEST_INVALID: 'ManifestFormatInvalid',
  MANIFEST_XML: 'ManifestFormatInvalid',
  MANIFEST_PATH: 'BlobListFormatInvalid',
  MANIFEST_BLOCKS: 'BlobListFormatInvalid',
  MANIFEST_FILES: 'BlobListFormatInvalid',
  MANIFEST_MISMATCH: 'ManifestCorrupted',
  MANIFEST_OTHER_DRIVE: 'ManifestDriveIdMismatch',
  MANIFEST_TWICE: 'BlobListFormatInvalid',
  STORAGE_DENIED: 'BlobRequestForbidden',
}

/** Of one that did not. */
export function failedStatus({ code }: TransferError): DriveStatus {
  return driveStatuses[code] ?? 'InternalError'
}

export function interrupted(path: string): TransferError {
  return new TransferError('INTERRUPTED', `The import of ${path} was interrupted.`, {
    path,
    hint: 'Run the same command again: it goes on where it was.',
  })
}

/** What went wrong with the drive at this path. */
export function asTransferError(cause: unknown, path: string): TransferError {
  if (cause instanceof TransferError) return cause
  const { name, message } = cause as Error
  if (name === 'AbortError') return interrupted(path)
  if (isNoRoom(cause)) return noRoom(cause)
  return new TransferError('INTERNAL', `${path}: ${message}`, { cause, path })
}
