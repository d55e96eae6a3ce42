// The row that an imported drive gets in the report of its import.

import type { ReceivedDrive } from '../reports/receive-report.js'
import type { DriveImport, DriveImportResult } from './receive-drive.js'

/** Without the drive's logs. */
export function describeImport(
  { drive: request, contentMd5 }: Pick<DriveImport, 'drive' | 'contentMd5'>,
  result: DriveImportResult,
): Omit<ReceivedDrive, 'logs' | 'failures'> {
  const { opened, status, error, driveId } = result
  const counts = opened?.state.outcomes.counts ?? { created: 0, overwritten: 0, renamed: 0, skipped: 0 }
  const { created, overwritten, renamed, skipped } = counts
  const failed = opened?.state.failures.size ?? 0
  const hash = opened?.survey.manifestHash
  const checkedAgainst = opened?.survey.isHashChecked === true ? (request.expectedFrom ?? 'the job') : undefined
  const content = contentMd5 ? ['MD5 of every whole blob computed'] : []
  return {
    driveId,
    path: request.path,
    serial: opened?.drive.hardwareId,
    status,
    message: error?.message,
    manifest: hash === undefined ? undefined : { hash, checkedAgainst },
    checked:
      opened === undefined
        ? []
        : [...opened.drive.checked, 'every block against its MD5 before it was sent', ...content],
    blobs: {
      total: opened?.survey.blobs ?? 0,
      imported: created + overwritten + renamed,
      renamed,
      overwritten,
      skipped,
      failed,
    },
    bytesImported: result.bytesImported,
    bytesThere: result.bytesThere,
    blocksDamaged: result.damagedBlocks,
    seconds: result.seconds,
    failuresTotal: failed,
  }
}
