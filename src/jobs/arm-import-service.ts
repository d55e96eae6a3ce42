// Microsoft.ImportExport 2021-01-01 through its client package: Azure's, or the local service, which speaks the same. Answers
// are read by our own parser from the raw text, since the package drops what its version does not know.

import type { StorageImportExport } from '@azure/arm-storageimportexport'
import type { TokenCredential } from '@azure/core-auth'
import type { Pipeline } from '@azure/core-rest-pipeline'
import {
  encodeJobRequest,
  encodeJobUpdate,
  type ImportJob,
  importExportApiVersion,
  type JobRequest,
  type JobUpdate,
  parseImportJob,
  parseLocations,
} from '../formats/import-job.js'
import type { DatacenterLocation } from '../formats/shipping.js'
import { checkEndpoint } from './endpoint.js'
import { type ImportService, jobMissing } from './import-service.js'
import { type RetryOptions, retryPolicy } from './retry-policy.js'
import { tokenPolicy } from './service-credential.js'
import { isNotFound, toServiceError, wasRepeated } from './service-errors.js'

export interface JobServiceOptions {
  /** Default: Azure's public cloud. Plain http only for this machine. */
  endpoint?: string
  subscriptionId: string
  resourceGroup: string
  credential: TokenCredential
  /** PEM of a certificate to trust beside the usual ones: that of a local service. */
  certificateAuthority?: string
  retry?: RetryOptions
  signal?: AbortSignal
}

export const azurePublicEndpoint = 'https://management.azure.com'

interface RawAnswer {
  onResponse(raw: { bodyAsText?: string | null }): void
}

export class ArmImportService implements ImportService {
  readonly description: string
  readonly #group: string
  readonly #signal: { abortSignal?: AbortSignal }
  readonly #endpoint: string
  readonly #options: JobServiceOptions
  #client: Promise<StorageImportExport> | undefined

  /** @throws TypeError for an address that is none; TransferError SERVICE_INSECURE */
  constructor(options: JobServiceOptions) {
    this.#endpoint = checkEndpoint(options.endpoint ?? azurePublicEndpoint)
    this.#options = options
    this.description = `The job service at ${this.#endpoint}`
    this.#group = options.resourceGroup
    this.#signal = options.signal === undefined ? {} : { abortSignal: options.signal }
  }

