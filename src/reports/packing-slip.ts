// What a packing slip says: for the person who packs, for the carrier, for whoever opens the package. The type has no place for
// a key, and what is made from a job takes only what is named here.

import type { ImportJob } from '../formats/import-job.js'
import { addressLines, type DatacenterAddress, type ReturnAddress } from '../formats/shipping.js'
import { type BarCode, code128 } from './bar-code.js'
import { counted, printable } from './printable.js'

export interface SlipAddress {
  lines: string[]
  /** Phone, e-mail, and what else the datacenter asks for. */
  contact: string[]
}

export interface SlipDrive {
  driveId: string
  bars?: BarCode
  /** 32 digits; '' when the service does not tell it. */
  manifestHash: string
}

export interface PackingSlip {
  job: string
  account: string
  location: string
  /** YYYY-MM-DD, UTC. */
  madeOn: string
  shipTo: SlipAddress
  from: SlipAddress
  carrier?: string
  tracking?: string
  trackingBars?: BarCode
  /** YYYY-MM-DD */
  shipDate?: string
  /** While there is no tracking number: what is to be done by when. */
  reminder?: string
  carriers: string[]
  drives: SlipDrive[]
  checks: string[]
  rules: string[]
}

export interface SlipFacts {
  job: ImportJob
  /** Carriers that deliver to the location. */
  carriers: readonly string[]
  reminder?: string
  /** Sentences. */
  rules: readonly string[]
  madeAt: Date
}

export function packingSlip({ job, carriers, reminder, rules, madeAt }: SlipFacts): PackingSlip {
  const { deliveryPackage = {}, shippingInformation = {}, returnAddress = {} } = job
  const carrier = given(deliveryPackage.carrierName)
  const tracking = given(deliveryPackage.trackingNumber)
  const trackingBars = tracking === undefined ? undefined : code128(tracking.replaceAll(/\s/g, ''))
  const shipDate = given(deliveryPackage.shipDate)?.slice(0, 10)
  return {
    job: printable(job.name),
    account: printable(job.storageAccountId.split('/').at(-1) ?? ''),
    location: printable(job.location),
    madeOn: madeAt.toISOString().slice(0, 10),
    shipTo: addressOf(shippingInformation, shippingInformation.additionalInformation),
    from: addressOf(returnAddress, returnAddress.email),
    ...(carrier === undefined ? {} : { carrier }),
    ...(tracking === undefined ? {} : { tracking }),
    ...(trackingBars === undefined ? {} : { trackingBars }),
    ...(shipDate === undefined ? {} : { shipDate }),
    ...(tracking !== undefined || reminder === undefined ? {} : { reminder }),
    carriers: carriers.map(printable),
    drives: job.drives.map(({ driveId, manifestHash = '' }) => {
      const bars = code128(driveId)
      return {
        driveId: printable(driveId),
        manifestHash: hashOf(manifestHash),
        ...(bars === undefined ? {} : { bars }),
      }
    }),
    checks: checksFor(job.drives.length, carrier, tracking),
    rules: [...rules],
  }
}

/** In groups of four, to be compared by eye. */
export function hashGroups(hash: string): string[] {
  return hash.match(/.{1,4}/g) ?? []
}

// What is not a hash is not printed: nothing else may come onto a slip by that way.
function hashOf(text: string): string {
  return /^[0-9A-Fa-f]{32}$/.test(text) ? text.toUpperCase() : ''
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : printable(text.trim())
}

function addressOf(address: DatacenterAddress | ReturnAddress, more: string | undefined): SlipAddress {
  const contact = [given(address.phone) && `Phone ${given(address.phone)}`, given(more)]
  return {
    lines: addressLines(address).map(printable),
    contact: contact.filter((line): line is string => line !== undefined && line !== ''),
  }
}

function checksFor(drives: number, carrier: string | undefined, tracking: string | undefined): string[] {
  return [
    `${drives === 1 ? 'The one drive' : `All ${counted(drives, 'drive')}`} of this job, and no drive of another job.`,
    'Each serial number above compared with the label on the drive.',
    'Bare drives: no casing, adapter, caddy, cable or power supply.',
    'Each drive in an antistatic bag, padded on all sides; nothing moves when the box is shaken.',
    'No recovery password in the box, on a label or on this slip.',
    'A copy of this slip in the box.',
    tracking === undefined
      ? 'Tracking number written above, and given with diskferry job ship.'
      : `One box, one label, with tracking number ${tracking}.`,
    `Handed over to ${carrier ?? 'the carrier'}; receipt kept.`,
    'The journal with the keys is safe here, and stays until the data has arrived.',
  ]
}
