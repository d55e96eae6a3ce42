// A GUID partition table on a disk that is larger than the one it was made for: its backup belongs into the last sector, and
// the room behind the last partition becomes usable. Nothing else of the table changes, known here or not.

import { crc32 } from 'node:zlib'
import { parseGpt } from './gpt.js'

export interface PlacedBytes {
  offsetBytes: number
  bytes: Buffer
}

const mbrTableOffset = 446
const protectiveType = 0xee

/**
 * What to write, in this order: the new backup, then the primary header, then the protective MBR. Whoever stops in between
 * leaves a disk whose primary table is valid.
 * @param start the first bytes of the disk, with all of the primary table (`gptProbeBytes` are enough).
 * @returns undefined when there is no valid primary table, or its partitions do not fit.
 */
export function moveBackupGpt(
  start: Uint8Array,
  { diskBytes, sectorBytes }: { diskBytes: number; sectorBytes: number },
): PlacedBytes[] | undefined {
  const table = parseGpt(start, new Uint8Array(0), { diskBytes, sectorBytes })
  const isBroken = table?.findings.some(({ code }) => code === 'GPT_PRIMARY' || code === 'GPT_PARTITIONS')
  if (table === undefined || isBroken) return undefined
  const bytes = Buffer.from(start)
  const header = bytes.subarray(sectorBytes, 2 * sectorBytes)
  const entriesBytes = header.readUInt32LE(80) * header.readUInt32LE(84)
  const entriesOffset = Number(header.readBigUInt64LE(72)) * sectorBytes
  const entries = Buffer.alloc(Math.ceil(entriesBytes / sectorBytes) * sectorBytes)
  bytes.copy(entries, 0, entriesOffset, entriesOffset + entriesBytes)
  const lastSector = Math.floor(diskBytes / sectorBytes) - 1
  const entriesSector = lastSector - entries.length / sectorBytes
  const lastUsed = Math.max(0, ...table.partitions.map((partition) => partition.lastSector))
  if (lastUsed >= entriesSector || entriesSector * sectorBytes <= entriesOffset + entriesBytes) return undefined

  header.writeBigUInt64LE(BigInt(lastSector), 32)
  header.writeBigUInt64LE(BigInt(entriesSector - 1), 48)
  const backup = Buffer.from(header)
  backup.writeBigUInt64LE(BigInt(lastSector), 24)
  backup.writeBigUInt64LE(1n, 32)
  backup.writeBigUInt64LE(BigInt(entriesSector), 72)
  const mbr = bytes.subarray(0, sectorBytes)
  stretchProtective(mbr, lastSector)
  return [
    { offsetBytes: entriesSector * sectorBytes, bytes: Buffer.concat([entries, signed(backup)]) },
    { offsetBytes: sectorBytes, bytes: signed(header) },
    { offsetBytes: 0, bytes: mbr },
  ]
}

function signed(header: Buffer): Buffer {
  header.writeUInt32LE(0, 16)
  header.writeUInt32LE(crc32(header.subarray(0, header.readUInt32LE(12))), 16)
  return header
}

/** Only the single entry of a plain protective MBR: a hybrid one was made by hand. */
function stretchProtective(mbr: Buffer, lastSector: number): void {
  const types = [0, 1, 2, 3].map((index) => mbr.readUInt8(mbrTableOffset + index * 16 + 4))
  if (mbr.readUInt16LE(510) !== 0xaa55 || types[0] !== protectiveType || types.some((type, at) => at > 0 && type !== 0))
    return
  if (mbr.readUInt32LE(mbrTableOffset + 8) === 1)
    mbr.writeUInt32LE(Math.min(lastSector, 0xffff_ffff), mbrTableOffset + 12)
}
