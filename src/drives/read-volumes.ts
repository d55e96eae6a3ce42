// The file systems of a device: what each partition holds, what of it is in use, and where it is mounted; and the same for the
// whole device, which has a file system of its own where it has no partitions.

import type { Device } from '../addon/device.js'
import { readUsedRanges, type UsedRanges } from '../addon/filesystems.js'
import type { MountedRange } from './mounted-ranges.js'
import type { FoundTable } from './partition-disk.js'

export interface ReadVolume {
  /** As in the partition table; 0 for the whole device. */
  number: number
  offsetBytes: number
  sizeBytes: number
  found: UsedRanges
  mountPoint?: string
}

/**
 * The whole device first. Extended partitions are left out: what they hold is listed, and the rest of them belongs to nobody.
 * What cannot be read is in use whole and says so.
 */
export async function readVolumes(
  device: Device,
  table: FoundTable,
  mounts: readonly MountedRange[],
): Promise<ReadVolume[]> {
  const unit = device.logicalSectorBytes
  const whole = { number: 0, offsetBytes: 0, sizeBytes: Math.floor(device.sizeBytes / unit) * unit }
  const parts = table.partitions.filter(({ isExtended, offsetBytes }) => !isExtended && offsetBytes % unit === 0)
  const volumes: ReadVolume[] = []
  for (const { number, offsetBytes, sizeBytes } of [whole, ...parts]) {
    const found = await readUsedRanges(device, offsetBytes, sizeBytes)
    const isPartitioned = number === 0 && parts.length > 0
    const mount = mounts.find((range) => !isPartitioned && overlap(range, { offsetBytes, lengthBytes: sizeBytes }))
    const mounted = mount === undefined ? {} : { mountPoint: mount.mountPoint }
    volumes.push({ number, offsetBytes, sizeBytes, found, ...mounted })
  }
  return volumes
}

/** Why the partitions of a table may not be all there is, or not where it says: a sentence. */
export function tableDoubt({ findings }: FoundTable): string | undefined {
  // A backup that is missing or old says nothing about the primary: a disk was copied to a larger one.
  return findings.find(({ code, severity }) => severity === 'damage' && code !== 'GPT_BACKUP')?.message
}

interface Range {
  offsetBytes: number
  lengthBytes: number
}

function overlap(left: Range, right: Range): boolean {
  return (
    left.offsetBytes < right.offsetBytes + right.lengthBytes && right.offsetBytes < left.offsetBytes + left.lengthBytes
  )
}
