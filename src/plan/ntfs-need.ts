// What files and folders take on an NTFS volume besides their bytes, from the sizes of NTFS's own structures: records,
// index blocks, bitmaps, the tails of clusters. Every number here is an upper bound of what the layout really takes, so that
// a plan that says it fits does fit; the layout itself is made afterwards and has the last word.

import type { FileTree, NameColumn } from '../file-tree.js'

/** What of a volume decides how much room files take. Bytes. */
export interface VolumeShape {
  clusterBytes: number
  /** MFT record: 1024, or 4096 on drives with 4096-byte sectors. */
  recordBytes: 1024 | 4096
  /** Index block: 4096. */
  indexBytes: number
}

/** $FILE_NAME without the name: 16 bytes of entry header and 66 of the attribute. */
const entryHeaderBytes = 16 + 66
const nameUnitsMax = 255
const entryBytesMax = alignUp(entryHeaderBytes + 2 * nameUnitsMax, 8)
const childPointerBytes = 8
const endEntryBytes = 16
/** Index block header and fix-ups; entries begin at 0x40. */
const blockHeaderBytes = 0x40
/** An index's $BITMAP has a bit a block and moves out of the record when it grows; up to so many blocks it stays in. */
const residentBitmapBlocks = 128
/** mkntfs's own entries in the root directory ($MFT, $Bitmap and so on), System Volume Information, the manifest. */
const rootEntriesBytes = 16 * 128

export function alignUp(bytes: number, unit: number): number {
  const over = bytes % unit
  return over === 0 ? bytes : bytes - over + unit
}

/** Bytes of the index entry of a name with so many UTF-16 units. */
export function entryBytes(nameUnits: number): number {
  return alignUp(entryHeaderBytes + 2 * nameUnits, 8)
}

/** UTF-16 units of each name. */
export function nameUnits(names: NameColumn): Uint32Array {
  const { bytes, ends } = names
  const units = new Uint32Array(ends.length)
  let at = 0
  for (let index = 0; index < ends.length; index++) {
    const end = ends[index] as number
    let count = 0
    for (; at < end; at++) {
      const byte = bytes[at] as number
      if ((byte & 0xc0) !== 0x80) count += byte >= 0xf0 ? 2 : 1
    }
    units[index] = count
  }
  return units
}

/** Bytes of a file of this size: whole clusters, its record, its bit in the record bitmap (rounded up to a byte). */
export function fileNeed(sizeBytes: number, shape: VolumeShape): number {
  return alignUp(sizeBytes, shape.clusterBytes) + recordNeed(shape)
}

export function recordNeed(shape: VolumeShape): number {
  return shape.recordBytes + 1
}

/** Entry bytes up to which a directory's index stays inside its record. */
export function residentEntryBytes(nameUnits: number, shape: VolumeShape): number {
  const fixUpBytes = 2 * (shape.recordBytes / 512 + 1)
  const headerBytes = alignUp(0x30 + fixUpBytes, 8)
  const standardInformationBytes = 24 + 72
  const fileNameBytes = alignUp(24 + 66 + 2 * nameUnits, 8)
  const indexRootBytes = 24 + 8 + 16 + 16 + endEntryBytes
  return shape.recordBytes - headerBytes - standardInformationBytes - fileNameBytes - indexRootBytes - 8
}

/**
 * Bytes outside the record of a directory whose entries take `entriesBytes` and do not fit the record: index blocks of a
 * B-tree, and their bitmap.
 *
 * A full leaf and the separator after it hold more than a block's worth of entries, so `entries / room` leaves are enough.
 * On the levels above, the separators could all be the longest names.
 */
export function indexNeed(entriesBytes: number, shape: VolumeShape): number {
  const leafRoom = shape.indexBytes - blockHeaderBytes - endEntryBytes
  const innerRoom = leafRoom - childPointerBytes
  let level = Math.max(1, Math.ceil(entriesBytes / leafRoom))
  let blocks = level
  while (level > 1) {
    const separators = level - 1
    const longest = separators * (entryBytesMax + childPointerBytes)
    const separatorBytes = Math.min(longest, entriesBytes + separators * childPointerBytes)
    level = Math.max(1, Math.ceil(separatorBytes / innerRoom))
    blocks += level
  }
  // The bitmap takes whole index blocks where clusters are smaller, so that the next directory's blocks are not cut.
  const bitmapBytes = blocks > residentBitmapBlocks ? alignUp(Math.ceil(blocks / 8), 8) : 0
  const bitmapUnit = Math.max(shape.clusterBytes, shape.indexBytes)
  return alignUp(blocks * shape.indexBytes, shape.clusterBytes) + alignUp(bitmapBytes, bitmapUnit)
}

/**
 * Bytes that the first file costs beyond its own: an empty layout already has BitLocker's files and folder and, rounded up
 * to 64, their records, and the next 64 may have to begin; a cluster each for the tails of $MFT and its bitmap.
 */
export function driveNeed(shape: VolumeShape): number {
  return 8 * recordNeed(shape) + 2 * shape.clusterBytes
}

/** What the index of the root directory needs more when `entriesBytes` of our own join NTFS's. */
export function rootIndexNeed(entriesBytes: number, shape: VolumeShape): number {
  return indexNeed(rootEntriesBytes + entriesBytes, shape) - indexNeed(rootEntriesBytes, shape)
}

/**
 * Upper bound of the bytes that all files and directories of `tree` take, to be compared with the bytes that the layout of
 * an empty tree, with BitLocker's files, leaves free.
 */
export function estimateNeed(tree: FileTree, shape: VolumeShape): number {
  const directoryCount = tree.directoryParent.length
  const entries = new Float64Array(directoryCount)
  const directoryUnits = nameUnits(tree.directoryNames)
  const fileUnits = nameUnits(tree.fileNames)
  let need = driveNeed(shape)
  for (let file = 0; file < fileUnits.length; file++) {
    need += fileNeed(tree.fileSizeBytes[file] as number, shape)
    const directory = tree.fileDirectory[file] as number
    entries[directory] = (entries[directory] as number) + entryBytes(fileUnits[file] as number)
  }
  for (let directory = 1; directory < directoryCount; directory++) {
    const parent = tree.directoryParent[directory] as number
    entries[parent] = (entries[parent] as number) + entryBytes(directoryUnits[directory] as number)
  }
  for (let directory = 1; directory < directoryCount; directory++) {
    need += recordNeed(shape)
    const bytes = entries[directory] as number
    if (bytes > residentEntryBytes(directoryUnits[directory] as number, shape)) need += indexNeed(bytes, shape)
  }
  return need + rootIndexNeed(entries[0] ?? 0, shape)
}
