// The short way to a blob service for the requests that an import sends by the million: one function from a request to its
// answer over connections that are kept, signed in place. The client library cannot send an MD5 that Put Blob checks, and takes
// twice the processor time for a small file (docs/storage.md).

import { createSecretKey, type KeyObject } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AccessToken, TokenCredential } from '@azure/core-auth'
import type { AzureCredential } from './azure-credential.js'
import type { BlobPlace } from './blob-store.js'
import { sharedKeyAuthorization } from './shared-key.js'

export interface ServiceRequest {
  method: 'PUT' | 'GET' | 'HEAD'
  place: BlobPlace
  /** Names in lower case. */
  query?: readonly (readonly [name: string, value: string])[]
  /** Names in lower case. */
  headers: Record<string, string | number>
  body?: Uint8Array
  signal: AbortSignal
}

export interface ServiceAnswer {
  status: number
  headers: Readonly<Record<string, string | undefined>>
  /** Names and values in turns, as they came: metadata keeps its case here. */
  rawHeaders: readonly string[]
  body: Buffer
}

/** Old enough for every cloud and for Azurite; what these requests need has not changed since. */
const serviceVersion = '2021-12-02'
const tokenScope = 'https://storage.azure.com/.default'
const renewTokenBeforeMs = 5 * 60_000
const maxConnections = 256
const maxAnswerBytes = 64 << 20

export class AzureConnection {
  readonly #agent: HttpAgent | HttpsAgent
  readonly #request: typeof httpRequest
  readonly #key: KeyObject | undefined
  #token: Promise<AccessToken> | undefined
  #tokenExpiresMs = 0

  constructor(
    private readonly endpoint: URL,
    private readonly credential: AzureCredential,
  ) {
    const options = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections }
    const isSecure = endpoint.protocol === 'https:'
    this.#agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options)
    this.#request = isSecure ? httpsRequest : httpRequest
    if (credential.kind === 'key') this.#key = createSecretKey(Buffer.from(credential.accountKey, 'base64'))
  }

  /** Any status is an answer; only what keeps an answer from coming is thrown, as Node names it. */
  async send(request: ServiceRequest): Promise<ServiceAnswer> {
    const { method, place, body, signal } = request
    const path = `${this.endpoint.pathname.replace(/\/$/, '')}/${place.container}/${encodedName(place.name)}`
    const query = request.query ?? []
    const headers: Record<string, string | number> = {
      'x-ms-date': new Date().toUTCString(),
      'x-ms-version': serviceVersion,
      ...request.headers,
    }
    if (method === 'PUT') headers['content-length'] = body?.length ?? 0
    const parameters = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    if (this.credential.kind === 'signature') parameters.push(this.credential.query)
    else headers.authorization = await this.#authorization({ method, path, query, headers })
    const target = parameters.length === 0 ? path : `${path}?${parameters.join('&')}`
    return await this.#exchange(method, target, headers, body, signal)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #authorization(request: {
    method: string
    path: string
    query: NonNullable<ServiceRequest['query']>
    headers: ServiceRequest['headers']
  }): Promise<string> {
    const { credential } = this
    if (credential.kind === 'key') {
      return sharedKeyAuthorization({ ...request, accountName: credential.accountName }, this.#key as KeyObject)
    }
    if (credential.kind === 'signature') return ''
    return `Bearer ${(await this.#accessToken(credential.credential)).token}`
  }

  /** One request for a token at a time, however many wait for it. */
  async #accessToken(credential: TokenCredential): Promise<AccessToken> {
    if (this.#token === undefined || Date.now() > this.#tokenExpiresMs - renewTokenBeforeMs) {
      this.#tokenExpiresMs = Number.POSITIVE_INFINITY
      const asked = credential.getToken(tokenScope).then((token) => {
        if (token === null) throw new Error('the credential gave no token')
        this.#tokenExpiresMs = token.expiresOnTimestamp
        return token
      })
      asked.catch(() => {
        if (this.#token === asked) this.#token = undefined
      })
      this.#token = asked
    }
    return await this.#token
  }

  #exchange(
    method: string,
    path: string,
    headers: Record<string, string | number>,
    body: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.endpoint
      const host = hostname.replace(/^\[|\]$/g, '')
      const options = { agent: this.#agent, host, port, method, path, headers, signal }
      const outgoing = this.#request(options, (incoming) => collect(incoming).then(resolve, reject))
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
}

async function collect(incoming: IncomingMessage): Promise<ServiceAnswer> {
  const pieces: Buffer[] = []
  let lengthBytes = 0
  await new Promise<void>((resolve, reject) => {
    incoming.on('data', (piece: Buffer) => {
      lengthBytes += piece.length
      if (lengthBytes > maxAnswerBytes) incoming.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`))
      else pieces.push(piece)
    })
    incoming.on('end', resolve)
    incoming.on('error', reject)
    incoming.on('aborted', () => reject(new Error('the connection was cut in the middle of the answer')))
  })
  const [first] = pieces
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers as ServiceAnswer['headers'],
    rawHeaders: incoming.rawHeaders,
    body: pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces),
  }
}

/** Percent-encoded except for its slashes. */
export function encodedName(name: string): string {
  if (/^[\w./~-]*$/.test(name)) return name
  return name.split('/').map(encodeURIComponent).join('/')
}
