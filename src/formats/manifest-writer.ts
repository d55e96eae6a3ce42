// The drive manifest, written in the element order of its grammar, Version 2014-11-01. Its length is known before any digest:
// every hash has 32 digits and every block id 28 characters, so its place on the drive is planned like any other file's, and
// its bytes come last. Only page blobs may turn out shorter than counted: ranges of zeros are left out. docs/manifest.md.

import { createHash } from 'node:crypto'
import { type BlobType, type Disposition, maxBlocksPerBlob, pageBytes } from './blob-limits.js'
import { escapedXmlBytes, escapeXml } from './xml-text.js'

export { type BlobType, blockBytesFor, type Disposition, defaultBlobType } from './blob-limits.js'

export const digestBytes = 16

/** A file on the drive and its MD5. */
export interface HashedPath {
  /** From the drive's root, with backslashes: `\container\metadata.xml`. */
  path: string
  /** 32 hexadecimal digits; written in upper case. Any 32 digits do while lengths are counted. */
  hash: string
}

/** Blobs with the same metadata and properties files. */
export interface ManifestList {
  /** WAImportExport writes session id, hyphen, number: `session#1-0`. */
  id: string
  metadata?: HashedPath
  properties?: HashedPath
}

export interface ManifestHeader {
  driveId: string
  /** Free text. */
  clientCreator: string
  /** Left out unless the user asked for it: no credential goes onto a drive otherwise. */
  credential?: { storageAccountKey: string } | { containerSas: string }
  /** At least one. All are written, in this order, also those without blobs. */
  lists: readonly ManifestList[]
}

export interface ManifestBlob {
  /** `container/dir/name` */
  blobPath: string
  /** `\container\dir\name` */
  filePath: string
  lengthBytes: number
  blobType: BlobType
  disposition: Disposition
  /** Bytes of every block or page range but the last; what `blockBytesFor` says. */
  blockBytes: number
  /** Index in the header's lists. Blobs come in ascending order of it. */
  list: number
  /** Instead of the list's. */
  metadata?: HashedPath
  properties?: HashedPath
}

const pieceBytes = 1 << 20

/** Blocks or page ranges of a file, the ones of zeros included. */
export function blockCount(lengthBytes: number, blockBytes: number): number {
  return Math.ceil(lengthBytes / blockBytes)
}

/** Bytes of everything around the blobs. The whole manifest has at most this and the sum of `manifestBlobLength`. */
export function manifestFrameLength(header: ManifestHeader): number {
  let bytes = Buffer.byteLength(frameStart(header) + frameEnd)
  for (const list of header.lists) bytes += Buffer.byteLength(listStart(list) + listEnd)
  return bytes
}

/** Bytes of one blob with every block or page range present: what it has unless it is a page blob with ranges of zeros. */
export function manifestBlobLength(blob: ManifestBlob): number {
  const count = checkedCount(blob)
  let bytes = blobFixedBytes + escapedXmlBytes(blob.blobPath) + escapedXmlBytes(blob.filePath)
  bytes += digits(blob.lengthBytes) + blob.disposition.length
  if (blob.metadata !== undefined) bytes += Buffer.byteLength(hashedPath('MetadataPath', blob.metadata))
  if (blob.properties !== undefined) bytes += Buffer.byteLength(hashedPath('PropertiesPath', blob.properties))
  const isPage = blob.blobType === 'page'
  if (count === 0) return bytes + (isPage ? emptyPageRanges : emptyBlocks).length
  const fixedBytes = isPage ? pageRangeFixedBytes : blockFixedBytes
  const lastBytes = blob.lengthBytes - (count - 1) * blob.blockBytes
  bytes += isPage ? pageRangesStart.length + pageRangesEnd.length : blocksStart.length + blocksEnd.length
  bytes += count * fixedBytes + offsetDigits(count, blob.blockBytes)
  return bytes + (count - 1) * digits(blob.blockBytes) + digits(lastBytes)
}

/**
 * The manifest in pieces of about 1 MiB.
 * @param digestsOf the MD5 of every block of the blob at this index of `blobs`, 16 bytes each, one after the other. Called once
 *   a blob, in order; the buffer may be reused afterwards.
 * @param options.padToBytes fills up with line feeds behind the root element, where XML allows them, to this length.
 * @throws RangeError when the blobs are out of order, digests are missing, or it is longer than `padToBytes`.
 */
