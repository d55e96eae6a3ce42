// Plans a whole session without writing anything: scans the sources, spans the files over the drives, and lays out the real
// NTFS volume of each drive in memory, so that a plan that says it fits does fit.

import { randomUUID } from 'node:crypto'
import type { BitlockerMethod } from '../addon/bitlocker.js'
import { NtfsLayout } from '../addon/ntfs.js'
import { bitlockerFileGroups } from '../drives/bitlocker-regions.js'
import { TransferError } from '../errors.js'
import type { DatasetRow } from '../formats/dataset.js'
import type { DrivePlan, PlanBlobList } from '../formats/drive-plan.js'
import { manifestBlobLength, manifestFrameLength } from '../formats/manifest-writer.js'
import { assembleDrivePlan } from '../plan/assemble-drive-plan.js'
import { type BlobColumns, blobColumns } from '../plan/blob-columns.js'
import { listFilesFolder, manifestBlobOf, manifestHeaderOf } from '../plan/drive-manifest.js'
import { type DriveSpan, spanDrives } from '../plan/span-drives.js'
import { formatBytes } from '../reports/format-bytes.js'
import { checkNames } from './check-names.js'
import { type EmptyVolume, emptyVolume } from './empty-volume.js'
import { type ListFile, readListFiles } from './list-files.js'
import { type DriveRequest, type DriveTarget, resolveDrives } from './resolve-drives.js'
import { type ScannedDataset, scanSources } from './scan-sources.js'
import { version } from './version.js'

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

/** One drive of a plan: everything that performing it needs. */
export interface PlannedDrive {
  target: DriveTarget
  plan: DrivePlan
  /** The empty NTFS volume, made once: its serial number is random. */
  skeleton: Buffer
  /** Offsets on the volume of BitLocker's regions, per group. */
  systemFileOffsets: number[][]
  files: number
  bytes: number
  /** Bytes of file data and metadata that the empty volume could take, and what stays free. */
  capacityBytes: number
  freeBytes: number
}

export interface SessionPlan {
  sessionId: string
  drives: PlannedDrive[]
  /** Drives that were given and are not needed. */
  unused: DriveTarget[]
  files: number
  bytes: number
  /** No fewer drives of this set can hold the files. */
  lowerBound: number
  skipped: ScannedDataset['skipped']
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
  return layOutAll({ request, dataset, blobs, lists, volumes })
}

interface WholePlan {
  request: PrepareRequest
  dataset: ScannedDataset
  blobs: BlobColumns
  lists: ListFile[][]
  volumes: EmptyVolume[]
}

// The estimate that spans is an upper bound, so the first try fits; the layout still has the last word.
async function layOutAll(whole: WholePlan): Promise<SessionPlan> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const span = spanWhole(whole)
    const drives: PlannedDrive[] = []
    const full: EmptyVolume[] = []
    for (const index of span.drives) {
      const planned = await layOut(whole, span, index)
      if (planned !== undefined) drives.push(planned)
      else full.push(whole.volumes[index] as EmptyVolume)
    }
    if (full.length === 0) return summarize(whole, drives, span.lowerBound)
    for (const volume of full) volume.capacityBytes *= 0.995
  }
  throw new TransferError('INTERNAL', 'The layout of a drive was larger than its estimate, four times.')
}

function spanWhole(whole: WholePlan): DriveSpan {
  const { dataset, blobs, lists, volumes, request } = whole
  const blobSource = { ...blobs, tree: dataset.tree }
  const span = spanDrives({
    tree: dataset.tree,
    drives: volumes.map(({ target, place, capacityBytes }) => ({
      driveId: target.driveId,
      capacityBytes,
      clusterBytes: place.clusterBytes,
      recordBytes: place.sectorBytes === 4096 ? 4096 : 1024,
      indexBytes: 4096,
    })),
    manifest: {
      fixedBytes: manifestFrameLength(manifestHeaderOf(headerOf(whole, 0))),
      fileBytes: (file) => manifestBlobLength(manifestBlobOf(blobSource, file)),
    },
    generatedBytes: lists.flat().map((file) => file.sizeBytes),
  })
  if (span.leftOver.length === 0) return span
  const capacity = volumes.reduce((sum, volume) => sum + volume.capacityBytes, 0)
  const message =
    `The drives are too small: ${span.leftOver.length} files (${formatBytes(span.leftOverBytes)}) are left over; ` +
    `${volumes.length === 1 ? 'the drive holds' : `${volumes.length} drives hold`} ${formatBytes(capacity)}.`
  throw new TransferError('DRIVES_FULL', message, {
    hint: `Nothing was written. Add another --drive and run session ${request.sessionId} again.`,
  })
}

function headerOf({ request, lists, volumes }: WholePlan, index: number): DrivePlan['header'] {
  const { target, place } = volumes[index] as EmptyVolume
  const blobLists = lists.map((files): PlanBlobList => {
    const list: PlanBlobList = {}
    for (const file of files) list[file.role] = { path: `\\${listFilesFolder}\\${file.name}`, hash: file.md5 }
    return list
  })
  const { sessionId, method, label } = request
  const createdBy = `diskferry ${version}`
  return {
    sessionId,
    driveId: target.driveId,
    createdBy,
    volume: place,
    method,
    label,
    diskGuid: randomUUID(),
    blobLists,
  }
}

/** The drive's own plan and layout; undefined when it does not fit after all. */
async function layOut(whole: WholePlan, span: DriveSpan, index: number): Promise<PlannedDrive | undefined> {
  const { dataset, blobs, lists, volumes } = whole
  const { target, place, skeleton, capacityBytes } = volumes[index] as EmptyVolume
  const listFiles = lists.flat()
  const plan = assembleDrivePlan({
    header: headerOf(whole, index),
    whole: dataset,
    blobs,
    listFiles,
    assignments: span.assignments,
    drive: index,
    takesEmptyDirectories: index === span.drives[0],
    nowNs: BigInt(Date.now()) * 1_000_000n,
  })
  const files = plan.tree.fileDirectory.length - listFiles.length - 1
  const bytes = plan.tree.fileSizeBytes.subarray(0, files).reduce((sum, size) => sum + size, 0)
  try {
    const layout = await NtfsLayout.plan(skeleton, plan.tree, bitlockerFileGroups(place.sizeBytes))
    const freeBytes = layout.stats.freeClustersAfter * place.clusterBytes
    return {
      target,
      plan,
      skeleton,
      systemFileOffsets: layout.systemFileOffsets,
      files,
      bytes,
      capacityBytes,
      freeBytes,
    }
  } catch (error) {
    if (error instanceof TransferError && error.code === 'NTFS_NO_SPACE') return undefined
    throw error
  }
}

function summarize({ dataset, request, volumes }: WholePlan, drives: PlannedDrive[], lowerBound: number): SessionPlan {
  const used = new Set(drives.map((drive) => drive.target.driveId))
  return {
    sessionId: request.sessionId,
    drives,
    unused: volumes.map((volume) => volume.target).filter((target) => !used.has(target.driveId)),
    files: drives.reduce((sum, drive) => sum + drive.files, 0),
    bytes: drives.reduce((sum, drive) => sum + drive.bytes, 0),
    lowerBound,
    skipped: dataset.skipped,
  }
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
