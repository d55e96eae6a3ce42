// The import job as Azure Resource Manager's Microsoft.ImportExport has it (api-version 2021-01-01): read from what a service
// answers, and the requests that are sent to it. States are text: a service may know one that this version does not.

import { TransferError } from '../errors.js'
import { JsonValue, textFields } from './json-value.js'
import {
  type DatacenterAddress,
  type DatacenterLocation,
  type ReturnAddress,
  type ReturnShipping,
  readDatacenterAddress,
  readLocation,
  readShippingParts,
  type ShippedPackage,
} from './shipping.js'

export const importExportApiVersion = '2021-01-01'
export const jobType = 'Microsoft.ImportExport/jobs'

/** In the order in which a job walks through them; it ends in one of the last two. Faulted is beside the way. */
export const jobStates = [
  'Creating',
  'Shipping',
  'Received',
  'Transferring',
  'Packaging',
  'Completed',
  'Closed',
] as const
export type JobState = (typeof jobStates)[number] | 'Faulted'

export const jobDriveStates = [
  'Specified',
  'Received',
  'NeverReceived',
  'Transferring',
  'Completed',
  'CompletedMoreInfo',
  'ShippedBack',
] as const
export type JobDriveState = (typeof jobDriveStates)[number]

/** What a job needs to know of a drive: the four values that preparing it made. */
export interface JobDriveRequest {
  driveId: string
  /** 48 digits. Never print it. */
  bitLockerKey: string
  /** From the drive's root: `\DriveManifest.xml`. */
  manifestFile: string
  /** MD5, 32 hexadecimal digits in upper case. */
  manifestHash: string
  driveHeaderHash?: string
}

export interface JobDrive extends Partial<JobDriveRequest> {
  driveId: string
  /** One of `jobDriveStates`, or a state that this version does not know. */
  state: string
  copyStatus?: string
  percentComplete: number
  verboseLogUri?: string
  errorLogUri?: string
  manifestUri?: string
  bytesSucceeded?: number
}

export interface ImportJob {
  /** `/subscriptions/…/jobs/<name>` */
  id: string
  name: string
  location: string
  tags: Record<string, string>
  storageAccountId: string
  jobType: string
  /** One of `jobStates`, Faulted, or a state that this version does not know. */
  state: string
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  shippingInformation?: DatacenterAddress
  deliveryPackage?: ShippedPackage
  returnPackage?: ShippedPackage
  diagnosticsPath?: string
  logLevel?: string
  backupDriveManifest?: boolean
  cancelRequested: boolean
  percentComplete: number
  drives: JobDrive[]
  provisioningState?: string
  createdAt?: Date
  lastModifiedAt?: Date
}

/** What a job is made from. */
export interface JobRequest {
  location: string
  storageAccountId: string
  drives: JobDriveRequest[]
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  diagnosticsPath?: string
  logLevel?: 'Error' | 'Verbose'
  backupDriveManifest?: boolean
  tags?: Record<string, string>
}

/** What can be changed in a job that is there. */
export interface JobUpdate {
  /** Declares the package sent. */
  state?: 'Shipping'
  cancelRequested?: true
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  deliveryPackage?: ShippedPackage
  logLevel?: 'Error' | 'Verbose'
  backupDriveManifest?: boolean
  drives?: JobDriveRequest[]
  tags?: Record<string, string>
}

const driveTexts = [
  'bitLockerKey',
  'manifestFile',
  'manifestHash',
  'driveHeaderHash',
  'copyStatus',
  'verboseLogUri',
  'errorLogUri',
  'manifestUri',
] as const

/** @throws TransferError SERVICE_ANSWER_INVALID with the path of the value. */
export function parseImportJob(document: unknown, source: string): ImportJob {
  const root = answerOf(document, source)
  const properties = root.need('properties')
  const job: ImportJob = {
    id: root.get('id')?.text() ?? '',
    name: root.need('name').text(),
    location: root.get('location')?.text() ?? '',
    tags: readTags(root.get('tags')),
    storageAccountId: properties.get('storageAccountId')?.text() ?? '',
    jobType: properties.get('jobType')?.text() ?? '',
    state: properties.need('state').text(),
    cancelRequested: properties.get('cancelRequested')?.boolean() ?? false,
    percentComplete: percent(properties.get('percentComplete')),
    drives: (properties.get('driveList')?.list() ?? []).map(readDrive),
    ...textFields(properties, ['diagnosticsPath', 'logLevel', 'provisioningState']),
  }
  return withParts(job, properties, root.get('systemData'))
}

