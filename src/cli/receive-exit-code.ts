// The exit code of an import: what a script has to know first.

import { errorCodes, exitCodes, type ReceiveResult, type TransferError } from '../index.js'

export function receiveExitCode({ report, errors }: ReceiveResult): number {
  const all = [...errors.values()]
  const codeOf = (error: TransferError) => errorCodes[error.code]
  const interrupted = all.find((error) => codeOf(error) === exitCodes.interrupted)
  if (interrupted !== undefined) return exitCodes.interrupted
  // The account stands for all drives: when it refuses, going on is the next step whatever else happened.
  if (all.some((error) => codeOf(error) === exitCodes.service)) return exitCodes.service
  const [first] = all
  if (first !== undefined) return all.length === report.drives.length ? codeOf(first) : exitCodes.partly
  return report.drives.some(({ blobs }) => blobs.failed > 0) ? exitCodes.partly : exitCodes.done
}
