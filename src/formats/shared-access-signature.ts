// Shared access signatures: what one allows, for how long and for what, as far as it says so itself. Only the service can tell
// whether the signature is right; expiry and missing rights are better found before anything is sent.

import { type ErrorCode, TransferError } from '../errors.js'

export interface SharedAccessSignature {
  /** Without its question mark, as it goes behind an address. */
  query: string
  /** `account` for all containers of an account. */
  scope: 'account' | 'container' | 'blob'
  /** Letters of `sp`; undefined when a stored policy on the service has them. */
  permissions: string | undefined
  startsMs: number | undefined
  /** Undefined when a stored policy has it. */
  expiresMs: number | undefined
  /** Letters of `ss` and `srt` of an account signature. */
  services: string
  resourceTypes: string
}

/** What a run does with the storage. */
export type StorageAccess = 'read' | 'write'

/** @throws TransferError CREDENTIAL_INVALID, with no part of the signature in it. */
export function parseSharedAccessSignature(text: string): SharedAccessSignature {
  const query = text.trim().replace(/^\?/, '')
  if (!/^[!-"$-~]*$/.test(query)) throw invalid('it has characters that belong to no signature')
  const fields = new URLSearchParams(query)
  for (const name of ['sv', 'sig', 'sp', 'se', 'st', 'sr', 'ss', 'srt', 'si']) {
    if (fields.getAll(name).length > 1) throw invalid(`${name} is given twice`)
  }
  const field = (name: string) => fields.get(name) || undefined
  if (field('sig') === undefined) throw invalid('sig, the signature itself, is missing')
  if (field('sv') === undefined) throw invalid('sv, its version, is missing')
  const isPolicy = field('si') !== undefined
  if (field('se') === undefined && !isPolicy) throw invalid('se, its expiry, is missing')
  if (field('sp') === undefined && !isPolicy) throw invalid('sp, its permissions, are missing')
  return {
    query,
    scope: scopeOf(field('sr'), field('ss'), field('srt')),
    permissions: field('sp'),
    startsMs: time('st', field('st')),
    expiresMs: time('se', field('se')),
    services: field('ss') ?? '',
    resourceTypes: field('srt') ?? '',
  }
}

/** @throws TransferError STORAGE_DENIED when the signature cannot serve, and says so itself. */
export function requireAccess(signature: SharedAccessSignature, access: StorageAccess, nowMs: number): void {
  const { startsMs, expiresMs } = signature
  if (expiresMs !== undefined && expiresMs <= nowMs) throw expired('expired', expiresMs, nowMs)
  // Clocks differ: the service itself allows no more than this.
  if (startsMs !== undefined && startsMs > nowMs + 15 * 60_000) throw expired('is not valid before', startsMs, nowMs)
  if (signature.scope === 'blob') throw denied('it is for one blob', 'for the container or the account')
  const missing = missingRights(signature, access)
  if (missing.length > 0) throw denied(`it lacks ${missing.join(', ')}`, `that has ${missing.join(', ')}`)
}

function missingRights(
  { scope, permissions, services, resourceTypes }: SharedAccessSignature,
  access: StorageAccess,
): string[] {
  const missing: string[] = []
  if (scope === 'account') {
    if (!services.includes('b')) missing.push('the blob service (ss=b)')
    if (!resourceTypes.includes('o')) missing.push('objects (srt=o)')
    if (!resourceTypes.includes('c')) missing.push('containers (srt=c)')
  }
  if (permissions === undefined) return missing
  if (!permissions.includes('r')) missing.push('read (sp=r)')
  if (!permissions.includes('l')) missing.push('list (sp=l)')
  if (access === 'write' && !/[cw]/.test(permissions)) missing.push('create or write (sp=cw)')
  return missing
}

function scopeOf(
  sr: string | undefined,
  ss: string | undefined,
  srt: string | undefined,
): SharedAccessSignature['scope'] {
  if (sr === undefined && ss !== undefined && srt !== undefined) return 'account'
  if (sr === 'c') return 'container'
  if (sr === 'b' || sr === 'bs' || sr === 'bv' || sr === 'd') return 'blob'
  throw invalid('expected ss and srt of an account, or sr=c of a container')
}

/** `2026-11-21`, or with a time in UTC. */
function time(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z)?$/.test(text)
  const ms = isTime ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw invalid(`${name} is no time in UTC`)
  return ms
}

function invalid(reason: string): TransferError {
  return error('CREDENTIAL_INVALID', `The shared access signature cannot be used: ${reason}.`, 'Copy it again, whole.')
}

function denied(reason: string, wanted: string): TransferError {
  return error('STORAGE_DENIED', `The shared access signature does not serve: ${reason}.`, `Make one ${wanted}.`)
}

function expired(verb: string, atMs: number, nowMs: number): TransferError {
  const [at, now] = [new Date(atMs).toISOString(), new Date(nowMs).toISOString()]
  return error('STORAGE_DENIED', `The shared access signature ${verb} ${at}; it is ${now} now.`, 'Make a new one.')
}

function error(code: ErrorCode, message: string, hint: string): TransferError {
  return new TransferError(code, message, { hint })
}
