// job.json of a staging location: what one import job is about and how far it is. People may read it, several computers do;
// what it says is checked like the words of a stranger. It never has a key: those are in the journal beside it.

import { TransferError } from '../errors.js'
import { containerNameProblem } from './destination.js'
import { isDriveId } from './drive-spec.js'
import { type JsonValue, textFields } from './json-value.js'
import { type ReturnAddress, type ReturnShipping, readShippingParts, type ShippedPackage } from './shipping.js'
import { encodeStateDocument, type Fail, openStateDocument, type StateForm } from './state-document.js'

/** In the order in which a job walks through them. What happens after that, the service says. */
export const stagedStates = ['staged', 'preparing', 'prepared', 'ordered', 'shipped'] as const
export type StagedState = (typeof stagedStates)[number]

export const stagedClouds = ['public', 'china', 'us-government'] as const
export type StagedCloud = (typeof stagedClouds)[number]

const stagedApis = ['import-export', 'data-box'] as const

export interface StagedDrive {
  driveId: string
  /** As it was named on the computer that has it. Only ever offered as an answer, never used unasked. */
  spec: string
  /** Computer that prepares it. */
  host: string
  sizeBytes: number
  /** How far it is: planned, prepared, failed, … */
  outcome: string
  files?: number
  bytes?: number
  manifestHash?: string
}

/** What the service said when it was last asked. */
export interface StagedOrder {
  /** Address of a local service, or the cloud's. */
  service: string
  /** Which of Azure's two; Microsoft.ImportExport where it is absent. */
  api?: (typeof stagedApis)[number]
  state: string
  seenAt: string
  /** The datacenter's address, line by line. */
  shipTo?: string[]
  carriers?: string[]
}

export interface StagedShipping {
  deliveryPackage?: ShippedPackage
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  /** When the service took them, or was first seen to have them; before that they are what somebody typed. */
  committedAt?: string
}

export interface StagedJob {
  account: string
  job: string
  container: string
  /** GUID in lower case. */
  subscription?: string
  resourceGroup?: string
  cloud?: StagedCloud
  /** Where the drives are sent to. */
  location?: string
  state: StagedState
  drives: StagedDrive[]
  order?: StagedOrder
  shipping?: StagedShipping
  /** ISO 8601, UTC. */
  createdAt: string
  changedAt: string
  /** One more with each change. */
  revision: number
}

const form: StateForm = {
  format: 'diskferry-staged-job',
  version: 1,
  foreign: 'this is no state of a staged job',
  broken: 'this is no whole JSON; it was cut off or edited',
}
const drivesMax = 100
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** `<account>_<job>`: an account has no underscore, so the first one parts the two. Undefined for any other folder. */
export function parseJobFolderName(name: string): { account: string; job: string } | undefined {
  const match = /^([a-z0-9]{3,24})_([a-z][a-z0-9-]{1,22}[a-z0-9])$/.exec(name)
  return match === null ? undefined : { account: match[1] as string, job: match[2] as string }
}

export function encodeStagedJob(job: StagedJob): string {
  return encodeStateDocument(form, job)
}

/** @throws TransferError STAGING_INVALID with the path of the value. */
export function parseStagedJob(text: string, fileName = 'job.json'): StagedJob {
  const fail = (problem: string): never => {
    throw new TransferError('STAGING_INVALID', `${fileName}: ${problem}.`, {
      hint: 'Restore it from a copy, or move it away: diskprep makes it anew from the journal and the service.',
      path: fileName,
    })
  }
  const root = openStateDocument(text, form, fail, (name, value) => {
    // Such a text would move the cursor of whoever is shown it.
    if (typeof value === 'string' && unprintable.test(value)) fail(`${JSON.stringify(name)} has a control character`)
    return value
  })
  return readJob(root, fail)
}