export function* writeManifest(
  header: ManifestHeader,
  blobs: Iterable<ManifestBlob>,
  digestsOf: (blobIndex: number) => Uint8Array,
  options: { padToBytes?: number } = {},
): Generator<Buffer, void, undefined> {
  const output = new PieceBuffer()
  output.add(frameStart(header))
  let index = 0
  let list = -1
  for (const blob of blobs) {
    if (!Number.isInteger(blob.list) || blob.list < Math.max(list, 0) || blob.list >= header.lists.length) {
      throw new RangeError(
        `expected a list from ${Math.max(list, 0)} to ${header.lists.length - 1} but received ${blob.list}`,
      )
    }
    for (; list < blob.list; list++) output.add(listTurn(header, list))
    yield* writeBlob(output, blob, digestsOf(index))
    index += 1
  }
  for (; list < header.lists.length; list++) output.add(listTurn(header, list))
  output.add(frameEnd)
  yield output.take()
  if (options.padToBytes !== undefined) yield* padding(options.padToBytes - output.totalBytes)
}

// The end of list `list` and the beginning of the next one, where there is one.
function listTurn({ lists }: ManifestHeader, list: number): string {
  const next = lists[list + 1]
  return (list < 0 ? '' : listEnd) + (next === undefined ? '' : listStart(next))
}

function* writeBlob(output: PieceBuffer, blob: ManifestBlob, digests: Uint8Array): Generator<Buffer, void, undefined> {
  const { blockBytes, lengthBytes } = blob
  const isPage = blob.blobType === 'page'
  const count = checkedCount(blob)
  if (digests.byteLength !== count * digestBytes) {
    throw new RangeError(`expected ${count} digests for ${blob.blobPath} but received ${digests.byteLength} bytes`)
  }
  output.add(blobStart(blob))
  if (count === 0) output.add(isPage ? emptyPageRanges : emptyBlocks)
  else output.add(isPage ? pageRangesStart : blocksStart)
  const bytes = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength)
  for (let block = 0; block < count; block++) {
    const offset = block * blockBytes
    const length = block === count - 1 ? lengthBytes - offset : blockBytes
    const place = block * digestBytes
    if (!isPage) output.add(blockElement(offset, length, bytes.subarray(place, place + digestBytes)))
    else if (zeroDigest(length).compare(bytes, place, place + digestBytes) !== 0) {
      output.add(pageRangeElement(offset, length, bytes.subarray(place, place + digestBytes)))
    }
    if (output.isFull) yield output.take()
  }
  if (count > 0) output.add(isPage ? pageRangesEnd : blocksEnd)
  output.add(blobTail(blob))
  if (output.isFull) yield output.take()
}

function* padding(bytes: number): Generator<Buffer, void, undefined> {
  if (bytes < 0) throw new RangeError(`expected a manifest of at most padToBytes but it has ${-bytes} bytes more`)
  for (let rest = bytes; rest > 0; rest -= pieceBytes) yield Buffer.alloc(Math.min(rest, pieceBytes), '\n')
}

class PieceBuffer {
  #text = ''
  totalBytes = 0

  add(text: string): void {
    this.#text += text
  }

  get isFull(): boolean {
    return this.#text.length >= pieceBytes
  }

