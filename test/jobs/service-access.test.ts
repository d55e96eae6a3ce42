// Who gets in: nobody without the token, on any route; and what the state page does with hostile text.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TransferError } from '../../src/errors.js'
import { startLocalService } from '../../src/jobs/service/local-service.js'
import {
  callers,
  group,
  jobBody,
  shipping,
  startService,
  subscriptionId,
  temporaryData,
  version,
} from './local-service.js'

const running = await startService({ movableClock: true })
const { call, job, service, token, dataFolder } = running

const routes: [method: string, path: string][] = [
  ['GET', `/subscriptions/${subscriptionId}/providers/Microsoft.ImportExport/jobs?${version}`],
  ['GET', `${group}?${version}`],
  ['GET', `${group}/x?${version}`],
  ['PUT', `${group}/x?${version}`],
  ['PATCH', `${group}/x?${version}`],
  ['DELETE', `${group}/x?${version}`],
  ['POST', `${group}/x/listBitLockerKeys?${version}`],
  ['GET', `/providers/Microsoft.ImportExport/locations?${version}`],
  ['GET', `/providers/Microsoft.ImportExport/locations/x?${version}`],
  ['GET', `/providers/Microsoft.ImportExport/operations?${version}`],
  ['GET', '/station/v1/jobs'],
  ['GET', `/station/v1/jobs/${subscriptionId}/rg/x`],
  ['POST', `/station/v1/jobs/${subscriptionId}/rg/x/report`],
  ['GET', '/station/v1/drives/x'],
  ['POST', '/station/v1/drives/x/report'],
  ['POST', '/station/v1/clock'],
  ['GET', '/'],
  ['GET', '/events'],
  ['POST', '/logout'],
]
const publicRoutes = 2

