// Which file system a part of a device holds, and what of it is in use: what an image of used blocks has to read. A block that
// is wrongly called free would be lost, so every doubt ends with the whole part in use.

import { addon, type UsedRanges } from './binding.js'
import type { Device } from './device.js'

export type { UsedRanges } from './binding.js'

/**
 * Reads ext2, ext3, ext4, NTFS, FAT12, FAT16, FAT32, exFAT, XFS and swap space; anything else, two of them at one place, and
 * what cannot be read is in use whole (state `unknown`). Nothing is written, and a mount is not noticed here.
 * @param offsetBytes a multiple of the device's sector.
 * @throws TransferError DEVICE_RANGE for a range that leaves the device
 */
export function readUsedRanges(device: Device, offsetBytes: number, lengthBytes: number): Promise<UsedRanges> {
  for (const [name, value] of Object.entries({ offsetBytes, lengthBytes })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`expected a whole number of bytes for ${name} but received ${value}`)
    }
  }
  return addon.readUsedRanges(device.handle, offsetBytes, lengthBytes)
}
