// Master boot records: the protective one in front of a GUID partition table, and the tables of drives that have no other, with
// the chain of records that an extended partition holds instead of a file system.

export interface MbrPartition {
  /** Position in the table, 1 to 4; logical partitions count from 5. */
  number: number
  /** System id: 7 is NTFS, exFAT or BitLocker, 0x83 Linux, 0xEE the protective entry of a GUID partition table. */
  type: number
  typeName: string
  firstSector: number
  sectorCount: number
  isActive: boolean
}

export interface ParsedMbr {
  partitions: MbrPartition[]
  /** True when a GUID partition table is to be expected. */
  isProtective: boolean
}

const tableOffset = 446
const protectiveType = 0xee

const extendedTypes = new Set([5, 15, 133])

/** Holds logical partitions. */
export function isExtended({ type }: { type: number }): boolean {
  return extendedTypes.has(type)
}

const typeNames: Readonly<Record<number, string>> = {
  1: 'FAT12',
  4: 'FAT16',
  5: 'extended',
  6: 'FAT16',
  7: 'NTFS, exFAT or BitLocker',
  11: 'FAT32',
  12: 'FAT32',
  14: 'FAT16',
  15: 'extended',
  39: 'Windows recovery',
  66: 'Windows dynamic disk',
  130: 'Linux swap',
  131: 'Linux',
  133: 'Linux extended',
  142: 'Linux LVM',
  165: 'FreeBSD',
  175: 'Apple HFS+',
  238: 'GPT protective',
  239: 'EFI system',
  253: 'Linux RAID',
}

/** One sector: a single entry over the whole disk, so that old tools see no free space. */
export function encodeProtectiveMbr(lastSector: number, sectorBytes: number): Buffer {
  const mbr = Buffer.alloc(sectorBytes)
  const entry = mbr.subarray(tableOffset, tableOffset + 16)
  entry.set([0, 0x00, 0x02, 0x00, protectiveType, 0xff, 0xff, 0xff])
  entry.writeUInt32LE(1, 8)
  entry.writeUInt32LE(Math.min(lastSector, 0xffff_ffff), 12)
  mbr.writeUInt16LE(0xaa55, 510)
  return mbr
}

/** An entry of a table; undefined for an unused one, `null` for what no table has. */
function parseEntry(bytes: Buffer, index: number, number: number): MbrPartition | undefined | null {
  const entry = bytes.subarray(tableOffset + index * 16, tableOffset + (index + 1) * 16)
  const [status, type] = [entry.readUInt8(0), entry.readUInt8(4)]
  if (status !== 0 && status !== 0x80) return null
  if (type === 0) return undefined
  return {
    number,
    type,
    typeName: typeNames[type] ?? `type 0x${type.toString(16).padStart(2, '0')}`,
    firstSector: entry.readUInt32LE(8),
    sectorCount: entry.readUInt32LE(12),
    isActive: status === 0x80,
  }
}

/** Undefined when the first sector has no boot signature, or its table is that of no disk (a bare volume's boot sector). */
export function parseMbr(start: Uint8Array): ParsedMbr | undefined {
  if (start.byteLength < 512) return undefined
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  if (bytes.readUInt16LE(510) !== 0xaa55) return undefined
  const partitions: MbrPartition[] = []
  for (let index = 0; index < 4; index++) {
    const partition = parseEntry(bytes, index, index + 1)
    if (partition === null) return undefined
    if (partition !== undefined) partitions.push(partition)
  }
  return { partitions, isProtective: partitions.some(({ type }) => type === protectiveType) }
}

export interface ExtendedRecord {
  /** With sectors counted from the start of the disk. Undefined for a record that only leads on. */
  partition?: MbrPartition
  /** Sector of the next record on the disk. */
  nextSector?: number
}

/**
 * One record of an extended partition's chain. Its partition counts from the record, the next record from the extended
 * partition; both have to lie within that.
 * @param number of the logical partition, from 5.
 * @returns undefined for what is no such record.
 */
export function parseExtendedRecord(
  sector: Uint8Array,
  recordSector: number,
  extended: { firstSector: number; sectorCount: number },
  number: number,
): ExtendedRecord | undefined {
  if (sector.byteLength < 512) return undefined
  const bytes = Buffer.from(sector.buffer, sector.byteOffset, sector.byteLength)
  if (bytes.readUInt16LE(510) !== 0xaa55) return undefined
  const [own, next] = [parseEntry(bytes, 0, number), parseEntry(bytes, 1, number)]
  if (own === null || next === null) return undefined
  const end = extended.firstSector + extended.sectorCount
  const record: ExtendedRecord = {}
  if (own !== undefined) {
    const partition = { ...own, firstSector: recordSector + own.firstSector }
    const lies = own.firstSector > 0 && own.sectorCount > 0 && partition.firstSector + own.sectorCount <= end
    if (!lies || isExtended(own)) return undefined
    record.partition = partition
  }
  if (next !== undefined) {
    const nextSector = extended.firstSector + next.firstSector
    if (!isExtended(next) || next.firstSector === 0 || nextSector >= end) return undefined
    record.nextSector = nextSector
  }
  return record
}
