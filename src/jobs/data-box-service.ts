// Microsoft.DataBox 2022-12-01, customer disks: the service behind today's portal, through its client package. Proved against
// the published shapes only; no such service can be run here.

import type { DataBoxManagementClient, JobResource } from '@azure/arm-databox'
import { TransferError } from '../errors.js'
import {
  contactOf,
  dataBoxApiVersion,
  encodeDataBoxJob,
  parseDataBoxJob,
  shippingAddressOf,
} from '../formats/data-box-job.js'
import type { ImportJob, JobRequest, JobUpdate } from '../formats/import-job.js'
import type { DatacenterLocation } from '../formats/shipping.js'
import { checkReturnAddress, checkReturnShipping } from '../plan/job-rules.js'
import {
  azurePublicEndpoint,
  connectionOptions,
  type JobServiceOptions,
  preparePipeline,
} from './arm-import-service.js'
import { checkEndpoint } from './endpoint.js'
import { getJob, type ImportService, jobMissing } from './import-service.js'
import { isNotFound, toServiceError, wasRepeated } from './service-errors.js'

export class DataBoxService implements ImportService {
  readonly description: string
  readonly #group: string
  readonly #options: { abortSignal?: AbortSignal }
  readonly #connect: () => Promise<DataBoxManagementClient>

