// Partition tables of drives: ours written, anybody's read. Both tables are removed before the new one is written, so that no
// moment leaves an old table that points at new content. The kernel is not told: nothing here uses its partition devices.

import { createHash } from 'node:crypto'
import type { Device } from '../addon/device.js'
import { encodeGpt, gptSectorBytes, parseGpt, partitionTypes } from '../formats/gpt.js'
import { isExtended, parseMbr } from '../formats/mbr.js'
import { shippingPartitions } from '../formats/shipping-partitions.js'
import { readLogicalPartitions } from './logical-partitions.js'

const mebibyte = 1024 * 1024

export interface FoundPartition {
  /** Position in the table, from 1. */
  number: number
  /** The kind that Windows mounts: NTFS, exFAT or BitLocker. */
  isBasicData: boolean
  /** Holds logical partitions, which are listed beside it. */
  isExtended: boolean
  type: string
  name: string
  /** Bytes from the start of the device. */
  offsetBytes: number
  sizeBytes: number
}

export interface TableFinding {
  code: string
  severity: 'note' | 'warning' | 'damage'
  structure: string
  message: string
}

export interface FoundTable {
  kind: 'gpt' | 'mbr' | 'none'
  diskGuid?: string
  /** In the order of the disk; only those that lie on it. */
  partitions: FoundPartition[]
  findings: TableFinding[]
}

/**
 * Erases what is in front of the data partition and at the end of the disk, and writes a GUID partition table with the
 * shipping layout. Nothing is flushed. The same disk GUID gives the same table.
 * @throws TransferError DRIVE_UNFIT for a disk that is too small, DEVICE_WRITE_FAILED.
 */
export async function writePartitionTable(device: Device, clusterBytes: number, diskGuid: string): Promise<void> {
  const { sizeBytes, logicalSectorBytes } = device
  const { reserved, data } = shippingPartitions(sizeBytes, logicalSectorBytes, clusterBytes)
  const table = encodeGpt({
    diskBytes: sizeBytes,
    sectorBytes: logicalSectorBytes,
    diskGuid,
    partitions: [reserved, data].map(({ typeGuid, name, firstSector, lastSector }) => ({
      typeGuid,
      name,
      firstSector,
      lastSector,
      uniqueGuid: derivedGuid(diskGuid, name),
    })),
  })
  const endBytes = Math.floor(sizeBytes / logicalSectorBytes) * logicalSectorBytes
  await erase(device, 0, data.offsetBytes)
  await erase(device, Math.max(data.offsetBytes, endBytes - mebibyte), endBytes)
  await device.write(table.endOffsetBytes, table.end)
  await device.write(0, table.start)
}

async function erase(device: Device, startBytes: number, endBytes: number): Promise<void> {
  const zeros = Buffer.alloc(mebibyte)
  for (let offset = startBytes; offset < endBytes; offset += mebibyte) {
    await device.write(offset, zeros.subarray(0, Math.min(mebibyte, endBytes - offset)))
  }
}

/** A version 8 GUID (RFC 9562: made by the application's own rule) that follows from the disk's. */
function derivedGuid(diskGuid: string, name: string): string {
  const bytes = createHash('sha256').update(`${diskGuid.toUpperCase()} ${name}`).digest().subarray(0, 16)
  bytes[6] = 0x80 | ((bytes[6] as number) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f)
  const hex = bytes.toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/**
 * Reads a GUID partition table, or the old kind where there is no other. Damage is a finding, not an error.
 * @throws TransferError DEVICE_READ_FAILED
 */
export async function readPartitions(device: Device): Promise<FoundTable> {
  const unit = device.logicalSectorBytes
  const deviceBytes = Math.floor(device.sizeBytes / unit) * unit
  const probeBytes = Math.min(mebibyte, deviceBytes)
  const start = await device.read(0, probeBytes)
  const end = await device.read(deviceBytes - probeBytes, probeBytes)
  // An image file does not know for which sector size it was made; its table does.
  const sectorBytes = gptSectorBytes(start) ?? unit
  const gpt = parseGpt(start, end, { diskBytes: deviceBytes, sectorBytes })
  if (gpt !== undefined) {
    const partitions = gpt.partitions.map((partition, index) => ({
      number: index + 1,
      isBasicData: partition.typeGuid === partitionTypes.basicData,
      isExtended: false,
      type: partition.typeGuid,
      name: partition.name,
      offsetBytes: partition.firstSector * sectorBytes,
      sizeBytes: (partition.lastSector - partition.firstSector + 1) * sectorBytes,
    }))
    const findings: TableFinding[] = gpt.findings
    return { kind: 'gpt', diskGuid: gpt.diskGuid, ...onDisk(partitions, deviceBytes, findings) }
  }
  const mbr = parseMbr(start)
  if (mbr === undefined || mbr.isProtective) {
    const findings: TableFinding[] = []
    if (mbr?.isProtective) {
      const message = 'The master boot record announces a GUID partition table, but neither copy of one is there.'
      findings.push({ code: 'GPT_MISSING', severity: 'damage', structure: 'partition table', message })
    }
    return { kind: 'none', partitions: [], findings }
  }
  const logical = await readLogicalPartitions(device, mbr.partitions.filter(isExtended))
  const partitions = [...mbr.partitions, ...logical.partitions].map((partition) => ({
    number: partition.number,
    isBasicData: partition.type === 7,
    isExtended: isExtended(partition),
    type: partition.typeName,
    name: '',
    offsetBytes: partition.firstSector * unit,
    sizeBytes: partition.sectorCount * unit,
  }))
  return { kind: 'mbr', ...onDisk(partitions, deviceBytes, logical.findings) }
}

/** Leaves out, with a finding, what does not lie on the disk, so that callers may read what is left. */
function onDisk(partitions: FoundPartition[], diskBytes: number, findings: TableFinding[]) {
  const lies = (partition: FoundPartition) =>
    partition.sizeBytes > 0 && partition.offsetBytes > 0 && partition.offsetBytes + partition.sizeBytes <= diskBytes
  const outside = partitions.filter((partition) => !lies(partition))
  const added = outside.map((partition): TableFinding => {
    const range = `bytes ${partition.offsetBytes} to ${partition.offsetBytes + partition.sizeBytes}`
    const message = `Partition ${partition.number} (${range}) does not lie on the disk of ${diskBytes} bytes.`
    return { code: 'PARTITION_OUTSIDE', severity: 'damage', structure: `partition ${partition.number}`, message }
  })
  const inside = partitions.filter(lies).sort((left, right) => left.offsetBytes - right.offsetBytes)
  return { partitions: inside, findings: [...findings, ...added] }
}
