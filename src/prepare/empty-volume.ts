// A drive before any file is planned onto it: its partition, an empty NTFS volume of that size, and the room on it.

import { NtfsLayout } from '../addon/ntfs.js'
import { bitlockerFileGroups, volumeBytesMin } from '../drives/bitlocker-regions.js'
import { TransferError } from '../errors.js'
import { type FileTree, NameColumnBuilder } from '../file-tree.js'
import type { DrivePlan } from '../formats/drive-plan.js'
import { shippingPartitions } from '../formats/shipping-partitions.js'
import { makeSkeleton } from './make-skeleton.js'
import type { DriveTarget } from './resolve-drives.js'

export interface EmptyVolume {
  target: DriveTarget
  place: DrivePlan['header']['volume']
  skeleton: Buffer
  /** Bytes free for file data and metadata. */
  capacityBytes: number
}

const clusterCountMax = 2 ** 32 - 1

/** @throws TransferError DRIVE_UNFIT for a drive that is too small; TOOL_MISSING, TOOL_FAILED. */
export async function emptyVolume(
  target: DriveTarget,
  options: { label: string; clusterBytes?: number },
): Promise<EmptyVolume> {
  const { sizeBytes: diskBytes, sectorBytes } = target
  const clusterBytes = Math.max(options.clusterBytes ?? defaultClusterBytes(diskBytes), sectorBytes)
  const { offsetBytes, sizeBytes } = shippingPartitions(diskBytes, sectorBytes, clusterBytes).data
  if (sizeBytes < volumeBytesMin) {
    const message = `${target.path} has ${diskBytes} bytes: its volume would have ${sizeBytes}, BitLocker needs ${volumeBytesMin}.`
    throw new TransferError('DRIVE_UNFIT', message, { path: target.path, hint: 'Use a drive of 96 MiB or more.' })
  }
  if (sizeBytes / clusterBytes > clusterCountMax) {
    const message = `${target.path} has too many clusters of ${clusterBytes} bytes for NTFS.`
    throw new TransferError('DRIVE_UNFIT', message, { path: target.path, hint: 'Give --cluster 65536.' })
  }
  const partitionStartSector = offsetBytes / sectorBytes
  const label = options.label.slice(0, 32)
  const skeleton = await makeSkeleton({
    volumeBytes: sizeBytes,
    sectorBytes,
    clusterBytes,
    partitionStartSector,
    label,
  })
  const empty = await NtfsLayout.plan(skeleton, emptyTree(), bitlockerFileGroups(sizeBytes))
  const place = { offsetBytes, sizeBytes, clusterBytes, sectorBytes }
  return { target, place, skeleton, capacityBytes: empty.stats.freeClustersAfter * clusterBytes }
}

/** 4 KiB up to 16 TB, what Windows takes as well; NTFS counts clusters with 32 bits. */
export function defaultClusterBytes(diskBytes: number): number {
  return diskBytes / 4096 < clusterCountMax ? 4096 : 65536
}

function emptyTree(): FileTree {
  const root = new NameColumnBuilder()
  root.push('')
  return {
    directoryParent: Uint32Array.of(0),
    directoryNames: root.finish(),
    fileDirectory: new Uint32Array(0),
    fileNames: new NameColumnBuilder().finish(),
    fileSizeBytes: new Float64Array(0),
    fileModifiedNs: new BigInt64Array(0),
  }
}