  // The package is loaded when it is first needed: other commands do not wait for it.
  #connect(): Promise<StorageImportExport> {
    this.#client ??= import('@azure/arm-storageimportexport').then(({ StorageImportExport }) => {
      const { credential, subscriptionId, retry } = this.#options
      const client = new StorageImportExport(credential, subscriptionId, {
        acceptLanguage: 'en',
        apiVersion: importExportApiVersion,
        ...connectionOptions(this.#endpoint, this.#options),
      })
      preparePipeline(client.pipeline, this.#endpoint, credential, retry)
      return client
    })
    return this.#client
  }

  async find(name: string): Promise<ImportJob | undefined> {
    try {
      return await this.#ask(async (raw) => (await this.#connect()).jobs.get(name, this.#group, raw), this.#job)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw this.#error(error)
    }
  }

  async put(name: string, request: JobRequest): Promise<ImportJob> {
    const body = encodeJobRequest(request)
    return this.#call(async (raw) => (await this.#connect()).jobs.create(name, this.#group, body, raw), this.#job)
  }

  async list(): Promise<ImportJob[]> {
    const jobs: ImportJob[] = []
    await this.#call(
      async (raw) => {
        const read = (answer: { bodyAsText?: string | null }) => {
          const { value = [] } = parseJson(answer.bodyAsText) as { value?: unknown[] }
          jobs.push(...value.map((entry) => parseImportJob(entry, this.description)))
        }
        const options = { ...raw, onResponse: read }
        const { jobs: client } = await this.#connect()
        for await (const _page of client.listByResourceGroup(this.#group, options).byPage());
      },
      () => undefined,
    )
    return jobs
  }

  async update(name: string, update: JobUpdate): Promise<ImportJob> {
    const { tags, drives: _drives, ...flat } = update
    const { properties } = encodeJobUpdate(update) as { properties: Record<string, unknown> }
    // The package flattens `properties` into its own type.
    const body = { ...flat, ...(tags === undefined ? {} : { tags }), driveList: properties.driveList as [] | undefined }
    return this.#named(
      name,
      async (raw) => (await this.#connect()).jobs.update(name, this.#group, body as object, raw),
      this.#job,
    )
  }

  async delete(name: string): Promise<void> {
    try {
      await (await this.#connect()).jobs.delete(name, this.#group, this.#signal)
    } catch (error) {
      if (isNotFound(error) && wasRepeated(error)) return
      throw isNotFound(error) ? jobMissing(this, name) : this.#error(error)
    }
  }

  async listBitLockerKeys(name: string): Promise<Map<string, string>> {
    return this.#named(
      name,
      async (raw) => firstPage((await this.#connect()).bitLockerKeys.list(name, this.#group, raw)),
      (document) => {
        const { value = [] } = document as { value?: { driveId?: unknown; bitLockerKey?: unknown }[] }
        return new Map(value.map(({ driveId, bitLockerKey }) => [String(driveId), String(bitLockerKey)]))
      },
    )
  }

  async locations(): Promise<DatacenterLocation[]> {
    return this.#call(
      async (raw) => firstPage((await this.#connect()).locations.list(raw)),
      (document) => parseLocations(document, this.description),
    )
  }

  readonly #job = (document: unknown): ImportJob => parseImportJob(document, this.description)

  async #ask<Result>(
    send: (options: RawAnswer) => Promise<unknown>,
    parse: (document: unknown) => Result,
  ): Promise<Result> {
    let text: string | null | undefined
    await send({
      ...this.#signal,
      onResponse(raw) {
        text = raw.bodyAsText
      },
    })
    return parse(parseJson(text))
  }

  async #call<Result>(
    send: (options: RawAnswer) => Promise<unknown>,
    parse: (document: unknown) => Result,
  ): Promise<Result> {
    return this.#ask(send, parse).catch((error: unknown) => {
      throw this.#error(error)
    })
  }

  async #named<Result>(
    name: string,
    send: (options: RawAnswer) => Promise<unknown>,
    parse: (document: unknown) => Result,
  ): Promise<Result> {
    return this.#ask(send, parse).catch((error: unknown) => {
      throw isNotFound(error) ? jobMissing(this, name) : this.#error(error)
    })
  }

  #error(error: unknown): Error {
    return toServiceError(error, this.description)
  }
}

/** What the client packages of both services take alike. */
export function connectionOptions(
  endpoint: string,
  { certificateAuthority }: Pick<JobServiceOptions, 'certificateAuthority'>,
) {
  return {
    endpoint,
    $host: endpoint,
    allowInsecureConnection: endpoint.startsWith('http:'),
    ...(certificateAuthority === undefined ? {} : { tlsOptions: { ca: certificateAuthority } }),
  }
}

/** One retry, one place for the token, no redirects: for every client package of these services. */
export function preparePipeline(
  pipeline: Pipeline,
  endpoint: string,
  credential: TokenCredential,
  retry: RetryOptions | undefined,
): void {
  for (const name of ['defaultRetryPolicy', 'redirectPolicy', 'bearerTokenAuthenticationPolicy'])
    pipeline.removePolicy({ name })
  pipeline.addPolicy(retryPolicy(retry), { phase: 'Retry' })
  pipeline.addPolicy(tokenPolicy(endpoint, credential))
}

// These lists have one page and no link to a next.
function firstPage(list: { byPage(): AsyncIterableIterator<unknown> }): Promise<unknown> {
  return list.byPage().next()
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return text
  }
}
