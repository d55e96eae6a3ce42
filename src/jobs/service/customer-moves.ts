// What a customer may do to a job, and when: make it, change it, declare it sent, cancel it, delete it. Pure: a job goes in,
// is changed or refused; the time is given.

import type { DatacenterLocation, ShippedPackage } from '../../formats/shipping.js'
import { checkJob, checkReturnAddress, checkReturnShipping } from '../../plan/job-rules.js'
import { checkShipment } from '../../plan/shipment-rules.js'
import type { RuleFinding } from '../../plan/shipping-rules.js'
import { ArmError, conflict } from './arm-error.js'
import type { PatchBody, PutBody } from './request-body.js'
import { isEnded, note, type StoredDrive, type StoredJob, toImportJob, toOtherJob } from './stored-job.js'

export interface MoveContext {
  now: Date
  /** All other jobs of this service. */
  others: readonly StoredJob[]
  locations: readonly DatacenterLocation[]
}

type Place = Pick<StoredJob, 'subscriptionId' | 'resourceGroup' | 'name' | 'clientTenantId'>

export function makeJob(place: Place, body: PutBody, context: MoveContext): StoredJob {
  refuse(checkBody(place.name, body, context))
  const at = context.now.toISOString()
  const { drives, ...rest } = body
  const job: StoredJob = {
    ...place,
    ...rest,
    state: 'Creating',
    cancelRequested: false,
    drives: drives.map(newDrive),
    createdAt: at,
    modifiedAt: at,
    history: [],
  }
  note(job, context.now, `Made with ${drives.length === 1 ? '1 drive' : `${drives.length} drives`}`)
  return job
}

/** A PUT onto a job that is there: the same changes nothing; another is taken while the drives have not been sent. */
export function replaceJob(job: StoredJob, body: PutBody, context: MoveContext): void {
  if (isSame(job, body)) return
  if (job.state !== 'Creating') {
    throw conflict('InvalidJobState', `Job ${job.name} is ${job.state}; another content is taken while it is Creating.`)
  }
  refuse(checkBody(job.name, body, context))
  const { drives, ...rest } = body
  Object.assign(job, rest, { drives: drives.map(newDrive), modifiedAt: context.now.toISOString() })
  note(job, context.now, 'Replaced')
}

function checkBody(name: string, body: PutBody, { others, locations }: MoveContext): RuleFinding[] {
  const { storageAccountId, location, diagnosticsPath, drives, returnAddress, returnShipping } = body
  return checkJob({
    name,
    storageAccountIds: [storageAccountId],
    location,
    diagnosticsPath,
    drives,
    ...(returnAddress === undefined ? {} : { returnAddress }),
    ...(returnShipping === undefined ? {} : { returnShipping }),
    locations: locations.map((known) => known.name),
    // Jobs of one name in two resource groups are two jobs.
    otherJobs: others.map((other) => ({ ...toOtherJob(other), name: `${other.resourceGroup}/${other.name}` })),
  })
}

function newDrive(drive: PutBody['drives'][number]): StoredDrive {
  return { ...drive, state: 'Specified', percentComplete: 0, bytesSucceeded: 0, hadProblems: false }
}

function isSame(job: StoredJob, body: PutBody): boolean {
  const drives = job.drives.map(({ driveId, bitLockerKey, manifestFile, manifestHash, driveHeaderHash = '' }) => {
    return { driveId, bitLockerKey, manifestFile, manifestHash, driveHeaderHash }
  })
  const asked = body.drives.map((drive) => ({ ...drive, driveHeaderHash: drive.driveHeaderHash ?? '' }))
  const { location, tags, storageAccountId, diagnosticsPath, logLevel, backupDriveManifest } = job
  const { returnAddress = {}, returnShipping = {} } = job
  return sameJson(
    {
      location,
      tags,
      storageAccountId,
      diagnosticsPath,
      logLevel,
      backupDriveManifest,
      returnAddress,
      returnShipping,
      drives,
    },
    { ...body, returnAddress: body.returnAddress ?? {}, returnShipping: body.returnShipping ?? {}, drives: asked },
  )
}

function sameJson(one: Record<string, unknown>, other: Record<string, unknown>): boolean {
  return Object.entries(one).every(([name, value]) => sorted(value) === sorted(other[name]))
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_name, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  )
}

