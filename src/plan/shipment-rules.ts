// The rules for a package that is to be sent, and how long there is time for it.

import type { ImportJob } from '../formats/import-job.js'
import type { ShippedPackage } from '../formats/shipping.js'
import { checkReturnAddress, checkReturnShipping } from './job-rules.js'
import { type OtherJob, type RuleFinding, shown, violation, warning } from './shipping-rules.js'

const dayMs = 24 * 60 * 60 * 1000
/** From the making of a job to its tracking number, and from there to the arrival of the drives. */
export const shippingWindowMs = 14 * dayMs

export interface ShipmentContext {
  job: ImportJob
  otherJobs?: readonly OtherJob[]
  /** Carriers that deliver to the job's location; empty when the service names none. */
  supportedCarriers?: readonly string[]
  now: Date
}

/** Everything wrong with sending this package for this job now. The job is as it will be: with the addresses of this update. */
export function checkShipment(sent: ShippedPackage, context: ShipmentContext): RuleFinding[] {
  const { job, otherJobs = [], now } = context
  const others = otherJobs.filter((other) => other.name !== job.name && other.isActive)
  return [
    ...checkCarrier(sent, context.supportedCarriers ?? []),
    ...checkTracking(sent, others),
    ...checkPackedDrives(sent, job, others),
    ...checkShipDate(sent, job, now),
    ...checkReturnAddress(job.returnAddress ?? {}),
    ...checkReturnShipping(job.returnShipping ?? {}),
    ...lateTracking(job, now),
  ]
}

function checkCarrier({ carrierName = '' }: ShippedPackage, supported: readonly string[]): RuleFinding[] {
  if (carrierName.trim() === '') return [violation('PACKAGE_CARRIER', 'No carrier is given.')]
  const plain = (name: string) => name.trim().toLowerCase()
  if (supported.length === 0 || supported.some((name) => plain(name) === plain(carrierName))) return []
  return [violation('PACKAGE_CARRIER', `${shown(carrierName)} is not among ${supported.join(', ')}.`)]
}

function checkTracking({ trackingNumber = '' }: ShippedPackage, others: readonly OtherJob[]): RuleFinding[] {
  const plain = normalTracking(trackingNumber)
  if (plain === '') return [violation('PACKAGE_TRACKING', 'No tracking number is given.')]
  if (/[,;/\n]|\s(?:and|und|et|y)\s/i.test(trackingNumber)) {
    return [violation('PACKAGE_TRACKING', `${shown(trackingNumber)} looks like several tracking numbers.`)]
  }
  if (!/^[A-Z0-9]{6,40}$/.test(plain)) {
    return [violation('PACKAGE_TRACKING', `${shown(trackingNumber)} is not 6 to 40 letters and digits.`)]
  }
  const holder = others.find((other) => normalTracking(other.trackingNumber ?? '') === plain)
  if (holder === undefined) return []
  return [violation('TRACKING_SHARED', `${shown(trackingNumber)} is that of job ${holder.name}.`)]
}

/**
 * Without the blanks and hyphens that people put in. A suffix such as -1, which tells parts of one shipment apart, goes too:
 * two jobs that differ in nothing else travel in one package.
 */
export function normalTracking(trackingNumber: string): string {
  return trackingNumber.replace(/-\d$/, '').replaceAll(/[\s-]/g, '').toUpperCase()
}

function checkPackedDrives(sent: ShippedPackage, job: ImportJob, others: readonly OtherJob[]): RuleFinding[] {
  const findings: RuleFinding[] = []
  const { driveCount } = sent
  if (driveCount !== undefined && driveCount !== job.drives.length) {
    findings.push(
      violation(
        'PACKAGE_DRIVES',
        `The package has ${driveCount} drives, and job ${job.name} has ${job.drives.length}.`,
      ),
    )
  }
  for (const { driveId } of job.drives) {
    const holder = others.find((other) => other.driveIds.includes(driveId))
    if (holder !== undefined) {
      findings.push(violation('PACKAGE_DRIVES', `Drive ${shown(driveId)} is listed in job ${holder.name} too.`))
    }
  }
  return findings
}

function checkShipDate({ shipDate }: ShippedPackage, job: ImportJob, now: Date): RuleFinding[] {
  if (shipDate === undefined) return []
  const at = /^\d{4}-\d{2}-\d{2}(T|$)/.test(shipDate) ? Date.parse(shipDate) : Number.NaN
  if (Number.isNaN(at)) return [violation('PACKAGE_DATE', `${shown(shipDate)} is no date such as 2026-11-30.`)]
  // A day of grace for time zones.
  if (job.createdAt !== undefined && at < job.createdAt.getTime() - dayMs) {
    return [violation('PACKAGE_DATE', `${shipDate} is before the job was made, ${day(job.createdAt)}.`)]
  }
  if (at > now.getTime() + shippingWindowMs) return [violation('PACKAGE_DATE', `${shipDate} is too far ahead.`)]
  return []
}

// Late is late, but only the service can say whether the job is still there: no reason to refuse.
function lateTracking(job: ImportJob, now: Date): RuleFinding[] {
  const reminder = shippingReminder(job, now)
  return reminder?.urgency === 'late' && job.state === 'Creating' ? [warning('TRACKING_LATE', reminder.message)] : []
}

export interface ShippingReminder {
  urgency: 'ok' | 'soon' | 'late'
  dueAt: Date
  message: string
}

/** What is to be done by when, for a job that waits for its package; undefined for every other. */
export function shippingReminder(job: ImportJob, now: Date): ShippingReminder | undefined {
  if (job.cancelRequested) return undefined
  if (job.state === 'Creating' && job.createdAt !== undefined) {
    const dueAt = new Date(job.createdAt.getTime() + shippingWindowMs)
    return reminder(dueAt, now, {
      before: 'Give the tracking number',
      after: 'The tracking number was due and the service may have deleted the job. It was due',
    })
  }
  const shippedAt = Date.parse(job.deliveryPackage?.shipDate ?? '')
  if (job.state === 'Shipping' && !Number.isNaN(shippedAt)) {
    return reminder(new Date(shippedAt + shippingWindowMs), now, {
      before: 'The drives are expected at the datacenter',
      after: 'The drives have not arrived; ask the carrier. They were expected',
    })
  }
  return undefined
}

function reminder(dueAt: Date, now: Date, words: { before: string; after: string }): ShippingReminder {
  const leftMs = dueAt.getTime() - now.getTime()
  const days = Math.floor(Math.abs(leftMs) / dayMs)
  const counted = days === 1 ? '1 day' : `${days} days`
  if (leftMs < 0) {
    return {
      urgency: 'late',
      dueAt,
      message: `${words.after} by ${day(dueAt)}, ${days === 0 ? 'today' : `${counted} ago`}.`,
    }
  }
  const left = days === 0 ? 'less than a day is left' : days === 1 ? '1 day is left' : `${counted} are left`
  return { urgency: leftMs < 4 * dayMs ? 'soon' : 'ok', dueAt, message: `${words.before} by ${day(dueAt)}: ${left}.` }
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10)
}
