// What importing one drive needs from outside and shares among its blobs, and which errors end the drive and which the blob.

import { TransferError } from '../errors.js'
import type { BlobStatus } from '../formats/copy-log-codes.js'
import type { BlobPlace, BlobStore } from '../storage/blob-store.js'
import type { ClaimedNames } from './claimed-names.js'
import type { ImportJournal } from './import-journal.js'
import type { NumberedBlob } from './manifest-source.js'
import type { UploadLane } from './upload-slots.js'

export interface ImportContext {
  store: BlobStore
  journal: ImportJournal
  lane: UploadLane
  containers: Containers
  names: ClaimedNames
  rateLimit: UploadRate | undefined
  signal: AbortSignal
  /** An earlier run may have brought this blob, or some of it, into the account: look before sending. */
  isDoubtful(task: NumberedBlob): boolean
  /** The mark of a page blob that is not complete says that it is this one. */
  isOurMark(mark: string, task: NumberedBlob): boolean
  /** Compute and set the Content-MD5 of whole blobs. */
  contentMd5: boolean
  counters: ImportCounters
}

/** Settles when so many more bytes may be sent. */
export interface UploadRate {
  take(bytes: number, signal?: AbortSignal): Promise<void>
}

export interface ImportCounters {
  /** Of blobs that are done, in this run or before. */
  bytesDone: number
  bytesSent: number
  damagedBlocks: number
  /** Some blob of the same name was met: look before sending the next. */
  hasMetExisting: boolean
}

/** Containers that are known to be there. One for all drives. */
export class Containers {
  readonly #known = new Map<string, Promise<unknown>>()

  constructor(private readonly store: BlobStore) {}

  async ensure(container: string, signal: AbortSignal): Promise<void> {
    let known = this.#known.get(container)
    if (known === undefined) {
      known = this.store.createContainer(container, { signal })
      this.#known.set(container, known)
      known.catch(() => this.#known.delete(container))
    }
    await known
  }
}

export function placeOf(blobPath: string): BlobPlace {
  const slash = blobPath.indexOf('/')
  return { container: blobPath.slice(0, slash), name: blobPath.slice(slash + 1) }
}

/** What a refused request makes of a blob; undefined when it is no matter of this blob alone. */
export function blobStatusOf(error: unknown): BlobStatus | undefined {
  if (!(error instanceof TransferError)) return undefined
  if (error.code === 'STORAGE_REFUSED') return /Lease/.test(error.message) ? 'LeasePresent' : 'BlobRequestFailed'
  if (error.code === 'STORAGE_NOT_FOUND') return 'BlobRequestFailed'
  if (error.code === 'NTFS_DAMAGED' || error.code === 'NTFS_UNSUPPORTED') return 'FileAccessDenied'
  if (error.code === 'DEVICE_READ_FAILED') return 'IOFailed'
  return undefined
}
