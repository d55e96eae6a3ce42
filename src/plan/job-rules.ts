// The rules for a job that is to be made: name, account, place, drives, the way back.

import type { JobDriveRequest } from '../formats/import-job.js'
import { recoveryPasswordProblem } from '../formats/recovery-password.js'
import type { ReturnAddress, ReturnShipping } from '../formats/shipping.js'
import { diagnosticsPathProblem } from './log-place.js'
import { type OtherJob, type RuleFinding, shown, violation, warning } from './shipping-rules.js'

/** What is known of a drive as a device; a drive that is not connected now has no facts. */
export interface DriveFacts {
  driveId: string
  sizeBytes: number
  kind?: 'disk' | 'loop' | 'image'
  /** sata, usb, nvme, …; empty when unknown. */
  transport?: string
}

export interface JobDraft {
  name: string
  /** As given: the rule is that there is one. */
  storageAccountIds: readonly string[]
  location: string
  /** Container for the copy logs, with folders. */
  diagnosticsPath?: string
  drives: readonly JobDriveRequest[]
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  driveFacts?: readonly DriveFacts[]
  /** Names of the service's locations, when they are known. */
  locations?: readonly string[]
  otherJobs?: readonly OtherJob[]
}

export const drivesPerJobMax = 10
export const jobBytesMax = 80e12

const returnAddressRequired = [
  ['recipientName', 'recipient'],
  ['streetAddress1', 'street'],
  ['city', 'city'],
  ['postalCode', 'postal code'],
  ['countryOrRegion', 'country'],
  ['phone', 'phone'],
  ['email', 'e-mail'],
] as const

/** Everything wrong with a job that is to be made. */
export function checkJob(draft: JobDraft): RuleFinding[] {
  return [
    ...checkJobName(draft.name),
    ...checkAccounts(draft.storageAccountIds),
    ...checkLocation(draft.location, draft.locations),
    ...checkLogs(draft.diagnosticsPath),
    ...checkDrives(draft.drives),
    ...checkDriveFacts(draft.driveFacts ?? []),
    ...checkOtherJobs(draft),
    ...(draft.returnAddress === undefined ? [] : checkReturnAddress(draft.returnAddress)),
    ...(draft.returnShipping === undefined ? [] : checkReturnShipping(draft.returnShipping)),
  ]
}

export function checkJobName(name: string): RuleFinding[] {
  if (/^[a-z](?:[a-z0-9-]{1,22})[a-z0-9]$/.test(name)) return []
  return [violation('JOB_NAME', `The job name ${shown(name)} has ${[...name].length} characters.`)]
}

function checkAccounts(ids: readonly string[]): RuleFinding[] {
  const findings: RuleFinding[] = []
  const different = new Set(ids.map((id) => id.toLowerCase()))
  if (different.size !== 1) findings.push(violation('JOB_ACCOUNT', `${different.size} storage accounts are given.`))
  for (const id of ids) {
    if (!isStorageAccountId(id))
      findings.push(violation('JOB_ACCOUNT', `${shown(id)} is no storage account’s resource id.`))
  }
  return findings
}

const accountId =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[\w().-]{1,90}\/providers\/Microsoft\.(?:Classic)?Storage\/storageAccounts\/[a-z0-9]{3,24}$/i

/** `/subscriptions/…/resourceGroups/…/providers/Microsoft.Storage/storageAccounts/…`, or Microsoft.ClassicStorage. */
export function isStorageAccountId(id: string): boolean {
  return accountId.test(id)
}

function checkLocation(location: string, known: readonly string[] | undefined): RuleFinding[] {
  if (location.trim() === '') return [violation('JOB_LOCATION', 'No location is given.')]
  if (known === undefined || known.some((name) => sameLocation(name, location))) return []
  return [violation('JOB_LOCATION', `The service has no location ${shown(location)}. It has ${known.join(', ')}.`)]
}

function checkLogs(path: string | undefined): RuleFinding[] {
  const problem = path === undefined ? undefined : diagnosticsPathProblem(path)
  return problem === undefined ? [] : [violation('JOB_LOGS', `${shown(path ?? '')}: ${problem}.`)]
}

