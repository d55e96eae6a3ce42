// Who may ask. Every route wants the bearer token, the unknown ones too; the state page takes a cookie instead, which a login
// form gives for the token. The cookie is a random value of its own, opens the pages and nothing else, and ends with the process.

import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessToken } from './access-token.js'
import { ArmError } from './arm-error.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `public`: without a token. `page`: the cookie is enough. */
    access?: 'public' | 'page'
  }
}

const cookieName = 'diskferry_session'
const sessionMs = 12 * 60 * 60 * 1000
const sessionsMax = 100

export class PageSessions {
  readonly #expiry = new Map<string, number>()

  constructor(private readonly isSecure: boolean) {}

  /** The value of Set-Cookie for a new session. */
  open(): string {
    const id = randomBytes(32).toString('base64url')
    if (this.#expiry.size >= sessionsMax) this.#expiry.delete(this.#expiry.keys().next().value as string)
    this.#expiry.set(digest(id), Date.now() + sessionMs)
    return this.#cookie(id, sessionMs / 1000)
  }

  close(request: FastifyRequest): string {
    this.#expiry.delete(digest(cookieOf(request)))
    return this.#cookie('', 0)
  }

  has(request: FastifyRequest): boolean {
    return (this.#expiry.get(digest(cookieOf(request))) ?? 0) > Date.now()
  }

  #cookie(value: string, seconds: number): string {
    const secure = this.isSecure ? '; Secure' : ''
    return `${cookieName}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Strict${secure}`
  }
}

function cookieOf(request: FastifyRequest): string {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=')
    if (name === cookieName) return value
  }
  return ''
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function requireToken(server: FastifyInstance, token: AccessToken, sessions: PageSessions): void {
  server.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config
    if (access === 'public') return
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && token.matches(given)) return
    if (access === 'page') {
      if (sessions.has(request)) return
      if (given === undefined && request.method === 'GET' && request.url === '/') return reply.redirect('/login', 303)
    }
    reply.header('WWW-Authenticate', 'Bearer')
    const what =
      given === undefined ? 'The request has no bearer token.' : 'The bearer token is not that of this service.'
    throw new ArmError(401, 'AuthenticationFailed', what)
  })
}