function withParts(job: ImportJob, properties: JsonValue, systemData: JsonValue | undefined): ImportJob {
  Object.assign(job, readShippingParts(properties))
  const address = properties.get('shippingInformation')
  if (address !== undefined) job.shippingInformation = readDatacenterAddress(address)
  const backup = properties.get('backupDriveManifest')?.boolean()
  if (backup !== undefined) job.backupDriveManifest = backup
  const createdAt = time(systemData?.get('createdAt'))
  if (createdAt !== undefined) job.createdAt = createdAt
  const modifiedAt = time(systemData?.get('lastModifiedAt'))
  if (modifiedAt !== undefined) job.lastModifiedAt = modifiedAt
  return job
}

function readDrive(from: JsonValue): JobDrive {
  const bytes = from.get('bytesSucceeded')?.number()
  return {
    driveId: from.need('driveId').text(),
    state: from.get('state')?.text() || 'Specified',
    percentComplete: percent(from.get('percentComplete')),
    ...textFields(from, driveTexts),
    ...(bytes === undefined ? {} : { bytesSucceeded: bytes }),
  }
}

/** @throws TransferError SERVICE_ANSWER_INVALID */
export function parseLocations(document: unknown, source: string): DatacenterLocation[] {
  return answerOf(document, source).need('value').list().map(readLocation)
}

/** The body of the request that makes a job. */
export function encodeJobRequest(request: JobRequest): Record<string, unknown> {
  const { location, tags, drives, ...properties } = request
  return {
    location,
    ...(tags === undefined ? {} : { tags }),
    properties: { jobType: 'Import', ...properties, driveList: drives.map(encodeDrive) },
  }
}

/** The body of the request that changes a job. */
export function encodeJobUpdate({ tags, drives, ...properties }: JobUpdate): Record<string, unknown> {
  const driveList = drives === undefined ? {} : { driveList: drives.map(encodeDrive) }
  return { ...(tags === undefined ? {} : { tags }), properties: { ...properties, ...driveList } }
}

function encodeDrive(drive: JobDriveRequest): Record<string, string> {
  const { driveId, bitLockerKey, manifestFile, manifestHash, driveHeaderHash = '' } = drive
  return { driveId, bitLockerKey, manifestFile, manifestHash: manifestHash.toUpperCase(), driveHeaderHash }
}

/** Where a job stands on the way from 0 (Creating) to 6; -1 for Faulted and for states that this version does not know. */
export function jobStateOrder(state: string): number {
  return (jobStates as readonly string[]).indexOf(state)
}

export function isFinished(job: Pick<ImportJob, 'state'>): boolean {
  return job.state === 'Completed' || job.state === 'Closed'
}

export function readTags(from: JsonValue | undefined): Record<string, string> {
  const names = from?.names().slice(0, 50) ?? []
  return Object.fromEntries(names.map((name) => [name, from?.get(name)?.text() ?? '']))
}

function percent(from: JsonValue | undefined): number {
  return Math.min(100, Math.max(0, from?.number() ?? 0))
}

// A time that cannot be read is no reason to refuse a job.
function time(from: JsonValue | undefined): Date | undefined {
  const value = from === undefined ? Number.NaN : Date.parse(from.text())
  return Number.isNaN(value) ? undefined : new Date(value)
}

function answerOf(document: unknown, source: string): JsonValue {
  return new JsonValue(document, '', (problem, path) => {
    const message = `${source} answered with something else than was asked for: ${path || 'the answer'} ${problem}.`
    throw new TransferError('SERVICE_ANSWER_INVALID', message, { hint: 'Is the address that of the job service?' })
  })
}
