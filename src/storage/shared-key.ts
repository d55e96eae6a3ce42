// Signatures with an account key: HMAC-SHA256 over the method, a fixed row of headers, all x-ms- headers and the resource, as
// "Authorize with Shared Key" of the Blob service REST API describes it (version 2015-02-21 and later).

import { createHmac, type KeyObject } from 'node:crypto'

export interface SignedRequest {
  method: string
  accountName: string
  /** Encoded, as it is sent, without the query. */
  path: string
  /** Decoded values; names in lower case. */
  query: readonly (readonly [name: string, value: string])[]
  /** Names in lower case but for those of metadata; x-ms-date among them. */
  headers: Readonly<Record<string, string | number>>
}

const standardHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
] as const

/** Value of the Authorization header. */
export function sharedKeyAuthorization(request: SignedRequest, key: KeyObject): string {
  const signature = createHmac('sha256', key).update(stringToSign(request), 'utf8').digest('base64')
  return `SharedKey ${request.accountName}:${signature}`
}

export function stringToSign({ method, accountName, path, query, headers }: SignedRequest): string {
  let text = `${method}\n`
  for (const name of standardHeaders) {
    const value = headers[name] ?? ''
    // A length of zero is left out.
    text += `${name === 'content-length' && Number(value) === 0 ? '' : value}\n`
  }
  // Metadata keeps its case on the way, and has none here.
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()] as const)
  own.sort(([left], [right]) => (left < right ? -1 : 1))
  for (const [name, value] of own) if (name.startsWith('x-ms-')) text += `${name}:${value}\n`
  text += `/${accountName}${path}`
  for (const [name, value] of [...query].sort(([left], [right]) => (left < right ? -1 : 1)))
    text += `\n${name}:${value}`
  return text
}