export function patchJob(job: StoredJob, body: PatchBody, context: MoveContext): void {
  const { tags, state, cancelRequested, drives, deliveryPackage, ...rest } = body
  if (tags !== undefined) job.tags = tags
  const changesMore = Object.keys(body).some((name) => name !== 'tags')
  if (changesMore && isEnded(job)) throw conflict('InvalidJobState', `Job ${job.name} is ${job.state} and ended.`)
  if (drives !== undefined) replaceDrives(job, drives, context)
  refuse([
    ...(body.returnAddress === undefined ? [] : checkReturnAddress(body.returnAddress)),
    ...(body.returnShipping === undefined ? [] : checkReturnShipping(body.returnShipping)),
  ])
  Object.assign(job, rest)
  // The same said again, after an answer that was lost, changes nothing.
  const isRepeated = job.state === 'Shipping' && sorted(job.deliveryPackage) === sorted(packageOf(job, deliveryPackage))
  if (deliveryPackage !== undefined && !isRepeated) setPackage(job, deliveryPackage, state === 'Shipping')
  if (state === 'Shipping' && !isRepeated) declareSent(job, context)
  if (cancelRequested) cancel(job, context.now)
  job.modifiedAt = context.now.toISOString()
}

function replaceDrives(job: StoredJob, drives: PutBody['drives'], context: MoveContext): void {
  if (job.state !== 'Creating') {
    throw conflict(
      'InvalidJobState',
      `The drives of job ${job.name} are fixed: it is ${job.state}.`,
      'properties.driveList',
    )
  }
  const { name, location, storageAccountId } = job
  const others = context.others.map((other) => ({ ...toOtherJob(other), name: `${other.resourceGroup}/${other.name}` }))
  refuse(checkJob({ name, location, storageAccountIds: [storageAccountId], drives, otherJobs: others }))
  job.drives = drives.map(newDrive)
}

function setPackage(job: StoredJob, sent: NonNullable<PatchBody['deliveryPackage']>, isDeclared: boolean): void {
  if (job.state !== 'Creating' && job.state !== 'Shipping') {
    throw conflict(
      'InvalidJobState',
      `The package of job ${job.name} has arrived: it is ${job.state}.`,
      'properties.deliveryPackage',
    )
  }
  if (job.state === 'Shipping' && !isDeclared)
    throw conflict('InvalidJobState', 'Send state Shipping with a new package.')
  job.deliveryPackage = packageOf(job, sent)
}

function packageOf(job: StoredJob, sent: PatchBody['deliveryPackage']): ShippedPackage {
  return sent === undefined ? (job.deliveryPackage ?? {}) : { driveCount: job.drives.length, ...sent }
}

function declareSent(job: StoredJob, context: MoveContext): void {
  if (job.state !== 'Creating' && job.state !== 'Shipping') {
    throw conflict(
      'InvalidJobState',
      `Job ${job.name} is ${job.state} and cannot be Shipping again.`,
      'properties.state',
    )
  }
  if (job.cancelRequested) throw conflict('InvalidJobState', `Job ${job.name} was cancelled.`, 'properties.state')
  const { now, others, locations } = context
  const carriers = locations.find(({ name }) => name === job.location)?.supportedCarriers ?? []
  const otherJobs = others.map((other) => ({ ...toOtherJob(other), name: `${other.resourceGroup}/${other.name}` }))
  refuse(
    checkShipment(job.deliveryPackage ?? {}, { job: toImportJob(job), otherJobs, supportedCarriers: carriers, now }),
  )
  const { carrierName, trackingNumber } = job.deliveryPackage ?? {}
  note(job, now, `${job.state === 'Shipping' ? 'Another package' : 'Sent'} with ${carrierName}, ${trackingNumber}`)
  job.state = 'Shipping'
  job.shippedAt = now.toISOString()
}

function cancel(job: StoredJob, now: Date): void {
  if (job.cancelRequested) return
  if (job.state === 'Packaging') {
    throw conflict(
      'InvalidJobState',
      `Job ${job.name} is ${job.state}: too late to cancel it.`,
      'properties.cancelRequested',
    )
  }
  job.cancelRequested = true
  note(job, now, 'Cancellation asked for')
}

export function refuseDelete(job: StoredJob): void {
  if (job.state === 'Creating' || job.state === 'Completed') return
  throw conflict('InvalidJobState', `Job ${job.name} is ${job.state}; a job is deleted while Creating or Completed.`)
}

/** 409 when another job is in the way, else 400; every finding is a detail. */
function refuse(findings: readonly RuleFinding[]): void {
  const broken = findings.filter(({ severity }) => severity === 'violation')
  const [first] = broken
  if (first === undefined) return
  const isConflict = broken.some(({ code }) => code === 'TRACKING_SHARED' || code === 'DRIVE_OTHER_JOB')
  const details = broken.map(({ code, message }) => ({ code, message }))
  throw new ArmError(isConflict ? 409 : 400, 'JobRulesBroken', first.message, undefined, details)
}
