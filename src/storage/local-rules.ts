// The rules that a service enforces and that a folder or memory must enforce for itself, with the service's codes in the
// messages: who switches a run from one store to another reads the same words.

import { createHash } from 'node:crypto'
import { TransferError } from '../errors.js'
import type { BlobFacts, BlobPlace, BlobProperties, ByteRange } from './blob-store.js'

/** @throws TransferError STORAGE_REFUSED Md5Mismatch */
export function requireMd5(place: BlobPlace, bytes: Uint8Array, md5: Uint8Array): void {
  const found = createHash('md5').update(bytes).digest()
  if (!found.equals(md5))
    throw refused(place, 'Md5Mismatch', `its ${bytes.length} bytes have another MD5 than was given`)
}

/** @throws TransferError STORAGE_REFUSED InvalidBlobType */
export function requireKind(place: BlobPlace, found: BlobFacts['kind'] | undefined, wanted: BlobFacts['kind']): void {
  if (found === undefined || found === wanted) return
  throw refused(place, 'InvalidBlobType', `it is a ${found} blob, and the request is for ${wanted} blobs`)
}

/** All ids of a blob have one length before they are encoded. @throws TransferError STORAGE_REFUSED InvalidBlobOrBlock */
export function requireIdLength(place: BlobPlace, id: string, other: string | undefined): void {
  const bytesOf = (text: string) => Buffer.byteLength(text, 'base64')
  if (other === undefined || bytesOf(other) === bytesOf(id)) return
  throw refused(
    place,
    'InvalidBlobOrBlock',
    `block id ${id} has ${bytesOf(id)} bytes, the others have ${bytesOf(other)}`,
  )
}

export function blockMissing(place: BlobPlace, id: string): TransferError {
  return refused(place, 'InvalidBlockList', `block ${id} was not uploaded`)
}

export function requirePagesInside(place: BlobPlace, sizeBytes: number, pages: ByteRange): void {
  const { offsetBytes, lengthBytes } = pages
  if (offsetBytes + lengthBytes <= sizeBytes) return
  throw refused(place, 'InvalidPageRange', `${lengthBytes} bytes at ${offsetBytes} reach past its end at ${sizeBytes}`)
}

export function containerNotFound(container: string): TransferError {
  return new TransferError('STORAGE_NOT_FOUND', `Container ${container} is not there (ContainerNotFound).`)
}

export function blobNotFound(place: BlobPlace): TransferError {
  return new TransferError('STORAGE_NOT_FOUND', `${shown(place)} is not there (BlobNotFound).`)
}

export function refused(place: BlobPlace, code: string, reason: string): TransferError {
  return new TransferError('STORAGE_REFUSED', `${shown(place)}: ${reason} (${code}).`)
}

export function shown(place: BlobPlace): string {
  return `Blob ${place.container}/${place.name}`
}

/** @throws TransferError INTERRUPTED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted()
}

export function interrupted(): TransferError {
  return new TransferError('INTERRUPTED', 'The request to the storage was stopped.')
}

/** A copy, with the content type that a service gives a blob that came without one. */
export function storedProperties(given: BlobProperties = {}): BlobProperties {
  const copy: BlobProperties = { contentType: 'application/octet-stream', ...given }
  if (given.contentMd5 !== undefined) copy.contentMd5 = Uint8Array.from(given.contentMd5)
  if (given.metadata !== undefined) copy.metadata = given.metadata.map(([name, value]) => [name, value] as const)
  return copy
}

/** Replaces the headers; metadata only where some is given. */
export function replacedProperties(old: BlobProperties, given: BlobProperties): BlobProperties {
  const metadata = given.metadata ?? old.metadata
  return storedProperties(metadata === undefined ? given : { ...given, metadata })
}

/** The part of a blob that a range names: cut off at the blob's end. */
export function clipRange(range: ByteRange | undefined, sizeBytes: number): ByteRange {
  const offsetBytes = Math.min(range?.offsetBytes ?? 0, sizeBytes)
  return { offsetBytes, lengthBytes: Math.min(range?.lengthBytes ?? sizeBytes, sizeBytes - offsetBytes) }
}

/** In order, overlaps and neighbours joined. */
export function joinRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of [...ranges].sort((left, right) => left.offsetBytes - right.offsetBytes)) {
    const last = joined.at(-1)
    const endBytes = range.offsetBytes + range.lengthBytes
    if (last === undefined || last.offsetBytes + last.lengthBytes < range.offsetBytes) joined.push({ ...range })
    else last.lengthBytes = Math.max(last.lengthBytes, endBytes - last.offsetBytes)
  }
  return joined
}

/** Order of the UTF-8 bytes. UTF-16 has it but for one turn: surrogates come before U+E000 to U+FFFF there. */
export function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (a !== b) return turned(a) - turned(b)
  }
  return left.length - right.length
}

function turned(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
