// Refusals of a job service as our errors: the service's own code and words, and what to do next.

import type { RestError } from '@azure/core-rest-pipeline'
import { TransferError } from '../errors.js'
import { redact } from '../formats/redact.js'
import { printable } from '../reports/printable.js'
import { triesHeader } from './retry-policy.js'

const signInHint =
  'Azure: sign in with az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET. ' +
  'Local service: give --token-file, or DISKFERRY_SERVICE_TOKEN.'

interface ArmBody {
  code: string
  message: string
  details: { code: string; message: string }[]
}

/** @param what what was being asked, for the message: `The job service at … `. */
export function toServiceError(error: unknown, what: string): TransferError {
  if (error instanceof TransferError) return error
  const { statusCode, response } = error as RestError
  if (statusCode === undefined) return withoutAnswer(error as Error, what)
  const body = parseArmBody(response?.bodyAsText ?? '')
  // The package's error holds the whole request, with the token in its headers: it does not go on.
  const cause = new Error(`HTTP status ${statusCode}`)
  const words = body.message === '' ? `with status ${statusCode}` : `${body.code}: ${body.message}`
  const tries = response?.headers.get(triesHeader) ?? '1'
  if (statusCode === 401 || statusCode === 403) {
    return new TransferError('SERVICE_SIGN_IN', `${what} does not let us in: ${words}`, {
      cause,
      hint: signInHint,
    })
  }
  if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
    const waited = response?.headers.get('retry-after')
    const message = `${what} was asked ${tries} times and still answers ${words}`
    const hint =
      waited === undefined
        ? 'Run the same command later.'
        : `Run the same command later; it asks to wait ${printable(waited)}.`
    return new TransferError('SERVICE_BUSY', message, { cause, hint })
  }
  const problems = body.details.map(({ code, message }) => ({ message: `${code}: ${message}` }))
  return new TransferError('SERVICE_REFUSED', `${what} refused: ${words}`, { cause, problems })
}

export function isNotFound(error: unknown): boolean {
  return (error as RestError).statusCode === 404
}

/** Whether an answer came only after the request had been sent before: then a 404 may be the echo of our own delete. */
export function wasRepeated(error: unknown): boolean {
  return Number((error as RestError).response?.headers.get(triesHeader) ?? 1) > 1
}

function withoutAnswer(error: Error, what: string): TransferError {
  const cause = new Error(clean(error.message))
  if (/Credential|Authentication/.test(error.name)) {
    const first = error.message.split('\n')[0] ?? ''
    return new TransferError('SERVICE_SIGN_IN', `Nobody is signed in for ${what}: ${clean(first)}`, {
      cause,
      hint: signInHint,
    })
  }
  if (error.name === 'AbortError')
    return new TransferError('INTERRUPTED', `Interrupted while asking ${what}.`, { cause })
  // OpenSSL's words for an answer that is no TLS name its source files.
  const speaksPlain = /wrong version number|packet length too long/.test(error.message)
  const why = speaksPlain ? 'it answers without TLS' : clean(error.message)
  return new TransferError('SERVICE_UNREACHABLE', `${what} cannot be reached: ${why}`, {
    cause,
    hint: speaksPlain
      ? 'Is its address one with http:// instead?'
      : 'Check the address and the network. The same command is safe to repeat.',
  })
}

function parseArmBody(text: string): ArmBody {
  try {
    const { error = {} } = JSON.parse(text) as { error?: Partial<ArmBody> }
    const details = Array.isArray(error.details) ? error.details.slice(0, 50) : []
    return {
      code: clean(String(error.code ?? 'Error')),
      message: clean(String(error.message ?? '')),
      details: details.map((detail) => ({
        code: clean(String(detail?.code)),
        message: clean(String(detail?.message)),
      })),
    }
  } catch {
    return { code: '', message: '', details: [] }
  }
}

function clean(text: string): string {
  return redact(printable(text)).slice(0, 1000)
}
