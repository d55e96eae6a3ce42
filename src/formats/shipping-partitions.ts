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
/** A file system and some files: below this nothing useful fits. */
const minimumDataBytes = 16 * mebibyte
/** What BitLocker wants of a volume: said to people, who would try the next larger size. */
const preparedDataBytes = 64 * mebibyte

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
  const aroundBytes = reservedOffsetBytes + reservedBytes + mebibyte
  if (diskBytes < aroundBytes + minimumDataBytes) {
    const smallestBytes = aroundBytes + preparedDataBytes
    const message = `The drive has ${diskBytes} bytes; the smallest that can be prepared has ${smallestBytes}.`
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
