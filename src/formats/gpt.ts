// GUID partition tables as bytes: the protective MBR, the primary header with its entries at the start of a disk, and the
// backup at its end (UEFI specification 2.10, chapter 5). Encoding needs GUIDs handed in: nothing here is random.
// Reading believes nothing: both copies are checked and what is wrong with either is a finding.

import { crc32 } from 'node:zlib'
import { decodeGuid, encodeGuid } from './guid.js'
import { encodeProtectiveMbr } from './mbr.js'

export const partitionTypes = {
  basicData: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  microsoftReserved: 'E3C9E316-0B5C-4DB8-817D-F92DF00215AE',
  efiSystem: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linuxFilesystem: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
} as const

export interface GptPartition {
  typeGuid: string
  uniqueGuid: string
  firstSector: number
  /** Inclusive. */
  lastSector: number
  /** At most 36 UTF-16 units. */
  name: string
  /** 64 bits as the specification has them; 0 when left out. */
  attributes?: bigint
}

export interface GptDisk {
  diskBytes: number
  sectorBytes: number
  diskGuid: string
  partitions: readonly GptPartition[]
}

export interface EncodedGpt {
  /** From byte 0 of the disk: protective MBR, header, entries. */
  start: Buffer
  /** Entries and header of the backup. */
  end: Buffer
  endOffsetBytes: number
}

export interface GptFinding {
  code: 'GPT_PRIMARY' | 'GPT_BACKUP' | 'GPT_COPIES_DIFFER' | 'GPT_PARTITIONS'
  severity: 'note' | 'warning' | 'damage'
  structure: string
  message: string
}

export interface ParsedGpt {
  diskGuid: string
  partitions: GptPartition[]
  /** From which copy the above comes. */
  source: 'primary' | 'backup'
  findings: GptFinding[]
}

const signature = 'EFI PART'
const revision = 0x0001_0000
const headerBytes = 92
const entryBytes = 128
const entryCount = 128
const entriesBytes = entryBytes * entryCount
const maxEntriesBytes = 1 << 20

/** Sectors for the entries, at either end. */
function entriesSectors(sectorBytes: number): number {
  return Math.ceil(entriesBytes / sectorBytes)
}

/** First and last sector that a partition may use. @throws RangeError for a disk too small to have any. */
export function usableSectors(diskBytes: number, sectorBytes: number): { first: number; last: number } {
  if (!Number.isInteger(Math.log2(sectorBytes)) || sectorBytes < 512 || sectorBytes > 1 << 16) {
    throw new RangeError(`expected a power of two from 512 for sectorBytes but received ${sectorBytes}`)
  }
  const sectors = Math.floor(diskBytes / sectorBytes)
  const first = 2 + entriesSectors(sectorBytes)
  const last = sectors - 2 - entriesSectors(sectorBytes)
  if (!(last >= first))
    throw new RangeError(`expected a disk with room for a partition table but received ${diskBytes} bytes`)
  return { first, last }
}

/**
 * Both ends of a disk.
 * @throws RangeError for partitions that overlap, lie outside the usable sectors, or have names or GUIDs that do not fit.
 */
export function encodeGpt({ diskBytes, sectorBytes, diskGuid, partitions }: GptDisk): EncodedGpt {
  const usable = usableSectors(diskBytes, sectorBytes)
  checkPartitions(partitions, usable)
  const entries = Buffer.alloc(entriesSectors(sectorBytes) * sectorBytes)
  for (const [index, partition] of partitions.entries()) {
    encodeEntry(partition, entries.subarray(index * entryBytes, (index + 1) * entryBytes))
  }
  const lastSector = Math.floor(diskBytes / sectorBytes) - 1
  const entriesCrc = crc32(entries.subarray(0, entriesBytes))
  const header = (ownSector: number, otherSector: number, entriesSector: number) => {
    const sector = Buffer.alloc(sectorBytes)
    sector.write(signature, 0, 'latin1')
    sector.writeUInt32LE(revision, 8)
    sector.writeUInt32LE(headerBytes, 12)
    sector.writeBigUInt64LE(BigInt(ownSector), 24)
    sector.writeBigUInt64LE(BigInt(otherSector), 32)
    sector.writeBigUInt64LE(BigInt(usable.first), 40)
    sector.writeBigUInt64LE(BigInt(usable.last), 48)
    encodeGuid(diskGuid).copy(sector, 56)
    sector.writeBigUInt64LE(BigInt(entriesSector), 72)
    sector.writeUInt32LE(entryCount, 80)
    sector.writeUInt32LE(entryBytes, 84)
    sector.writeUInt32LE(entriesCrc, 88)
    sector.writeUInt32LE(crc32(sector.subarray(0, headerBytes)), 16)
    return sector
  }
  const mbr = encodeProtectiveMbr(lastSector, sectorBytes)
  return {
    start: Buffer.concat([mbr, header(1, lastSector, 2), entries]),
    end: Buffer.concat([entries, header(lastSector, 1, usable.last + 1)]),
    endOffsetBytes: (usable.last + 1) * sectorBytes,
  }
}

