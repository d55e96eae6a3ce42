// One run at a time writes an image. A capture holds it by its journal; who converts or repairs into the same name takes the same
// lock, so that nobody takes a file away from under another.

import { rm } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import { takeProcessLock } from '../journal/process-lock.js'
import { writeError } from './finish-image.js'
import { journalPath } from './image-names.js'

/** @throws TransferError DEVICE_IN_USE, DEVICE_NOT_FOUND without its folder, DEVICE_FULL, DEVICE_WRITE_FAILED */
export async function holdImage<T>(image: string, write: () => Promise<T>): Promise<T> {
  const lock = await takeProcessLock(`${journalPath(image)}.lock`, (processId) => inUse(image, processId)).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw writeError(image, cause)
      throw new TransferError('DEVICE_NOT_FOUND', `There is no folder for ${image}.`, { path: image, cause })
    },
  )
  try {
    return await write()
  } finally {
    await lock.release()
  }
}

/** An unfinished capture, whose file is about to be written over, cannot go on. */
export function forgetCapture(image: string): Promise<void> {
  return rm(journalPath(image), { force: true })
}

function inUse(image: string, processId: string | undefined): TransferError {
  const who = processId === undefined ? 'another process' : `process ${processId}`
  return new TransferError('DEVICE_IN_USE', `${image} is being written by ${who}.`, {
    path: image,
    hint: 'Wait for it, or stop it first.',
  })
}
