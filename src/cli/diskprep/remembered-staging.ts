// Which staging location was worked with last by this person on this computer, so that `diskprep u:` alone finds it.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { TransferError } from '../../index.js'

function rememberedPath(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'diskferry', 'staging')
}

/** Not being able to is no reason to stop. */
export async function rememberStaging(location: string): Promise<void> {
  const path = rememberedPath()
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    .then(() => writeFile(path, `${resolve(location)}\n`, { mode: 0o600 }))
    .catch(() => {})
}

/** @throws TransferError STAGING_NOT_FOUND */
export async function recallStaging(): Promise<string> {
  const text = await readFile(rememberedPath(), 'utf8').catch(() => '')
  const location = text.trim()
  if (location.startsWith('/') && !location.includes('\n')) return location
  throw new TransferError('STAGING_NOT_FOUND', 'No staging location was given, and none was used here before.', {
    hint: 'Give it: diskferry diskprep u: s:STAGING',
  })
}
