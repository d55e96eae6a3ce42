// The receiving station's side: what it is to expect, and what it reports. Not a part of Microsoft.ImportExport; docs/service.md
// describes each call. Keys are given out here, to whoever has the token.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type JobDriveState, type JobState, jobDriveStates, jobStates } from '../../formats/import-job.js'
import { readPackage } from '../../formats/shipping.js'
import { ArmError, invalidContent, jobNotFound } from './arm-error.js'
import { bodyOf } from './request-body.js'
import { MovableClock } from './service-clock.js'
import type { ServiceContext } from './service-context.js'
import { type DriveReport, type JobReport, reportDrive, reportJob } from './station-moves.js'
import { isEnded, jobKey, keyOf, percentOf, type StoredDrive, type StoredJob } from './stored-job.js'

const jobPath = '/station/v1/jobs/:subscriptionId/:resourceGroup/:jobName'

export function stationRoutes(server: FastifyInstance, { book, clock }: ServiceContext): void {
  server.addHook('preHandler', async () => book.settle(clock.now()))
  const change = async (key: string, name: string, step: (job: StoredJob) => void) => {
    const job = await book.changeJob(key, (existing) => {
      if (existing === undefined) throw jobNotFound(name)
      step(existing)
      return existing
    })
    return stationJob(job as StoredJob)
  }

  server.get('/station/v1/jobs', async (request) => {
    const { ended } = request.query as { ended?: unknown }
    const sent = book.jobs.filter((job) => job.state !== 'Creating' && (ended === 'true' || !isEnded(job)))
    return { value: sent.map(stationJob) }
  })
  server.get(jobPath, async (request) => {
    const { key, name } = jobOf(request)
    const job = book.find(key)
    if (job === undefined) throw jobNotFound(name)
    return stationJob(job)
  })
  server.get('/station/v1/drives/:driveId', async (request) => {
    const { job, drive } = driveOf(book.jobs, request)
    return { ...stationDrive(drive), job: stationJob(job) }
  })
  server.post('/station/v1/drives/:driveId/report', async (request) => {
    const { job, drive } = driveOf(book.jobs, request)
    const report = readDriveReport(request.body)
    return change(keyOf(job), job.name, (current) => reportDrive(current, drive.driveId, report, clock.now()))
  })
  server.post(`${jobPath}/report`, async (request) => {
    const { key, name } = jobOf(request)
    const report = readJobReport(request.body)
    return change(key, name, (current) => reportJob(current, report, clock.now()))
  })
  if (clock instanceof MovableClock) {
    server.post('/station/v1/clock', async (request) => {
      const seconds = bodyOf(request.body).need('advanceSeconds').number()
      if (!Number.isSafeInteger(seconds) || seconds < 0) throw invalidContent('advanceSeconds is no number of seconds.')
      clock.advance(seconds * 1000)
      await book.setClock(clock.aheadMs)
      await book.settle(clock.now())
      return { now: clock.now().toISOString() }
    })
  }
}

function jobOf(request: FastifyRequest): { key: string; name: string } {
  const { subscriptionId, resourceGroup, jobName } = request.params as Record<string, string>
  return { key: jobKey(subscriptionId ?? '', resourceGroup ?? '', jobName ?? ''), name: jobName ?? '' }
}

// A drive can have been in an ended job before: the one that goes on counts.
function driveOf(jobs: readonly StoredJob[], request: FastifyRequest): { job: StoredJob; drive: StoredDrive } {
  const { driveId } = request.params as { driveId: string }
  for (const job of jobs.filter((candidate) => !isEnded(candidate))) {
    const drive = job.drives.find((candidate) => candidate.driveId === driveId)
    if (drive !== undefined) return { job, drive }
  }
  const message = `No job here lists drive ${JSON.stringify(driveId)}; a drive that nobody announced is sent back as it is.`
  throw new ArmError(404, 'DriveNotFound', message)
}

function stationJob(job: StoredJob): Record<string, unknown> {
  const { subscriptionId, resourceGroup, name, state, cancelRequested, storageAccountId, location } = job
  const {
    diagnosticsPath,
    logLevel,
    backupDriveManifest,
    deliveryPackage,
    returnAddress,
    returnShipping,
    returnPackage,
  } = job
  return {
    ...{ subscriptionId, resourceGroup, name, state, cancelRequested, storageAccountId, location },
    ...{ diagnosticsPath, logLevel, backupDriveManifest },
    ...{ deliveryPackage, returnAddress, returnShipping, returnPackage },
    percentComplete: percentOf(job),
    drives: job.drives.map(stationDrive),
  }
}

function stationDrive({ hadProblems: _problems, ...drive }: StoredDrive): Record<string, unknown> {
  return drive
}

function readDriveReport(document: unknown): DriveReport {
  const body = bodyOf(document)
  const report: DriveReport = {}
  const state = body.get('state')?.text()
  if (state !== undefined) report.state = oneOf<JobDriveState>(state, jobDriveStates, 'state')
  for (const name of ['copyStatus', 'verboseLogUri', 'errorLogUri', 'manifestUri'] as const) {
    const text = body.get(name)?.text()
    if (text === undefined) continue
    if (name !== 'copyStatus' && !/^https?:\/\//.test(text)) throw invalidContent(`${name} is no web address.`, name)
    report[name] = text
  }
  for (const name of ['percentComplete', 'bytesSucceeded'] as const) {
    const number = body.get(name)?.number()
    if (number !== undefined) report[name] = number
  }
  return report
}

function readJobReport(document: unknown): JobReport {
  const body = bodyOf(document)
  const state = oneOf<JobState>(body.need('state').text(), [...jobStates, 'Faulted'], 'state')
  const reason = body.get('reason')?.text(500)
  const sent = body.get('returnPackage')
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(sent === undefined ? {} : { returnPackage: readPackage(sent) }),
  }
}

function oneOf<Word extends string>(text: string, words: readonly Word[], target: string): Word {
  const found = words.find((word) => word === text)
  if (found === undefined)
    throw invalidContent(`${target} is ${JSON.stringify(text)}, expected ${words.join(', ')}.`, target)
  return found
}
