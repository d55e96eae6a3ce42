// From files and empty volumes to planned drives: spans the files, and lays out the real NTFS volume of each drive in
// memory, so that a plan that says it fits does fit. Writes nothing.

import { randomUUID } from 'node:crypto'
import type { BitlockerMethod } from '../addon/bitlocker.js'
import { NtfsLayout } from '../addon/ntfs.js'
import { bitlockerFileGroups } from '../drives/bitlocker-regions.js'
import { TransferError } from '../errors.js'
import type { FileTree } from '../file-tree.js'
import type { DrivePlan, PlanBlobList } from '../formats/drive-plan.js'
import { manifestBlobLength, manifestFrameLength } from '../formats/manifest-writer.js'
import { version } from '../package.js'
import {
  assembleDrivePlan,
  type BlobFileColumns,
  type FileSources,
  type ListFile,
} from '../plan/assemble-drive-plan.js'
import { listFilesFolder, manifestBlobOf, manifestHeaderOf } from '../plan/drive-manifest.js'
import { type DriveSpan, spanDrives } from '../plan/span-drives.js'
import type { EmptyVolume } from './empty-volume.js'
import type { DriveTarget } from './resolve-drives.js'

/** Everything that the layout of a set of drives depends on. */
export interface LayOutRequest {
  sessionId: string
  method: BitlockerMethod
  label: string
  tree: FileTree
  sources: FileSources
  blobs: BlobFileColumns
  lists: readonly ListFile[][]
  volumes: readonly EmptyVolume[]
  /** The error for drives that are too small together. */
  tooSmall: (facts: { leftOver: number; leftOverBytes: number; capacityBytes: number }) => TransferError
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

export interface LaidOutDrives {
  drives: PlannedDrive[]
  /** Drives that were given and are not needed. */
  unused: DriveTarget[]
  files: number
  bytes: number
  /** No fewer drives of this set can hold the files. */
  lowerBound: number
}

/**
 * The estimate that spans is an upper bound, so the first try fits; the layout still has the last word.
 * @throws TransferError FILE_TOO_LARGE, NTFS_NAMES, and what `tooSmall` makes.
 */
export async function layOutDrives(request: LayOutRequest): Promise<LaidOutDrives> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const span = spanFiles(request)
    const drives: PlannedDrive[] = []
    const full: EmptyVolume[] = []
    for (const index of span.drives) {
      const planned = await layOut(request, span, index)
      if (planned !== undefined) drives.push(planned)
      else full.push(request.volumes[index] as EmptyVolume)
    }
    if (full.length === 0) return summarize(request, drives, span.lowerBound)
    for (const volume of full) volume.capacityBytes *= 0.995
  }
  throw new TransferError('INTERNAL', 'The layout of a drive was larger than its estimate, four times.')
}

function spanFiles(request: LayOutRequest): DriveSpan {
  const { tree, blobs, lists, volumes } = request
  const blobSource = { ...blobs, tree }
  const span = spanDrives({
    tree,
    drives: volumes.map(({ target, place, capacityBytes }) => ({
      driveId: target.driveId,
      capacityBytes,
      clusterBytes: place.clusterBytes,
      recordBytes: place.sectorBytes === 4096 ? 4096 : 1024,
      indexBytes: 4096,
    })),
    manifest: {
      fixedBytes: manifestFrameLength(manifestHeaderOf(headerOf(request, 0))),
      fileBytes: (file) => manifestBlobLength(manifestBlobOf(blobSource, file)),
    },
    generatedBytes: lists.flat().map((file) => file.sizeBytes),
  })
  if (span.leftOver.length === 0) return span
  const capacityBytes = volumes.reduce((sum, volume) => sum + volume.capacityBytes, 0)
  throw request.tooSmall({ leftOver: span.leftOver.length, leftOverBytes: span.leftOverBytes, capacityBytes })
}

function headerOf(request: LayOutRequest, index: number): DrivePlan['header'] {
  const { sessionId, method, label, lists, volumes } = request
  const { target, place } = volumes[index] as EmptyVolume
  const blobLists = lists.map((files): PlanBlobList => {
    const list: PlanBlobList = {}
    for (const file of files) list[file.role] = { path: `\\${listFilesFolder}\\${file.name}`, hash: file.md5 }
    return list
  })
  return {
    sessionId,
    driveId: target.driveId,
    createdBy: `diskferry ${version}`,
    volume: place,
    method,
    label,
    diskGuid: randomUUID(),
    blobLists,
  }
}

/** The drive's own plan and layout; undefined when it does not fit after all. */
async function layOut(request: LayOutRequest, span: DriveSpan, index: number): Promise<PlannedDrive | undefined> {
  const { tree, sources, blobs, lists, volumes } = request
  const { target, place, skeleton, capacityBytes } = volumes[index] as EmptyVolume
  const listFiles = lists.flat()
  const plan = assembleDrivePlan({
    header: headerOf(request, index),
    tree,
    sources,
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
    const { systemFileOffsets } = layout
    return { target, plan, skeleton, systemFileOffsets, files, bytes, capacityBytes, freeBytes }
  } catch (error) {
    if (error instanceof TransferError && error.code === 'NTFS_NO_SPACE') return undefined
    throw error
  }
}

function summarize({ volumes }: LayOutRequest, drives: PlannedDrive[], lowerBound: number): LaidOutDrives {
  const used = new Set(drives.map((drive) => drive.target.driveId))
  return {
    drives,
    unused: volumes.map((volume) => volume.target).filter((target) => !used.has(target.driveId)),
    files: drives.reduce((sum, drive) => sum + drive.files, 0),
    bytes: drives.reduce((sum, drive) => sum + drive.bytes, 0),
    lowerBound,
  }
}
