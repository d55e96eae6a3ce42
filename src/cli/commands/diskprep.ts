// diskferry diskprep: the guided way from a staging location to a package on its way, with the words of
// AzureOfflineBackupDiskPrep. Every step is recorded; the same command again goes on where it was.

import { dirname } from 'node:path'
import type { CommandModule } from 'yargs'
import { type StagedJob, StagedJobFolder, shellWord } from '../../index.js'
import { chooseJob } from '../diskprep/choose-job.js'
import { openJobService } from '../diskprep/open-job-service.js'
import { openStagedState } from '../diskprep/open-staged-state.js'
import { type DiskprepOptions, type DiskprepWords, diskprepOptions, parseWords } from '../diskprep/options.js'
import { orderStaged } from '../diskprep/order-staged.js'
import { prepareStaged } from '../diskprep/prepare-staged.js'
import { readyToOrder } from '../diskprep/ready-to-order.js'
import { recallStaging, rememberStaging } from '../diskprep/remembered-staging.js'
import { type ShipStaged, shipStaged, updateShipping } from '../diskprep/ship-staged.js'
import type { GlobalOptions } from '../options.js'
import { whileLocked } from '../signals.js'
import { createTerminal, type Terminal } from '../terminal.js'

export const diskprepCommand: CommandModule<GlobalOptions, DiskprepOptions> = {
  command: 'diskprep [words..]',
  describe: 'Guided: fill drives from a staging location, order the job, ship (ERASES drives)',
  builder: (options) =>
    diskprepOptions(options)
      .example('$0 diskprep s:/srv/staging p:my.publishsettings', 'asks for everything it needs')
      .example('$0 diskprep u:', 'shipping details and state of the job that waits') as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const words = parseWords(options.words ?? [])
    const isGiven = words.staging !== undefined || words.updatesShipping
    if (!isGiven) throw new TypeError('expected s:STAGING, or u: for shipping details')
    const location = words.staging ?? (await recallStaging())
    const wanted = { isOrdered: words.updatesShipping, ...(options.job === undefined ? {} : { name: options.job }) }
    const chosen = await chooseJob(location, wanted, terminal)
    const folder = await StagedJobFolder.open(chosen.folder)
    await whileLocked(folder, async (signal) => {
      await rememberStaging(location)
      await runJob(folder, words, options, terminal, signal)
    })
  },
}

async function runJob(
  folder: StagedJobFolder,
  words: DiskprepWords,
  options: DiskprepOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  if (folder.lock.tookOverFrom !== undefined) {
    terminal.warn(`Took over this job from ${folder.lock.tookOverFrom}: it did not finish.`)
  }
  const state = await openStagedState(folder, words, options, terminal)
  terminal.print(`Import job ${state.job}, storage account ${state.account}, container ${state.container}`)
  const opened = await openJobService(options, state, terminal, signal)
  const work: ShipStaged = { folder, options, terminal, opened }
  const isOrdered = state.state === 'ordered' || state.state === 'shipped'
  if (words.updatesShipping || (isOrdered && !(await isGone(work, state)))) {
    await updateShipping(work)
    return
  }
  if (state.state === 'staged' || state.state === 'preparing') {
    await readyToOrder(work)
    await prepareStaged({ folder, options, terminal, signal })
  }
  const job = await orderStaged(work)
  if (await wantsShippingNow(work)) await shipStaged(work, job)
  else {
    const staging = shellWord(`s:${dirname(folder.folder)}`)
    terminal.print(`Give the shipping details within two weeks: diskferry diskprep u: ${staging}`)
  }
}

/** A job that was ordered here and never sent is deleted after two weeks; its drives are as good as before. */
async function isGone({ folder, terminal, opened }: ShipStaged, { state, order }: StagedJob): Promise<boolean> {
  if (state !== 'ordered' || order?.service !== opened.address) return false
  if ((await opened.service.find(folder.job)) !== undefined) return false
  terminal.warn(`${opened.service.description} has no job ${folder.job} any more; it is ordered again.`)
  return true
}

async function wantsShippingNow({ options, terminal }: ShipStaged): Promise<boolean> {
  if (options.later) return false
  if (options.carrier !== undefined || options.tracking !== undefined) return true
  if (!terminal.isInteractive) return false
  const choices = [
    { value: 'now', label: 'Now', hint: 'the package has a carrier and a tracking number' },
    { value: 'later', label: 'Later', hint: 'with diskferry diskprep u:' },
  ]
  return (await terminal.choose('Give the shipping details', choices, { flag: '--later' })) === 'now'
}
