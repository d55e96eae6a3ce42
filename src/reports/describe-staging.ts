// Staged jobs in words: the list of a staging location, the summary that lies beside a job's state, the line for whoever finds
// the folder. No keys: the state has none.

import { addressLines } from '../formats/shipping.js'
import type { StagedJob } from '../formats/staged-job.js'
import { formatBytes, table } from './format-bytes.js'
import { counted, printable } from './printable.js'

export interface ListedJobFacts {
  name: string
  state?: StagedJob
  lostState?: boolean
  data?: { names: readonly string[]; bytes: number; hasFilesFolder: boolean }
  owner?: { host: string; pid: number; since: string }
  problem?: { message: string }
}

const stateWords: Readonly<Record<string, string>> = {
  staged: 'staged, no drive prepared yet',
  preparing: 'its drives are being prepared',
  prepared: 'drives prepared, not ordered yet',
  ordered: 'ordered, waits for shipping details',
  shipped: 'shipped',
}

export function describeStagedJobs(jobs: readonly ListedJobFacts[]): string {
  if (jobs.length === 0) return 'There is no job here. Make one with diskferry stage init.'
  const rows = jobs.map(({ name, state, lostState, data, owner, problem }) => {
    const words = problem === undefined ? listedWords(state, lostState) : 'DAMAGED'
    const drives = state === undefined ? '' : String(state.drives.length)
    return [
      printable(name),
      state?.container ?? '',
      words,
      drives,
      dataWords(data),
      owner === undefined ? '' : `${owner.host} (${owner.pid})`,
    ]
  })
  const lines = [table(['JOB', 'CONTAINER', 'STATE', 'DRIVES', 'DATA', 'IN USE BY'], rows)]
  for (const { name, problem } of jobs)
    if (problem !== undefined) lines.push(`${printable(name)}: ${printable(problem.message)}`)
  return lines.join('\n')
}

function listedWords(state: StagedJob | undefined, lostState = false): string {
  if (state !== undefined) return wordsOf(state)
  return lostState ? 'job.json is gone: diskprep makes it anew' : 'left by a backup, nobody worked on it yet'
}

function wordsOf({ state }: StagedJob): string {
  return stateWords[state] ?? state
}

function dataWords(data: ListedJobFacts['data']): string {
  if (data === undefined) return ''
  const parts = [
    data.names.length === 0 ? '' : `${counted(data.names.length, 'file')}, ${formatBytes(data.bytes)}`,
    data.hasFilesFolder ? 'files/' : '',
  ]
  return parts.filter((part) => part !== '').join(' and ') || 'none'
}

/** For `--json`. */
export function listedJobToJson(listed: ListedJobFacts): Record<string, unknown> {
  const { name, state, lostState, data, owner, problem } = listed
  return {
    name,
    ...(state === undefined ? {} : { job: state }),
    ...(lostState ? { lostState } : {}),
    ...(data === undefined
      ? {}
      : { data: { files: data.names.length, bytes: data.bytes, hasFilesFolder: data.hasFilesFolder } }),
    ...(owner === undefined ? {} : { owner: { host: owner.host, pid: owner.pid, since: owner.since } }),
    ...(problem === undefined ? {} : { problem: problem.message }),
  }
}

/** The summary file: everything about the job that is no secret. Ends with a line end. */
export function describeStagedJob(job: StagedJob): string {
  const { shipTo = [], carriers = [] } = job.order ?? {}
  const fact = (name: string, value: string | undefined) =>
    value === undefined || value === '' ? [] : [`  ${name.padEnd(17)}${value}`]
  const lines = [
    `Import job ${job.job}`,
    ...fact('State', wordsOf(job)),
    ...fact('Storage account', job.account),
    ...fact('Container', job.container),
    ...fact('Subscription', job.subscription),
    ...fact('Resource group', job.resourceGroup),
    ...fact('Cloud', job.cloud),
    ...fact('Location', job.location),
    ...fact('Job service', job.order?.service),
    ...fact('Job state', job.order && `${job.order.state}, as of ${minute(job.order.seenAt)}`),
    ...fact('Last change', `${minute(job.changedAt)} (revision ${job.revision})`),
    ...section('Drives', driveLines(job)),
    ...section('Ship to', shipTo),
    ...section('Carriers', carriers.length === 0 ? [] : [carriers.join(', ')]),
    ...shippingLines(job),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function driveLines({ drives }: StagedJob): string[] {
  const rows = drives.map(({ driveId, outcome, host, sizeBytes, files, bytes, manifestHash = '' }) => {
    const content = files === undefined ? '' : `${counted(files, 'file')}, ${formatBytes(bytes ?? 0)}`
    return [driveId, formatBytes(sizeBytes), outcome, content, manifestHash, host]
  })
  return rows.length === 0 ? [] : table(['SERIAL', 'SIZE', 'STATE', 'CONTENT', 'MANIFEST MD5', 'ON'], rows).split('\n')
}

/** What was given for the parcel and its way back. */
export function shippingLines({ shipping }: Pick<StagedJob, 'shipping'>): string[] {
  if (shipping === undefined) return []
  const { deliveryPackage: sent, returnAddress, returnShipping, committedAt } = shipping
  const parcel = [sent?.carrierName, sent?.trackingNumber, sent?.shipDate?.slice(0, 10)].filter(isGiven)
  const contact = [returnAddress?.phone, returnAddress?.email].filter(isGiven)
  const back = [returnShipping?.carrierName, returnShipping?.carrierAccountNumber].filter(isGiven)
  const status = committedAt === undefined ? 'not committed' : `committed ${minute(committedAt)}`
  return [
    ...section(`Parcel (${status})`, parcel.length === 0 ? [] : [parcel.join(', ')]),
    ...section('Goes back to', [...addressLines(returnAddress ?? {}), ...contact]),
    ...section('With', back.length === 0 ? [] : [back.join(', account ')]),
  ]
}

function isGiven(part: string | undefined): part is string {
  return part !== undefined && part !== ''
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]
}

function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}

export function stagedFolderReadme(account: string, job: string): string {
  return `This folder belongs to the import job ${job} of storage account ${account}, in a staging location of diskferry.

  ${account}_${job}.txt   the summary, for people
  job.json      the state, for programs; leave it to them
  history.txt   what was done, when and by which computer
  journal/      the journal with the keys of the drives; keep it until the data has arrived
  files/        what is to travel beside the files of a backup (_AIBBlob, _BaseBlob)
  lock          who works on it now
`
}
