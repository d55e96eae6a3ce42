// Blob storage as this project needs it: a few requests, each of which either did the whole thing or changed nothing that a
// reader sees. Azure (and whatever speaks its protocol), a folder and memory are behind it; one suite tests all three.

import type { NamedValue } from '../formats/blob-properties.js'

/** A blob's place in an account. `$root` is a container like any other here. */
export interface BlobPlace {
  container: string
  /** 1 to 1024 characters, with slashes as the manifest has them. */
  name: string
}

/** HTTP headers and metadata of a blob; what is absent is not set. */
export interface BlobProperties {
  contentType?: string
  contentEncoding?: string
  contentLanguage?: string
  cacheControl?: string
  /** MD5 of the whole content, 16 bytes. Stored, never checked by a service. */
  contentMd5?: Uint8Array
  metadata?: readonly NamedValue[]
}

export interface WriteOptions {
  properties?: BlobProperties
  /** Leaves a blob that is there alone, whatever its kind; the answer is then `exists`. */
  ifAbsent?: boolean
  signal?: AbortSignal
}

export type WriteResult = 'written' | 'exists'

export interface BlobFacts {
  name: string
  kind: 'block' | 'page' | 'append'
  sizeBytes: number
  modifiedMs: number
  properties: BlobProperties
}

/** `id` is Base64, as in the manifest; all ids of a blob have one length. */
export interface StoredBlock {
  id: string
  sizeBytes: number
}

export interface BlockLists {
  committed: StoredBlock[]
  /** Uploaded, but in no committed list yet; a service keeps them for a week. */
  uncommitted: StoredBlock[]
}

export interface ByteRange {
  offsetBytes: number
  lengthBytes: number
}

export interface SignalOption {
  signal?: AbortSignal
}

/**
 * Every call retries what may pass by itself (time-outs, broken connections, 500, 503, throttling) by the store's one policy
 * and then throws TransferError STORAGE_UNREACHABLE. All throw STORAGE_DENIED for missing rights and expired signatures,
 * STORAGE_FULL where there is no room, STORAGE_REFUSED with the service's own code for the rest, INTERRUPTED when aborted.
 * `bytes` must not change until a call has settled, and may then be reused at once. `md5` (16 bytes) is checked at the
 * other end: content that arrives differently is never stored.
 */
export interface BlobStore {
  /** For people and reports: scheme, host and account, or a path. Never a key or signature. */
  readonly name: string

  /** False when it was there. */
  createContainer(container: string, options?: SignalOption): Promise<boolean>

  /** A whole block blob in one request; at most 256 MiB. */
  putBlob(place: BlobPlace, bytes: Uint8Array, md5: Uint8Array, options?: WriteOptions): Promise<WriteResult>
  /** At most 100 MiB. Invisible until it is committed. */
  putBlock(place: BlobPlace, id: string, bytes: Uint8Array, md5: Uint8Array, options?: SignalOption): Promise<void>
  /** Both empty when the blob is not there. */
  listBlocks(place: BlobPlace, options?: SignalOption): Promise<BlockLists>
  /** Makes these blocks, the newest of each id, the blob's content. STORAGE_REFUSED when one is missing. */
  commitBlocks(place: BlobPlace, ids: readonly string[], options?: WriteOptions): Promise<WriteResult>

  /** All zeros; a multiple of 512 bytes. Replaces a blob that is there unless `ifAbsent`. */
  createPageBlob(place: BlobPlace, sizeBytes: number, options?: WriteOptions): Promise<WriteResult>
  /** Whole 512-byte pages, at most 4 MiB. */
  putPages(
    place: BlobPlace,
    offsetBytes: number,
    bytes: Uint8Array,
    md5: Uint8Array,
    options?: SignalOption,
  ): Promise<void>
  /** What was written of a page blob, in order; neighbours joined. */
  listPageRanges(place: BlobPlace, options?: SignalOption): Promise<ByteRange[]>

  /** Replaces the headers, and the metadata where given; for a page blob's MD5, known only at its end. */
  setProperties(place: BlobPlace, properties: BlobProperties, options?: SignalOption): Promise<void>
  /** Undefined when the blob is not there; one that has uncommitted blocks only is not there. */
  head(place: BlobPlace, options?: SignalOption): Promise<BlobFacts | undefined>
  /** STORAGE_NOT_FOUND when it is not there. Without a range the whole content. */
  read(place: BlobPlace, range?: ByteRange, options?: SignalOption): AsyncIterable<Uint8Array>
  /** By name, in the order of UTF-8 bytes. Nothing for a container that is not there. */
  list(container: string, prefix: string, options?: SignalOption): AsyncIterable<BlobFacts>
  /** False when it was not there. */
  remove(place: BlobPlace, options?: SignalOption): Promise<boolean>

  close(): Promise<void>
}