test('the list of routes is whole', () => {
  const folder = fileURLToPath(new URL('../../src/jobs/service', import.meta.url))
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  const declared = sources.flatMap((text) => text.match(/\bserver\.(get|put|patch|post|delete)\(/g) ?? [])
  assert.equal(declared.length, routes.length + publicRoutes)
})

const wrongTokens: [title: string, headers: Record<string, string>][] = [
  ['no token', {}],
  ['another token', { Authorization: `Bearer ${'x'.repeat(43)}` }],
  ['a piece of the token', { Authorization: `Bearer ${token.slice(0, -1)}` }],
  ['another scheme', { Authorization: `Basic ${token}` }],
  ['the token as a cookie', { Cookie: `diskferry_session=${token}` }],
]
for (const [title, headers] of wrongTokens) {
  test(`with ${title} every route refuses`, async () => {
    for (const [method, path] of [...routes, ['GET', '/nowhere'], ['OPTIONS', '/'], ['GET', '/..%2ftoken']] as const) {
      const answer = await fetch(service.url + path, { method, headers, redirect: 'manual' })
      const text = await answer.text()
      if (path === '/' && answer.status === 303) assert.equal(answer.headers.get('location'), '/login')
      else {
        assert.equal(answer.status, 401, `${method} ${path}`)
        assert.equal(JSON.parse(text).error.code, 'AuthenticationFailed')
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
      }
    }
  })
}

test('with the token an unknown address is 404', async () => {
  assert.equal((await call('GET', '/nowhere')).status, 404)
})

test('the token is in a file that only its owner reads, and a lax one is refused', async () => {
  assert.equal(statSync(service.tokenPath).mode & 0o777, 0o600)
  assert.equal(statSync(join(dataFolder, 'state.json'), { throwIfNoEntry: false })?.mode ?? 0o100600, 0o100600)
  const folder = temporaryData()
  writeFileSync(join(folder, 'token'), `${'a'.repeat(40)}\n`, { mode: 0o644 })
  await assert.rejects(startLocalService({ dataFolder: folder }), (error: unknown) => {
    return (
      error instanceof TransferError && error.code === 'SERVICE_DATA_INVALID' && /read by others/.test(error.message)
    )
  })
})

test('without TLS it listens to this machine alone', async () => {
  await assert.rejects(startLocalService({ dataFolder: temporaryData(), host: '0.0.0.0' }), {
    code: 'SERVICE_INSECURE',
  })
})

/** Signs in with the form and returns the cookie. */
async function signIn(given: string) {
  const body = new URLSearchParams({ token: given })
  const answer = await fetch(`${service.url}/login`, { method: 'POST', body, redirect: 'manual' })
  return { status: answer.status, cookie: answer.headers.getSetCookie()[0] ?? '', text: await answer.text() }
}

describe('the login form', () => {
  test('takes the token and gives a cookie that is not the token, for pages only', async () => {
    const { status, cookie } = await signIn(token)
    assert.equal(status, 303)
    assert.match(cookie, /HttpOnly; SameSite=Strict/)
    assert.equal(cookie.includes(token), false)
    const headers = { Cookie: cookie.split(';')[0] as string }
    const page = await fetch(service.url, { headers })
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(
      (await fetch(`${service.url}${group}/x?${version}`, { headers })).status,
      401,
      'the API wants the token',
    )
    assert.equal((await fetch(`${service.url}/station/v1/jobs`, { headers })).status, 401)
    const out = await fetch(`${service.url}/logout`, { method: 'POST', headers, redirect: 'manual' })
    assert.equal(out.status, 303)
    assert.equal((await fetch(service.url, { headers, redirect: 'manual' })).status, 303)
  })

  test('refuses another token, and repeats nothing of it', async () => {
    const { status, cookie, text } = await signIn('<b>guess</b>')
    assert.deepEqual([status, cookie], [401, ''])
    assert.equal(text.includes('guess'), false)
  })

  test('shows no job', async () => {
    const text = await (await fetch(`${service.url}/login`)).text()
    assert.doesNotMatch(text, /hostile|job-/)
  })
})

test('hostile text is text on the page', async () => {
  const attack = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e`
  const body = jobBody('HOSTILE')
  Object.assign(body.properties.returnAddress, { recipientName: attack, city: attack })
  body.properties.returnShipping.carrierName = attack
  assert.equal((await job('PUT', 'hostile', body)).status, 201)
  const sent = shipping('1ZHOSTILE')
  assert.equal((await job('PATCH', 'hostile', sent)).status, 200)
  await call('POST', '/station/v1/drives/HOSTILE/report', { state: 'Received', errorLogUri: 'https://x/?"><script>' })
  const script = await call('POST', '/station/v1/drives/HOSTILE/report', { errorLogUri: 'javascript:alert(1)' })
  assert.equal(script.status, 400)
  const place = `/station/v1/jobs/${subscriptionId}/rg/hostile/report`
  assert.equal((await call('POST', place, { state: 'Faulted', reason: attack })).status, 200)
  const { text } = await call('GET', '/?part=main')
  assert.match(text, /hostile/)
  assert.match(text, /&lt;script&gt;/)
  assert.equal(/<script|<img|onerror='|\u202e/.test(text), false)
})

test('an open page is told of changes', async () => {
  const stream = await fetch(`${service.url}/events`, { headers: { Authorization: `Bearer ${token}` } })
  const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
  const first = await reader.read()
  assert.equal(new TextDecoder().decode(first.value), ': \n\n')
  await job('PUT', 'told', jobBody('TOLD'))
  const second = await reader.read()
  assert.match(new TextDecoder().decode(second.value), /^data: \d+\n\n$/)
  await reader.cancel()
})

test('TLS with a certificate of its own: who was given it connects, who was not does not', async () => {
  const secure = await startService({ tls: 'self-signed' })
  const { certificatePath = '', url } = secure.service
  assert.match(url, /^https:/)
  assert.equal(statSync(join(secure.dataFolder, 'certificate-key.pem')).mode & 0o777, 0o600)
  await assert.rejects(fetch(url))
  const { ArmImportService } = await import('../../src/jobs/arm-import-service.js')
  const { staticToken } = await import('../../src/jobs/service-credential.js')
  const options = { endpoint: url, subscriptionId, resourceGroup: 'rg', credential: staticToken(secure.token) }
  const trusting = new ArmImportService({ ...options, certificateAuthority: readFileSync(certificatePath, 'utf8') })
  assert.deepEqual(await trusting.list(), [])
  const distrusting = new ArmImportService({ ...options, retry: { triesMax: 1 } })
  await assert.rejects(distrusting.list(), { code: 'SERVICE_UNREACHABLE' })
})

test('a token of another service is refused by name', async () => {
  const { client } = callers(service.url, 'x'.repeat(43))
  await assert.rejects(client.list(), { code: 'SERVICE_SIGN_IN' })
})
