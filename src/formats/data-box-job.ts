// A customer-disk job of Microsoft.DataBox (2022-12-01) as the job that this program knows, and the request that makes one.
// Stages and copy states have other names there; what has no name here keeps its own.

import { TransferError } from '../errors.js'
import type { ImportJob, JobDrive, JobRequest, JobState } from './import-job.js'
import { JsonValue, textFields } from './json-value.js'
import type { DatacenterAddress, ReturnAddress, ShippedPackage } from './shipping.js'

export const dataBoxApiVersion = '2022-12-01'

const stateOfStage: Readonly<Record<string, JobState>> = {
  Created: 'Creating',
  AwaitingShipmentDetails: 'Creating',
  ShippedToAzureDC: 'Shipping',
  AtAzureDC: 'Received',
  DataCopy: 'Transferring',
  PreparingToShipFromAzureDC: 'Packaging',
  ShippedToCustomer: 'Packaging',
  Completed: 'Completed',
  CompletedWithWarnings: 'Completed',
  CompletedWithErrors: 'Closed',
  Cancelled: 'Closed',
  Aborted: 'Closed',
  Failed_IssueReportedAtCustomer: 'Faulted',
  Failed_IssueDetectedAtAzureDC: 'Faulted',
}

const stateOfCopy: Readonly<Record<string, string>> = {
  InProgress: 'Transferring',
  Completed: 'Completed',
  DriveNotReceived: 'NeverReceived',
}

/** The body of the request that makes a job. Addresses must be complete: this service wants them at once. */
export function encodeDataBoxJob(request: JobRequest): Record<string, unknown> {
  const {
    location,
    tags,
    storageAccountId,
    drives,
    returnAddress = {},
    returnShipping = {},
    logLevel = 'Error',
  } = request
  const disks = drives.map(({ driveId, manifestFile, manifestHash, bitLockerKey }) => {
    return [driveId, { manifestFile, manifestHash: manifestHash.toUpperCase(), bitLockerKey }] as const
  })
  return {
    location,
    ...(tags === undefined ? {} : { tags }),
    sku: { name: 'DataBoxCustomerDisk' },
    transferType: 'ImportToAzure',
    properties: {
      transferType: 'ImportToAzure',
      details: {
        jobDetailsType: 'DataBoxCustomerDisk',
        contactDetails: contactOf(returnAddress),
        shippingAddress: shippingAddressOf(returnAddress),
        dataImportDetails: [
          { accountDetails: { dataAccountType: 'StorageAccount', storageAccountId }, logCollectionLevel: logLevel },
        ],
        importDiskDetailsCollection: Object.fromEntries(disks),
        returnToCustomerPackageDetails: { ...returnShipping },
        enableManifestBackup: request.backupDriveManifest ?? false,
      },
    },
  }
}

export function contactOf({ recipientName, phone, email }: ReturnAddress): Record<string, unknown> {
  return { contactName: recipientName ?? '', phone: phone ?? '', emailList: email === undefined ? [] : [email] }
}

export function shippingAddressOf(address: ReturnAddress): Record<string, unknown> {
  const { streetAddress1, streetAddress2, city, stateOrProvince, postalCode, countryOrRegion } = address
  return { streetAddress1, streetAddress2, city, stateOrProvince, postalCode, country: countryOrRegion }
}

/** @throws TransferError SERVICE_ANSWER_INVALID with the path of the value. */
export function parseDataBoxJob(document: unknown, source: string): ImportJob {
  const root = new JsonValue(document, '', (problem, path) => {
    const message = `${source} answered with something else than was asked for: ${path || 'the answer'} ${problem}.`
    throw new TransferError('SERVICE_ANSWER_INVALID', message)
  })
  const properties = root.need('properties')
  const details = properties.get('details')
  const stage = properties.get('status')?.text() ?? 'Created'
  const state = stateOfStage[stage] ?? stage
  const drives = readDrives(details, state)
  const job: ImportJob = {
    id: root.get('id')?.text() ?? '',
    name: root.need('name').text(),
    location: root.get('location')?.text() ?? '',
    tags: {},
    storageAccountId: accountOf(details),
    jobType: properties.get('transferType')?.text() === 'ExportFromAzure' ? 'Export' : 'Import',
    state,
    cancelRequested: stage === 'Cancelled' || stage === 'Aborted',
    percentComplete: Math.floor(
      drives.reduce((sum, drive) => sum + drive.percentComplete, 0) / Math.max(1, drives.length),
    ),
    drives,
  }
  const createdAt = Date.parse(properties.get('startTime')?.text() ?? '')
  if (!Number.isNaN(createdAt)) job.createdAt = new Date(createdAt)
  return details === undefined ? job : withDetails(job, details)
}

