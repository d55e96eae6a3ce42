// The logical partitions of an extended one: a chain of records, each of which names a partition and where the next record is.

import type { Device } from '../addon/device.js'
import { type ExtendedRecord, type MbrPartition, parseExtendedRecord } from '../formats/mbr.js'
import type { TableFinding } from './partition-disk.js'

const firstNumber = 5
const partitionsMax = 128

/**
 * What comes behind damage is not found, and a finding says so.
 * @throws TransferError DEVICE_READ_FAILED
 */
export async function readLogicalPartitions(
  device: Device,
  extended: readonly MbrPartition[],
): Promise<{ partitions: MbrPartition[]; findings: TableFinding[] }> {
  const partitions: MbrPartition[] = []
  const findings: TableFinding[] = []
  const unit = device.logicalSectorBytes
  for (const container of extended) {
    const seen = new Set<number>()
    let sector: number | undefined = container.firstSector
    while (sector !== undefined) {
      const isInside: boolean = (sector + 1) * unit <= device.sizeBytes
      const isNew: boolean = !seen.has(sector) && seen.size < partitionsMax
      const bytes: Buffer | undefined = isInside && isNew ? await device.read(sector * unit, unit) : undefined
      const number = firstNumber + partitions.length
      const record: ExtendedRecord | undefined = bytes && parseExtendedRecord(bytes, sector, container, number)
      if (record === undefined) {
        const message = `The chain of logical partitions in partition ${container.number} is broken at sector ${sector}.`
        findings.push({ code: 'MBR_CHAIN', severity: 'damage', structure: `partition ${container.number}`, message })
        break
      }
      seen.add(sector)
      if (record.partition !== undefined) partitions.push(record.partition)
      sector = record.nextSector
    }
  }
  return { partitions, findings }
}
