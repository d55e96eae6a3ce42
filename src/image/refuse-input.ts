// Nothing is written over what is read: not under its own name, and not through a link, another path, or the name that a file has
// while it is not finished.

import { stat } from 'node:fs/promises'
import { TransferError } from '../errors.js'

/**
 * @param input what is read; @param outputs what is written, made or removed meanwhile, whether it is there or not.
 * @throws TransferError DRIVE_UNFIT
 */
export async function refuseInput(input: string, outputs: readonly string[]): Promise<void> {
  const read = await identity(input)
  if (read === undefined) return
  for (const path of outputs) {
    if ((await identity(path)) !== read) continue
    const message = `${path} would be written over while it is read${path === input ? '' : ` as ${input}`}.`
    throw new TransferError('DRIVE_UNFIT', message, { path, hint: 'Give another name to what is to be written.' })
  }
}

/** The same for all names of one file. */
async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found?.isFile() ? `${found.dev}:${found.ino}` : undefined
}
