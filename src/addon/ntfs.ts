// NTFS: the empty volume of mkntfs as a skeleton, the layout of a whole tree before a byte is written, and volumes that are
// read and checked. All on top of an unlocked BitLocker volume, or of a bare device.

import { TransferError } from '../errors.js'
import type { ExtentTable, FileTree } from '../file-tree.js'
import {
  addon,
  type Finding,
  type LayoutHandle,
  type NtfsVolumeHandle,
  type SectorsHandle,
  type VolumeHandle,
} from './binding.js'

export type { Finding } from './binding.js'

/** What a volume is made of: a BitlockerVolume, or a Device without encryption. */
export interface SectorTarget {
  readonly handle: SectorsHandle | VolumeHandle
}

/** A file descriptor of an anonymous file in memory, full of holes; the caller closes it. */
export function createMemoryFile(sizeBytes: number): number {
  return addon.ntfsCreateMemoryFile(sizeBytes)
}

/** What mkntfs put into the file behind the descriptor, without its emptiness. @throws TransferError NTFS_UNSUPPORTED */
export function readSkeleton(descriptor: number): Promise<Buffer> {
  return addon.ntfsReadSkeleton(descriptor)
}

/** Files of `System Volume Information` that lie together, at the first free place at or after `notBeforeBytes`. */
export interface SystemFileGroup {
  notBeforeBytes: number
  files: { name: string; sizeBytes: number }[]
}

// In the order of ntfs::NameReason.
const nameReasons = [
  'invalid-character',
  'trailing-dot-or-space',
  'device-name',
  'too-long',
  'invalid-utf8',
  'duplicate',
  'reserved',
] as const

/** A name of the tree that NTFS, or Windows, cannot hold. */
export interface NameProblem {
  kind: 'file' | 'directory'
  /** In the tree's files or directories. */
  index: number
  reason: (typeof nameReasons)[number]
  /** For duplicates: the first of those with this name. */
  other?: { kind: 'file' | 'directory'; index: number }
}

const problemsOfErrors = new WeakMap<object, NameProblem[]>()

/** All problems behind an NTFS_NAMES error of `NtfsLayout.plan`; undefined for any other error. */
export function nameProblemsOf(error: unknown): NameProblem[] | undefined {
  return typeof error === 'object' && error !== null ? problemsOfErrors.get(error) : undefined
}

export interface LayoutStats {
  clusterBytes: number
  volumeBytes: number
  freeClustersBefore: number
  /** Records, indexes, bitmaps and system files that the plan adds. */
  metadataClusters: number
  dataClusters: number
  freeClustersAfter: number
}

/** Metadata as it was written, for reading back. */
export interface MetadataRange {
  /** Bytes from the start of the volume; at most 4 MiB. */
  offsetBytes: number
  lengthBytes: number
  /** 16 bytes. */
  md5: Buffer
  /** For example `$MFT records 64-4159`. */
  structure: string
}

export class NtfsLayout {
  private constructor(
    readonly handle: LayoutHandle,
    readonly stats: LayoutStats,
    /** Byte offsets on the volume, per group and file. */
    readonly systemFileOffsets: number[][],
  ) {}

  /**
   * Deterministic: the same arguments give the same places.
   * @throws TransferError NTFS_NAMES (see nameProblemsOf), NTFS_NO_SPACE with the bytes needed and free
   */
  static async plan(skeleton: Buffer, tree: FileTree, groups: readonly SystemFileGroup[]): Promise<NtfsLayout> {
    const files = groups.flatMap((group) => group.files)
    const planned = await addon.ntfsPlan(
      skeleton,
      tree.directoryParent,
      tree.directoryNames.bytes,
      tree.directoryNames.ends,
      tree.fileDirectory,
      tree.fileNames.bytes,
      tree.fileNames.ends,
      tree.fileSizeBytes,
      tree.fileModifiedNs,
      Float64Array.from(groups, (group) => group.notBeforeBytes),
      Uint32Array.from(groups, (group) => group.files.length),
      files.map((file) => file.name).join('\n'),
      Float64Array.from(files, (file) => file.sizeBytes),
    )
    if ('code' in planned) {
      const error = new TransferError(planned.code, planned.message)
      if (planned.code === 'NTFS_NAMES') problemsOfErrors.set(error, nameProblems(planned.problems))
      throw error
    }
    const [
      clusterBytes = 0,
      volumeBytes = 0,
      freeClustersBefore = 0,
      metadataClusters = 0,
      dataClusters = 0,
      free = 0,
    ] = planned.stats
    const stats = {
      clusterBytes,
      volumeBytes,
      freeClustersBefore,
      metadataClusters,
      dataClusters,
      freeClustersAfter: free,
    }
    let next = 0
    const offsets = groups.map((group) => group.files.map(() => planned.systemFileOffsets[next++] as number))
    return new NtfsLayout(planned.handle, stats, offsets)
  }

