// Which job of a staging location is worked on: the only one, the one that is named, or the one that is picked.

import { describeStagedJobs, type ListedJob, listStagedJobs, printable, shellWord, TransferError } from '../../index.js'
import type { Terminal } from '../terminal.js'

export interface JobWanted {
  /** Name of the job, or `<account>_<job>`. */
  name?: string
  /** Only jobs that were ordered: they wait for shipping details, or were shipped. */
  isOrdered: boolean
}

/** @throws TransferError STAGING_NOT_FOUND, STAGING_INVALID, CONFIRMATION_MISSING */
export async function chooseJob(location: string, wanted: JobWanted, terminal: Terminal): Promise<ListedJob> {
  const jobs = await listStagedJobs(location)
  const { name, isOrdered } = wanted
  if (name !== undefined) return named(jobs, location, name)
  const damaged = jobs.filter(({ problem }) => problem !== undefined)
  for (const job of damaged) terminal.warn(printable(`${job.name} is damaged and left alone: ${job.problem?.message}`))
  const usable = jobs.filter((job) => job.problem === undefined && (!isOrdered || wasOrdered(job)))
  const waiting = usable.filter(({ state }) => state?.state === 'ordered')
  const [only, ...others] = isOrdered && waiting.length > 0 ? waiting : usable
  if (only === undefined) {
    const what = isOrdered ? 'no job that was ordered' : 'no job'
    throw new TransferError('STAGING_NOT_FOUND', `The staging location ${location} has ${what}.`, {
      hint: isOrdered
        ? `First: diskferry diskprep ${shellWord(`s:${location}`)}`
        : `Make one: diskferry stage init ${shellWord(location)} --job …`,
      path: location,
    })
  }
  if (others.length === 0) return only
  terminal.print(describeStagedJobs(usable))
  const choices = usable.map(({ name, owner }) => {
    return { value: name, label: name, ...(owner === undefined ? {} : { hint: `in use by ${owner.host}` }) }
  })
  return named(usable, location, await terminal.choose('Which import job?', choices, { flag: '--job' }))
}

function wasOrdered({ state }: ListedJob): boolean {
  return state?.state === 'ordered' || state?.state === 'shipped'
}

function named(jobs: readonly ListedJob[], location: string, name: string): ListedJob {
  const found = jobs.filter((job) => job.name === name || job.name.endsWith(`_${name}`))
  const [job, other] = found
  if (job !== undefined && other === undefined) {
    if (job.problem !== undefined) throw job.problem
    return job
  }
  const names = jobs.map((one) => printable(one.name)).join(', ') || 'none'
  const what = other === undefined ? `no job ${JSON.stringify(name)}` : `several jobs ${name}`
  throw new TransferError('STAGING_NOT_FOUND', `The staging location ${location} has ${what}. It has: ${names}.`, {
    hint: 'Give --job ACCOUNT_JOB.',
    path: location,
  })
}
