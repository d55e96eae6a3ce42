// What a request may hold, checked before anything is sent or stored, so that all stores refuse the same calls: a caller's
// mistake is a TypeError or RangeError here, and never an answer of a service after some megabytes went up.

import { TransferError } from '../errors.js'
import { maxBlockBytes, maxBlocksPerBlob, maxPageBlobBytes, pageBytes } from '../formats/blob-limits.js'
import { containerNameProblem } from '../formats/destination.js'
import type { BlobPlace, ByteRange } from './blob-store.js'

export const maxPutBlobBytes = 256 << 20
export const maxPutPagesBytes = 4 << 20
const maxBlobNameUnits = 1024
const md5Bytes = 16

/**
 * Any name of 1 to 1024 characters is a blob's here; which of them an import accepts is decided with its manifest.
 * @throws TransferError STORAGE_REFUSED
 */
export function checkPlace({ container, name }: BlobPlace): void {
  checkContainer(container)
  if (name.length >= 1 && name.length <= maxBlobNameUnits) return
  throw new TransferError(
    'STORAGE_REFUSED',
    `A blob's name has 1 to ${maxBlobNameUnits} characters, not ${name.length}.`,
  )
}

/** @throws TransferError STORAGE_REFUSED */
export function checkContainer(container: string): void {
  const problem = containerNameProblem(container)
  if (problem !== undefined)
    throw new TransferError('STORAGE_REFUSED', `Container ${JSON.stringify(container)}: ${problem}.`)
}

export function checkBlob(bytes: Uint8Array, md5: Uint8Array): void {
  checkBytes(bytes, md5, maxPutBlobBytes)
}

export function checkBlock(id: string, bytes: Uint8Array, md5: Uint8Array): void {
  checkBlockId(id)
  checkBytes(bytes, md5, maxBlockBytes)
  if (bytes.length === 0) throw new RangeError('expected at least 1 byte for a block but received 0')
}

export function checkBlockIds(ids: readonly string[]): void {
  if (ids.length > maxBlocksPerBlob) {
    throw new RangeError(`expected at most ${maxBlocksPerBlob} blocks but received ${ids.length}`)
  }
  for (const id of ids) checkBlockId(id)
}

export function checkPageBlob(sizeBytes: number): void {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 && sizeBytes <= maxPageBlobBytes && sizeBytes % pageBytes === 0)
    return
  throw new RangeError(
    `expected whole ${pageBytes}-byte pages up to ${maxPageBlobBytes} bytes but received ${sizeBytes}`,
  )
}

export function checkPages(offsetBytes: number, bytes: Uint8Array, md5: Uint8Array): void {
  checkBytes(bytes, md5, maxPutPagesBytes)
  const isWhole = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && offsetBytes % pageBytes === 0
  if (isWhole && bytes.length > 0 && bytes.length % pageBytes === 0) return
  throw new RangeError(
    `expected whole ${pageBytes}-byte pages but received ${bytes.length} bytes at offset ${offsetBytes}`,
  )
}

export function checkRange(range: ByteRange | undefined): void {
  for (const value of range === undefined ? [] : [range.offsetBytes, range.lengthBytes]) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`expected a range in bytes but received ${value}`)
  }
}

function checkBlockId(id: string): void {
  // 64 bytes in Base64 are 88 characters.
  if (id.length >= 4 && id.length <= 88 && id.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(id)) return
  throw new TypeError(`expected Base64 of 1 to 64 bytes for a block id but received ${JSON.stringify(id)}`)
}

function checkBytes(bytes: Uint8Array, md5: Uint8Array, maxBytes: number): void {
  if (bytes.length > maxBytes) throw new RangeError(`expected at most ${maxBytes} bytes but received ${bytes.length}`)
  if (md5.length !== md5Bytes) throw new TypeError(`expected an MD5 of ${md5Bytes} bytes but received ${md5.length}`)
}
