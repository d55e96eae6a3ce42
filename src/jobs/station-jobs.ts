// What a station does with whole jobs: opens their package, packs their drives, sends them back. Each step said again is harmless.

import { TransferError } from '../errors.js'
import type { ShippedPackage } from '../formats/shipping.js'
import { checkReturnPackage } from '../plan/return-rules.js'
import type { StationClient, StationJob } from './station-client.js'

/** Names are unique in a resource group; the rest is needed only where two groups have a job of that name. */
export interface StationJobName {
  name: string
  subscriptionId?: string
  resourceGroup?: string
}

/** @throws TransferError JOB_NOT_FOUND, also when several have that name */
async function findJob(station: StationClient, wanted: StationJobName): Promise<StationJob> {
  const same = (one: string, other: string | undefined) =>
    other === undefined || one.toLowerCase() === other.toLowerCase()
  const named = (await station.jobs({ ended: true })).filter(
    ({ name, subscriptionId, resourceGroup }) =>
      same(name, wanted.name) &&
      same(subscriptionId, wanted.subscriptionId) &&
      same(resourceGroup, wanted.resourceGroup),
  )
  const [job, other] = named
  if (job !== undefined && other === undefined) return job
  if (job === undefined) {
    throw new TransferError(
      'JOB_NOT_FOUND',
      `The order book has no job ${JSON.stringify(wanted.name)} that was sent.`,
      {
        hint: 'Was its package declared sent? See: diskferry job list',
      },
    )
  }
  const groups = named.map(({ resourceGroup }) => resourceGroup).join(', ')
  throw new TransferError('JOB_NOT_FOUND', `Several jobs are called ${wanted.name}, of ${groups}.`, {
    hint: 'Give --resource-group, and --subscription where that is not enough.',
  })
}

/**
 * The package was opened: its drives are here, but for those that are missing.
 * @throws TransferError JOB_RULES_BROKEN for drives that are not in the job; SERVICE_REFUSED, JOB_NOT_FOUND
 */
export async function reportArrival(
  station: StationClient,
  wanted: StationJobName,
  missing: readonly string[],
): Promise<StationJob> {
  let job = await findJob(station, wanted)
  const listed = job.drives.map(({ driveId }) => driveId)
  const strange = missing.filter((driveId) => !listed.includes(driveId))
  if (strange.length > 0) {
    const words = `Job ${job.name} has no drive ${strange.join(', ')}; it has ${listed.join(', ')}.`
    throw new TransferError('JOB_RULES_BROKEN', words, { hint: 'Nothing was reported.' })
  }
  for (const { driveId, state } of job.drives) {
    const isMissing = missing.includes(driveId)
    if (state === 'Specified' || isMissing || state === 'NeverReceived')
      job = await station.reportDrive(driveId, { state: isMissing ? 'NeverReceived' : 'Received' })
  }
  return job
}

/** When everything of a job is done, its drives can be packed: such jobs are moved on, and returned. */
export async function packFinishedJobs(station: StationClient): Promise<StationJob[]> {
  const isDone = (state: string) => ['Completed', 'CompletedMoreInfo', 'NeverReceived'].includes(state)
  const ready = (await station.jobs()).filter(
    (job) => job.state === 'Transferring' && job.drives.every(({ state }) => isDone(state)),
  )
  const packed: StationJob[] = []
  for (const job of ready) packed.push(await station.reportJob(job, { state: 'Packaging' }))
  return packed
}

export interface ReturnedJob {
  job: StationJob
  /** False when just this was reported before. */
  isNew: boolean
  warnings: string[]
}

/** `driveCount` is that of the drives that came, when not given. */
export type ReturnPackage = Omit<Required<ShippedPackage>, 'driveCount'> & { driveCount?: number }

/**
 * The drives are on their way back: the job ends, as Completed or, where a drive had problems or never came, as Closed.
 * @throws TransferError JOB_RULES_BROKEN, JOB_NOT_FOUND, SERVICE_REFUSED while drives are not done
 */
export async function returnJob(
  station: StationClient,
  wanted: StationJobName,
  sent: ReturnPackage,
): Promise<ReturnedJob> {
  const job = await findJob(station, wanted)
  const drivesHere = job.drives.filter(({ state }) => state !== 'NeverReceived').length
  const returnPackage = { ...sent, driveCount: sent.driveCount ?? drivesHere }
  const findings = checkReturnPackage(returnPackage, { ...job, drivesHere })
  const broken = findings.filter(({ severity }) => severity === 'violation')
  if (broken.length > 0) {
    throw new TransferError(
      'JOB_RULES_BROKEN',
      `The package back of job ${job.name} breaks rules; nothing was reported.`,
      {
        problems: broken.map(({ code, message }) => ({ message: `${code}: ${message}` })),
        hint: 'docs/jobs.md explains each rule.',
      },
    )
  }
  const isNew = job.state !== 'Completed' && job.state !== 'Closed'
  if (isNew && job.state !== 'Packaging') await station.reportJob(job, { state: 'Packaging' })
  const ended = await station.reportJob(job, { state: 'Completed', returnPackage })
  return { job: ended, isNew, warnings: findings.map(({ message }) => message) }
}