function readJob(root: JsonValue, fail: Fail): StagedJob {
  const account = root.need('account').text(24)
  const job = root.need('job').text(24)
  if (parseJobFolderName(`${account}_${job}`) === undefined)
    fail('account and job are no names of an account and a job')
  const container = root.need('container').text(63)
  const problem = containerNameProblem(container)
  if (problem !== undefined) fail(`container: ${problem}`)
  const revision = root.need('revision').number()
  if (!Number.isSafeInteger(revision) || revision < 1) fail('revision is no whole number from 1 on')
  const order = root.get('order')
  const shipping = root.get('shipping')
  return {
    account,
    job,
    container,
    ...readPlace(root, fail),
    state: root.need('state').oneOf(stagedStates),
    drives: readDrives(root, fail),
    ...(order === undefined ? {} : { order: readOrder(order, fail) }),
    ...(shipping === undefined ? {} : { shipping: readShipping(shipping, fail) }),
    createdAt: time(root.need('createdAt'), fail),
    changedAt: time(root.need('changedAt'), fail),
    revision,
  }
}

function readPlace(root: JsonValue, fail: Fail) {
  const place = textFields(root, ['subscription', 'resourceGroup', 'location'])
  if (place.subscription !== undefined && !isSubscriptionId(place.subscription)) fail('subscription is no GUID')
  if (place.resourceGroup !== undefined && !/^[\w().-]{0,89}[\w()-]$/.test(place.resourceGroup)) {
    fail('resourceGroup is no name of a resource group')
  }
  const cloud = root.get('cloud')
  return { ...place, ...(cloud === undefined ? {} : { cloud: cloud.oneOf(stagedClouds) }) }
}

export function isSubscriptionId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}

function readDrives(root: JsonValue, fail: Fail): StagedDrive[] {
  const drives = root
    .need('drives')
    .list(drivesMax)
    .map((entry) => readDrive(entry, fail))
  const ids = new Set(drives.map(({ driveId }) => driveId))
  if (ids.size < drives.length) fail('drives names a drive twice')
  return drives
}

function readDrive(from: JsonValue, fail: Fail): StagedDrive {
  const driveId = from.need('driveId').text(64)
  if (!isDriveId(driveId)) fail(`${from.path}.driveId is no id of a drive`)
  const manifestHash = from.get('manifestHash')?.text(32)
  if (manifestHash !== undefined && !/^[0-9A-F]{32}$/.test(manifestHash)) fail(`${from.path}.manifestHash is no MD5`)
  const sizes: Partial<Record<'files' | 'bytes', number>> = {}
  for (const name of ['files', 'bytes'] as const) {
    const value = from.get(name)
    if (value !== undefined) sizes[name] = value.count()
  }
  return {
    driveId,
    spec: from.need('spec').text(),
    host: from.need('host').text(255),
    sizeBytes: from.need('sizeBytes').count(),
    outcome: from.need('outcome').text(64),
    ...sizes,
    ...(manifestHash === undefined ? {} : { manifestHash }),
  }
}

function readOrder(from: JsonValue, fail: Fail): StagedOrder {
  const lines = (name: 'shipTo' | 'carriers') => {
    const list = from.get(name)?.list(50)
    return list === undefined ? {} : { [name]: list.map((entry) => entry.text()) }
  }
  const api = from.get('api')
  return {
    service: from.need('service').text(),
    ...(api === undefined ? {} : { api: api.oneOf(stagedApis) }),
    state: from.need('state').text(64),
    seenAt: time(from.need('seenAt'), fail),
    ...lines('shipTo'),
    ...lines('carriers'),
  }
}

function readShipping(from: JsonValue, fail: Fail): StagedShipping {
  const committedAt = from.get('committedAt')
  return {
    ...readShippingParts(from, ['deliveryPackage', 'returnAddress', 'returnShipping']),
    ...(committedAt === undefined ? {} : { committedAt: time(committedAt, fail) }),
  }
}

function time(from: JsonValue, fail: Fail): string {
  const text = from.text(40)
  return /^\d{4}-\d{2}-\d{2}T/.test(text) && !Number.isNaN(Date.parse(text)) ? text : fail(`${from.path} is no time`)
}
