// Plans a whole session without writing anything: scans the sources, looks at the drives, and lays out what goes where.

import type { BitlockerMethod } from '../addon/bitlocker.js'
import { TransferError } from '../errors.js'
import type { DatasetRow } from '../formats/dataset.js'
import { blobColumns } from '../plan/blob-columns.js'
import { formatBytes } from '../reports/format-bytes.js'
import { checkNames } from './check-names.js'
import { type EmptyVolume, emptyVolume } from './empty-volume.js'
import { type LaidOutDrives, type LayOutRequest, layOutDrives } from './lay-out-drives.js'
import { readListFiles } from './list-files.js'
import { type DriveRequest, resolveDrives } from './resolve-drives.js'
import { type ScannedDataset, scanSources } from './scan-sources.js'

export interface PrepareRequest {
  /** 3 to 30 of letters, digits, _ - #. */
  sessionId: string
  dataset: readonly DatasetRow[]
  drives: readonly DriveRequest[]
  method: BitlockerMethod
  /** Bytes; 4096 up to 16 TB, else 65536. */
  clusterBytes?: number
  /** NTFS volume label and part of the BitLocker description. */
  label: string
  followSymlinks?: boolean
  /** Leave unreadable files out instead of failing. */
  keepGoing?: boolean
}

export interface SessionPlan extends LaidOutDrives {
  sessionId: string
  skipped: ScannedDataset['skipped']
  /** Id of the drive of the session that is given up for these. */
  replaces?: string
}

/** @throws TransferError SOURCE_*, DATASET_INVALID, DESTINATION_INVALID, DRIVE_*, NTFS_NAMES, FILE_TOO_LARGE, DRIVES_FULL. */
export async function planSession(request: PrepareRequest): Promise<SessionPlan> {
  const targets = await resolveDrives(request.drives)
  const dataset = await scanSources(request.dataset, { followSymlinks: request.followSymlinks ?? false })
  refuseUnreadable(dataset, request.keepGoing ?? false)
  if (dataset.tree.fileDirectory.length === 0 && dataset.skipped.length === 0) {
    throw new TransferError('SOURCE_EMPTY', 'There is nothing to copy: the sources hold no files.')
  }
  const blobs = blobColumns(dataset.tree, dataset.fileRow, request.dataset)
  const lists = await readListFiles(blobs.listRows)
  const volumes: EmptyVolume[] = []
  for (const target of targets) volumes.push(await emptyVolume(target, request))
  await checkNames(dataset.tree, (volumes[0] as EmptyVolume).skeleton, blobs.problems)
  const { sessionId, method, label } = request
  const tooSmall: LayOutRequest['tooSmall'] = ({ leftOver, leftOverBytes, capacityBytes }) => {
    const hold = volumes.length === 1 ? 'the drive holds' : `${volumes.length} drives hold`
    const message =
      `The drives are too small: ${leftOver} files (${formatBytes(leftOverBytes)}) are left over; ` +
      `${hold} ${formatBytes(capacityBytes)}.`
    return new TransferError('DRIVES_FULL', message, {
      hint: `Nothing was written. Add another --drive and run session ${sessionId} again.`,
    })
  }
  const { tree, skipped } = dataset
  const laidOut = await layOutDrives({
    sessionId,
    method,
    label,
    tree,
    sources: dataset,
    blobs,
    lists,
    volumes,
    tooSmall,
  })
  return { sessionId, ...laidOut, skipped }
}

function refuseUnreadable(dataset: ScannedDataset, keepGoing: boolean): void {
  const unreadable = dataset.skipped.filter((entry) => entry.reason === 'unreadable' || entry.reason === 'invalid-utf8')
  if (unreadable.length === 0 || keepGoing) return
  const problems = unreadable.map((entry) => ({ message: entry.message }))
  const message = `${unreadable.length} files or folders cannot be read; nothing was written. First: ${problems[0]?.message}`
  throw new TransferError('SOURCE_UNREADABLE', message, {
    problems,
    hint: 'Mend their permissions, or give --keep-going to leave them out.',
  })
}
