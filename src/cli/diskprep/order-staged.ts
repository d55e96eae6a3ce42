// The import job of prepared drives: made with the service once, however often this runs, and recorded with where to ship to.

import {
  addressLines,
  type DatacenterLocation,
  drivesFromJournal,
  type ImportJob,
  type ImportService,
  orderJob,
  printable,
  type StagedJob,
  type StagedJobFolder,
  type StagedOrder,
  sameLocation,
} from '../../index.js'
import { readWayBack, type WayBack } from '../address-options.js'
import { accountIdOf } from '../service-options.js'
import { showJob } from '../show-job.js'
import type { Terminal } from '../terminal.js'
import type { OpenedJobService } from './open-job-service.js'
import type { DiskprepOptions } from './options.js'
import { askWayBack } from './shipping-answers.js'

export interface OrderStaged {
  folder: StagedJobFolder
  options: DiskprepOptions
  terminal: Terminal
  opened: OpenedJobService
}

export function accountIdFor({ folder, options, opened }: Pick<OrderStaged, 'folder' | 'options' | 'opened'>): string {
  return options.accountId ?? accountIdOf(folder.account, opened)
}

/** Data Box wants the way back with the order: it is asked then, once, and kept in the staging location. */
export async function wayBackOf({ folder, options, terminal, opened }: OrderStaged): Promise<WayBack> {
  const given = await readWayBack(options)
  if (opened.api !== 'data-box') return given
  const { returnAddress, returnShipping } = folder.state?.shipping ?? {}
  const isKnown = returnAddress !== undefined && returnShipping !== undefined && Object.keys(given).length === 0
  if (isKnown) return { returnAddress, returnShipping }
  const asked = await askWayBack(options, folder.state?.shipping ?? {}, terminal)
  await folder.update({ shipping: { ...folder.state?.shipping, ...asked } }, 'the way back was typed')
  return asked
}

/** @throws TransferError JOB_RULES_BROKEN, JOB_DIFFERS, SERVICE_… */
export async function orderStaged({ folder, options, terminal, opened }: OrderStaged): Promise<ImportJob> {
  const state = folder.state as StagedJob
  const { service } = opened
  const locations = await locationsOf(service)
  const location = state.location ?? (await askLocation(locations, terminal))
  const { drives, facts, findings } = await drivesFromJournal(folder.journalPath)
  terminal.print(`Drives of this job: ${drives.map(({ driveId }) => driveId).join(', ')}`)
  const wayBack = await wayBackOf({ folder, options, terminal, opened })
  const ordered = await orderJob(service, {
    name: folder.job,
    storageAccountIds: [accountIdFor({ folder, options, opened })],
    location,
    drives,
    driveFacts: facts,
    findings,
    ...wayBack,
  })
  for (const warning of ordered.warnings) terminal.warn(`Note: ${warning}`)
  const { job, isNew } = ordered
  const place = locations.find((candidate) => sameLocation(candidate.name, location))
  const { subscriptionId: subscription, resourceGroup } = opened
  const words = isNew ? `ordered job ${job.name}` : `job ${job.name} was ordered already`
  const known = /^[0-9a-f-]{36}$/i.test(subscription) ? { subscription: subscription.toLowerCase() } : {}
  await folder.update(
    { state: 'ordered', location, ...known, resourceGroup, order: orderOf(job, place, opened) },
    words,
  )
  terminal.print(
    isNew ? `Import job ${job.name} is made.` : `Import job ${job.name} was there already; it is the same one.`,
  )
  showJob(terminal, job, isNew ? 'created' : 'unchanged')
  if (place !== undefined && place.supportedCarriers.length > 0) {
    terminal.print(printable(`Carriers that go there: ${place.supportedCarriers.join(', ')}`))
  }
  terminal.print(`The summary of the job is in ${folder.summaryPath}`)
  return job
}

/** What the service said, for the staging location. */
export function orderOf(
  job: ImportJob,
  place: DatacenterLocation | undefined,
  { address, api }: Pick<OpenedJobService, 'address' | 'api'>,
): StagedOrder {
  const shipTo = addressLines(job.shippingInformation ?? place ?? {}).map(printable)
  return {
    service: address,
    ...(api === 'data-box' ? { api } : {}),
    state: printable(job.state).slice(0, 64),
    seenAt: new Date().toISOString(),
    ...(shipTo.length === 0 ? {} : { shipTo }),
    ...(place === undefined ? {} : { carriers: place.supportedCarriers.slice(0, 50).map(printable) }),
  }
}

export async function locationsOf(service: ImportService): Promise<DatacenterLocation[]> {
  return service.locations().catch((error: { code?: string }) => {
    if (error.code === 'SERVICE_UNSUPPORTED') return []
    throw error
  })
}

/** The place of a job among those of the service; undefined when the service names none. */
export async function placeOf(service: ImportService, location: string): Promise<DatacenterLocation | undefined> {
  const locations = await service.locations().catch(() => [])
  return locations.find((candidate) => sameLocation(candidate.name, location))
}

export async function askLocation(locations: readonly DatacenterLocation[], terminal: Terminal): Promise<string> {
  const flag = '--location'
  if (locations.length === 0) return (await terminal.ask('Where are the drives sent to?', { flag })).trim()
  const choices = locations.map(({ name, supportedCarriers }) => {
    return { value: name, label: name, hint: supportedCarriers.join(', ') }
  })
  return terminal.choose('Where are the drives sent to? (the region of the storage account)', choices, { flag })
}
