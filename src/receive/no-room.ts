// The disk beside the journal of an import is full: told in the same words wherever it is met.

import { TransferError } from '../errors.js'

export function isNoRoom(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOSPC'
}

export function noRoom(cause: NodeJS.ErrnoException): TransferError {
  return new TransferError('DEVICE_FULL', `No room for the journal and the logs of the import: ${cause.message}.`, {
    cause,
    hint: 'Make room there, then run the same command again: it goes on where it was.',
  })
}
