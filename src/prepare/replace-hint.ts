// What to do about a drive that cannot be used any more; the same words wherever one is met.

import { TransferError } from '../errors.js'

/** The command without its journal; no full stop. */
export function replaceHint(sessionId: string, driveId: string): string {
  return `If it cannot be used any more: --session ${sessionId} --replace ${driveId} --drive NEW`
}

/** The same error; where it is the drive that failed, its hint says how to go on without it. */
export function withReplaceHint(error: TransferError, sessionId: string, driveId: string): TransferError {
  if (!error.code.startsWith('DEVICE_') && error.code !== 'DRIVE_DAMAGED') return error
  const { systemError, path, problems, cause, hint = 'Run the same command again to resume.' } = error
  return new TransferError(error.code, error.message, {
    hint: `${hint} ${replaceHint(sessionId, driveId)}.`,
    problems,
    cause,
    ...(systemError === undefined ? {} : { systemError }),
    ...(path === undefined ? {} : { path }),
  })
}
