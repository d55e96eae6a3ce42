// What the service allows of a blob, and how a file is cut for the manifest: block blobs up to 50,000 blocks, page blobs in
// ranges of whole 512-byte pages. Limits as published for Azure Import/Export and Azure Blob storage.

export type BlobType = 'block' | 'page'

/** What happens where the blob's name is taken: a new name `name (2)`, nothing, or replacement. */
export type Disposition = 'rename' | 'no-overwrite' | 'overwrite'
export const dispositions: readonly Disposition[] = ['rename', 'no-overwrite', 'overwrite']

const mebibyte = 1 << 20
export const pageBytes = 512
/** Blocks and page ranges of a manifest, unless the file needs larger ones. */
export const standardBlockBytes = 4 * mebibyte
export const maxBlocksPerBlob = 50_000
/** Put Block's limit; 50,000 of them are the largest block blob, 4.768 TiB. */
export const maxBlockBytes = 100 * mebibyte
export const maxBlockBlobBytes = maxBlocksPerBlob * maxBlockBytes
/** 8 TiB. */
export const maxPageBlobBytes = 8 * mebibyte * mebibyte
/** Up to this length the blocks of a blob may go without ids. */
export const maxBytesWithoutBlockIds = 64 * mebibyte

/**
 * Bytes of all blocks but the last: 4 MiB up to 50,000 blocks, then 8, 16, 32, 64 and at last 100 MiB. Page ranges stay at 4 MiB.
 * @throws RangeError above the largest blob of the type; `blobLengthProblem` says so beforehand.
 */
export function blockBytesFor(lengthBytes: number, blobType: BlobType = 'block'): number {
  const problem = blobLengthProblem(lengthBytes, blobType)
  if (problem !== undefined) throw new RangeError(problem)
  if (blobType === 'page') return standardBlockBytes
  let blockBytes = standardBlockBytes
  while (blockBytes * maxBlocksPerBlob < lengthBytes) blockBytes = Math.min(blockBytes * 2, maxBlockBytes)
  return blockBytes
}

/** Why no blob of this type can have this length, as the end of a sentence; undefined when one can. */
export function blobLengthProblem(lengthBytes: number, blobType: BlobType): string | undefined {
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0) return `${lengthBytes} is no length in bytes`
  const maximum = blobType === 'page' ? maxPageBlobBytes : maxBlockBlobBytes
  if (lengthBytes > maximum) return `${lengthBytes} bytes are more than a ${blobType} blob holds, ${maximum} bytes`
  if (blobType === 'page' && lengthBytes % pageBytes !== 0) {
    return `${lengthBytes} bytes are not a whole number of ${pageBytes}-byte pages`
  }
  return undefined
}

/** Page blobs for virtual disks (`.vhd`, `.vhdx` in any case) that can be one, block blobs for everything else. */
export function defaultBlobType(name: string, lengthBytes: number): BlobType {
  return isVirtualDisk(name) && blobLengthProblem(lengthBytes, 'page') === undefined ? 'page' : 'block'
}

/** A sentence for the plan when a virtual disk does not become the page blob one would expect. */
export function blobTypeNote(name: string, lengthBytes: number): string | undefined {
  if (!isVirtualDisk(name)) return undefined
  const problem = blobLengthProblem(lengthBytes, 'page')
  return problem === undefined ? undefined : `${name} becomes a block blob: ${problem}.`
}

function isVirtualDisk(name: string): boolean {
  return /\.vhdx?$/i.test(name)
}
