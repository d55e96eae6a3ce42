// What the file system says to a folder store, as errors of ours.

import { TransferError } from '../errors.js'

const deniedCodes = new Set(['EACCES', 'EPERM', 'EROFS'])
const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Errors that are ours already, and mistakes of the caller, stay what they are. */
export function folderError(error: unknown, subject: string): unknown {
  if (error instanceof TransferError || error instanceof TypeError || error instanceof RangeError) return error
  const { code = 'unknown', message, errno, path } = error as NodeJS.ErrnoException
  const detail = {
    cause: error,
    ...(errno === undefined ? {} : { systemError: Math.abs(errno) }),
    ...(path === undefined ? {} : { path }),
  }
  if (fullCodes.has(code)) {
    const hint = 'Free space in the file system of the folder.'
    return new TransferError('STORAGE_FULL', `${subject}: there is no room (${code}).`, { ...detail, hint })
  }
  if (deniedCodes.has(code)) {
    const hint = 'Give this user the right to write to the folder.'
    return new TransferError('STORAGE_DENIED', `${subject}: the folder may not be used (${code}).`, { ...detail, hint })
  }
  return new TransferError('STORAGE_REFUSED', `${subject}: ${message} (${code}).`, detail)
}
