// How requests reach Azure's blob service: the few that an import sends for every file and block by AzureConnection, the
// others, where time does not count, by Azure's own client library; all under one retry policy and one judge of failures.

import {
  AnonymousCredential,
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  newPipeline,
  type PageBlobClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { TransferError } from '../errors.js'
import { AzureConnection, type ServiceAnswer, type ServiceRequest } from './azure-connection.js'
import type { AzureCredential } from './azure-credential.js'
import { factsFromHeaders } from './azure-properties.js'
import type { BlobFacts, BlobPlace, WriteOptions, WriteResult } from './blob-store.js'
import { refused, shown } from './local-rules.js'
import { checkContainer, checkPlace } from './request-limits.js'
import { type RetryOptions, RetryPolicy } from './retry-policy.js'
import { AnsweredFailure, judge } from './service-errors.js'

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

export class AzureRequests {
  readonly address: string
  /** A signature that may neither make a container nor ask for one. */
  readonly isContainerOnly: boolean
  readonly #connection: AzureConnection
  readonly #service: BlobServiceClient
  readonly #containers = new Map<string, ContainerClient>()
  readonly #retry: RetryPolicy
  readonly #credential: AzureCredential
  readonly #expiresMs: number | undefined

  constructor(endpoint: URL, credential: AzureCredential, retry: RetryOptions | undefined) {
    this.address = `${endpoint.origin}${endpoint.pathname}`.replace(/\/+$/, '')
    this.isContainerOnly = credential.kind === 'signature' && credential.isContainerOnly
    this.#credential = credential
    this.#expiresMs = credential.kind === 'signature' ? credential.expiresMs : undefined
    this.#connection = new AzureConnection(endpoint, credential)
    this.#retry = new RetryPolicy(retry)
    // One try: RetryPolicy counts them all.
    const pipeline = newPipeline(clientCredential(credential), { retryOptions: { maxTries: 1 } })
    const query = credential.kind === 'signature' ? `?${credential.query}` : ''
    this.#service = new BlobServiceClient(`${this.address}${query}`, pipeline)
  }

  close(): void {
    this.#connection.close()
  }

  /**
   * A write that answers `exists` where it finds a blob. When an earlier try went wrong, that blob may be what this call
   * wrote: `isOurs` then looks whether it is.
   */
  async write(
    place: BlobPlace,
    options: WriteOptions,
    size: Pick<Call, 'lengthBytes'>,
    request: Omit<ServiceRequest, 'signal'>,
    isOurs: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<WriteResult> {
    this.checkPlace(place)
    const right = options.ifAbsent ? 'create or write' : 'write'
    const call = { ...size, right, signal: options.signal }
    return await this.writeOnce(place, { ...call, isOurs }, async (signal) => {
      try {
        await this.send({ ...request, signal })
        return true
      } catch (error) {
        if (!options.ifAbsent || !isTaken(error)) throw error
        return false
      }
    })
  }

  /** @param write answers false where it found a blob. */
  async writeOnce(
    place: BlobPlace,
    { isOurs, ...call }: Call & { isOurs: (signal: AbortSignal) => Promise<boolean> },
    write: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<WriteResult> {
    const subject = shown(place)
    const outcome = await this.call(subject, call, async ({ signal, isRepeated }) => {
      if (await write(signal)) return 'written'
      return isRepeated ? 'unclear' : 'exists'
    })
    if (outcome !== 'unclear') return outcome
    const { lengthBytes: _, ...look } = call
    return (await this.call(subject, look, ({ signal }) => isOurs(signal))) ? 'written' : 'exists'
  }

  async call<Result>(subject: string, call: Call, send: (attempt: Try) => Promise<Result>): Promise<Result> {
    const { right, ...request } = call
    return await this.#retry.run({
      ...request,
      subject,
      send: (signal, tryNumber) => send({ signal, isRepeated: tryNumber > 1 }),
      judge: (error) => judge(error, { subject, right, expiresMs: this.#expiresMs }),
    })
  }

  async send(request: ServiceRequest): Promise<ServiceAnswer> {
    const answer = await this.#connection.send(request)
    if (answer.status < 300) return answer
    throw AnsweredFailure.ofAnswer(answer)
  }

  async head(place: BlobPlace, signal: AbortSignal): Promise<BlobFacts | undefined> {
    try {
      return (await this.identify(place, signal)).facts
    } catch (error) {
      if (AnsweredFailure.from(error).status === 404) return undefined
      throw error
    }
  }

  async identify(place: BlobPlace, signal: AbortSignal): Promise<{ facts: BlobFacts; etag: string }> {
    const { headers, rawHeaders } = await this.send({ method: 'HEAD', place, headers: {}, signal })
    return { facts: factsFromHeaders(place, headers, rawHeaders), etag: headers.etag ?? '*' }
  }

  container(container: string): ContainerClient {
    const known = this.#containers.get(container)
    if (known !== undefined) return known
    const client = this.#service.getContainerClient(container)
    this.#containers.set(container, client)
    return client
  }

  blockBlob(place: BlobPlace): BlockBlobClient {
    return this.container(place.container).getBlockBlobClient(place.name)
  }

  pageBlob(place: BlobPlace): PageBlobClient {
    return this.container(place.container).getPageBlobClient(place.name)
  }

  checkContainer(container: string): void {
    checkContainer(container)
    if (this.#credential.kind !== 'signature' || this.#credential.container === undefined) return
    if (this.#credential.container === container) return
    const message = `Container ${container}: the shared access signature is for container ${this.#credential.container}.`
    throw new TransferError('STORAGE_DENIED', message, {
      hint: 'Give a signature for the account or for this container.',
    })
  }

  checkPlace(place: BlobPlace): void {
    checkPlace(place)
    this.checkContainer(place.container)
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

export function isTaken(error: unknown): boolean {
  const { status, code } = AnsweredFailure.from(error)
  return (status === 409 && code === 'BlobAlreadyExists') || (status === 412 && code === 'ConditionNotMet')
}
