// Nothing is written over what is read: not under its own name, and not through a link, another path, or the name that a file has
// while it is not finished.

import { stat } from 'node:fs/promises'
import { TransferError } from '../errors.js'

/**
 * @param input what is read; @param outputs what is written, made or removed meanwhile, whether it is there or not.
 * @throws TransferError DRIVE_UNFIT
 */
export async function refuseInput(input: string, outputs: readonly string[]): Promise<void> {
  for (const path of outputs) {
    if (!(await isSameFile(input, path))) continue
    const message = `${path} would be written over while it is read${path === input ? '' : ` as ${input}`}.`
    throw new TransferError('DRIVE_UNFIT', message, { path, hint: 'Give another name to what is to be written.' })
  }
}

/** Of regular files that are there: all names of one are the same. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const found = await identity(one)
  return found !== undefined && found === (await identity(other))
}

async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found?.isFile() ? `${found.dev}:${found.ino}` : undefined
}
