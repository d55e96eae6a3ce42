// Shipping details and state of an ordered job: asked, shown for review, committed when `yes` is typed, stored in the staging
// location, and sent to the service.

import { dirname } from 'node:path'
import {
  getJob,
  type ImportJob,
  type StagedJob,
  type StagedJobFolder,
  type StagedShipping,
  shellWord,
  shipJob,
  shippingLines,
  TransferError,
} from '../../index.js'
import { showJob } from '../show-job.js'
import type { Terminal } from '../terminal.js'
import type { OpenedJobService } from './open-job-service.js'
import type { DiskprepOptions } from './options.js'
import { orderOf, placeOf } from './order-staged.js'
import { readShipping, type ShippingAnswers } from './shipping-answers.js'

export interface ShipStaged {
  folder: StagedJobFolder
  options: DiskprepOptions
  terminal: Terminal
  opened: OpenedJobService
}

/** Asks for shipping details when the job waits for them or options give some; shows the state in any case. */
export async function updateShipping(work: ShipStaged): Promise<void> {
  const { folder, options, terminal, opened } = work
  const job = await getJob(opened.service, folder.job).catch((error: unknown) => {
    if (!(error instanceof TransferError) || error.code !== 'JOB_NOT_FOUND') throw error
    const hint = `It was deleted, or expired: without a tracking number that is after two weeks. Order it again: diskferry diskprep ${shellWord(`s:${dirname(folder.folder)}`)}`
    throw new TransferError(error.code, error.message, { cause: error, hint })
  })
  const isGiven = options.carrier !== undefined || options.tracking !== undefined
  const isAsked = terminal.isInteractive && !options.later
  if (isGiven || (isAsked && (job.state === 'Creating' || (await wantsChange(job, terminal))))) {
    await shipStaged(work, job)
    return
  }
  await recordState(work, job)
  showJob(terminal, job)
}

async function wantsChange(job: ImportJob, terminal: Terminal): Promise<boolean> {
  if (job.state !== 'Shipping') return false
  const choices = [
    { value: 'show', label: 'Show the state of the job' },
    { value: 'change', label: 'Change the shipping details' },
  ]
  return (await terminal.choose('The package of this job was declared sent.', choices)) === 'change'
}

/** @throws TransferError JOB_RULES_BROKEN, CONFIRMATION_MISSING; SERVICE_… */
export async function shipStaged(work: ShipStaged, waiting: ImportJob): Promise<void> {
  const { folder, options, terminal, opened } = work
  const state = folder.state as StagedJob
  const place = await placeOf(opened.service, waiting.location)
  const carriers = place?.supportedCarriers ?? state.order?.carriers ?? []
  const isSent = waiting.state !== 'Creating'
  let before = knownShipping(folder.state?.shipping ?? {}, waiting)
  let answered = options
  for (;;) {
    const now = new Date()
    const today = now.toISOString().slice(0, 10)
    const answers = await readShipping({ options: answered, terminal, before, carriers, today })
    await review(work, answers, isSent)
    try {
      const { job, warnings } = await shipJob(opened.service, folder.job, { ...answers, now })
      for (const text of warnings) terminal.warn(`Note: ${text}`)
      await recordShipped(work, job, answers, orderOf(job, place, opened))
      return
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'JOB_RULES_BROKEN' || !terminal.isInteractive) throw error
      terminal.warn(`${error.message}\n${error.problems.map(({ message }) => `  ${message}`).join('\n')}`)
      terminal.print('Please correct it; what was typed stands there already.')
      answered = withoutAnswers(options)
      before = typedShipping(answers)
    }
  }
}

/**
 * What is offered again. Until the package is declared sent, details that the service has count where nothing was typed here;
 * then they are what holds, and what was typed and never committed is nothing.
 */
