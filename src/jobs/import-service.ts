// What every job service can be asked, be it Azure's or the local one. Names of jobs are unique within what the service was
// opened for: a subscription and a resource group.

import { TransferError } from '../errors.js'
import type { ImportJob, JobRequest, JobUpdate } from '../formats/import-job.js'
import type { DatacenterLocation } from '../formats/shipping.js'
import { jobDifferences } from '../plan/job-differences.js'

export interface ImportService {
  /** For messages: what it is and where. */
  readonly description: string
  /** Whether there is a job of that name; undefined when not. */
  find(name: string): Promise<ImportJob | undefined>
  /** Makes it, whatever is there: callers want `createJob`. */
  put(name: string, request: JobRequest): Promise<ImportJob>
  list(): Promise<ImportJob[]>
  update(name: string, update: JobUpdate): Promise<ImportJob>
  delete(name: string): Promise<void>
  /** DriveId to recovery password. Never print it unasked. */
  listBitLockerKeys(name: string): Promise<Map<string, string>>
  locations(): Promise<DatacenterLocation[]>
}

export interface CreatedJob {
  job: ImportJob
  /** False when the very same job was there already. */
  isNew: boolean
}

/**
 * Makes a job once. When one of that name is there, it is compared: location, account, type, log settings, addresses that are
 * given, and of every drive id, manifest, hash and key. The same one is the answer; another one is refused, never replaced.
 * @throws TransferError JOB_DIFFERS with every difference in `problems`; SERVICE_…
 */
export async function createJob(service: ImportService, name: string, request: JobRequest): Promise<CreatedJob> {
  const existing = await service.find(name)
  if (existing === undefined) {
    const job = await service.put(name, request)
    // Another computer may have made one in between: what counts is what the service has now.
    await refuseDifferent(service, job, request)
    return { job, isNew: true }
  }
  await refuseDifferent(service, existing, request)
  return { job: existing, isNew: false }
}

async function refuseDifferent(service: ImportService, job: ImportJob, request: JobRequest): Promise<void> {
  let differences = jobDifferences(request, job)
  if (differences.length === 0) differences = jobDifferences(request, job, await keysIfAllowed(service, job.name))
  if (differences.length === 0) return
  const message = `${service.description} has a job ${job.name} that is another one: ${differences[0]}.`
  throw new TransferError('JOB_DIFFERS', message, {
    hint: 'Give another --name, or delete that job when it is yours.',
    problems: differences.map((difference) => ({ message: difference })),
  })
}

// Who may make jobs need not be allowed to list keys; then they are not compared.
async function keysIfAllowed(service: ImportService, name: string): Promise<Map<string, string> | undefined> {
  try {
    return await service.listBitLockerKeys(name)
  } catch (error) {
    if (error instanceof TransferError && error.code === 'SERVICE_SIGN_IN') return undefined
    throw error
  }
}

/** @throws TransferError JOB_NOT_FOUND */
export async function getJob(service: ImportService, name: string): Promise<ImportJob> {
  const job = await service.find(name)
  if (job !== undefined) return job
  throw jobMissing(service, name)
}

export function jobMissing(service: Pick<ImportService, 'description'>, name: string): TransferError {
  return new TransferError('JOB_NOT_FOUND', `${service.description} has no job ${JSON.stringify(name)}.`, {
    hint: 'It was never made, was deleted, or expired: without a tracking number a job is deleted after two weeks.',
  })
}
