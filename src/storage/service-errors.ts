// What a blob service or the way to it answered, as errors of ours. The client library's errors hold the whole request, with
// signatures and tokens in its address and headers: nothing of them but code and cleaned text goes on.

import { TransferError } from '../errors.js'
import { redact } from '../formats/redact.js'
import type { ServiceAnswer } from './azure-connection.js'
import type { TryFailure } from './retry-policy.js'

/** What is known of a failed request, however it was sent. */
export interface ServiceFailure {
  /** HTTP status; absent when no answer came. */
  status?: number | undefined
  /** The service's code, or errno's name. */
  code?: string | undefined
  message: string
  retryAfter?: string | undefined
}

/** What a request is about, for sentences. */
export interface RequestSubject {
  /** Such as `Blob container/name`. */
  subject: string
  /** What the credential must allow, such as `write`. */
  right: string
  /** When the credential ends, where it says so itself: not every service gives that as the reason. */
  expiresMs?: number | undefined
}

const transientStatuses = new Set([408, 429, 500, 502, 503, 504])
const fullCodes = /^(AccountCapacityExceeded|InsufficientStorage|InsufficientAccountCapacity|QuotaExceeded)$/
const notFoundCodes = /^(BlobNotFound|ContainerNotFound|ResourceNotFound|404)$/
/** Causes that waiting does not mend. */
const finalNetworkCodes =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|ERR_INVALID_URL|ERR_INVALID_CHAR|ERR_UNESCAPED_CHARACTERS)$/

/** A failure with the little that may be known of it outside. */
export class AnsweredFailure extends Error implements ServiceFailure {
  readonly status: number | undefined
  readonly code: string | undefined
  readonly retryAfter: string | undefined

  constructor({ status, code, message, retryAfter }: ServiceFailure) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }

  static ofAnswer({ status, headers, body }: ServiceAnswer): AnsweredFailure {
    const said = errorText(body.toString('utf8', 0, 4096))
    return new AnsweredFailure({
      status,
      code: headers['x-ms-error-code'] ?? said.code,
      message: said.message ?? `HTTP status ${status}`,
      retryAfter: headers['retry-after'],
    })
  }

  /** From what was thrown by this module, the client library or Node. */
  static from(error: unknown): AnsweredFailure {
    if (error instanceof AnsweredFailure) return error
    if (!(error instanceof Error)) return new AnsweredFailure({ message: String(error) })
    const { code, statusCode, response } = error as Error & {
      code?: string
      statusCode?: number
      response?: { headers?: { get?: (name: string) => string | undefined }; bodyAsText?: string | null }
    }
    // Where the service said why, the library's own words, which may be those of its parser, add nothing.
    const said = errorText(response?.bodyAsText ?? '')
    const header = (name: string) => response?.headers?.get?.(name)
    return new AnsweredFailure({
      status: statusCode,
      code: header('x-ms-error-code') ?? said.code ?? code,
      message: said.message ?? (response === undefined ? error.message : `HTTP status ${statusCode}`),
      retryAfter: header('retry-after'),
    })
  }
}

/** From the XML that a service explains itself with; other texts, as of gateways, have nothing in them for people. */
function errorText(text: string): { code?: string | undefined; message?: string | undefined } {
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]
  return { code: element('Code'), message: element('AuthenticationErrorDetail') ?? element('Message') }
}

export function judge(error: unknown, about: RequestSubject): TryFailure {
  if (error instanceof TransferError) return { error, isTransient: false }
  if (error instanceof TypeError || error instanceof RangeError) throw error
  const failure = AnsweredFailure.from(error)
  const { status, retryAfter } = failure
  const isTransient = status === undefined ? !finalNetworkCodes.test(failure.code ?? '') : transientStatuses.has(status)
  return { error: serviceError(failure, about), isTransient, retryAfterMs: retryAfterMs(retryAfter) }
}

function serviceError(
  failure: ServiceFailure,
  { subject, right, expiresMs = Number.POSITIVE_INFINITY }: RequestSubject,
): TransferError {
  const { status, code = String(status ?? 'no answer') } = failure
  const said = firstSentence(failure.message)
  const detail = { cause: cleanCause(failure) }
  const answer =
    failure.code === undefined ? said : `${said} (${code}${status === undefined ? '' : `, HTTP ${status}`})`
  if (status === undefined) return new TransferError('STORAGE_UNREACHABLE', `${subject}: ${answer}.`, detail)
  if (fullCodes.test(code) || status === 507) {
    const hint = 'Make room in the storage account, or raise its quota.'
    return new TransferError('STORAGE_FULL', `${subject}: there is no room. ${answer}.`, { ...detail, hint })
  }
  if (status === 401 || status === 403) {
    return new TransferError('STORAGE_DENIED', `${subject}: ${answer}.`, {
      ...detail,
      hint: expiresMs <= Date.now() ? expiredHint : deniedHint(failure, right),
    })
  }
  if (status === 404 && notFoundCodes.test(code)) {
    return new TransferError('STORAGE_NOT_FOUND', `${subject} is not there (${code}).`, detail)
  }
  if (transientStatuses.has(status)) return new TransferError('STORAGE_UNREACHABLE', `${subject}: ${answer}.`, detail)
  return new TransferError('STORAGE_REFUSED', `${subject}: ${answer}.`, detail)
}

const expiredHint = 'The signature or token has expired, or the clock of this machine is wrong: make a new one.'

function deniedHint({ code = '', message }: ServiceFailure, right: string): string {
  if (/expir|not valid in the specified time frame/i.test(message)) {
    return expiredHint
  }
  if (
    /PermissionMismatch|ProtocolMismatch|ResourceTypeMismatch|ServiceMismatch|InsufficientAccountPermissions/.test(code)
  ) {
    return `The credential does not allow this: it needs the right to ${right}.`
  }
  if (code === 'AuthorizationFailure') {
    return `The network rules of the account do not let this machine in, or the right to ${right} is missing.`
  }
  return `Check that the credential belongs to this account, has not expired and allows to ${right}.`
}

/** The service's text begins with a sentence; request ids and times follow on lines of their own. */
function firstSentence(message: string): string {
  const line = redact(message).split('\n', 1)[0] ?? ''
  return (
    line
      .trim()
      .replace(/[.\s]+$/, '')
      .slice(0, 300) || 'no reason given'
  )
}

function cleanCause({ code, message, status }: ServiceFailure): Error {
  const cause = new Error(redact(message).slice(0, 2000))
  return Object.assign(cause, code === undefined ? {} : { code }, status === undefined ? {} : { status })
}

/** Seconds, or a date. */
export function retryAfterMs(header: string | undefined, nowMs: number = Date.now()): number | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const dateMs = Date.parse(header)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs)
}
