// The state page, its login form, and the stream that tells an open page of changes. The token is typed into the form and sent
// in the body of a request; it is in no address, and the browser keeps a cookie that opens these pages alone.

import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { AccessToken } from './access-token.js'
import type { PageSessions } from './authenticate.js'
import { Html, html } from './html.js'
import { pageScript, pageStyle } from './page-style.js'
import type { ServiceContext } from './service-context.js'
import { statePage } from './state-page.js'

const streamsMax = 32
const heartbeatMs = 15_000
const failedLoginDelayMs = 300

interface Door {
  token: AccessToken
  sessions: PageSessions
}

export function pageRoutes(server: FastifyInstance, context: ServiceContext, { token, sessions }: Door): void {
  const { book, clock } = context
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body as string)))
  })

  server.get('/', { config: { access: 'page' } }, async (request, reply) => {
    const now = clock.now()
    await book.settle(now)
    const main = statePage({ jobs: book.jobs, notices: book.notices, now })
    if ((request.query as Record<string, unknown>).part === 'main') return reply.type('text/html').send(main.text)
    return sendPage(reply, 'Import service', statusFrame(main), pageScript)
  })

  server.get('/login', { config: { access: 'public' } }, (_request, reply) =>
    sendPage(reply, 'Sign in', loginForm(false)),
  )
  server.post('/login', { config: { access: 'public' }, bodyLimit: 4096 }, async (request, reply) => {
    const given = (request.body as Record<string, unknown> | null)?.token
    if (typeof given === 'string' && token.matches(given.trim())) {
      return reply.header('Set-Cookie', sessions.open()).redirect('/', 303)
    }
    await new Promise((resolve) => setTimeout(resolve, failedLoginDelayMs))
    return sendPage(reply.code(401), 'Sign in', loginForm(true))
  })
  server.post('/logout', { config: { access: 'page' } }, async (request, reply) => {
    return reply.header('Set-Cookie', sessions.close(request)).redirect('/login', 303)
  })

  let streams = 0
  server.get('/events', { config: { access: 'page' } }, (request, reply) => {
    if (streams >= streamsMax) return reply.code(503).header('Retry-After', '30').send('Too many open pages.')
    streams += 1
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    const isByCookie = sessions.has(request)
    const say = () => raw.write(`data: ${book.revision}\n\n`)
    const stop = book.onChange(say)
    const heartbeat = setInterval(
      () => (isByCookie && !sessions.has(request) ? raw.end() : raw.write(': \n\n')),
      heartbeatMs,
    )
    raw.write(': \n\n')
    raw.on('close', () => {
      streams -= 1
      stop()
      clearInterval(heartbeat)
    })
  })
}

function sendPage(reply: FastifyReply, title: string, body: Html, script?: string): FastifyReply {
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    `default-src 'none'`,
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    `connect-src 'self'`,
    `img-src data:`,
    `form-action 'self'`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')
  const noScript = script === undefined ? html`` : html`<noscript><meta http-equiv="refresh" content="10"></noscript>`
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · diskferry</title><link rel="icon" href="data:,">${noScript}<style nonce="${nonce}">${new Html(pageStyle)}</style></head>
<body>${body}${script !== undefined && html`<script nonce="${nonce}">${new Html(script)}</script>`}</body></html>`
  return reply
    .type('text/html; charset=utf-8')
    .header('Content-Security-Policy', policy)
    .header('Referrer-Policy', 'no-referrer')
    .send(page.text)
}

function statusFrame(main: Html): Html {
  return html`<div class="frame"><header><h1>diskferry <span>import service</span></h1><span class="live" role="status">Connecting</span>
<form method="post" action="/logout"><button>Sign out</button></form></header><main>${main}</main></div>`
}

function loginForm(wasWrong: boolean): Html {
  return html`<main class="login"><h1>diskferry import service</h1>
<p>The token is in the file that the service named when it started.</p>
<form method="post" action="/login"><label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
${wasWrong && html`<p class="wrong" role="alert">That is not the token of this service.</p>`}
<button class="primary">Sign in</button></form></main>`
}
