// Azure Blob storage, and whatever speaks its protocol. The few requests that an import sends for every file and block go by
// AzureConnection; the others, where time does not count, through Azure's own client library. Both under one retry policy.

import {
  AnonymousCredential,
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  type ContainerListBlobFlatSegmentResponse,
  newPipeline,
  type PageBlobClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { TransferError } from '../errors.js'
import { AzureConnection, type ServiceAnswer, type ServiceRequest } from './azure-connection.js'
import type { AzureCredential } from './azure-credential.js'
import { base64, clientHeaders, factsFromHeaders, factsFromListing, propertyHeaders } from './azure-properties.js'
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
import { clipRange, compareNames, joinRanges, refused, shown } from './local-rules.js'
import {
  checkBlob,
  checkBlock,
  checkBlockIds,
  checkContainer,
  checkPageBlob,
  checkPages,
  checkPlace,
  checkRange,
} from './request-limits.js'
import { type RetryOptions, RetryPolicy } from './retry-policy.js'
import { AnsweredFailure, judge } from './service-errors.js'

export interface AzureStoreOptions {
  retry?: RetryOptions
}

const readBytes = 4 << 20
const listPageBlobs = 5000

/** How a request stands: the signal of its try, and whether an earlier try may have done its work already. */
interface Try {
  signal: AbortSignal
  isRepeated: boolean
}

interface Call {
  /** Of the credential, for the hint of STORAGE_DENIED. */
  right: string
  lengthBytes?: number
  signal?: AbortSignal | undefined
}

export class AzureStore implements BlobStore {
  readonly name: string
  readonly #connection: AzureConnection
  readonly #service: BlobServiceClient
  readonly #containers = new Map<string, ContainerClient>()
  readonly #retry: RetryPolicy
  readonly #credential: AzureCredential
  readonly #expiresMs: number | undefined

  /** @param endpoint of the account, such as https://account.blob.core.windows.net; with no signature in it. */
  constructor(endpoint: URL, credential: AzureCredential, options: AzureStoreOptions = {}) {
    const address = `${endpoint.origin}${endpoint.pathname}`.replace(/\/+$/, '')
    this.name = address
    this.#credential = credential
    this.#expiresMs = credential.kind === 'signature' ? credential.expiresMs : undefined
    this.#connection = new AzureConnection(endpoint, credential)
    this.#retry = new RetryPolicy(options.retry)
    // One try: RetryPolicy counts them all.
    const pipeline = newPipeline(clientCredential(credential), { retryOptions: { maxTries: 1 } })
    const query = credential.kind === 'signature' ? `?${credential.query}` : ''
    this.#service = new BlobServiceClient(`${address}${query}`, pipeline)
  }

  async createContainer(container: string, options: SignalOption = {}): Promise<boolean> {
    this.#checkContainer(container)
    // Such a signature may neither make a container nor ask for one: if it is good, its container is there.
    if (this.#credential.kind === 'signature' && this.#credential.isContainerOnly) {
      if (options.signal?.aborted) throw new TransferError('INTERRUPTED', 'The request to the storage was stopped.')
      return false
    }
    const client = this.#container(container)
    const call = { right: 'create containers', signal: options.signal }
    return await this.#call(`Container ${container}`, call, async ({ signal }) => {
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
    const result = await this.#write(place, options, { lengthBytes: bytes.length }, request, async (signal) => {
      const facts = await this.#head(place, signal)
      const found = facts?.properties.contentMd5
      return facts?.sizeBytes === bytes.length && found !== undefined && base64(found) === base64(md5)
    })
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
    this.#checkPlace(place)
    checkBlock(id, bytes, md5)
    const query = [
      ['blockid', id],
      ['comp', 'block'],
    ] as const
    const headers = { 'content-md5': base64(md5) }
    const call = { right: 'write', lengthBytes: bytes.length, signal: options.signal }
    await this.#call(shown(place), call, ({ signal }) =>
      this.#send({ method: 'PUT', place, query, headers, body: bytes, signal }),
    )
  }

  async listBlocks(place: BlobPlace, options: SignalOption = {}): Promise<BlockLists> {
    this.#checkPlace(place)
    const call = { right: 'read', signal: options.signal }
    return await this.#call(shown(place), call, ({ signal }) => this.#listBlocks(place, signal))
  }

  async commitBlocks(place: BlobPlace, ids: readonly string[], options: WriteOptions = {}): Promise<WriteResult> {
    this.#checkPlace(place)
    checkBlockIds(ids)
    const { metadata, ...headers } = options.properties ?? {}
    const call = { right: 'write', signal: options.signal }
    const isOurs = async (signal: AbortSignal) => {
      const { committed } = await this.#listBlocks(place, signal)
      return committed.length === ids.length && committed.every((block, index) => block.id === ids[index])
    }
    return await this.#writeOnce(place, { ...call, isOurs }, async (signal) => {
      try {
        await this.#blockBlob(place).commitBlockList([...ids], {
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
    return await this.#write(place, options, {}, { method: 'PUT', place, headers }, async (signal) => {
      const facts = await this.#head(place, signal)
      if (facts?.kind !== 'page' || facts.sizeBytes !== sizeBytes) return false
      return (await this.#listPageRanges(place, signal)).length === 0
    })
  }

  async putPages(
    place: BlobPlace,
    offsetBytes: number,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    this.#checkPlace(place)
    checkPages(offsetBytes, bytes, md5)
    const headers = {
      'content-md5': base64(md5),
      'x-ms-page-write': 'update',
      'x-ms-range': `bytes=${offsetBytes}-${offsetBytes + bytes.length - 1}`,
    }
    const call = { right: 'write', lengthBytes: bytes.length, signal: options.signal }
    await this.#call(shown(place), call, ({ signal }) =>
      this.#send({ method: 'PUT', place, query: [['comp', 'page']], headers, body: bytes, signal }),
    )
  }

  async listPageRanges(place: BlobPlace, options: SignalOption = {}): Promise<ByteRange[]> {
    this.#checkPlace(place)
    const call = { right: 'read', signal: options.signal }
    return await this.#call(shown(place), call, ({ signal }) => this.#listPageRanges(place, signal))
  }

  async setProperties(place: BlobPlace, properties: BlobProperties, options: SignalOption = {}): Promise<void> {
    this.#checkPlace(place)
    const { metadata, ...headers } = properties
    const client = this.#blockBlob(place)
    const call = { right: 'write', signal: options.signal }
    // Two requests, each with tries of its own.
    await this.#call(shown(place), call, ({ signal }) =>
      client.setHTTPHeaders(clientHeaders(headers), { abortSignal: signal }),
    )
    if (metadata === undefined) return
    await this.#call(shown(place), call, ({ signal }) =>
      client.setMetadata(Object.fromEntries(metadata), { abortSignal: signal }),
    )
  }

  async head(place: BlobPlace, options: SignalOption = {}): Promise<BlobFacts | undefined> {
    this.#checkPlace(place)
    const call = { right: 'read', signal: options.signal }
    return await this.#call(shown(place), call, ({ signal }) => this.#head(place, signal))
  }

  async *read(place: BlobPlace, range?: ByteRange, options: SignalOption = {}): AsyncIterable<Uint8Array> {
    this.#checkPlace(place)
    checkRange(range)
    const call = { right: 'read', signal: options.signal }
    const { facts, etag } = await this.#call(shown(place), call, ({ signal }) => this.#identify(place, signal))
    const { offsetBytes, lengthBytes } = clipRange(range, facts.sizeBytes)
    const endBytes = offsetBytes + lengthBytes
    for (let at = offsetBytes; at < endBytes; at += readBytes) {
      const pieceBytes = Math.min(readBytes, endBytes - at)
      // All pieces of one state of the blob: another one is refused as ConditionNotMet.
      const headers = { 'x-ms-range': `bytes=${at}-${at + pieceBytes - 1}`, 'if-match': etag }
      yield await this.#call(shown(place), { ...call, lengthBytes: pieceBytes }, async ({ signal }) => {
        const { body } = await this.#send({ method: 'GET', place, headers, signal })
        if (body.length !== pieceBytes) throw new Error(`the answer has ${body.length} bytes instead of ${pieceBytes}`)
        return body
      })
    }
  }

  /** In the service's order from page to page, which is that of UTF-8 bytes, and sorted within pages of 5,000. */
  async *list(container: string, prefix: string, options: SignalOption = {}): AsyncIterable<BlobFacts> {
    this.#checkContainer(container)
    const client = this.#container(container)
    const call = { right: 'list', signal: options.signal }
    let continuationToken: string | undefined
    do {
      const at = continuationToken === undefined ? {} : { continuationToken }
      const page = await this.#call(`Container ${container}`, call, async ({ signal }) => {
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
    this.#checkPlace(place)
    const call = { right: 'delete', signal: options.signal }
    return await this.#call(shown(place), call, async ({ signal }) => {
      try {
        await this.#blockBlob(place).delete({ abortSignal: signal, deleteSnapshots: 'include' })
        return true
      } catch (error) {
        if (AnsweredFailure.from(error).status === 404) return false
        throw error
      }
    })
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  /**
   * A write that answers `exists` where it finds a blob. When an earlier try went wrong, that blob may be what this call
   * wrote: `isOurs` then looks whether it is.
   */
  async #write(
    place: BlobPlace,
    options: WriteOptions,
    size: Pick<Call, 'lengthBytes'>,
    request: Omit<ServiceRequest, 'signal'>,
    isOurs: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<WriteResult> {
    this.#checkPlace(place)
    const right = options.ifAbsent ? 'create or write' : 'write'
    const call = { ...size, right, signal: options.signal }
    return await this.#writeOnce(place, { ...call, isOurs }, async (signal) => {
      try {
        await this.#send({ ...request, signal })
        return true
      } catch (error) {
        if (!options.ifAbsent || !isTaken(error)) throw error
        return false
      }
    })
  }

  /** @param write answers false where it found a blob. */
  async #writeOnce(
    place: BlobPlace,
    { isOurs, ...call }: Call & { isOurs: (signal: AbortSignal) => Promise<boolean> },
    write: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<WriteResult> {
    const subject = shown(place)
    const outcome = await this.#call(subject, call, async ({ signal, isRepeated }) => {
      if (await write(signal)) return 'written'
      return isRepeated ? 'unclear' : 'exists'
    })
    if (outcome !== 'unclear') return outcome
    const { lengthBytes: _, ...look } = call
    return (await this.#call(subject, look, ({ signal }) => isOurs(signal))) ? 'written' : 'exists'
  }

  async #call<Result>(subject: string, call: Call, send: (attempt: Try) => Promise<Result>): Promise<Result> {
    const { right, ...request } = call
    return await this.#retry.run({
      ...request,
      subject,
      send: (signal, tryNumber) => send({ signal, isRepeated: tryNumber > 1 }),
      judge: (error) => judge(error, { subject, right, expiresMs: this.#expiresMs }),
    })
  }

  async #send(request: ServiceRequest): Promise<ServiceAnswer> {
    const answer = await this.#connection.send(request)
    if (answer.status < 300) return answer
    throw AnsweredFailure.ofAnswer(answer)
  }

  async #head(place: BlobPlace, signal: AbortSignal): Promise<BlobFacts | undefined> {
    try {
      return (await this.#identify(place, signal)).facts
    } catch (error) {
      if (AnsweredFailure.from(error).status === 404) return undefined
      throw error
    }
  }

  async #identify(place: BlobPlace, signal: AbortSignal): Promise<{ facts: BlobFacts; etag: string }> {
    const { headers, rawHeaders } = await this.#send({ method: 'HEAD', place, headers: {}, signal })
    return { facts: factsFromHeaders(place, headers, rawHeaders), etag: headers.etag ?? '*' }
  }

  async #listBlocks(place: BlobPlace, signal: AbortSignal): Promise<BlockLists> {
    try {
      const found = await this.#blockBlob(place).getBlockList('all', { abortSignal: signal })
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

  async #listPageRanges(place: BlobPlace, signal: AbortSignal): Promise<ByteRange[]> {
    const pages = this.#pageBlob(place).listPageRanges(0, undefined, { abortSignal: signal })
    const ranges: ByteRange[] = []
    for await (const { start, end, isClear } of pages) {
      if (!isClear) ranges.push({ offsetBytes: start, lengthBytes: end - start + 1 })
    }
    return joinRanges(ranges)
  }

  #container(container: string): ContainerClient {
    const known = this.#containers.get(container)
    if (known !== undefined) return known
    const client = this.#service.getContainerClient(container)
    this.#containers.set(container, client)
    return client
  }

  #blockBlob(place: BlobPlace): BlockBlobClient {
    return this.#container(place.container).getBlockBlobClient(place.name)
  }

  #pageBlob(place: BlobPlace): PageBlobClient {
    return this.#container(place.container).getPageBlobClient(place.name)
  }

  #checkContainer(container: string): void {
    checkContainer(container)
    if (this.#credential.kind !== 'signature' || this.#credential.container === undefined) return
    if (this.#credential.container === container) return
    const message = `Container ${container}: the shared access signature is for container ${this.#credential.container}.`
    throw new TransferError('STORAGE_DENIED', message, {
      hint: 'Give a signature for the account or for this container.',
    })
  }

  #checkPlace(place: BlobPlace): void {
    checkPlace(place)
    this.#checkContainer(place.container)
    // An address with them leads elsewhere, and one with half a character is none.
    if (/(^|\/)\.{1,2}(\/|$)/.test(place.name)) throw refused(place, 'InvalidUri', 'a part of its name is . or ..')
    if (place.name.includes('\\'))
      throw refused(place, 'InvalidUri', 'a service takes the backslash in its name for a slash')
    if (/\p{Surrogate}/u.test(place.name)) throw refused(place, 'InvalidUri', 'its name is not well-formed Unicode')
  }
}

function clientCredential(credential: AzureCredential) {
  if (credential.kind === 'key') return new StorageSharedKeyCredential(credential.accountName, credential.accountKey)
  return credential.kind === 'token' ? credential.credential : new AnonymousCredential()
}

function storedBlock({ name, size }: { name: string; size: number }): StoredBlock {
  return { id: name, sizeBytes: size }
}

function isTaken(error: unknown): boolean {
  const { status, code } = AnsweredFailure.from(error)
  return (status === 409 && code === 'BlobAlreadyExists') || (status === 412 && code === 'ConditionNotMet')
}

async function isThere(client: ContainerClient, signal: AbortSignal): Promise<boolean> {
  return await client.getProperties({ abortSignal: signal }).then(
    () => true,
    () => false,
  )
}
