// The receiving station's side of the local service: which job a drive belongs to, the key and manifest hash that open and
// prove it, and the reports that move drive and job on. docs/service.md has the calls.

import type { TokenCredential } from '@azure/core-auth'
import type { HttpClient, Pipeline } from '@azure/core-rest-pipeline'
import { TransferError } from '../errors.js'
import type { JobDriveRequest } from '../formats/import-job.js'
import { JsonValue, textFields } from '../formats/json-value.js'
import { readShippingParts, type ShippedPackage, type ShippingParts } from '../formats/shipping.js'
import { preparePipeline } from './arm-import-service.js'
import { checkEndpoint } from './endpoint.js'
import type { RetryOptions } from './retry-policy.js'
import { toServiceError } from './service-errors.js'

export interface StationOptions {
  endpoint: string
  credential: TokenCredential
  certificateAuthority?: string
  retry?: RetryOptions
  signal?: AbortSignal
}

/** Which job: names are unique in a resource group of a subscription. */
export interface StationJobPlace {
  subscriptionId: string
  resourceGroup: string
  name: string
}

export interface StationDrive extends JobDriveRequest {
  state: string
  percentComplete: number
  bytesSucceeded: number
}

export interface StationJob extends StationJobPlace, ShippingParts {
  state: string
  cancelRequested: boolean
  storageAccountId: string
  diagnosticsPath: string
  logLevel: string
  backupDriveManifest: boolean
  drives: StationDrive[]
}

/** What happened to a drive. Only what is given changes. */
export interface StationDriveReport {
  state?: 'Received' | 'NeverReceived' | 'Transferring' | 'Completed' | 'CompletedMoreInfo'
  copyStatus?: string
  /** 0 to 100. */
  percentComplete?: number
  bytesSucceeded?: number
  verboseLogUri?: string
  errorLogUri?: string
  manifestUri?: string
}

export interface StationJobReport {
  state: 'Packaging' | 'Completed' | 'Closed' | 'Faulted' | 'Shipping' | 'Received' | 'Transferring'
  /** With Faulted. */
  reason?: string
  /** With Completed and Closed; which of the two it becomes is the service's to say. */
  returnPackage?: Required<ShippedPackage>
}

export class StationClient {
  readonly #endpoint: string
  readonly #options: StationOptions
  #connection: { pipeline: Pipeline; http: HttpClient } | undefined

  /** @throws TypeError for an address that is none; TransferError SERVICE_INSECURE */
  constructor(options: StationOptions) {
    this.#endpoint = checkEndpoint(options.endpoint)
    this.#options = options
  }

  /** Jobs that are on the way or being worked on; with `ended` those that ended too. */
  async jobs({ ended = false } = {}): Promise<StationJob[]> {
    return (await this.#send('GET', ended ? 'jobs?ended=true' : 'jobs')).need('value').list().map(readJob)
  }

  /** @throws TransferError JOB_NOT_FOUND */
  async job(place: StationJobPlace): Promise<StationJob> {
    return readJob(await this.#send('GET', pathOf(place)))
  }

  /** The drive of that serial with its job; undefined when no open job lists it: it is to be sent back as it is. */
  async findDrive(driveId: string): Promise<{ drive: StationDrive; job: StationJob } | undefined> {
    try {
      const answer = await this.#send('GET', `drives/${encodeURIComponent(driveId)}`)
      return { drive: readDrive(answer), job: readJob(answer.need('job')) }
    } catch (error) {
      if (error instanceof TransferError && error.code === 'JOB_NOT_FOUND') return undefined
      throw error
    }
  }

  /** @throws TransferError SERVICE_REFUSED for a step that cannot follow; JOB_NOT_FOUND */
  async reportDrive(driveId: string, report: StationDriveReport): Promise<StationJob> {
    return readJob(await this.#send('POST', `drives/${encodeURIComponent(driveId)}/report`, report))
  }

  /** @throws TransferError SERVICE_REFUSED for a step that cannot follow; JOB_NOT_FOUND */
  async reportJob(place: StationJobPlace, report: StationJobReport): Promise<StationJob> {
    return readJob(await this.#send('POST', `${pathOf(place)}/report`, report))
  }

  async #send(method: 'GET' | 'POST', path: string, body?: object): Promise<JsonValue> {
    const what = `The service at ${this.#endpoint}`
    const { certificateAuthority, credential, retry, signal } = this.#options
    // Loaded when it is first needed: other commands do not wait for it.
    const { createDefaultHttpClient, createHttpHeaders, createPipelineFromOptions, createPipelineRequest } =
      await import('@azure/core-rest-pipeline')
    if (this.#connection === undefined) {
      this.#connection = { pipeline: createPipelineFromOptions({}), http: createDefaultHttpClient() }
      preparePipeline(this.#connection.pipeline, this.#endpoint, credential, retry)
    }
    const { pipeline, http } = this.#connection
    const request = createPipelineRequest({
      url: `${this.#endpoint}/station/v1/${path}`,
      method,
      allowInsecureConnection: this.#endpoint.startsWith('http:'),
      headers: createHttpHeaders({ Accept: 'application/json' }),
      ...(certificateAuthority === undefined ? {} : { tlsSettings: { ca: certificateAuthority } }),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    })
    if (body !== undefined) {
      request.body = JSON.stringify(body)
      request.headers.set('Content-Type', 'application/json')
    }
    const response = await pipeline.sendRequest(http, request).catch((error: unknown) => {
      throw toServiceError(error, what)
    })
    if (response.status === 200) return answerOf(response.bodyAsText ?? '', what)
    const error = toServiceError({ statusCode: response.status, response }, what)
    if (response.status !== 404) throw error
    throw new TransferError('JOB_NOT_FOUND', error.message, { cause: error })
  }
}

function pathOf({ subscriptionId, resourceGroup, name }: StationJobPlace): string {
  return ['jobs', ...[subscriptionId, resourceGroup, name].map(encodeURIComponent)].join('/')
}

function answerOf(text: string, what: string): JsonValue {
  const fail = (problem: string) => {
    return new TransferError(
      'SERVICE_ANSWER_INVALID',
      `${what} answered with something else than was asked for: ${problem}.`,
    )
  }
  try {
    return new JsonValue(JSON.parse(text), '', (problem, path) => {
      throw fail(`${path || 'the answer'} ${problem}`)
    })
  } catch {
    throw fail('it is no JSON')
  }
}

function readJob(from: JsonValue): StationJob {
  return {
    subscriptionId: from.need('subscriptionId').text(),
    resourceGroup: from.need('resourceGroup').text(),
    name: from.need('name').text(),
    state: from.need('state').text(),
    cancelRequested: from.need('cancelRequested').boolean(),
    storageAccountId: from.need('storageAccountId').text(),
    diagnosticsPath: from.need('diagnosticsPath').text(),
    logLevel: from.need('logLevel').text(),
    backupDriveManifest: from.need('backupDriveManifest').boolean(),
    ...readShippingParts(from),
    drives: from.need('drives').list().map(readDrive),
  }
}

function readDrive(from: JsonValue): StationDrive {
  return {
    driveId: from.need('driveId').text(),
    bitLockerKey: from.need('bitLockerKey').text(),
    manifestFile: from.need('manifestFile').text(),
    manifestHash: from.need('manifestHash').text(),
    state: from.need('state').text(),
    percentComplete: from.need('percentComplete').number(),
    bytesSucceeded: from.need('bytesSucceeded').number(),
    ...textFields(from, ['driveHeaderHash']),
  }
}