  /** @throws TypeError for an address that is none; TransferError SERVICE_INSECURE */
  constructor(options: JobServiceOptions) {
    const endpoint = checkEndpoint(options.endpoint ?? azurePublicEndpoint)
    this.description = `The Data Box service at ${endpoint}`
    this.#group = options.resourceGroup
    this.#options = options.signal === undefined ? {} : { abortSignal: options.signal }
    let client: Promise<DataBoxManagementClient> | undefined
    this.#connect = () => {
      client ??= openClient(endpoint, options)
      return client
    }
  }

  async find(name: string): Promise<ImportJob | undefined> {
    let text: string | null | undefined
    try {
      await (await this.#connect()).jobs.get(this.#group, name, {
        ...this.#options,
        expand: 'details',
        onResponse(raw) {
          text = raw.bodyAsText
        },
      })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw this.#error(error)
    }
    return parseDataBoxJob(parseJson(text), this.description)
  }

  /** @throws TransferError JOB_RULES_BROKEN without complete addresses: this service wants them at once. */
  async put(name: string, request: JobRequest): Promise<ImportJob> {
    const findings = [
      ...checkReturnAddress(request.returnAddress ?? {}),
      ...checkReturnShipping(request.returnShipping ?? {}),
    ]
    if (findings.length > 0) {
      throw new TransferError(
        'JOB_RULES_BROKEN',
        `A Data Box job needs the way back when it is made; nothing was sent.`,
        {
          problems: findings.map(({ code, message }) => ({ message: `${code}: ${message}` })),
        },
      )
    }
    // The package flattens `properties`, and has the body's other fields as they are.
    const { properties, ...rest } = encodeDataBoxJob(request) as { properties: object }
    const body = { ...rest, ...properties } as unknown as JobResource
    await this.#call(name, async () =>
      (await this.#connect()).jobs.beginCreateAndWait(this.#group, name, body, this.#options),
    )
    return getJob(this, name)
  }

  async list(): Promise<ImportJob[]> {
    const jobs: ImportJob[] = []
    const onResponse = (raw: { bodyAsText?: string | null }) => {
      const { value = [] } = parseJson(raw.bodyAsText) as { value?: { sku?: { name?: string } }[] }
      const ours = value.filter((entry) => entry?.sku?.name === 'DataBoxCustomerDisk')
      jobs.push(...ours.map((entry) => parseDataBoxJob(entry, this.description)))
    }
    await this.#call('', async () => {
      const pages = (await this.#connect()).jobs
        .listByResourceGroup(this.#group, { ...this.#options, onResponse })
        .byPage()
      for await (const _page of pages);
    })
    return jobs
  }

  async update(name: string, update: JobUpdate): Promise<ImportJob> {
    const { state, cancelRequested, deliveryPackage, returnAddress, returnShipping } = update
    const other = (['drives', 'logLevel', 'backupDriveManifest', 'tags'] as const).filter(
      (part) => update[part] !== undefined,
    )
    if (other.length > 0) {
      throw new TransferError(
        'SERVICE_UNSUPPORTED',
        `A Data Box job’s ${other.join(', ')} cannot be changed once it is made.`,
      )
    }
    if (returnAddress !== undefined || returnShipping !== undefined) await this.#updateAddresses(name, update)
    if (state === 'Shipping') {
      const { carrierName = '', trackingNumber = '' } = deliveryPackage ?? {}
      const body = { deliverToDcPackageDetails: { carrierName, trackingId: trackingNumber } }
      await this.#call(name, async () =>
        (await this.#connect()).jobs.markDevicesShipped(name, this.#group, body, this.#options),
      )
    }
    if (cancelRequested) {
      const reason = { reason: 'Cancelled by its owner' }
      await this.#call(name, async () => (await this.#connect()).jobs.cancel(this.#group, name, reason, this.#options))
    }
    return getJob(this, name)
  }

  // Only what differs: the service takes no update of a job that was sent, and a repeated command must not need one.
  async #updateAddresses(name: string, { returnAddress, returnShipping }: JobUpdate): Promise<void> {
    const job = await getJob(this, name)
    const isSame =
      same(returnAddress ?? {}, job.returnAddress ?? {}) && same(returnShipping ?? {}, job.returnShipping ?? {})
    if (isSame) return
    const address =
      returnAddress === undefined
        ? {}
        : { contactDetails: contactOf(returnAddress), shippingAddress: shippingAddressOf(returnAddress) }
    const back = returnShipping === undefined ? {} : { returnToCustomerPackageDetails: returnShipping }
    const body = { details: { ...address, ...back } } as object
    await this.#call(name, async () =>
      (await this.#connect()).jobs.beginUpdateAndWait(this.#group, name, body, this.#options),
    )
  }

  async delete(name: string): Promise<void> {
    try {
      await (await this.#connect()).jobs.beginDeleteAndWait(this.#group, name, this.#options)
    } catch (error) {
      if (isNotFound(error) && wasRepeated(error)) return
      throw isNotFound(error) ? jobMissing(this, name) : this.#error(error)
    }
  }

  async listBitLockerKeys(name: string): Promise<Map<string, string>> {
    const keys = new Map<string, string>()
    await this.#call(name, async () => {
      for await (const { jobSecrets } of (await this.#connect()).jobs.listCredentials(
        this.#group,
        name,
        this.#options,
      )) {
        if (jobSecrets?.jobSecretsType !== 'DataBoxCustomerDisk') continue
        const { diskSecrets = [] } = jobSecrets as {
          diskSecrets?: { diskSerialNumber?: string; bitLockerKey?: string }[]
        }
        for (const { diskSerialNumber = '', bitLockerKey = '' } of diskSecrets) keys.set(diskSerialNumber, bitLockerKey)
      }
    })
    return keys
  }

  /** Empty: this service has no list. A job that was made says where to ship to. */
  async locations(): Promise<DatacenterLocation[]> {
    return []
  }

  async #call(name: string, send: () => Promise<unknown>): Promise<void> {
    try {
      await send()
    } catch (error) {
      throw isNotFound(error) ? jobMissing(this, name) : this.#error(error)
    }
  }

  #error(error: unknown): Error {
    return toServiceError(error, this.description)
  }
}

// Loaded when it is first needed: other commands do not wait for it.
async function openClient(endpoint: string, options: JobServiceOptions): Promise<DataBoxManagementClient> {
  const { DataBoxManagementClient } = await import('@azure/arm-databox')
  const client = new DataBoxManagementClient(options.credential, options.subscriptionId, {
    apiVersion: dataBoxApiVersion,
    ...connectionOptions(endpoint, options),
  })
  preparePipeline(client.pipeline, endpoint, options.credential, options.retry)
  return client
}

function same(asked: object, found: object): boolean {
  return Object.entries(asked).every(([name, value]) => (found as Record<string, unknown>)[name] === value)
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return text
  }
}
