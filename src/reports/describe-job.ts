// Jobs in words and as JSON. Recovery passwords are in neither: they are asked for by a command of their own.

import { type ImportJob, isFinished, jobStateOrder } from '../formats/import-job.js'
import { addressLines, type DatacenterLocation, type ShippedPackage } from '../formats/shipping.js'
import { formatBytes } from './format-bytes.js'
import { counted, printable } from './printable.js'

const stateWords: Readonly<Record<string, string>> = {
  Creating: 'ordered, waits for its package',
  Shipping: 'the package is on the way',
  Received: 'all drives are at the datacenter',
  Transferring: 'the drives are being imported',
  Packaging: 'the drives are being packed',
  Completed: 'done, the drives were sent back',
  Closed: 'ended with problems, see the drives and their logs',
  Faulted: 'stopped; the operators of the service get in touch',
}

/** One line for a list of jobs. */
export function describeJobLine(job: ImportJob): string {
  const drives = counted(job.drives.length, 'drive')
  return `${printable(job.name).padEnd(24)} ${printable(job.state).padEnd(12)} ${drives}, ${printable(job.location)}`
}

/** What is to be done by when; `shippingReminder` makes it. */
export interface JobReminder {
  urgency: 'ok' | 'soon' | 'late'
  dueAt: Date
  message: string
}

/** Everything a person wants to know. */
export function describeJob(job: ImportJob, reminder?: JobReminder): string {
  const words = stateWords[job.state] ?? 'a state that this version does not know'
  const lines = [`${job.name}: ${job.state}, ${words}`]
  if (job.cancelRequested && !isFinished(job))
    lines.push('  Cancelled: the drives are not imported and go back as they are.')
  if (reminder !== undefined) lines.push(`  ${reminder.urgency === 'ok' ? '' : 'Reminder: '}${reminder.message}`)
  lines.push(`  Into      ${job.storageAccountId.split('/').at(-1) ?? ''} at ${job.location}`)
  if (jobStateOrder(job.state) >= 2 && !isFinished(job)) lines.push(`  Progress  ${job.percentComplete} %`)
  lines.push(...packageLines('Package  ', job.deliveryPackage), ...packageLines('Returned ', job.returnPackage))
  if (job.state === 'Creating' && job.shippingInformation !== undefined) {
    lines.push('  Ship to', ...addressLines(job.shippingInformation).map((line) => `            ${line}`))
  }
  lines.push('  Drives', ...job.drives.map((drive) => `    ${describeDrive(drive)}`))
  return lines.map(printable).join('\n')
}

function packageLines(word: string, sent: ShippedPackage | undefined): string[] {
  if (sent === undefined) return []
  const { carrierName = '', trackingNumber = '', driveCount, shipDate } = sent
  const more = [driveCount === undefined ? '' : counted(driveCount, 'drive'), shipDate?.slice(0, 10) ?? '']
  return [
    `  ${word} ${carrierName} ${trackingNumber}${more
      .filter((part) => part !== '')
      .map((part) => `, ${part}`)
      .join('')}`,
  ]
}

function describeDrive(drive: ImportJob['drives'][number]): string {
  const { driveId, state, percentComplete, bytesSucceeded, copyStatus } = drive
  const parts = [`${driveId.padEnd(20)} ${state}`]
  if (state === 'Transferring') parts.push(`${percentComplete} %`)
  if (bytesSucceeded !== undefined && bytesSucceeded > 0) parts.push(formatBytes(bytesSucceeded))
  if (copyStatus !== undefined && copyStatus !== state) parts.push(copyStatus)
  const logs = [
    drive.errorLogUri && `errors: ${drive.errorLogUri}`,
    drive.verboseLogUri && `log: ${drive.verboseLogUri}`,
  ]
  return [...parts, ...logs.filter((log) => log)].join(', ')
}

/** For `--json`; without keys. */
export function jobToJson(job: ImportJob, reminder?: JobReminder): Record<string, unknown> {
  const { createdAt, lastModifiedAt, drives, ...rest } = job
  return {
    ...rest,
    drives: drives.map(({ bitLockerKey: _key, ...drive }) => drive),
    createdAt: createdAt?.toISOString(),
    lastModifiedAt: lastModifiedAt?.toISOString(),
    ...(reminder === undefined ? {} : { reminder: { ...reminder, dueAt: reminder.dueAt.toISOString() } }),
  }
}

export function describeLocation(location: DatacenterLocation): string {
  const { name, supportedCarriers, alternateLocations, additionalInformation } = location
  const isClosed = alternateLocations.length > 0 && !alternateLocations.includes(name)
  const lines = [name, ...addressLines(location).map((line) => `  ${line}`)]
  if (location.phone !== undefined) lines.push(`  Phone ${location.phone}`)
  if (supportedCarriers.length > 0) lines.push(`  Carriers: ${supportedCarriers.join(', ')}`)
  if (isClosed) lines.push(`  Closed for the moment; ship to ${alternateLocations.join(' or ')}.`)
  if (additionalInformation !== undefined) lines.push(`  ${additionalInformation}`)
  return lines.map(printable).join('\n')
}
