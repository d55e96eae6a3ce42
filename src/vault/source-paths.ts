// What is to be backed up: there and readable, before restic is asked, which passes over what is not there with a word only.

import { access, constants, stat } from 'node:fs/promises'
import { scanTree } from '../addon/tree-scan.js'
import { TransferError } from '../errors.js'
import type { VaultSource } from '../formats/vault-state.js'

/** @throws TransferError SOURCE_UNREADABLE with every path that cannot be read. */
export async function requireReadable({ paths, excludeFiles }: VaultSource): Promise<void> {
  const problems: { message: string }[] = []
  for (const path of [...paths, ...excludeFiles]) {
    await access(path, constants.R_OK).catch((error: Error) => problems.push({ message: `${path}: ${error.message}` }))
  }
  const [first] = problems
  if (first === undefined) return
  throw new TransferError('SOURCE_UNREADABLE', `Not everything to back up can be read: ${first.message}.`, {
    hint: 'Is everything mounted? A backup without it would look as if it had been deleted.',
    problems,
  })
}

/** Bytes of all files below the paths; more than a backup reads, since excluded ones are counted. */
export async function sourceBytes({ paths }: VaultSource): Promise<number> {
  let bytes = 0
  for (const path of paths) {
    const facts = await stat(path)
    if (!facts.isDirectory()) bytes += facts.size
    else for (const size of (await scanTree(path, { followSymlinks: false })).fileSizeBytes) bytes += size
  }
  return bytes
}
