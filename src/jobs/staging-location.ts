// A staging location: a folder with one folder for each import job, on a disk or a network share.

import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TransferError } from '../errors.js'
import { containerNameProblem } from '../formats/destination.js'
import { isSubscriptionId, parseJobFolderName, type StagedJob } from '../formats/staged-job.js'
import { checkJobName } from '../plan/job-rules.js'
import { type JobChange, readStagedJob, StagedJobFolder } from './staged-job-folder.js'
import { findStagedData, type StagedData } from './staging-data.js'
import { factsOf, syncSharedFolder, writeNewFile } from './staging-files.js'
import { type LockOptions, readLockOwner } from './staging-lock.js'
import type { LockOwner } from './staging-lock-owner.js'

export interface StagedJobDraft extends Pick<JobChange, 'subscription' | 'resourceGroup' | 'cloud' | 'location'> {
  job: string
  account: string
  container: string
}

export interface MadeJob {
  folder: string
  state: StagedJob
  /** False when the very same job was there already. */
  isNew: boolean
}

const drafted = ['container', 'subscription', 'resourceGroup', 'cloud', 'location'] as const
const readme = `This folder is a staging location of diskferry. It has a folder <account>_<job> for each import job, with a README.txt that
says what is in it. diskferry stage list shows them; diskferry diskprep s:<this folder> prepares drives from them.
`

/**
 * Makes the folder of a job, and the staging location when there is none. The same once more changes nothing.
 * @throws TypeError for names that break a rule; TransferError STAGED_JOB_DIFFERS, STAGING_IN_USE, STAGING_INVALID.
 */
export async function initStagedJob(
  location: string,
  draft: StagedJobDraft,
  options: LockOptions = {},
): Promise<MadeJob> {
  const first = readStagedDraft(draft)
  const root = resolve(location)
  await mkdir(root, { recursive: true })
  const folder = join(root, `${draft.account}_${draft.job}`)
  await writeNewFile(join(root, 'README.txt'), readme).catch(ignoreExisting)
  await mkdir(folder).catch(ignoreExisting)
  await syncSharedFolder(root)
  const opened = await StagedJobFolder.open(folder, options)
  try {
    if (opened.state === undefined) {
      await mkdir(join(folder, 'files')).catch(ignoreExisting)
      return { folder, state: await opened.create(first), isNew: true }
    }
    refuseDifferent(opened.state, draft)
    return { folder, state: opened.state, isNew: false }
  } finally {
    await opened.close()
  }
}

/** The draft as it may be stored. @throws TypeError for names that break a rule. */
export function readStagedDraft(draft: StagedJobDraft): Omit<StagedJobDraft, 'account' | 'job'> {
  checkDraft(draft)
  const { account: _account, job: _job, ...first } = draft
  return first
}

function checkDraft({ job, account, container, subscription }: StagedJobDraft): void {
  const [problem] = checkJobName(job)
  if (problem !== undefined) throw new TypeError(`expected a job name but received: ${problem.message}`)
  if (!/^[a-z0-9]{3,24}$/.test(account)) {
    throw new TypeError(
      `expected 3 to 24 lower-case letters and digits for the account but received ${JSON.stringify(account)}`,
    )
  }
  const wrong = containerNameProblem(container)
  if (wrong !== undefined)
    throw new TypeError(`expected a container but received ${JSON.stringify(container)}: ${wrong}`)
  if (subscription !== undefined && !isSubscriptionId(subscription)) {
    throw new TypeError(
      `expected a GUID in lower case for the subscription but received ${JSON.stringify(subscription)}`,
    )
  }
}

/** What the draft leaves open is not compared. @throws TransferError STAGED_JOB_DIFFERS */
export function refuseDifferent(state: StagedJob, draft: Partial<StagedJobDraft>): void {
  const differences = drafted.flatMap((name) => {
    const [asked, found] = [draft[name], state[name]]
    return asked === undefined || found === undefined || asked === found
      ? []
      : [`${name} is ${found}, asked for is ${asked}`]
  })
  if (differences.length === 0) return
  const message = `Job ${state.job} of account ${state.account} is staged already, and ${differences[0]}.`
  throw new TransferError('STAGED_JOB_DIFFERS', message, {
    hint: 'Leave that out to go on with the job as it is, or give another job name.',
    problems: differences.map((difference) => ({ message: difference })),
  })
}

export interface ListedJob {
  /** `<account>_<job>` */
  name: string
  folder: string
  /** Undefined for one that a backup made and nobody has worked on, and for a damaged one. */
  state?: StagedJob
  /** There is no job.json, and what lies there is not a backup's alone: somebody worked on this job. */
  lostState?: true
  data?: StagedData
  owner?: LockOwner
  /** Why it cannot be worked on. */
  problem?: TransferError
}

/** Every job of a staging location, by name; damaged ones with what is wrong. @throws TransferError STAGING_NOT_FOUND */
export async function listStagedJobs(location: string, options: LockOptions = {}): Promise<ListedJob[]> {
  const root = resolve(location)
  const entries = await readdir(root).catch((cause: Error) => {
    throw new TransferError('STAGING_NOT_FOUND', `The staging location ${root} cannot be read: ${cause.message}.`, {
      cause,
      hint: 'Is the share mounted? A new one is made with diskferry stage init.',
      path: root,
    })
  })
  const jobs: ListedJob[] = []
  for (const name of entries.sort()) {
    if (/^[a-z0-9]{3,24}_/.test(name)) jobs.push(await lookAt(join(root, name), name, options))
  }
  return jobs
}

async function lookAt(folder: string, name: string, options: LockOptions): Promise<ListedJob> {
  try {
    if (parseJobFolderName(name) === undefined) {
      const problem = checkJobName(name.slice(name.indexOf('_') + 1))[0]
      throw new TransferError('STAGING_INVALID', `This folder is of no job. ${problem?.message ?? ''}`, {
        path: folder,
      })
    }
    if ((await factsOf(folder))?.isDirectory() !== true) {
      throw new TransferError('STAGING_INVALID', 'This is a link or no folder; it is not followed.', { path: folder })
    }
    const state = await readStagedJob(folder)
    const data = await findStagedData(folder, state?.container ?? '')
    const owner = await readLockOwner(folder, options)
    const lost = state === undefined && (await wasWorkedOn(folder)) && { lostState: true as const }
    return { name, folder, data, ...(state && { state }), ...lost, ...(owner?.isAlive && { owner }) }
  } catch (error) {
    if (error instanceof TransferError) return { name, folder, problem: error }
    const message = `${folder} cannot be read: ${(error as Error).message}.`
    return { name, folder, problem: new TransferError('STAGING_INVALID', message, { cause: error, path: folder }) }
  }
}

async function wasWorkedOn(folder: string): Promise<boolean> {
  for (const name of ['history.txt', 'journal', 'vault']) {
    if ((await factsOf(join(folder, name))) !== undefined) return true
  }
  return false
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