function checkPartitions(partitions: readonly GptPartition[], usable: { first: number; last: number }): void {
  if (partitions.length > entryCount)
    throw new RangeError(`expected at most ${entryCount} partitions but received more`)
  let free = usable.first
  for (const { firstSector, lastSector, name } of [...partitions].sort((a, b) => a.firstSector - b.firstSector)) {
    if (!(firstSector >= free && lastSector >= firstSector && lastSector <= usable.last)) {
      const range = `sectors ${firstSector} to ${lastSector}`
      throw new RangeError(`expected ${name} between sectors ${free} and ${usable.last} but received ${range}`)
    }
    free = lastSector + 1
  }
}

function encodeEntry(partition: GptPartition, entry: Buffer): void {
  if (partition.name.length > 36)
    throw new RangeError(`expected a name of at most 36 units but received ${partition.name}`)
  encodeGuid(partition.typeGuid).copy(entry, 0)
  encodeGuid(partition.uniqueGuid).copy(entry, 16)
  entry.writeBigUInt64LE(BigInt(partition.firstSector), 32)
  entry.writeBigUInt64LE(BigInt(partition.lastSector), 40)
  entry.writeBigUInt64LE(partition.attributes ?? 0n, 48)
  entry.write(partition.name, 56, 'utf16le')
}

/** Bytes to read at the start and at the end of a disk for `parseGpt`: enough for any table with up to 1 MiB of entries. */
export const gptProbeBytes = 34 * 4096

/**
 * @param start the first bytes of the disk; `gptProbeBytes` are enough for every usual table.
 * @param end its last bytes, up to the very end.
 * @returns undefined when neither end has the signature of a partition table.
 */
export function parseGpt(
  start: Uint8Array,
  end: Uint8Array,
  { diskBytes, sectorBytes }: { diskBytes: number; sectorBytes: number },
): ParsedGpt | undefined {
  const sectors = Math.floor(diskBytes / sectorBytes)
  const endOffset = diskBytes - end.byteLength
  const primary = readCopy({ bytes: asBuffer(start), offsetBytes: 0, ownSector: 1, sectors, sectorBytes })
  const backup = readCopy({
    bytes: asBuffer(end),
    offsetBytes: endOffset,
    ownSector: sectors - 1,
    sectors,
    sectorBytes,
  })
  const findings: GptFinding[] = []
  if (primary === undefined && backup === undefined) return undefined
  if (typeof primary !== 'object') {
    const problem = primary ?? 'it has no signature'
    findings.push(
      damage('GPT_PRIMARY', 'primary partition table', `The primary partition table is not valid: ${problem}.`),
    )
  }
  if (typeof backup !== 'object') {
    const problem = backup ?? `there is none in the last sector (${sectors - 1})`
    findings.push(
      damage('GPT_BACKUP', 'backup partition table', `The backup partition table is not valid: ${problem}.`),
    )
  }
  const copy = typeof primary === 'object' ? primary : typeof backup === 'object' ? backup : undefined
  if (copy === undefined) return { diskGuid: '', partitions: [], source: 'primary', findings }
  if (typeof primary === 'object' && typeof backup === 'object' && primary.digest !== backup.digest) {
    const message = 'The primary and the backup partition table are both valid and differ.'
    findings.push(damage('GPT_COPIES_DIFFER', 'partition tables', message))
  }
  findings.push(...overlaps(copy))
  return {
    diskGuid: copy.diskGuid,
    partitions: copy.partitions,
    source: copy === primary ? 'primary' : 'backup',
    findings,
  }
}

/** The sector size a table was made for, by where its header is: an image file does not tell. Undefined without a header. */
export function gptSectorBytes(start: Uint8Array): 512 | 4096 | undefined {
  const bytes = asBuffer(start)
  for (const sectorBytes of [512, 4096] as const) {
    if (bytes.toString('latin1', sectorBytes, sectorBytes + signature.length) === signature) return sectorBytes
  }
  return undefined
}

