// The state page: what needs somebody, what is on its way, what is being worked on, what ended. Pure; all text is escaped.

import { jobStateOrder } from '../../formats/import-job.js'
import { shippingReminder } from '../../plan/shipment-rules.js'
import { formatBytes } from '../../reports/format-bytes.js'
import { Html, html } from './html.js'
import {
  isEnded,
  type JobEvent,
  keyOf,
  percentOf,
  type StoredDrive,
  type StoredJob,
  toImportJob,
} from './stored-job.js'

export interface PageState {
  jobs: readonly StoredJob[]
  notices: readonly JobEvent[]
  now: Date
}

const steps = [
  ['Creating', 'Ordered'],
  ['Shipping', 'On the way'],
  ['Received', 'Received'],
  ['Transferring', 'Importing'],
  ['Packaging', 'Packing'],
  ['Completed', 'Sent back'],
] as const

const stateWords: Readonly<Record<string, string>> = {
  ...Object.fromEntries(steps),
  Creating: 'Waits for its package',
  Completed: 'Completed',
  Closed: 'Closed with problems',
  Faulted: 'Stopped',
}

const driveWords: Readonly<Record<string, string>> = {
  Specified: 'Not here yet',
  NeverReceived: 'Never arrived',
  Transferring: 'Importing',
  Completed: 'Imported',
  CompletedMoreInfo: 'Imported with problems',
  ShippedBack: 'Sent back',
}

/** The inside of `<main>`. What is furthest comes first, then what changed last. */
export function statePage(state: PageState): Html {
  const { jobs } = state
  const order = (job: StoredJob) => jobStateOrder(job.state === 'Faulted' ? 'Packaging' : job.state)
  const sorted = [...jobs].sort(
    (one, other) => order(other) - order(one) || (one.modifiedAt < other.modifiedAt ? 1 : -1),
  )
  const open = sorted.filter((job) => !isEnded(job))
  const ended = sorted.filter(isEnded)
  const attention = attentionList(state)
  return html`${figures(jobs)}
${attention.length > 0 && html`<h2>Needs attention</h2><ul class="attention">${attention}</ul>`}
<h2>Jobs</h2>
${open.length === 0 ? emptyState(jobs.length) : open.map((job) => jobCard(job))}
${ended.length > 0 && html`<h2>Ended</h2><div class="ended">${ended.map((job) => endedJob(job))}</div>`}
${state.notices.length > 0 && html`<h2>Removed</h2>${eventList(state.notices)}`}`
}

function endedJob(job: StoredJob): Html {
  const tone = job.state === 'Completed' ? 'good' : 'bad'
  return html`<details id="${`ended-${keyOf(job)}`}"><summary><b>${job.name}</b>
<span class="state ${tone}">${stateWords[job.state] ?? job.state}</span><time>${shortTime(job.finishedAt ?? job.modifiedAt)}</time></summary>
${jobCard(job)}</details>`
}

function figures(jobs: readonly StoredJob[]): Html {
  const count = (...states: string[]) => jobs.filter((job) => states.includes(job.state)).length
  const entries: [string, number][] = [
    ['Waiting for a package', count('Creating')],
    ['On the way', count('Shipping')],
    ['In the station', count('Received', 'Transferring', 'Packaging', 'Faulted')],
    ['Ended', count('Completed', 'Closed')],
  ]
  const cells = entries.map(
    ([name, value]) => html`<div class="${value === 0 ? 'none' : ''}"><dt>${name}</dt><dd>${value}</dd></div>`,
  )
  return html`<dl class="figures">${cells}</dl>`
}

function emptyState(endedCount: number): Html {
  const text = endedCount === 0 ? 'No job has been ordered yet.' : 'Nothing is open.'
  return html`<div class="empty"><p><b>${text}</b></p><p>Make one with <code>diskferry job create --service …</code></p></div>`
}

function attentionList({ jobs, now }: PageState): Html[] {
  const open = jobs.filter((job) => !isEnded(job))
  return open
    .flatMap((job) => problemsOf(job, now).map(([text, isBad]) => ({ name: job.name, text, isBad })))
    .sort((one, other) => Number(other.isBad) - Number(one.isBad))
    .map(({ name, text, isBad }) => html`<li class="${isBad ? '' : 'warn'}"><b>${name}</b><span>${text}</span></li>`)
}

function problemsOf(job: StoredJob, now: Date): [text: string, isBad: boolean][] {
  const problems: [string, boolean][] = []
  if (job.state === 'Faulted')
    problems.push([job.history.at(-1)?.text.replace(/^Faulted/, 'Stopped') ?? 'Stopped', true])
  const reminder = shippingReminder(toImportJob(job), now)
  if (reminder !== undefined && reminder.urgency !== 'ok')
    problems.push([reminder.message, reminder.urgency === 'late'])
  for (const { driveId, state } of job.drives) {
    if (state === 'NeverReceived') problems.push([`Drive ${driveId} never arrived.`, true])
    if (state === 'CompletedMoreInfo')
      problems.push([`Drive ${driveId} was imported with problems; see its logs.`, true])
  }
  if (job.cancelRequested) problems.push(['Cancelled: its drives go back as they are.', false])
  return problems
}

