// Master boot records: the protective one in front of a GUID partition table, and the tables of drives that have no other.

export interface MbrPartition {
  /** Position in the table, 1 to 4. */
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

/** Undefined when the first sector has no boot signature, or its table is that of no disk (a bare volume's boot sector). */
export function parseMbr(start: Uint8Array): ParsedMbr | undefined {
  if (start.byteLength < 512) return undefined
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength)
  if (bytes.readUInt16LE(510) !== 0xaa55) return undefined
  const partitions: MbrPartition[] = []
  for (let index = 0; index < 4; index++) {
    const entry = bytes.subarray(tableOffset + index * 16, tableOffset + (index + 1) * 16)
    const [status, type] = [entry.readUInt8(0), entry.readUInt8(4)]
    if (status !== 0 && status !== 0x80) return undefined
    if (type === 0) continue
    partitions.push({
      number: index + 1,
      type,
      typeName: typeNames[type] ?? `type 0x${type.toString(16).padStart(2, '0')}`,
      firstSector: entry.readUInt32LE(8),
      sectorCount: entry.readUInt32LE(12),
      isActive: status === 0x80,
    })
  }
  return { partitions, isProtective: partitions.some(({ type }) => type === protectiveType) }
}
