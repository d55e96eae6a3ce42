// Bodies of requests to the local service, read strictly: a wrong type is refused with its place, in ARM's form.

import { type JobDriveRequest, readTags } from '../../formats/import-job.js'
import { JsonValue, textFields } from '../../formats/json-value.js'
import {
  type ReturnAddress,
  type ReturnShipping,
  readShippingParts,
  type ShippedPackage,
} from '../../formats/shipping.js'
import { ArmError, invalidContent } from './arm-error.js'

export interface PutBody {
  location: string
  tags: Record<string, string>
  storageAccountId: string
  drives: JobDriveRequest[]
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  deliveryPackage?: ShippedPackage
  diagnosticsPath: string
  logLevel: string
  backupDriveManifest: boolean
}

export interface PatchBody {
  tags?: Record<string, string>
  state?: 'Shipping'
  cancelRequested?: true
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  deliveryPackage?: ShippedPackage
  logLevel?: string
  backupDriveManifest?: boolean
  drives?: JobDriveRequest[]
}

/** The package back is the station's to say. */
const customerParts = ['returnAddress', 'returnShipping', 'deliveryPackage'] as const

export function bodyOf(document: unknown): JsonValue {
  return new JsonValue(document, '', (problem, path) => {
    throw invalidContent(`The request is not as it should be: ${path || 'the body'} ${problem}.`, path || undefined)
  })
}

export function readPutBody(document: unknown): PutBody {
  const root = bodyOf(document)
  const properties = root.need('properties')
  const jobType = properties.get('jobType')?.text() ?? 'Import'
  if (jobType !== 'Import') {
    throw new ArmError(
      400,
      'JobTypeNotSupported',
      `This service imports; jobType is ${JSON.stringify(jobType)}.`,
      'properties.jobType',
    )
  }
  return {
    location: root.need('location').text(128),
    tags: readTags(root.get('tags')),
    storageAccountId: properties.need('storageAccountId').text(),
    drives: properties.need('driveList').list(100).map(readDrive),
    diagnosticsPath: properties.get('diagnosticsPath')?.text(1024) || 'waimportexport',
    logLevel: logLevel(properties) ?? 'Error',
    backupDriveManifest: properties.get('backupDriveManifest')?.boolean() ?? false,
    ...readShippingParts(properties, customerParts),
  }
}

export function readPatchBody(document: unknown): PatchBody {
  const root = bodyOf(document)
  const body: PatchBody = {}
  const tags = root.get('tags')
  if (tags !== undefined) body.tags = readTags(tags)
  const properties = root.get('properties')
  if (properties === undefined) return body
  // Published examples send an empty state, which changes nothing.
  const state = properties.get('state')?.text() || undefined
  if (state !== undefined && state !== 'Shipping') {
    throw invalidContent(
      `A client can set the state to Shipping only, and this is ${JSON.stringify(state)}.`,
      'properties.state',
    )
  }
  if (state === 'Shipping') body.state = 'Shipping'
  const cancel = properties.get('cancelRequested')?.boolean()
  if (cancel === false) throw invalidContent('cancelRequested can be set to true only.', 'properties.cancelRequested')
  if (cancel === true) body.cancelRequested = true
  const level = logLevel(properties)
  if (level !== undefined) body.logLevel = level
  const backup = properties.get('backupDriveManifest')?.boolean()
  if (backup !== undefined) body.backupDriveManifest = backup
  const drives = properties.get('driveList')?.list(100).map(readDrive)
  if (drives !== undefined) body.drives = drives
  return { ...body, ...readShippingParts(properties, customerParts) }
}

function logLevel(properties: JsonValue): string | undefined {
  const level = properties.get('logLevel')?.text() || undefined
  if (level === undefined || level === 'Error' || level === 'Verbose') return level
  throw invalidContent(`logLevel is Error or Verbose, and this is ${JSON.stringify(level)}.`, 'properties.logLevel')
}

function readDrive(from: JsonValue): JobDriveRequest {
  const driveHeaderHash = textFields(from, ['driveHeaderHash'])
  return {
    driveId: from.need('driveId').text(64),
    bitLockerKey: from.need('bitLockerKey').text(64),
    manifestFile: from.need('manifestFile').text(),
    manifestHash: from.need('manifestHash').text(256).toUpperCase(),
    ...driveHeaderHash,
  }
}