function knownShipping(typed: StagedShipping, job: ImportJob): StagedShipping {
  const isSent = job.state !== 'Creating'
  const here = isSent && typed.committedAt === undefined ? {} : typed
  const [less, more] = isSent ? [here, job] : [job, here]
  return {
    deliveryPackage: { ...less.deliveryPackage, ...more.deliveryPackage },
    returnAddress: { ...less.returnAddress, ...more.returnAddress },
    returnShipping: { ...less.returnShipping, ...more.returnShipping },
  }
}

function typedShipping({ package: deliveryPackage, returnAddress, returnShipping }: ShippingAnswers) {
  return { deliveryPackage, returnAddress, returnShipping }
}

// What an option said was refused: now it is asked, with that as the first answer.
function withoutAnswers(options: DiskprepOptions): DiskprepOptions {
  const kept = Object.entries(options).filter(([name]) => !/^(?:carrier|tracking|shipDate|return[A-Z]\w*)$/.test(name))
  return Object.fromEntries(kept) as unknown as DiskprepOptions
}

/**
 * Shows what was typed, and wants `yes`. It is stored first, so that nobody types it twice; but not in the place of details that
 * were committed before, which hold until others are.
 */
async function review(
  { folder, options, terminal }: ShipStaged,
  answers: ShippingAnswers,
  isSent: boolean,
): Promise<void> {
  const shipping = typedShipping(answers)
  if (!isSent) await folder.update({ shipping }, 'shipping details were typed')
  terminal.print(`\nReview${shippingLines({ shipping }).join('\n')}\n`)
  if (options.yes) return
  const typed = (await terminal.ask('Type yes to commit these shipping details', { flag: '--yes' })).trim()
  if (typed.toLowerCase() === 'yes') return
  throw new TransferError('CONFIRMATION_MISSING', `${JSON.stringify(typed)} is not yes; nothing was sent.`, {
    hint: isSent
      ? `What was committed before holds; it is in ${folder.summaryPath}.`
      : `What was typed is kept in ${folder.summaryPath}; run diskferry diskprep u: again.`,
  })
}

async function recordShipped(
  { folder, terminal }: ShipStaged,
  job: ImportJob,
  answers: ShippingAnswers,
  order: NonNullable<StagedJob['order']>,
): Promise<void> {
  const shipping = { ...typedShipping(answers), committedAt: new Date().toISOString() }
  const { carrierName, trackingNumber } = shipping.deliveryPackage
  await folder.update({ state: 'shipped', shipping, order }, `declared sent: ${carrierName} ${trackingNumber}`)
  terminal.print(`The shipping details are stored in ${folder.summaryPath}`)
  showJob(terminal, job, 'shipped')
  terminal.print(`Print the packing slip: diskferry job slip ${job.name} -o slip.pdf`)
}

async function recordState({ folder, opened }: ShipStaged, job: ImportJob): Promise<void> {
  const state = folder.state as StagedJob
  const order = { ...state.order, ...orderOf(job, undefined, opened) }
  const isSent = job.state !== 'Creating'
  const shipping = sentElsewhere(state.shipping ?? {}, job)
  // Looking is no change.
  if (shipping === undefined && state.order?.state === order.state && isSent === (state.state === 'shipped')) return
  const change = { state: isSent ? ('shipped' as const) : ('ordered' as const), order, ...(shipping && { shipping }) }
  await folder.update(change, `the service says ${job.state}`)
}

/** What was declared by another program, or by a run that ended before it could record it. Undefined when it is known here. */
function sentElsewhere(known: StagedShipping, job: ImportJob): StagedShipping | undefined {
  const { deliveryPackage: sent, state } = job
  if (state === 'Creating' || sent === undefined) return undefined
  const isSame = (['carrierName', 'trackingNumber'] as const).every(
    (name) => sent[name] === undefined || sent[name] === known.deliveryPackage?.[name],
  )
  if (isSame && known.committedAt !== undefined) return undefined
  return { ...knownShipping(known, job), committedAt: new Date().toISOString() }
}
