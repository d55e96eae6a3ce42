// How a drive is divided before it is shipped: Microsoft's reserved partition, 16 MiB at 1 MiB, then one basic data partition to
// the end, on whole mebibytes at both sides. The data volume is the first one a reader finds.

import { TransferError } from '../errors.js'
import { partitionTypes, usableSectors } from './gpt.js'

export interface ShippingPartition {
  typeGuid: string
  name: string
  firstSector: number
  /** Inclusive. */
  lastSector: number
  offsetBytes: number
  sizeBytes: number
}

const mebibyte = 1 << 20
const reservedOffsetBytes = mebibyte
const reservedBytes = 16 * mebibyte
/** NTFS, BitLocker's copies of its metadata and some files: below this nothing useful fits. */
const minimumDataBytes = 16 * mebibyte

/**
 * Both partitions; the caller adds their GUIDs.
 * @param clusterBytes the data partition is a whole number of clusters.
 * @throws TransferError DRIVE_UNFIT when the disk is too small.
 */
export function shippingPartitions(
  diskBytes: number,
  sectorBytes: number,
  clusterBytes: number,
): { reserved: ShippingPartition; data: ShippingPartition } {
  const minimumBytes = reservedOffsetBytes + reservedBytes + minimumDataBytes + mebibyte
  if (diskBytes < minimumBytes) {
    const message = `The drive has ${diskBytes} bytes; the smallest that can be prepared has ${minimumBytes}.`
    throw new TransferError('DRIVE_UNFIT', message)
  }
  const dataOffsetBytes = reservedOffsetBytes + reservedBytes
  const endBytes = (usableSectors(diskBytes, sectorBytes).last + 1) * sectorBytes
  const dataBytes = floorTo(floorTo(endBytes, mebibyte) - dataOffsetBytes, Math.max(mebibyte, clusterBytes))
  const place = (offsetBytes: number, sizeBytes: number) => ({
    firstSector: offsetBytes / sectorBytes,
    lastSector: (offsetBytes + sizeBytes) / sectorBytes - 1,
    offsetBytes,
    sizeBytes,
  })
  return {
    reserved: {
      typeGuid: partitionTypes.microsoftReserved,
      name: 'Microsoft reserved partition',
      ...place(reservedOffsetBytes, reservedBytes),
    },
    data: {
      typeGuid: partitionTypes.basicData,
      name: 'Basic data partition',
      ...place(dataOffsetBytes, dataBytes),
    },
  }
}

function floorTo(value: number, unit: number): number {
  return Math.floor(value / unit) * unit
}
