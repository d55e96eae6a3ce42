// Ordering and shipping as a person does it: what the service knows is asked, the rules are checked, and only then something is
// sent. All broken rules are told at once.

import { TransferError } from '../errors.js'
import { type ImportJob, isFinished, type JobRequest, type JobUpdate } from '../formats/import-job.js'
import type { ReturnAddress, ReturnShipping, ShippedPackage } from '../formats/shipping.js'
import { checkJob, type DriveFacts, sameLocation } from '../plan/job-rules.js'
import { checkShipment } from '../plan/shipment-rules.js'
import type { OtherJob, RuleFinding } from '../plan/shipping-rules.js'
import { type CreatedJob, createJob, getJob, type ImportService } from './import-service.js'

export interface JobOrder extends Omit<JobRequest, 'storageAccountId'> {
  name: string
  /** As given; more than one is refused. */
  storageAccountIds: readonly string[]
  driveFacts?: readonly DriveFacts[]
  /** What is wrong with drives that are not in `drives`. */
  findings?: readonly RuleFinding[]
}

export interface OrderedJob extends CreatedJob {
  warnings: string[]
}

/** @throws TransferError JOB_RULES_BROKEN before anything is sent; JOB_DIFFERS, SERVICE_… */
export async function orderJob(service: ImportService, order: JobOrder): Promise<OrderedJob> {
  const { name, storageAccountIds, driveFacts = [], findings = [], ...request } = order
  const early = [...findings, ...checkJob({ ...request, name, storageAccountIds, driveFacts })]
  refuseBroken(early, `Job ${JSON.stringify(name)}`)
  const [locations, jobs] = await Promise.all([service.locations(), service.list()])
  const known = locations.map((location) => location.name)
  const late = checkJob({
    ...request,
    name,
    storageAccountIds,
    driveFacts,
    otherJobs: jobs.map(toOtherJob),
    ...(known.length === 0 ? {} : { locations: known }),
  })
  refuseBroken(late, `Job ${JSON.stringify(name)}`)
  const created = await createJob(service, name, { ...request, storageAccountId: storageAccountIds[0] as string })
  return { ...created, warnings: warningsOf(late) }
}

export interface Shipment {
  package: ShippedPackage
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  now: Date
}

export interface ShippedJob {
  job: ImportJob
  warnings: string[]
}

/** Declares the one package of a job sent. @throws TransferError JOB_RULES_BROKEN, JOB_NOT_FOUND, SERVICE_… */
export async function shipJob(service: ImportService, name: string, shipment: Shipment): Promise<ShippedJob> {
  const { returnAddress, returnShipping, now } = shipment
  const [job, jobs, locations] = await Promise.all([getJob(service, name), service.list(), service.locations()])
  const addresses = { ...(returnAddress && { returnAddress }), ...(returnShipping && { returnShipping }) }
  const deliveryPackage = { driveCount: job.drives.length, ...shipment.package }
  const place = locations.find((location) => sameLocation(location.name, job.location))
  const findings = checkShipment(deliveryPackage, {
    job: { ...job, ...addresses },
    otherJobs: jobs.map(toOtherJob),
    supportedCarriers: place?.supportedCarriers ?? [],
    now,
  })
  refuseBroken(findings, `The package of job ${name}`)
  const update: JobUpdate = { state: 'Shipping', deliveryPackage, ...addresses }
  return { job: await service.update(name, update), warnings: warningsOf(findings) }
}

function toOtherJob(job: ImportJob): OtherJob {
  const isActive = !isFinished(job) && !(job.cancelRequested && job.state === 'Creating')
  const other: OtherJob = { name: job.name, isActive, driveIds: job.drives.map(({ driveId }) => driveId) }
  const trackingNumber = job.deliveryPackage?.trackingNumber
  return trackingNumber === undefined ? other : { ...other, trackingNumber }
}

function warningsOf(findings: readonly RuleFinding[]): string[] {
  return findings.filter(({ severity }) => severity === 'warning').map(({ message }) => message)
}

function refuseBroken(findings: readonly RuleFinding[], what: string): void {
  const broken = findings.filter(({ severity }) => severity === 'violation')
  if (broken.length === 0) return
  const rules = broken.length === 1 ? 'a rule' : `${broken.length} rules`
  throw new TransferError('JOB_RULES_BROKEN', `${what} breaks ${rules}; nothing was sent.`, {
    problems: broken.map(({ code, message }) => ({ message: `${code}: ${message}` })),
    hint: 'docs/jobs.md explains each rule.',
  })
}
