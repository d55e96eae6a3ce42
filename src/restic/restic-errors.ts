// restic's last words as our errors. Its exit codes say little before 0.17 (1 for everything that stopped it, 3 for a backup that
// could not read some files), so the text decides; what is not known stays restic's own sentence.

import { type ErrorCode, TransferError } from '../errors.js'
import { redact } from '../formats/redact.js'

interface Known {
  pattern: RegExp
  code: ErrorCode
  message: (match: RegExpExecArray, place: string) => string
  hint?: string
}

const known: readonly Known[] = [
  {
    pattern: /no space left on device|disk quota exceeded/i,
    code: 'STAGING_FULL',
    message: (_match, place) => `There is no room left where restic writes (${place}, or its temporary folder).`,
    hint: 'Make room and run the same command again: what was written is kept and used.',
  },
  {
    pattern: /wrong password or no key found/i,
    code: 'KEY_WRONG',
    message: (_match, place) => `The password does not open the vault at ${place}.`,
    hint: 'Give the password of this vault with --password-file.',
  },
  {
    pattern: /already locked(?: exclusively)? by (PID \d+ on \S+)/,
    code: 'VAULT_IN_USE',
    message: (match, place) => `The vault at ${place} is in use by ${match[1]}.`,
    hint: 'Wait until that is done. A lock that was left behind is removed after 30 minutes, on the same computer at once.',
  },
  {
    pattern: /server failed to authenticate|AuthenticationFailed|AuthorizationFailure|status(?:Code)?[ =:]+403/i,
    code: 'STORAGE_DENIED',
    message: (_match, place) => `The storage refused the key or signature for ${place}.`,
  },
  {
    pattern: /ciphertext verification failed|repository contains errors|Pack ID does not match|unexpected pack/i,
    code: 'VAULT_DAMAGED',
    message: (_match, place) => `restic found damage in the vault at ${place}.`,
    hint: 'While staging is there, diskferry vault adopt repairs it from there.',
  },
  {
    pattern: /unable to open config file|Is there a repository at the following location/i,
    code: 'VAULT_NOT_FOUND',
    message: (_match, place) => `There is no vault at ${place}.`,
  },
  {
    pattern: /no matching ID|no snapshot found|no snapshots? matched|ambiguous/i,
    code: 'SNAPSHOT_NOT_FOUND',
    message: (_match, place) => `There is no such snapshot in the vault at ${place}.`,
    hint: 'diskferry vault snapshots lists them.',
  },
  {
    pattern: /connection refused|no such host|i\/o timeout|connection reset|network is unreachable/i,
    code: 'STORAGE_UNREACHABLE',
    message: (_match, place) => `The storage of the vault at ${place} cannot be reached.`,
    hint: 'Check the network and the service, then run the same command again.',
  },
]

/** Since restic 0.17. */
const byExitCode: Partial<Record<number, ErrorCode>> = { 10: 'VAULT_NOT_FOUND', 11: 'VAULT_IN_USE', 12: 'KEY_WRONG' }

export interface ResticFailure {
  /** The command's first word, such as `backup`. */
  command: string
  exitCode: number | null
  signal: string | null
  /** The last lines of what it said. */
  lastWords: string
  place: string
}

export function resticError({ command, exitCode, signal, lastWords, place }: ResticFailure): TransferError {
  const words = redact(lastWords.trim())
  const cause = new Error(words || `restic ended with ${exitCode ?? signal}`)
  for (const { pattern, code, message, hint } of known) {
    const match = pattern.exec(words)
    if (match === null) continue
    return new TransferError(code, message(match, place), { cause, ...(hint === undefined ? {} : { hint }) })
  }
  const told = exitCode === null ? undefined : byExitCode[exitCode]
  if (told !== undefined)
    return new TransferError(told, `restic ${command} at ${place} ended with ${exitCode}.`, { cause })
  const last = words.split('\n').findLast((line) => line.startsWith('Fatal:')) ?? words.split('\n').at(-1) ?? ''
  const how = exitCode === null ? `was ended by ${signal}` : `ended with exit code ${exitCode}`
  const message = `restic ${command} ${how}${last === '' ? '.' : `: ${last.slice(0, 500)}`}`
  return new TransferError('TOOL_FAILED', message, { cause })
}
