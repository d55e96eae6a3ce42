// The state of a job, complete enough to work on: what a backup left open is asked, what options add is stored, what they
// contradict is refused.

import { readStagedDraft, refuseDifferent, type StagedJob, type StagedJobFolder, TransferError } from '../../index.js'
import type { Terminal } from '../terminal.js'
import type { DiskprepOptions, DiskprepWords } from './options.js'
import { readSubscription } from './subscription.js'

/** @throws TransferError STAGED_JOB_DIFFERS, PUBLISH_SETTINGS_INVALID, STAGING_NOT_FOUND */
export async function openStagedState(
  folder: StagedJobFolder,
  words: DiskprepWords,
  options: DiskprepOptions,
  terminal: Terminal,
): Promise<StagedJob> {
  const before = folder.state
  const given = await readGiven(words, options, before, terminal)
  if (before === undefined) {
    if (words.updatesShipping) throw notOrdered(folder)
    const container =
      options.container ?? (await terminal.ask('Container that the files go to', { flag: '--container' }))
    return folder.create(
      readStagedDraft({ ...given, account: folder.account, job: folder.job, container: container.trim() }),
    )
  }
  refuseDifferent(before, fixedOf(before, given, options))
  if (words.updatesShipping && before.state !== 'ordered' && before.state !== 'shipped') throw notOrdered(folder)
  const isNew = Object.entries(given).some(([name, value]) => before[name as keyof typeof given] !== value)
  return isNew
    ? folder.update(
        given,
        `given: ${Object.entries(given)
          .map(([name, value]) => `${name} ${value}`)
          .join(', ')}`,
      )
    : before
}

/** Until the job is ordered, where it is ordered from and where the drives go can be said anew: it may have been mistyped. */
function fixedOf(before: StagedJob, given: Given, { container }: DiskprepOptions): Partial<StagedJob> {
  const { resourceGroup: _group, location: _location, ...open } = given
  const isOrdered = before.state === 'ordered' || before.state === 'shipped'
  return { ...(isOrdered ? given : open), ...(container === undefined ? {} : { container }) }
}

type Given = Partial<Pick<StagedJob, 'subscription' | 'resourceGroup' | 'cloud' | 'location'>>

async function readGiven(
  words: DiskprepWords,
  options: DiskprepOptions,
  state: StagedJob | undefined,
  terminal: Terminal,
): Promise<Given> {
  const path = words.publishSettings ?? options.publishSettings
  const subscription = options.subscription?.toLowerCase()
  const published = path === undefined ? {} : await readSubscription(path, subscription, state, terminal)
  return {
    ...published,
    ...(subscription === undefined ? {} : { subscription }),
    ...(options.resourceGroup === undefined ? {} : { resourceGroup: options.resourceGroup }),
    ...(options.location === undefined ? {} : { location: options.location }),
  }
}

function notOrdered(folder: StagedJobFolder): TransferError {
  return new TransferError('STAGING_NOT_FOUND', `Job ${folder.job} was not ordered yet: there is nothing to ship.`, {
    hint: 'Run diskferry diskprep s:STAGING first.',
    path: folder.folder,
  })
}