function jobCard(job: StoredJob): Html {
  const tone = job.state === 'Completed' ? 'good' : job.state === 'Closed' || job.state === 'Faulted' ? 'bad' : ''
  const isMoving = ['Transferring', 'Packaging'].includes(job.state)
  return html`<article class="job">
<div class="head"><h3>${job.name}</h3><span class="state ${tone}">${stateWords[job.state] ?? job.state}</span>
${isMoving && html`<span class="percent">${percentOf(job)} %</span>`}</div>
${stepTrack(job)}
<dl class="facts">${factsOf(job).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${hasArrived(job) && driveTable(job.drives)}
<details id="${`history-${keyOf(job)}`}"><summary>History</summary>${eventList(job.history)}</details>
</article>`
}

function hasArrived(job: StoredJob): boolean {
  return job.drives.some(({ state }) => state !== 'Specified')
}

function driveTable(drives: readonly StoredDrive[]): Html {
  return html`<div class="wide"><table><thead><tr><th>Drive</th><th>State</th><th>Progress</th><th class="number">Imported</th><th>Logs</th></tr></thead>
<tbody>${drives.map((drive) => driveRow(drive))}</tbody></table></div>`
}

function stepTrack(job: StoredJob): Html {
  const place = job.state === 'Faulted' ? (job.stateBeforeFault ?? 'Received') : job.state
  const at = Math.min(jobStateOrder(place), steps.length - 1)
  const items = steps.map(([, word], index) => {
    const tone = index < at || isEnded(job) ? 'done' : index === at ? 'now' : ''
    return html`<li class="${tone}"${index === at && new Html(' aria-current="step"')}>${word}</li>`
  })
  return html`<ol class="steps ${job.state === 'Faulted' ? 'bad' : ''}">${items}</ol>`
}

function factsOf(job: StoredJob): [name: string, value: Html][] {
  const account = job.storageAccountId.split('/').at(-1) ?? ''
  const facts: [string, Html][] = [
    ['Into', html`${account}`],
    ['At', html`${job.location}`],
    ['Ordered', html`${shortTime(job.createdAt)}`],
  ]
  const { deliveryPackage: sent, returnPackage: back, returnAddress } = job
  if (sent !== undefined)
    facts.push(['Package', html`${sent.carrierName ?? ''} <code>${sent.trackingNumber ?? ''}</code>`])
  if (!hasArrived(job)) {
    const ids = job.drives.map(({ driveId }, index) => html`${index > 0 && ', '}<code>${driveId}</code>`)
    facts.push([job.drives.length === 1 ? 'Drive' : 'Drives', html`${ids}`])
  }
  if (returnAddress !== undefined) {
    facts.push(['Goes back to', html`${returnAddress.recipientName ?? ''}, ${returnAddress.city ?? ''}`])
  }
  if (back !== undefined)
    facts.push(['Return package', html`${back.carrierName ?? ''} <code>${back.trackingNumber ?? ''}</code>`])
  return facts
}

function driveRow(drive: StoredDrive): Html {
  const { driveId, state, percentComplete, bytesSucceeded } = drive
  const isBad = drive.hadProblems || state === 'NeverReceived'
  const hasProgress = !['Specified', 'Received', 'NeverReceived'].includes(state)
  const links: [string, string | undefined][] = [
    ['Copy log', drive.verboseLogUri],
    ['Errors', drive.errorLogUri],
    ['Manifest', drive.manifestUri],
  ]
  const shown = links.flatMap(([word, address]) =>
    isWebAddress(address) ? [html`<a href="${address}" rel="noreferrer noopener">${word}</a>`] : [],
  )
  return html`<tr><td><code>${driveId}</code></td><td class="${isBad ? 'bad' : ''}">${driveWords[state] ?? state}</td>
<td>${hasProgress ? html`<progress max="100" value="${percentComplete}">${percentComplete} %</progress>` : html`<span class="soft">–</span>`}</td>
<td class="number">${hasProgress ? formatBytes(bytesSucceeded) : html`<span class="soft">–</span>`}</td>
<td>${shown.length > 0 ? shown : html`<span class="soft">–</span>`}</td></tr>`
}

function isWebAddress(address: string | undefined): address is string {
  return address !== undefined && /^https?:\/\//.test(address)
}

function eventList(events: readonly JobEvent[]): Html {
  const items = events
    .toReversed()
    .map(
      ({ at, text, isProblem }) =>
        html`<li><time datetime="${at}">${shortTime(at)}</time><span class="${isProblem ? 'bad' : ''}">${text}</span></li>`,
    )
  return html`<ul class="events">${items}</ul>`
}

/** `2026-11-22 01:02 UTC` */
function shortTime(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`
}