function withDetails(job: ImportJob, details: JsonValue): ImportJob {
  const logLevel = details.get('dataImportDetails')?.list()[0]?.get('logCollectionLevel')?.text()
  if (logLevel !== undefined) job.logLevel = logLevel
  const backup = details.get('enableManifestBackup')?.boolean()
  if (backup !== undefined) job.backupDriveManifest = backup
  const address = readReturnAddress(details)
  if (Object.keys(address).length > 0) job.returnAddress = address
  const back = details.get('returnToCustomerPackageDetails')
  if (back !== undefined) {
    job.returnShipping = textFields(back, ['carrierName', 'carrierAccountNumber'])
    const returned = packageOf(back)
    if (returned.trackingNumber !== undefined) job.returnPackage = returned
  }
  const sent = details.get('deliverToDcPackageDetails')
  if (sent !== undefined) job.deliveryPackage = packageOf(sent)
  const center = details.get('datacenterAddress')
  if (center !== undefined) job.shippingInformation = readCenter(center)
  return job
}

function accountOf(details: JsonValue | undefined): string {
  const entry = details?.get('dataImportDetails')?.list()[0]
  return entry?.get('accountDetails')?.get('storageAccountId')?.text() ?? ''
}

function readReturnAddress(details: JsonValue): ReturnAddress {
  const contact = details.get('contactDetails')
  const address = details.get('shippingAddress')
  const named = (name: keyof ReturnAddress, value: string | undefined) => (value === undefined ? {} : { [name]: value })
  return {
    ...named('recipientName', contact?.get('contactName')?.text()),
    ...named('phone', contact?.get('phone')?.text()),
    ...named('email', contact?.get('emailList')?.list()[0]?.text()),
    ...(address === undefined
      ? {}
      : textFields(address, ['streetAddress1', 'streetAddress2', 'city', 'stateOrProvince', 'postalCode'])),
    ...named('countryOrRegion', address?.get('country')?.text()),
  }
}

function packageOf(from: JsonValue): ShippedPackage {
  const trackingNumber = from.get('trackingId')?.text()
  return { ...textFields(from, ['carrierName']), ...(trackingNumber ? { trackingNumber } : {}) }
}

function readCenter(from: JsonValue): DatacenterAddress {
  const { contactPersonName, company, street1, street2, city, state, zip, country, phone } = textFields(from, [
    ...(['contactPersonName', 'company', 'street1', 'street2', 'city', 'state', 'zip', 'country', 'phone'] as const),
  ])
  const recipientName = [company, contactPersonName].filter((part) => part).join(', ')
  const entries = {
    ...{ recipientName, streetAddress1: street1, streetAddress2: street2, city, stateOrProvince: state },
    ...{ postalCode: zip, countryOrRegion: country, phone },
    additionalInformation: from.get('additionalShippingInformation')?.text(20_000),
  }
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined && value !== ''))
}

function readDrives(details: JsonValue | undefined, jobState: string): JobDrive[] {
  const disks = details?.get('importDiskDetailsCollection')
  const progress = bySerial(details?.get('copyProgress'))
  const logs = bySerial(details?.get('copyLogDetails'))
  return (disks?.names() ?? []).map((driveId) => {
    const disk = disks?.get(driveId)
    const copy = progress.get(driveId)
    const log = logs.get(driveId)
    const copyStatus = copy?.get('copyStatus')?.text()
    const bytes = copy?.get('bytesProcessed')?.number() ?? 0
    const total = copy?.get('totalBytesToProcess')?.number() ?? 0
    const [errorLogUri, verboseLogUri] = [log?.get('errorLogLink')?.text(), log?.get('verboseLogLink')?.text()]
    return {
      driveId,
      state: driveState(copyStatus, jobState),
      percentComplete:
        copyStatus === 'Completed' ? 100 : total > 0 ? Math.min(100, Math.floor((bytes / total) * 100)) : 0,
      bytesSucceeded: bytes,
      ...(disk === undefined ? {} : textFields(disk, ['manifestFile', 'manifestHash'])),
      ...(copyStatus === undefined ? {} : { copyStatus }),
      ...(errorLogUri ? { errorLogUri } : {}),
      ...(verboseLogUri ? { verboseLogUri } : {}),
    }
  })
}

// Every other copy state is a failure of some kind, and keeps its name as the copy status.
function driveState(copyStatus: string | undefined, jobState: string): string {
  if (copyStatus === undefined || copyStatus === 'NotStarted') {
    return jobState === 'Creating' || jobState === 'Shipping' ? 'Specified' : 'Received'
  }
  return stateOfCopy[copyStatus] ?? 'CompletedMoreInfo'
}

function bySerial(list: JsonValue | undefined): Map<string, JsonValue> {
  return new Map((list?.list() ?? []).map((entry) => [entry.get('serialNumber')?.text() ?? '', entry]))
}