  /** Where the data of each file goes, in file order; whole clusters. */
  extents(): ExtentTable {
    return addon.ntfsExtents(this.handle)
  }

  /**
   * Writes all metadata, the backup boot sector last; does not flush. Dropped files leave no trace; a file with an actual
   * size got shorter than planned.
   */
  async write(
    target: SectorTarget,
    options: { dropped?: Uint32Array; actualSizes?: ReadonlyMap<number, number> } = {},
  ): Promise<MetadataRange[]> {
    const { dropped = new Uint32Array(0), actualSizes = new Map<number, number>() } = options
    const resized = Uint32Array.from(actualSizes.keys())
    const sizes = Float64Array.from(actualSizes.values())
    const written = await addon.ntfsWrite(this.handle, target.handle, dropped, resized, sizes)
    return written.structures.map((structure, index) => ({
      offsetBytes: written.offsetBytes[index] as number,
      lengthBytes: written.lengthBytes[index] as number,
      md5: written.md5.subarray(16 * index, 16 * (index + 1)),
      structure,
    }))
  }
}

function nameProblems(columns: Float64Array): NameProblem[] {
  return Array.from({ length: columns.length / 5 }, (_, at) => {
    const [isDirectory, index = 0, reason = 0, other = -1, otherIndex = 0] = columns.subarray(5 * at, 5 * at + 5)
    const problem: NameProblem = {
      kind: isDirectory === 1 ? 'directory' : 'file',
      index,
      reason: nameReasons[reason] ?? 'reserved',
    }
    if (other >= 0) problem.other = { kind: other === 1 ? 'directory' : 'file', index: otherIndex }
    return problem
  })
}

/** How the content of a file can be had: the values of `NtfsTree.fileAccess`. */
export const fileAccess = {
  /** Its extents hold all of it, in whole clusters: they may be read as they are. */
  extents: 0,
  /** Only through `NtfsVolume.readFile`: it lies in its record, is compressed, has holes, or was never written to its end. */
  readFile: 1,
  /** Not at all: encrypted, a link or a placeholder, or damaged. `readFile` says why. */
  none: 2,
} as const

/** The user's files of a volume, in the order of their records. A file with several names is there once for each. */
export interface NtfsTree extends FileTree {
  readonly fileRecord: Uint32Array
  /** One of `fileAccess`. On a volume that diskferry wrote always 0. */
  readonly fileAccess: Uint8Array
  /** None for empty files, and for all with another access than 0. */
  readonly extents: ExtentTable
  /** Records in use, or names of files, that no path leads to; 0 on a good volume. */
  readonly unreachableRecords: number
}

export class NtfsVolume {
  private constructor(
    readonly handle: NtfsVolumeHandle,
    readonly label: string,
    readonly clusterBytes: number,
  ) {}

  /** @throws TransferError NTFS_DAMAGED, NTFS_UNSUPPORTED */
  static async open(target: SectorTarget): Promise<NtfsVolume> {
    const { handle, label, clusterBytes } = await addon.ntfsOpen(target.handle)
    return new NtfsVolume(handle, label, clusterBytes)
  }

  /** Every record, index and run. Empty for a volume that is exactly as it was written. */
  check(): Promise<Finding[]> {
    return addon.ntfsCheck(this.handle)
  }

  readTree(): Promise<NtfsTree> {
    return addon.ntfsReadTree(this.handle)
  }

  /**
   * Exactly these bytes of a file's data. Quickest in ascending order, 4 MiB at a time.
   * @throws TransferError NTFS_DAMAGED when the file is shorter or damaged, NTFS_UNSUPPORTED when it is encrypted or a link
   */
  async readFile(recordNumber: number, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(lengthBytes)
    const read = await addon.ntfsReadFile(this.handle, recordNumber, offsetBytes, into)
    if (read === lengthBytes) return into
    const message = `Record ${recordNumber} ends at byte ${offsetBytes + read}, before byte ${offsetBytes + lengthBytes}.`
    throw new TransferError('NTFS_DAMAGED', message)
  }
}