/** `West Europe` and `westeurope` are one place. */
export function sameLocation(one: string, other: string): boolean {
  const plain = (name: string) => name.replaceAll(/[\s_-]/g, '').toLowerCase()
  return plain(one) === plain(other)
}

function checkDrives(drives: readonly JobDriveRequest[]): RuleFinding[] {
  const findings: RuleFinding[] = []
  if (drives.length < 1 || drives.length > drivesPerJobMax) {
    findings.push(violation('JOB_DRIVES', `This job has ${drives.length} drives.`))
  }
  const seen = new Set<string>()
  for (const drive of drives) {
    if (seen.has(drive.driveId))
      findings.push(violation('JOB_DRIVES', `Drive ${shown(drive.driveId)} is listed twice.`))
    seen.add(drive.driveId)
    const problem = driveProblem(drive)
    if (problem !== undefined) findings.push(violation('DRIVE_VALUES', `Drive ${shown(drive.driveId)}: ${problem}.`))
  }
  return findings
}

function driveProblem(drive: JobDriveRequest): string | undefined {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(drive.driveId)) return 'its id is no serial number'
  const keyProblem = recoveryPasswordProblem(drive.bitLockerKey)
  if (keyProblem !== undefined) return keyProblem
  if (!drive.manifestFile.startsWith('\\')) return 'its manifest path does not begin with a backslash'
  if (!/^[0-9A-Fa-f]{32}$/.test(drive.manifestHash)) return 'its manifest hash is not 32 hexadecimal digits'
  return undefined
}

function checkDriveFacts(facts: readonly DriveFacts[]): RuleFinding[] {
  const findings = facts.flatMap((drive) => kindFinding(drive) ?? [])
  const bytes = facts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (bytes > jobBytesMax) {
    findings.push(violation('JOB_SIZE', `These ${facts.length} drives have ${(bytes / 1e12).toFixed(1)} TB.`))
  }
  return findings
}

// A USB adapter between computer and disk is fine while preparing, and nothing tells it from a disk in a casing.
function kindFinding({ driveId, kind, transport = '' }: DriveFacts): RuleFinding | undefined {
  if (kind === 'image' || kind === 'loop') {
    return warning('DRIVE_KIND', `Drive ${driveId} is an image file; only the local service can receive it.`)
  }
  if (transport === 'usb') {
    return warning(
      'DRIVE_KIND',
      `Drive ${driveId} is connected by USB: send the bare disk, without casing, adapter and cable.`,
    )
  }
  if (['', 'sata', 'ata'].includes(transport)) return undefined
  return violation('DRIVE_KIND', `Drive ${driveId} is a ${transport} device.`)
}

function checkOtherJobs({ name, drives, otherJobs = [] }: JobDraft): RuleFinding[] {
  const active = otherJobs.filter((job) => job.name !== name && job.isActive)
  return drives.flatMap(({ driveId }) => {
    const holder = active.find((job) => job.driveIds.includes(driveId))
    return holder === undefined
      ? []
      : [violation('DRIVE_OTHER_JOB', `Drive ${shown(driveId)} is in job ${holder.name} already.`)]
  })
}

export function checkReturnAddress(address: ReturnAddress): RuleFinding[] {
  const missing = returnAddressRequired.filter(([name]) => (address[name] ?? '').trim() === '').map(([, word]) => word)
  if (missing.length > 0) return [violation('RETURN_ADDRESS', `It lacks ${missing.join(', ')}.`)]
  if (!/^[^\s@]+@[^\s@]+$/.test(address.email ?? '')) {
    return [violation('RETURN_ADDRESS', `${shown(address.email ?? '')} is no e-mail address.`)]
  }
  return []
}

export function checkReturnShipping({ carrierName = '', carrierAccountNumber = '' }: ReturnShipping): RuleFinding[] {
  const missing = [carrierName.trim() === '' && 'carrier', carrierAccountNumber.trim() === '' && 'account number']
  const words = missing.filter((word) => word !== false)
  return words.length === 0 ? [] : [violation('RETURN_CARRIER', `It lacks ${words.join(' and ')}.`)]
}
