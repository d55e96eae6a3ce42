// The packing slip of a job, from what the service knows of it. The renderers are loaded here: no other command waits for them.

import { sameLocation } from '../plan/job-rules.js'
import { shippingReminder } from '../plan/shipment-rules.js'
import { type ShippingRule, shippingRules } from '../plan/shipping-rules.js'
import { getJob, type ImportService } from './import-service.js'

/** What whoever packs has to know; the other rules were checked when the job was made. */
const printedRules: readonly ShippingRule[] = [
  'PACKAGE_TRACKING',
  'PACKAGE_DRIVES',
  'TRACKING_SHARED',
  'TRACKING_LATE',
  'PACKAGE_CARRIER',
  'DRIVE_KIND',
  'DRIVE_OTHER_JOB',
]

export type SlipFormat = 'pdf' | 'html'

/** @throws TransferError JOB_NOT_FOUND, SERVICE_… */
export async function makePackingSlip(
  service: ImportService,
  name: string,
  format: SlipFormat,
  now: Date,
): Promise<Buffer> {
  const [job, locations] = await Promise.all([getJob(service, name), service.locations()])
  const { packingSlip } = await import('../reports/packing-slip.js')
  const place = locations.find((location) => sameLocation(location.name, job.location))
  const reminder = shippingReminder(job, now)
  const slip = packingSlip({
    job,
    carriers: place?.supportedCarriers ?? [],
    rules: printedRules.map((code) => shippingRules[code]),
    madeAt: now,
    ...(reminder === undefined ? {} : { reminder: reminder.message }),
  })
  if (format === 'pdf') return (await import('../reports/packing-slip-pdf.js')).packingSlipToPdf(slip)
  return Buffer.from((await import('../reports/packing-slip-html.js')).packingSlipToHtml(slip))
}
