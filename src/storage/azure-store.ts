// Azure Blob storage, and whatever speaks its protocol: what each operation of a store sends. How it is sent, tried again and
// judged is azure-requests.ts.

import type { ContainerClient, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob'
import { TransferError } from '../errors.js'
import type { AzureCredential } from './azure-credential.js'
import { base64, clientHeaders, factsFromListing, propertyHeaders } from './azure-properties.js'
import { AzureRequests, isTaken } from './azure-requests.js'
import type {
  BlobFacts,
  BlobPlace,
  BlobProperties,
  BlobStore,
  BlockLists,
  ByteRange,
  SignalOption,
  StoredBlock,
  WriteOptions,
  WriteResult,
} from './blob-store.js'
import { clipRange, compareNames, joinRanges, shown } from './local-rules.js'
import { checkBlob, checkBlock, checkBlockIds, checkPageBlob, checkPages, checkRange } from './request-limits.js'
import type { RetryOptions } from './retry-policy.js'
import { AnsweredFailure } from './service-errors.js'

export interface AzureStoreOptions {
  retry?: RetryOptions
}

const readBytes = 4 << 20
const listPageBlobs = 5000

export class AzureStore implements BlobStore {
  readonly name: string
  readonly #requests: AzureRequests

  /** @param endpoint of the account, such as https://account.blob.core.windows.net; with no signature in it. */
  constructor(endpoint: URL, credential: AzureCredential, options: AzureStoreOptions = {}) {
    this.#requests = new AzureRequests(endpoint, credential, options.retry)
    this.name = this.#requests.address
  }

  async createContainer(container: string, options: SignalOption = {}): Promise<boolean> {
    this.#requests.checkContainer(container)
    // Such a signature may neither make a container nor ask for one: if it is good, its container is there.
    if (this.#requests.isContainerOnly) {
      if (options.signal?.aborted) throw new TransferError('INTERRUPTED', 'The request to the storage was stopped.')
      return false
    }
    const client = this.#requests.container(container)
    const call = { right: 'create containers', signal: options.signal }
    return await this.#requests.call(`Container ${container}`, call, async ({ signal }) => {
      try {
        await client.create({ abortSignal: signal })
        return true
      } catch (error) {
        const failure = AnsweredFailure.from(error)
        if (failure.code === 'ContainerAlreadyExists') return false
        if (failure.status === 403 && (await isThere(client, signal))) return false
        throw error
      }
    })
  }

  async putBlob(
    place: BlobPlace,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    checkBlob(bytes, md5)
    // Put Blob checks the MD5 that it is to store: another one can only be set afterwards.
    const properties = { ...options.properties, contentMd5: md5 }
    const headers = {
      'x-ms-blob-type': 'BlockBlob',
      'content-md5': base64(md5),
      ...propertyHeaders(properties),
      ...(options.ifAbsent ? { 'if-none-match': '*' } : {}),
    }
    const request = { method: 'PUT', place, headers, body: bytes } as const
    const result = await this.#requests.write(
      place,
      options,
      { lengthBytes: bytes.length },
      request,
      async (signal) => {
        const facts = await this.#requests.head(place, signal)
        const found = facts?.properties.contentMd5
        return facts?.sizeBytes === bytes.length && found !== undefined && base64(found) === base64(md5)
      },
    )
    const { metadata, ...wanted } = options.properties ?? {}
    if (result === 'written' && wanted.contentMd5 !== undefined && base64(wanted.contentMd5) !== base64(md5)) {
      await this.setProperties(place, wanted, options)
    }
    return result
  }

  async putBlock(
    place: BlobPlace,
    id: string,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    this.#requests.checkPlace(place)
    checkBlock(id, bytes, md5)
    const query = [
      ['blockid', id],
      ['comp', 'block'],
    ] as const
    const headers = { 'content-md5': base64(md5) }
    const call = { right: 'write', lengthBytes: bytes.length, signal: options.signal }
    await this.#requests.call(shown(place), call, ({ signal }) =>
      this.#requests.send({ method: 'PUT', place, query, headers, body: bytes, signal }),
    )
  }

  async listBlocks(place: BlobPlace, options: SignalOption = {}): Promise<BlockLists> {
    this.#requests.checkPlace(place)
    const call = { right: 'read', signal: options.signal }
    return await this.#requests.call(shown(place), call, ({ signal }) => this.#blocksOf(place, signal))
  }

  async commitBlocks(place: BlobPlace, ids: readonly string[], options: WriteOptions = {}): Promise<WriteResult> {
    this.#requests.checkPlace(place)
    checkBlockIds(ids)
    const { metadata, ...headers } = options.properties ?? {}
    const call = { right: 'write', signal: options.signal }
    const isOurs = async (signal: AbortSignal) => {
      const { committed } = await this.#blocksOf(place, signal)
      return committed.length === ids.length && committed.every((block, index) => block.id === ids[index])
    }
    return await this.#requests.writeOnce(place, { ...call, isOurs }, async (signal) => {
      try {
        await this.#requests.blockBlob(place).commitBlockList([...ids], {
          abortSignal: signal,
          blobHTTPHeaders: clientHeaders(headers),
          ...(metadata === undefined ? {} : { metadata: Object.fromEntries(metadata) }),
          ...(options.ifAbsent ? { conditions: { ifNoneMatch: '*' } } : {}),
        })
        return true
      } catch (error) {
        if (!options.ifAbsent || !isTaken(error)) throw error
        return false
      }
    })
  }

  async createPageBlob(place: BlobPlace, sizeBytes: number, options: WriteOptions = {}): Promise<WriteResult> {
    checkPageBlob(sizeBytes)
    const headers = {
      'x-ms-blob-type': 'PageBlob',
      'x-ms-blob-content-length': sizeBytes,
      ...propertyHeaders(options.properties ?? {}),
      ...(options.ifAbsent ? { 'if-none-match': '*' } : {}),
    }
    return await this.#requests.write(place, options, {}, { method: 'PUT', place, headers }, async (signal) => {
      const facts = await this.#requests.head(place, signal)
      if (facts?.kind !== 'page' || facts.sizeBytes !== sizeBytes) return false
      return (await this.#pageRangesOf(place, signal)).length === 0
    })
  }

  async putPages(
    place: BlobPlace,
    offsetBytes: number,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    this.#requests.checkPlace(place)
    checkPages(offsetBytes, bytes, md5)
    const headers = {
      'content-md5': base64(md5),
      'x-ms-page-write': 'update',
      'x-ms-range': `bytes=${offsetBytes}-${offsetBytes + bytes.length - 1}`,
    }
    const call = { right: 'write', lengthBytes: bytes.length, signal: options.signal }
    await this.#requests.call(shown(place), call, ({ signal }) =>
      this.#requests.send({ method: 'PUT', place, query: [['comp', 'page']], headers, body: bytes, signal }),
    )
  }

  async listPageRanges(place: BlobPlace, options: SignalOption = {}): Promise<ByteRange[]> {
    this.#requests.checkPlace(place)
    const call = { right: 'read', signal: options.signal }
    return await this.#requests.call(shown(place), call, ({ signal }) => this.#pageRangesOf(place, signal))
  }

  async setProperties(place: BlobPlace, properties: BlobProperties, options: SignalOption = {}): Promise<void> {
    this.#requests.checkPlace(place)
    const { metadata, ...headers } = properties
    const client = this.#requests.blockBlob(place)
    const call = { right: 'write', signal: options.signal }
    // Two requests, each with tries of its own.
    await this.#requests.call(shown(place), call, ({ signal }) =>
      client.setHTTPHeaders(clientHeaders(headers), { abortSignal: signal }),
    )
    if (metadata === undefined) return
    await this.#requests.call(shown(place), call, ({ signal }) =>
      client.setMetadata(Object.fromEntries(metadata), { abortSignal: signal }),
    )
  }

  async head(place: BlobPlace, options: SignalOption = {}): Promise<BlobFacts | undefined> {
    this.#requests.checkPlace(place)
    const call = { right: 'read', signal: options.signal }
    return await this.#requests.call(shown(place), call, ({ signal }) => this.#requests.head(place, signal))
  }

  async *read(place: BlobPlace, range?: ByteRange, options: SignalOption = {}): AsyncIterable<Uint8Array> {
    this.#requests.checkPlace(place)
    checkRange(range)
    const call = { right: 'read', signal: options.signal }
    const { facts, etag } = await this.#requests.call(shown(place), call, ({ signal }) =>
      this.#requests.identify(place, signal),
    )
    const { offsetBytes, lengthBytes } = clipRange(range, facts.sizeBytes)
    const endBytes = offsetBytes + lengthBytes
    for (let at = offsetBytes; at < endBytes; at += readBytes) {
      const pieceBytes = Math.min(readBytes, endBytes - at)
      // All pieces of one state of the blob: another one is refused as ConditionNotMet.
      const headers = { 'x-ms-range': `bytes=${at}-${at + pieceBytes - 1}`, 'if-match': etag }
      yield await this.#requests.call(shown(place), { ...call, lengthBytes: pieceBytes }, async ({ signal }) => {
        const { body } = await this.#requests.send({ method: 'GET', place, headers, signal })
        if (body.length !== pieceBytes) throw new Error(`the answer has ${body.length} bytes instead of ${pieceBytes}`)
        return body
      })
    }
  }

  /** In the service's order from page to page, which is that of UTF-8 bytes, and sorted within pages of 5,000. */
  async *list(container: string, prefix: string, options: SignalOption = {}): AsyncIterable<BlobFacts> {
    this.#requests.checkContainer(container)
    const client = this.#requests.container(container)
    const call = { right: 'list', signal: options.signal }
    let continuationToken: string | undefined
    do {
      const at = continuationToken === undefined ? {} : { continuationToken }
      const page = await this.#requests.call(`Container ${container}`, call, async ({ signal }) => {
        try {
          const pages = client.listBlobsFlat({ prefix, includeMetadata: true, abortSignal: signal })
          const next = await pages.byPage({ maxPageSize: listPageBlobs, ...at }).next()
          return next.value as ContainerListBlobFlatSegmentResponse | undefined
        } catch (error) {
          if (AnsweredFailure.from(error).code === 'ContainerNotFound') return undefined
          throw error
        }
      })
      const items = page?.segment.blobItems ?? []
      const facts = items.map((item) => factsFromListing(item.name, item.properties, item.metadata))
      yield* facts.sort((left, right) => compareNames(left.name, right.name))
      continuationToken = page?.continuationToken || undefined
    } while (continuationToken !== undefined)
  }

  async remove(place: BlobPlace, options: SignalOption = {}): Promise<boolean> {
    this.#requests.checkPlace(place)
    const call = { right: 'delete', signal: options.signal }
    return await this.#requests.call(shown(place), call, async ({ signal }) => {
      try {
        await this.#requests.blockBlob(place).delete({ abortSignal: signal, deleteSnapshots: 'include' })
        return true
      } catch (error) {
        if (AnsweredFailure.from(error).status === 404) return false
        throw error
      }
    })
  }

  async close(): Promise<void> {
    this.#requests.close()
  }

  async #blocksOf(place: BlobPlace, signal: AbortSignal): Promise<BlockLists> {
    try {
      const found = await this.#requests.blockBlob(place).getBlockList('all', { abortSignal: signal })
      const uncommitted = (found.uncommittedBlocks ?? []).map(storedBlock)
      return {
        committed: (found.committedBlocks ?? []).map(storedBlock),
        uncommitted: uncommitted.sort((left, right) => compareNames(left.id, right.id)),
      }
    } catch (error) {
      if (AnsweredFailure.from(error).code === 'BlobNotFound') return { committed: [], uncommitted: [] }
      throw error
    }
  }

  async #pageRangesOf(place: BlobPlace, signal: AbortSignal): Promise<ByteRange[]> {
    const pages = this.#requests.pageBlob(place).listPageRanges(0, undefined, { abortSignal: signal })
    const ranges: ByteRange[] = []
    for await (const { start, end, isClear } of pages) {
      if (!isClear) ranges.push({ offsetBytes: start, lengthBytes: end - start + 1 })
    }
    return joinRanges(ranges)
  }
}

function storedBlock({ name, size }: { name: string; size: number }): StoredBlock {
  return { id: name, sizeBytes: size }
}

async function isThere(client: ContainerClient, signal: AbortSignal): Promise<boolean> {
  return await client.getProperties({ abortSignal: signal }).then(
    () => true,
    () => false,
  )
}
