// A repository as a whole: made, recognised, freed of what interrupted runs left, checked.

import { TransferError } from '../errors.js'
import type { Restic } from './run-restic.js'

/** Format 2 is the one with compression. */
export async function initRepository(restic: Restic): Promise<void> {
  await restic.run(['init', '--repository-version', '2'])
}

/** The repository's own id, 64 hex digits. @throws TransferError KEY_WRONG, VAULT_NOT_FOUND */
export async function repositoryId(restic: Restic): Promise<string> {
  let text = ''
  await restic.run(['cat', 'config'], {
    line: (line) => (text += line),
    message: (line) => (text += JSON.stringify(line)),
  })
  const id = /"id": ?"([0-9a-f]{64})"/.exec(text)?.[1]
  if (id === undefined) throw new TransferError('TOOL_FAILED', 'restic did not say the id of the repository.')
  return id
}

/** Removes locks of processes that are gone, and no others. */
export async function unlockStale(restic: Restic): Promise<void> {
  await restic.run(['unlock'])
}

/** Finds packs that an interrupted run wrote and did not list, so that their content is not written again. */
export async function indexPacks(restic: Restic): Promise<void> {
  await restic.run(['rebuild-index'])
}

export interface CheckOptions {
  /** All data is read and its hashes are compared, or a part such as `5%`. */
  readData?: boolean | string
  onLine?: (line: string) => void
}

/** @throws TransferError VAULT_DAMAGED with what was found in `problems`. */
export async function checkRepository(restic: Restic, options: CheckOptions = {}): Promise<void> {
  const { readData = false, onLine } = options
  const words = ['check']
  if (readData === true) words.push('--read-data')
  else if (typeof readData === 'string') words.push(`--read-data-subset=${readData}`)
  const problems: string[] = []
  const line = (text: string) => {
    onLine?.(text)
    if (/error|not match|missing|failed|does not exist/i.test(text) && !/^no errors|^Fatal:/.test(text))
      problems.push(text)
  }
  try {
    await restic.run(words, { line })
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'VAULT_DAMAGED') throw error
    const found = problems.slice(0, 100).map((message) => ({ message }))
    throw new TransferError('VAULT_DAMAGED', error.message, { hint: error.hint ?? '', cause: error, problems: found })
  }
}
