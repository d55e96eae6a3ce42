// diskferry prepare --staging: the drives of a staged job, without the questions of diskprep and without ordering the job.

import { StagedJobFolder, TransferError } from '../../index.js'
import { whileLocked } from '../signals.js'
import type { Terminal } from '../terminal.js'
import { chooseJob } from './choose-job.js'
import { prepareStaged } from './prepare-staged.js'
import { rememberStaging } from './remembered-staging.js'

export interface PrepareJobWords {
  staging: string
  job?: string
  drive?: string[]
  yes: boolean
  dryRun: boolean
  from?: unknown
  to?: unknown
  dataset?: unknown
  driveset?: unknown
  journal?: unknown
  replace?: unknown
  abort?: boolean
}

/** @throws TypeError for words that the job says itself; TransferError as prepareSession, STAGING_…, VAULT_… */
export async function prepareStagedJob(words: PrepareJobWords, terminal: Terminal): Promise<void> {
  for (const name of ['from', 'to', 'dataset', 'driveset', 'journal', 'replace'] as const) {
    if (words[name] !== undefined) throw new TypeError(`expected --staging without --${name}: the job says that itself`)
  }
  if (words.abort) throw new TypeError('expected --abort with --journal <job folder>/journal/job.jrn')
  const wanted = { isOrdered: false, ...(words.job === undefined ? {} : { name: words.job }) }
  const chosen = await chooseJob(words.staging, wanted, terminal)
  const folder = await StagedJobFolder.open(chosen.folder)
  await whileLocked(folder, async (signal) => {
    await rememberStaging(words.staging)
    refuseUnfit(folder)
    const { yes, dryRun, drive } = words
    const options = { yes, dryRun, ...(drive === undefined ? {} : { drive }) }
    await prepareStaged({ folder, options, terminal, signal })
  })
}

function refuseUnfit({ state, folder, job }: StagedJobFolder): void {
  if (state === undefined) {
    throw new TransferError('STAGING_NOT_FOUND', `${folder} has no job yet, so it is not known where it goes.`, {
      hint: 'Say it with diskferry stage init, or let diskprep ask.',
    })
  }
  if (state.state === 'ordered' || state.state === 'shipped') {
    throw new TransferError('STAGED_JOB_DIFFERS', `Job ${job} was ${state.state} with its drives already.`, {
      hint: 'See diskferry diskprep u: for where it stands.',
    })
  }
}
