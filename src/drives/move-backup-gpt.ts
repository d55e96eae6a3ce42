// The backup of a GUID partition table goes to the end of a disk that is larger than the one the table was made for.

import type { Device } from '../addon/device.js'
import { gptProbeBytes, gptSectorBytes } from '../formats/gpt.js'
import { moveBackupGpt } from '../formats/gpt-move.js'

export type MovedGpt = 'moved' | 'no-table' | 'other-sectors'

/**
 * Each step is flushed before the next, so that one valid table is there whenever it stops.
 * @returns `no-table` when the primary table is missing or damaged, `other-sectors` when it was made for a disk with sectors of
 *   another size; nothing was written then.
 * @throws TransferError DEVICE_READ_FAILED, DEVICE_WRITE_FAILED, DEVICE_FLUSH_FAILED
 */
export async function moveGptToEnd(device: Device): Promise<MovedGpt> {
  const unit = device.logicalSectorBytes
  const diskBytes = Math.floor(device.sizeBytes / unit) * unit
  const start = await device.read(0, Math.min(gptProbeBytes, diskBytes))
  const sectorBytes = gptSectorBytes(start)
  if (sectorBytes === undefined) return 'no-table'
  // A file shows sectors of any size; a device has its own.
  if (device.kind === 'block' ? sectorBytes !== unit : sectorBytes % unit !== 0) return 'other-sectors'
  const writes = moveBackupGpt(start, { diskBytes, sectorBytes })
  if (writes === undefined) return 'no-table'
  for (const { offsetBytes, bytes } of writes) {
    await device.write(offsetBytes, bytes)
    await device.flush()
  }
  return 'moved'
}
