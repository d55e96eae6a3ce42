// Which vault a command is about: the job of the staging location that is named, or was used on this computer for that job last.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { listStagedJobs, readVaultState, TransferError } from '../../index.js'
import { chooseJob } from '../diskprep/choose-job.js'
import { recallStaging, rememberStaging } from '../diskprep/remembered-staging.js'
import type { Terminal } from '../terminal.js'
import type { VaultOptions } from './options.js'

/**
 * The folder `<staging>/<account>_<job>`.
 * @param remembers false for a timer: what it works on is not what somebody worked with last.
 * @throws TransferError STAGING_NOT_FOUND, CONFIRMATION_MISSING
 */
export async function findVault(
  { staging, job }: VaultOptions,
  terminal: Terminal,
  { remembers = true } = {},
): Promise<string> {
  const location = staging ?? (await recall(job))
  const name = job ?? (await onlyVault(location))
  const wanted = { isOrdered: false, ...(name === undefined ? {} : { name }) }
  const chosen = await chooseJob(location, wanted, terminal)
  if (staging !== undefined && remembers) {
    await rememberStaging(staging)
    await rememberVault(chosen.folder)
  }
  return chosen.folder
}

/** Of several jobs the one that has a vault. */
async function onlyVault(location: string): Promise<string | undefined> {
  const found: string[] = []
  for (const { name, folder, problem } of await listStagedJobs(location)) {
    const hasVault = problem === undefined && (await readVaultState(folder).catch(() => 'damaged')) !== undefined
    if (hasVault) found.push(name)
  }
  return found.length === 1 ? found[0] : undefined
}

/** Not being able to is no reason to stop. */
export async function rememberVault(jobFolder: string): Promise<void> {
  const [location, name] = [resolve(jobFolder, '..'), jobFolder.slice(jobFolder.lastIndexOf('_') + 1)]
  await mkdir(folder(), { recursive: true, mode: 0o700 })
    .then(() => writeFile(join(folder(), name), `${location}\n`, { mode: 0o600 }))
    .catch(() => {})
}

async function recall(job: string | undefined): Promise<string> {
  const name = job?.slice(job.lastIndexOf('_') + 1)
  const text = name === undefined || !/^[a-z0-9-]+$/.test(name) ? '' : await readText(join(folder(), name))
  if (text.startsWith('/') && !text.includes('\n')) return text
  return await recallStaging().catch((cause) => {
    throw new TransferError('STAGING_NOT_FOUND', 'No staging location was given, and none was used here before.', {
      hint: 'Give it: --staging DIR',
      cause,
    })
  })
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}

function folder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'diskferry', 'vaults')
}