  take(): Buffer {
    const piece = Buffer.from(this.#text, 'utf8')
    this.#text = ''
    this.totalBytes += piece.length
    return piece
  }
}

const frameEnd = '</Drive>\n</DriveManifest>\n'
const listEnd = '</BlobList>\n'
const emptyBlocks = '<BlockList/>'
const blocksStart = '<BlockList>\n'
const blocksEnd = '</BlockList>'
const emptyPageRanges = '<PageRangeList/>'
const pageRangesStart = '<PageRangeList>\n'
const pageRangesEnd = '</PageRangeList>'

function frameStart({ driveId, clientCreator, credential, lists }: ManifestHeader): string {
  if (lists.length === 0) throw new RangeError('expected at least one list for the manifest but received none')
  let text = '<?xml version="1.0" encoding="UTF-8"?>\n<DriveManifest Version="2014-11-01">\n<Drive>\n'
  text += `<DriveId>${escapeXml(driveId)}</DriveId>\n`
  if (credential !== undefined) {
    text +=
      'storageAccountKey' in credential
        ? `<StorageAccountKey>${escapeXml(credential.storageAccountKey)}</StorageAccountKey>\n`
        : `<ContainerSas>${escapeXml(credential.containerSas)}</ContainerSas>\n`
  }
  return `${text}<ClientCreator>${escapeXml(clientCreator)}</ClientCreator>\n`
}

function listStart({ id, metadata, properties }: ManifestList): string {
  let text = `<BlobList Id="${escapeXml(id)}">\n`
  if (metadata !== undefined) text += `${hashedPath('MetadataPath', metadata)}\n`
  if (properties !== undefined) text += `${hashedPath('PropertiesPath', properties)}\n`
  return text
}

function blobStart({ blobPath, filePath, lengthBytes, disposition }: ManifestBlob): string {
  return (
    `<Blob><BlobPath>${escapeXml(blobPath)}</BlobPath><FilePath>${escapeXml(filePath)}</FilePath>` +
    `<Length>${lengthBytes}</Length><ImportDisposition>${disposition}</ImportDisposition>`
  )
}

function blobTail({ metadata, properties }: ManifestBlob): string {
  let text = ''
  if (metadata !== undefined) text += hashedPath('MetadataPath', metadata)
  if (properties !== undefined) text += hashedPath('PropertiesPath', properties)
  return `${text}</Blob>\n`
}

function hashedPath(element: string, { path, hash }: HashedPath): string {
  if (!/^[0-9A-Fa-f]{32}$/.test(hash))
    throw new RangeError(`expected 32 hexadecimal digits for a hash but received ${hash}`)
  return `<${element} Hash="${hash.toUpperCase()}">${escapeXml(path)}</${element}>`
}

// Ids as WAImportExport writes them: the digest again, in Base64, behind "MD5/". Equal blocks have equal ids.
function blockElement(offset: number, length: number, digest: Buffer): string {
  const hash = digest.toString('hex').toUpperCase()
  return `<Block Offset="${offset}" Length="${length}" Id="MD5/${digest.toString('base64')}" Hash="${hash}"/>\n`
}

function pageRangeElement(offset: number, length: number, digest: Buffer): string {
  return `<PageRange Offset="${offset}" Length="${length}" Hash="${digest.toString('hex').toUpperCase()}"/>\n`
}

const zeroDigests = new Map<number, Buffer>()

/** MD5 of so many zeros; there are only a few lengths, each is computed once. */
export function zeroDigest(lengthBytes: number): Buffer {
  let digest = zeroDigests.get(lengthBytes)
  if (digest === undefined) {
    if (zeroDigests.size >= 1000) zeroDigests.clear()
    digest = createHash('md5').update(Buffer.alloc(lengthBytes)).digest()
    zeroDigests.set(lengthBytes, digest)
  }
  return digest
}

// Lengths of the fixed parts are measured from the very functions that write them, so that they cannot drift apart.
const blankDigest = Buffer.alloc(digestBytes)
const blockFixedBytes = blockElement(0, 0, blankDigest).length - 2
const pageRangeFixedBytes = pageRangeElement(0, 0, blankDigest).length - 2
const blankBlob = { blobPath: '', filePath: '', lengthBytes: 0, blobType: 'block', blockBytes: 1, list: 0 } as const
const blobFixedBytes = (() => {
  const blob: ManifestBlob = { ...blankBlob, disposition: 'rename' }
  return blobStart(blob).length + blobTail(blob).length - 1 - 'rename'.length
})()

function checkedCount({ blobPath, blobType, lengthBytes, blockBytes }: ManifestBlob): number {
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0 || !Number.isSafeInteger(blockBytes) || blockBytes < 1) {
    throw new RangeError(`expected whole bytes for ${blobPath} but received ${lengthBytes} in blocks of ${blockBytes}`)
  }
  if (blobType === 'page' && (lengthBytes % pageBytes !== 0 || blockBytes % pageBytes !== 0)) {
    throw new RangeError(
      `expected whole pages for ${blobPath} but received ${lengthBytes} bytes in ranges of ${blockBytes}`,
    )
  }
  const count = blockCount(lengthBytes, blockBytes)
  if (blobType === 'block' && count > maxBlocksPerBlob) {
    throw new RangeError(`expected at most ${maxBlocksPerBlob} blocks for ${blobPath} but received ${count}`)
  }
  return count
}

function digits(value: number): number {
  let count = 1
  for (let power = 10; power <= value; power *= 10) count += 1
  return count
}

/** Digits of 0, step, 2 step, … (count - 1) step together, without going through them. */
function offsetDigits(count: number, step: number): number {
  let total = count
  const last = (count - 1) * step
  for (let power = 10; power <= last; power *= 10) total += count - Math.ceil(power / step)
  return total
}
