// The import job of prepared drives: made with the service once, however often this runs, and recorded with where to ship to.

import { existsSync } from 'node:fs'
import {
  addressLines,
  checkJob,
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
  TransferError,
} from '../../index.js'
import { readWayBack } from '../address-options.js'
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

/**
 * Before hours of copying: somebody is signed in, the name is free, and it is known where the drives go. A service that cannot be
 * reached now is told, and no reason to stop: the job is ordered afterwards.
 * @throws TransferError JOB_DIFFERS, JOB_RULES_BROKEN, SERVICE_SIGN_IN, …
 */
export async function readyToOrder({ folder, options, terminal, opened }: OrderStaged): Promise<void> {
  try {
    const existing = await opened.service.find(folder.job)
    if (existing !== undefined && !existsSync(folder.journalPath)) {
      throw new TransferError('JOB_DIFFERS', `${opened.service.description} has a job ${folder.job} already.`, {
        hint: 'Nothing was erased. Give the staged job another name, or delete that job when it is yours.',
      })
    }
    const locations = await locationsOf(opened.service)
    const location = folder.state?.location ?? (await askLocation(locations, terminal))
    refuseOrder(folder.job, location, locations, accountIdFor({ folder, options, opened }))
    if (folder.state?.location === undefined) await folder.update({ location }, `the drives go to ${location}`)
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    if (code !== 'SERVICE_UNREACHABLE' && code !== 'SERVICE_BUSY') throw error
    terminal.warn(`${message} The drives are prepared all the same; the job is ordered when this is run again.`)
    if (options.location === undefined) terminal.warn('Where they are sent will be asked then.')
  }
}

/** What the service would refuse when the drives are full. @throws TransferError JOB_RULES_BROKEN */
function refuseOrder(name: string, location: string, known: readonly DatacenterLocation[], accountId: string): void {
  const locations = known.length === 0 ? {} : { locations: known.map((place) => place.name) }
  const findings = checkJob({ name, storageAccountIds: [accountId], location, ...locations, drives: [] })
  const broken = findings.filter(({ code }) => ['JOB_NAME', 'JOB_ACCOUNT', 'JOB_LOCATION'].includes(code))
  if (broken.length === 0) return
  throw new TransferError('JOB_RULES_BROKEN', `Job ${name} cannot be ordered like this; no drive was touched.`, {
    problems: broken.map(({ code, message }) => ({ message: `${code}: ${message}` })),
    hint: 'Give another --location or --account-id.',
  })
}

function accountIdFor({ folder, options, opened }: Pick<OrderStaged, 'folder' | 'options' | 'opened'>): string {
  return options.accountId ?? accountIdOf(folder.account, opened)
}

/** @throws TransferError JOB_RULES_BROKEN, JOB_DIFFERS, SERVICE_… */
export async function orderStaged({ folder, options, terminal, opened }: OrderStaged): Promise<ImportJob> {
  const state = folder.state as StagedJob
  const { service } = opened
  const locations = await locationsOf(service)
  const location = state.location ?? (await askLocation(locations, terminal))
  const { drives, facts, findings } = await drivesFromJournal(folder.journalPath)
  terminal.print(`Drives of this job: ${drives.map(({ driveId }) => driveId).join(', ')}`)
  const wayBack = options.api === 'data-box' ? await askWayBack(options, {}, terminal) : await readWayBack(options)
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
    { state: 'ordered', location, ...known, resourceGroup, order: orderOf(job, place, opened.address) },
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
export function orderOf(job: ImportJob, place: DatacenterLocation | undefined, service: string): StagedOrder {
  const shipTo = addressLines(job.shippingInformation ?? place ?? {}).map(printable)
  return {
    service,
    state: printable(job.state).slice(0, 64),
    seenAt: new Date().toISOString(),
    ...(shipTo.length === 0 ? {} : { shipTo }),
    ...(place === undefined ? {} : { carriers: place.supportedCarriers.slice(0, 50).map(printable) }),
  }
}

async function locationsOf(service: ImportService): Promise<DatacenterLocation[]> {
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

async function askLocation(locations: readonly DatacenterLocation[], terminal: Terminal): Promise<string> {
  const flag = '--location'
  if (locations.length === 0) return (await terminal.ask('Where are the drives sent to?', { flag })).trim()
  const choices = locations.map(({ name, supportedCarriers }) => {
    return { value: name, label: name, hint: supportedCarriers.join(', ') }
  })
  return terminal.choose('Where are the drives sent to? (the region of the storage account)', choices, { flag })
}
