// The place that a vault comes to lie in, as files below a prefix: an account through the blob store, or a folder as it is, since what
// restic writes there is no blob of the folder store.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { TransferError } from '../errors.js'
import type { NamedSize } from '../formats/frozen-list.js'
import { parseStorageTarget } from '../formats/storage-target.js'
import type { BlobStore } from '../storage/blob-store.js'
import type { StorageCredentials } from '../storage/credentials.js'
import { openBlobStore } from '../storage/open-store.js'
import type { RetryOptions } from '../storage/retry-policy.js'
import { FolderPlace } from './folder-place.js'

export interface SendOptions {
  /** Replaces what is there; without it that stays, and `send` says so. */
  replaces: boolean
  signal?: AbortSignal
  /** Waits until so many bytes may go. */
  take?: (bytes: number) => Promise<void>
}

export interface VaultPlace {
  /** For people; never a secret. */
  readonly name: string
  /** In the order of names, without what is being written. @param kind as `listRepository`. */
  list(kind?: string): AsyncIterable<NamedSize>
  /** @throws TransferError STORAGE_NOT_FOUND */
  read(name: string): AsyncIterable<Uint8Array>
  /** Undefined when it is not there. At most 1 MiB. */
  readSmall(name: string): Promise<Buffer | undefined>
  /** False when it was there. */
  create(name: string, bytes: Buffer): Promise<boolean>
  /**
   * Content in pieces of 4 MiB, in order; there only when all of it is. A piece is used again once `next` is asked.
   * @returns false when it was there and stays.
   */
  send(name: string, content: AsyncIterable<Buffer>, sizeBytes: number, options: SendOptions): Promise<boolean>
  close(): Promise<void>
}

export const pieceBytes = 4 << 20
const smallBytesMax = 1 << 20

export interface PlaceRequest {
  address: string
  container: string
  prefix: string
  credentials?: StorageCredentials
  signal?: AbortSignal
  retry?: RetryOptions
}

/** @throws TransferError STORAGE_…, CREDENTIAL_… */
export async function openVaultPlace(request: PlaceRequest): Promise<VaultPlace> {
  const { address, container, prefix, credentials = {}, signal, retry } = request
  const target = parseStorageTarget(address)
  if (target.kind === 'folder') return await FolderPlace.open(join(target.path, container, prefix))
  if (target.kind === 'memory') throw new TransferError('STORAGE_TARGET_INVALID', 'A vault does not lie in memory.')
  const store = await openBlobStore(address, credentials, retry === undefined ? {} : { retry })
  return new BlobVaultPlace(store, container, prefix, signal)
}

export class BlobVaultPlace implements VaultPlace {
  constructor(
    private readonly store: BlobStore,
    private readonly container: string,
    private readonly prefix: string,
    private readonly signal?: AbortSignal,
  ) {}

  get name(): string {
    return `${this.store.name}/${this.container}/${this.prefix}`
  }

  async *list(kind = ''): AsyncIterable<NamedSize> {
    const skip = this.prefix.length + 1
    for await (const { name, sizeBytes } of this.store.list(this.container, `${this.prefix}/${kind}`, this.#options)) {
      yield { name: name.slice(skip), sizeBytes }
    }
  }

  read(name: string): AsyncIterable<Uint8Array> {
    return this.store.read(this.#place(name), undefined, this.#options)
  }

  async readSmall(name: string): Promise<Buffer | undefined> {
    const facts = await this.store.head(this.#place(name), this.#options)
    if (facts === undefined) return undefined
    if (facts.sizeBytes > smallBytesMax) throw new TransferError('VAULT_OTHER', `${this.name}/${name} is too large.`)
    const pieces: Uint8Array[] = []
    for await (const piece of this.read(name)) pieces.push(Uint8Array.from(piece))
    return Buffer.concat(pieces)
  }

  async create(name: string, bytes: Buffer): Promise<boolean> {
    const written = await this.store.putBlob(this.#place(name), bytes, md5Of(bytes), {
      ifAbsent: true,
      ...this.#options,
    })
    return written === 'written'
  }

  async send(name: string, content: AsyncIterable<Buffer>, sizeBytes: number, options: SendOptions): Promise<boolean> {
    const place = this.#place(name)
    const write = { ifAbsent: !options.replaces, ...this.#options }
    if (sizeBytes <= pieceBytes) {
      const pieces: Buffer[] = []
      for await (const piece of content) pieces.push(Buffer.from(piece))
      const bytes = Buffer.concat(pieces)
      await options.take?.(bytes.length)
      return (await this.store.putBlob(place, bytes, md5Of(bytes), write)) === 'written'
    }
    const there = await this.#uncommitted(name)
    const ids: string[] = []
    for await (const piece of content) {
      const md5 = md5Of(piece)
      // A block of a run that was stopped is used when it has the same content.
      const id = Buffer.from(`${String(ids.length).padStart(6, '0')}${md5.toString('hex')}`).toString('base64')
      ids.push(id)
      if (there.get(id) === piece.length) continue
      await options.take?.(piece.length)
      await this.store.putBlock(place, id, piece, md5, this.#options)
    }
    return (await this.store.commitBlocks(place, ids, write)) === 'written'
  }

  async #uncommitted(name: string): Promise<Map<string, number>> {
    const { uncommitted } = await this.store.listBlocks(this.#place(name), this.#options)
    return new Map(uncommitted.map(({ id, sizeBytes }) => [id, sizeBytes]))
  }

  /** Makes the container when it is not there and this credential may. */
  async makeContainer(): Promise<void> {
    await this.store.createContainer(this.container, this.#options).catch((error: unknown) => {
      if (!(error instanceof TransferError) || error.code !== 'STORAGE_DENIED') throw error
    })
  }

  close(): Promise<void> {
    return this.store.close()
  }

  get #options(): { signal?: AbortSignal } {
    return this.signal === undefined ? {} : { signal: this.signal }
  }

  #place(name: string) {
    return { container: this.container, name: `${this.prefix}/${name}` }
  }
}

function md5Of(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest()
}