interface TableCopy {
  diskGuid: string
  partitions: GptPartition[]
  usable: { first: number; last: number }
  /** Of all that both copies have to agree about. */
  digest: string
}

interface CopyPlace {
  bytes: Buffer
  /** Of `bytes` on the disk. */
  offsetBytes: number
  ownSector: number
  sectors: number
  sectorBytes: number
}

/** Undefined without a signature; a clause when the copy is not valid. */
function readCopy({ bytes, offsetBytes, ownSector, sectors, sectorBytes }: CopyPlace): TableCopy | string | undefined {
  const place = ownSector * sectorBytes - offsetBytes
  if (place < 0 || place + Math.max(headerBytes, sectorBytes) > bytes.length) return undefined
  const header = bytes.subarray(place, place + sectorBytes)
  if (header.toString('latin1', 0, 8) !== signature) return undefined
  const length = header.readUInt32LE(12)
  if (header.readUInt32LE(8) !== revision) return `its revision is 0x${header.readUInt32LE(8).toString(16)}`
  if (length < headerBytes || length > sectorBytes) return `its header claims ${length} bytes`
  const unsigned = Buffer.from(header.subarray(0, length))
  unsigned.writeUInt32LE(0, 16)
  if (crc32(unsigned) !== header.readUInt32LE(16)) return 'the checksum of its header is wrong'
  if (header.readBigUInt64LE(24) !== BigInt(ownSector))
    return `its header says it is in sector ${header.readBigUInt64LE(24)}`
  const count = header.readUInt32LE(80)
  const size = header.readUInt32LE(84)
  if (size < entryBytes || size % 8 !== 0 || count * size > maxEntriesBytes)
    return `it claims ${count} entries of ${size} bytes`
  const entriesPlace = Number(header.readBigUInt64LE(72)) * sectorBytes - offsetBytes
  if (!(entriesPlace >= 0 && entriesPlace + count * size <= bytes.length)) {
    return `its entries are said to be in sector ${header.readBigUInt64LE(72)}`
  }
  const entries = bytes.subarray(entriesPlace, entriesPlace + count * size)
  if (crc32(entries) !== header.readUInt32LE(88)) return 'the checksum of its entries is wrong'
  const usable = { first: Number(header.readBigUInt64LE(40)), last: Number(header.readBigUInt64LE(48)) }
  if (!(usable.last < sectors)) return `it allows partitions up to sector ${usable.last} on a disk of ${sectors}`
  const digest = `${header.toString('hex', 40, 72)} ${count} ${size} ${header.readUInt32LE(88)}`
  return { diskGuid: decodeGuid(header, 56), partitions: readEntries(entries, size), usable, digest }
}

function readEntries(entries: Buffer, size: number): GptPartition[] {
  const partitions: GptPartition[] = []
  for (let place = 0; place + size <= entries.length; place += size) {
    const entry = entries.subarray(place, place + entryBytes)
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue
    partitions.push({
      typeGuid: decodeGuid(entry, 0),
      uniqueGuid: decodeGuid(entry, 16),
      firstSector: Number(entry.readBigUInt64LE(32)),
      lastSector: Number(entry.readBigUInt64LE(40)),
      attributes: entry.readBigUInt64LE(48),
      name: entry.toString('utf16le', 56, 128).split('\0', 1)[0] ?? '',
    })
  }
  return partitions
}

// A checksum does not make a table sensible: partitions must not overlap nor lie outside.
function overlaps({ partitions, usable }: TableCopy): GptFinding[] {
  const findings: GptFinding[] = []
  let free = usable.first
  for (const partition of [...partitions].sort((a, b) => a.firstSector - b.firstSector)) {
    const { firstSector, lastSector } = partition
    if (firstSector < free || lastSector < firstSector || lastSector > usable.last) {
      const place = `sectors ${firstSector} to ${lastSector}`
      const message = `The partition at ${place} overlaps another or lies outside sectors ${usable.first} to ${usable.last}.`
      findings.push(damage('GPT_PARTITIONS', `partition at sector ${firstSector}`, message))
    }
    free = Math.max(free, lastSector + 1)
  }
  return findings
}

function damage(code: GptFinding['code'], structure: string, message: string): GptFinding {
  return { code, severity: 'damage', structure, message }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
