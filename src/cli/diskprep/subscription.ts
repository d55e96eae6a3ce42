// Which subscription and cloud: from a .publishsettings file, the job, or the options. The file's certificate is of no use here,
// and that is said along with what is.

import { readFile } from 'node:fs/promises'
import {
  certificateNote,
  parsePublishSettings,
  type StagedCloud,
  type StagedJob,
  stagedClouds,
  TransferError,
} from '../../index.js'
import type { Terminal } from '../terminal.js'

export interface Subscription {
  subscription: string
  cloud: StagedCloud
}

/** @param wanted id in lower case. @throws TransferError PUBLISH_SETTINGS_INVALID, STAGED_JOB_DIFFERS */
export async function readSubscription(
  path: string,
  wanted: string | undefined,
  state: StagedJob | undefined,
  terminal: Terminal,
): Promise<Subscription> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new TransferError('PUBLISH_SETTINGS_INVALID', `${path} cannot be read: ${cause.message}.`, { cause, path })
  })
  const { subscriptions } = parsePublishSettings(text, path)
  if (subscriptions.some(({ certificate }) => certificate !== 'absent')) terminal.warn(`Note: ${certificateNote}`)
  const asked = wanted ?? state?.subscription
  const fitting = subscriptions.filter(({ id }) => asked === undefined || id === asked)
  if (fitting.length === 0) {
    const names = subscriptions.map(({ id, name }) => `${id} (${name})`).join(', ')
    const message = `${path} has no subscription ${asked}, which the job is of. It has ${names}.`
    throw new TransferError('STAGED_JOB_DIFFERS', message, { hint: 'Give the file of that subscription.', path })
  }
  const choices = fitting.map(({ id, name }) => ({ value: id, label: name, hint: id }))
  const id =
    fitting.length === 1
      ? fitting[0]?.id
      : await terminal.choose('Which subscription?', choices, { flag: '--subscription' })
  const chosen = fitting.find((subscription) => subscription.id === id)
  const cloud = stagedClouds.find((name) => name === chosen?.cloud?.name)
  if (chosen === undefined || cloud === undefined) {
    const what = chosen?.cloud === undefined ? 'is of no known cloud' : 'is of a cloud that was closed'
    throw new TransferError('PUBLISH_SETTINGS_INVALID', `${path}: ${chosen?.managementUrl} ${what}.`, { path })
  }
  return { subscription: chosen.id, cloud }
}
