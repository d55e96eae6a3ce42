// The password of a vault: without it nobody reads the backups again, so one that is made here is stored before it is used.

import { randomInt } from 'node:crypto'
import { open } from 'node:fs/promises'
import { TransferError } from '../errors.js'

// Without letters and digits that look like others, since it may have to be typed from paper.
const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
const groups = 8
const groupLength = 5

/** 200 bits, in groups that can be read aloud. */
export function makePassword(): string {
  const group = () => Array.from({ length: groupLength }, () => alphabet[randomInt(alphabet.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}

/** Stores it in a new file that only its owner reads. @throws TransferError FILE_EXISTS; the system's error. */
export async function storePassword(path: string, password: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause
    throw new TransferError('FILE_EXISTS', `${path} is there already; no password was made.`, { cause, path })
  })
  try {
    await file.writeFile(`${password}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}
