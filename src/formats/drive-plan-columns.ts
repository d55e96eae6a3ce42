// What a stored plan holds, in memory: one header and a column for each fact about a file. drive-plan.ts has the stored form.

import type { FileTree, NameColumn } from '../file-tree.js'
import type { HashedPath } from './manifest-writer.js'

export const drivePlanFormat = 'diskferry-drive-plan'
/** Raised with every change of the format; readers refuse other versions. */
export const drivePlanVersion = 1

/** Values of `fileBlobType`; 0 is a file that is no blob: the manifest, a metadata or properties file. */
export const planBlobTypes = ['none', 'block', 'page'] as const
/** Values of `fileDisposition`. */
export const planDispositions = ['rename', 'no-overwrite', 'overwrite'] as const

export interface PlanBlobList {
  metadata?: HashedPath
  properties?: HashedPath
}

export interface DrivePlanHeader {
  sessionId: string
  driveId: string
  /** Program and version. */
  createdBy: string
  /** Bytes from the start of the device. */
  volume: { offsetBytes: number; sizeBytes: number; clusterBytes: number; sectorBytes: number }
  /** BitLocker method: `xts-128`, `xts-256`, `cbc-128`, `cbc-256`. */
  method: string
  label: string
  diskGuid: string
  blobLists: readonly PlanBlobList[]
  /** Anything else that is JSON; kept as it is. */
  extra?: Readonly<Record<string, unknown>>
}

export interface DrivePlan {
  readonly header: DrivePlanHeader
  /** What the drive will hold. */
  readonly tree: FileTree
  /** Absolute paths. */
  readonly sourceDirectories: NameColumn
  /** Index in `sourceDirectories`; meaningless for files without a source. */
  readonly fileSourceDirectory: Uint32Array
  /** The names in the source; the same column as `tree.fileNames` when none differs. */
  readonly fileSourceNames: NameColumn
  readonly fileBlobType: Uint8Array
  readonly fileDisposition: Uint8Array
  /** Index in `header.blobLists`. */
  readonly fileList: Uint16Array
  readonly fileBlockBytes: Float64Array
}
