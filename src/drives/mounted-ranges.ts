// Which parts of a device or image file are mounted now, directly or through what is built on them. Pure over what the kernel
// says: a file system in such a part changes while it is read.

import type { BlockDevice, BlockFacts } from './block-facts.js'
import { devicesOn, mountsOf } from './refuse-unsafe.js'

export interface MountedRange {
  /** From the start of the device or file. */
  offsetBytes: number
  lengthBytes: number
  mountPoint: string
}

/** @param target the number (major:minor) of a block device, or the real path of a file. */
export function mountedRanges(target: { number: string } | { path: string }, facts: BlockFacts): MountedRange[] {
  const bases =
    'number' in target
      ? facts.devices.filter(({ number }) => number === target.number).map((device) => ({ device, offsetBytes: 0 }))
      : facts.devices
          .filter(({ backingFile }) => backingFile === target.path)
          .map((device) => ({ device, offsetBytes: device.backingOffsetBytes ?? 0 }))
  return bases.flatMap(({ device, offsetBytes }) => {
    const parts = facts.devices.filter(({ disk }) => disk === device.name)
    return [
      ...mountsThrough(device, facts, new Set(parts)).map((mountPoint) => ({
        offsetBytes,
        lengthBytes: device.sizeBytes,
        mountPoint,
      })),
      ...parts.flatMap((part) =>
        mountsThrough(part, facts, new Set()).map((mountPoint) => ({
          offsetBytes: offsetBytes + (part.startBytes ?? 0),
          lengthBytes: part.sizeBytes,
          mountPoint,
        })),
      ),
    ]
  })
}

/** Of the device and of what is built on it, but not on its partitions. */
function mountsThrough(device: BlockDevice, facts: BlockFacts, without: ReadonlySet<BlockDevice>): string[] {
  const devices = facts.devices.filter((other) => !without.has(other))
  return devicesOn(device, { ...facts, devices }).flatMap((member) =>
    mountsOf(member, facts).map(({ mountPoint }) => mountPoint),
  )
}
