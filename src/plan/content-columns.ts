// Which files of a drive the reader of content takes at once, and in what order: those whose blocks all have one length and
// whose bytes lie in whole clusters. They are read in the order in which they lie on the drive; the others go one by one.

import type { ExtentTable } from '../file-tree.js'
import { standardBlockBytes } from '../formats/blob-limits.js'
import type { ReadManifestBlob } from '../formats/manifest-reader.js'

const digestBytes = 16
/** Blocks below 4 MiB have to be whole sectors of any size. */
const smallBlockUnitBytes = 4096

export interface ContentColumns {
  /** What each row is, by its place in the list that was given. */
  order: Uint32Array
  fileSizeBytes: Float64Array
  fileBlockBytes: Float64Array
  extents: ExtentTable
  /** 16 bytes for each block of each row. */
  expected: Buffer
  /** 1 for each block that is not wanted. */
  skip: Uint8Array
  /** Number of each row's first block, and of all blocks behind the last. */
  firstBlock: Float64Array
}

export interface ContentFile {
  blob: ReadManifestBlob
  /** In the tree of the drive. */
  file: number
  blockBytes: number
  /** Leave out this block, or range of a page blob. */
  isSkipped(range: number): boolean
}

/** @param extents of all files of the drive. */
export function contentColumns(files: readonly ContentFile[], extents: ExtentTable): ContentColumns {
  const startOf = (file: number) => extents.offsetBytes[extents.firstExtent[file] as number] ?? 0
  const order = Uint32Array.from(files.keys()).sort(
    (left, right) => startOf((files[left] as ContentFile).file) - startOf((files[right] as ContentFile).file),
  )
  const rows = Array.from(order, (index) => files[index] as ContentFile)
  const firstBlock = new Float64Array(rows.length + 1)
  rows.forEach(({ blob, blockBytes }, row) => {
    firstBlock[row + 1] = (firstBlock[row] as number) + Math.ceil(blob.lengthBytes / blockBytes)
  })
  const blocks = firstBlock[rows.length] as number
  const expected = Buffer.alloc(blocks * digestBytes)
  const skip = new Uint8Array(blocks)
  for (const [index, row] of rows.entries()) fillBlocks(row, firstBlock[index] as number, expected, skip)
  return {
    order,
    fileSizeBytes: Float64Array.from(rows, ({ blob }) => blob.lengthBytes),
    fileBlockBytes: Float64Array.from(rows, ({ blockBytes }) => blockBytes),
    extents: selectExtents(
      extents,
      rows.map(({ file }) => file),
    ),
    expected,
    skip,
    firstBlock,
  }
}

// What a page blob leaves out has no digest; nobody wants to read it.
function fillBlocks({ blob, blockBytes, isSkipped }: ContentFile, first: number, expected: Buffer, skip: Uint8Array) {
  const blocks = Math.ceil(blob.lengthBytes / blockBytes)
  let range = 0
  for (let block = 0; block < blocks; block++) {
    if (blob.offsets[range] !== block * blockBytes) skip[first + block] = 1
    else {
      blob.digests.copy(expected, (first + block) * digestBytes, range * digestBytes, (range + 1) * digestBytes)
      if (isSkipped(range)) skip[first + block] = 1
      range++
    }
  }
}

/** The one length of all blocks but the last, if the reader of content can take it; page ranges may have gaps between. */
export function uniformBlockBytes(blob: ReadManifestBlob): number | undefined {
  const { offsets, lengths, lengthBytes, kind } = blob
  // One block that is the whole file may have any length; the reader wants a multiple of 4 MiB.
  if (kind === 'block' && offsets.length === 1) {
    return Math.max(standardBlockBytes, Math.ceil(lengthBytes / standardBlockBytes) * standardBlockBytes)
  }
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0)
  // Ranges of page blobs are cut at 4 MiB, however short those are that are not left out.
  const lengthsTried = kind === 'page' ? [standardBlockBytes, longest] : [longest === 0 ? standardBlockBytes : longest]
  return lengthsTried.find((blockBytes) => {
    const unit = blockBytes < standardBlockBytes ? smallBlockUnitBytes : standardBlockBytes
    if (blockBytes === 0 || blockBytes % unit !== 0) return false
    return offsets.every(
      (offset, index) => offset % blockBytes === 0 && lengths[index] === Math.min(blockBytes, lengthBytes - offset),
    )
  })
}

/** The extents of these files alone, in this order. */
export function selectExtents(extents: ExtentTable, files: ArrayLike<number>): ExtentTable {
  const firstExtent = new Uint32Array(files.length + 1)
  for (let row = 0; row < files.length; row++) {
    const file = files[row] as number
    const count = (extents.firstExtent[file + 1] as number) - (extents.firstExtent[file] as number)
    firstExtent[row + 1] = (firstExtent[row] as number) + count
  }
  const total = firstExtent[files.length] as number
  const offsetBytes = new Float64Array(total)
  const lengthBytes = new Float64Array(total)
  for (let row = 0; row < files.length; row++) {
    const from = extents.firstExtent[files[row] as number] as number
    const to = extents.firstExtent[(files[row] as number) + 1] as number
    offsetBytes.set(extents.offsetBytes.subarray(from, to), firstExtent[row])
    lengthBytes.set(extents.lengthBytes.subarray(from, to), firstExtent[row])
  }
  return { firstExtent, offsetBytes, lengthBytes }
}
