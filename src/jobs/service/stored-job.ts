// A job as the local service keeps it, and as it answers with it: the resource of Microsoft.ImportExport, without the keys.

import {
  type ImportJob,
  importExportApiVersion,
  type JobDriveRequest,
  type JobDriveState,
  type JobState,
  jobType,
  parseImportJob,
} from '../../formats/import-job.js'
import type { DatacenterLocation, ReturnAddress, ReturnShipping, ShippedPackage } from '../../formats/shipping.js'
import type { OtherJob } from '../../plan/shipping-rules.js'

export interface StoredDrive extends JobDriveRequest {
  state: JobDriveState
  copyStatus?: string
  percentComplete: number
  bytesSucceeded: number
  verboseLogUri?: string
  errorLogUri?: string
  manifestUri?: string
  /** Outlasts the state: a drive that was sent back still makes its job end as Closed. */
  hadProblems: boolean
}

export interface JobEvent {
  at: string
  text: string
  isProblem: boolean
}

export interface StoredJob {
  subscriptionId: string
  resourceGroup: string
  name: string
  location: string
  tags: Record<string, string>
  clientTenantId?: string
  storageAccountId: string
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  deliveryPackage?: ShippedPackage
  returnPackage?: ShippedPackage
  diagnosticsPath: string
  logLevel: string
  backupDriveManifest: boolean
  state: JobState
  /** Where a Faulted job goes back to. */
  stateBeforeFault?: JobState
  cancelRequested: boolean
  drives: StoredDrive[]
  /** Times as in the answers: ISO 8601, UTC. */
  createdAt: string
  modifiedAt: string
  shippedAt?: string
  finishedAt?: string
  /** Newest last. */
  history: JobEvent[]
}

const historyMax = 200

/** Names of resources are equal in any case. */
export function jobKey(subscriptionId: string, resourceGroup: string, name: string): string {
  return `${subscriptionId}/${resourceGroup}/${name}`.toLowerCase()
}

export function keyOf(job: StoredJob): string {
  return jobKey(job.subscriptionId, job.resourceGroup, job.name)
}

export function note(job: StoredJob, now: Date, text: string, isProblem = false): void {
  job.history.push({ at: now.toISOString(), text, isProblem })
  if (job.history.length > historyMax) job.history.splice(0, job.history.length - historyMax)
}

export function isEnded(job: StoredJob): boolean {
  return job.state === 'Completed' || job.state === 'Closed'
}

export function percentOf(job: StoredJob): number {
  if (isEnded(job)) return 100
  const sum = job.drives.reduce((total, drive) => total + drive.percentComplete, 0)
  return job.drives.length === 0 ? 0 : Math.floor(sum / job.drives.length)
}

export function resourceId(job: StoredJob): string {
  return `/subscriptions/${job.subscriptionId}/resourceGroups/${job.resourceGroup}/providers/${jobType}/${job.name}`
}

/** The body of an answer. Recovery passwords are asked for by a call of their own. */
export function toResource(job: StoredJob, location: DatacenterLocation | undefined): Record<string, unknown> {
  const { name, tags, storageAccountId, returnAddress, returnShipping, deliveryPackage, returnPackage } = job
  return {
    id: resourceId(job),
    name,
    type: jobType,
    location: job.location,
    tags,
    identity: { type: 'None' },
    systemData: { createdAt: job.createdAt, lastModifiedAt: job.modifiedAt },
    properties: {
      storageAccountId,
      jobType: 'Import',
      returnAddress,
      returnShipping,
      shippingInformation: location === undefined ? undefined : shippingInformation(location),
      deliveryPackage,
      returnPackage,
      diagnosticsPath: job.diagnosticsPath,
      logLevel: job.logLevel,
      backupDriveManifest: job.backupDriveManifest,
      state: job.state,
      cancelRequested: job.cancelRequested,
      percentComplete: percentOf(job),
      driveList: job.drives.map(driveResource),
      provisioningState: 'Succeeded',
      encryptionKey: { kekType: 'MicrosoftManaged' },
    },
  }
}

function shippingInformation(location: DatacenterLocation): Record<string, unknown> {
  const { name: _name, supportedCarriers: _carriers, alternateLocations: _alternates, ...address } = location
  return address
}

function driveResource(drive: StoredDrive): Record<string, unknown> {
  const { bitLockerKey: _key, hadProblems: _problems, copyStatus, ...rest } = drive
  const hasCopyStatus = !['Specified', 'Received', 'NeverReceived'].includes(drive.state)
  return { ...rest, driveHeaderHash: drive.driveHeaderHash ?? '', ...(hasCopyStatus ? { copyStatus } : {}) }
}

/** The job as a client sees it: what the rules are checked against. */
export function toImportJob(job: StoredJob): ImportJob {
  return parseImportJob(JSON.parse(JSON.stringify(toResource(job, undefined))), `api-version ${importExportApiVersion}`)
}

export function toOtherJob(job: StoredJob): OtherJob {
  const isActive = !isEnded(job) && !(job.cancelRequested && job.state === 'Creating')
  const other: OtherJob = { name: job.name, isActive, driveIds: job.drives.map(({ driveId }) => driveId) }
  const trackingNumber = job.deliveryPackage?.trackingNumber
  return trackingNumber === undefined ? other : { ...other, trackingNumber }
}
