// What is refused at the door, and which credential opens an account.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openBlobStore } from '../../src/storage/open-store.js'
import { type Azurite, azuriteKey, azuriteMissing, startAzurite } from './azurite.js'
import { listed, put, readAll } from './conformance.js'
import { accountSignature, containerSignature } from './signatures.js'

const skip = azuriteMissing()
const retry = { tries: 2, firstDelayMs: 1, tryTimeoutMs: 30_000 }
let root: string
let azurite: Azurite
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'diskferry-open-store-'))
  if (!skip) azurite = await startAzurite()
})
after(async () => {
  await azurite?.stop()
  await rm(root, { recursive: true, force: true })
})

test('folders and memory are opened, and a bare word must be a folder', async () => {
  const memory = await openBlobStore('memory:')
  assert.equal(await memory.createContainer('container'), true)
  for (const target of [`folder:${root}/new/deep`, `${root}/other`]) {
    const store = await openBlobStore(target)
    assert.equal(await store.createContainer('container'), true)
  }
  await assert.rejects(openBlobStore('myaccount'), { code: 'STORAGE_TARGET_INVALID' })
  await assert.rejects(openBlobStore('folder:/dev/null/x'), { code: 'STORAGE_REFUSED' })
  await assert.rejects(openBlobStore('memory:', { accountKey: azuriteKey }), { code: 'CREDENTIAL_INVALID' })
  await mkdir(join(root, 'other'), { recursive: true })
})

test('an address without TLS is refused unless it is of this machine or allowed', async () => {
  const target = 'http://acct.blob.example.org'
  const credentials = { accountKey: azuriteKey }
  await assert.rejects(openBlobStore(target, credentials), { code: 'STORAGE_TARGET_INVALID' })
  const store = await openBlobStore(target, credentials, { allowHttp: true })
  assert.equal(store.name, target)
  await store.close()
})

test('credentials that contradict each other or cannot be read are refused', async () => {
  const target = 'https://acct.blob.core.windows.net'
  const other = `AccountName=other;AccountKey=${azuriteKey}`
  const tries = [
    { accountKey: 'not base64!' },
    { accountKey: azuriteKey, sharedAccessSignature: accountSignature('rwl') },
    { connectionString: other },
    { connectionString: 'x' },
    { sharedAccessSignature: 'sig=1' },
  ]
  for (const credentials of tries) {
    await assert.rejects(openBlobStore(target, credentials), { code: 'CREDENTIAL_INVALID' })
  }
  await assert.rejects(openBlobStore('https://own.example.org', { accountKey: azuriteKey }), {
    code: 'CREDENTIAL_INVALID',
  })
})

test('nobody signed in is found out at once', async () => {
  const missing = Object.assign(new Error('EnvironmentCredential is unavailable'), {
    name: 'ChainedTokenCredentialUnavailable',
  })
  const refused = Object.assign(new Error('AADSTS700082: the token has expired'), { name: 'AuthenticationError' })
  const open = (error: Error) =>
    openBlobStore(
      'https://acct.blob.core.windows.net',
      {},
      {
        signedIn: async () => ({ getToken: () => Promise.reject(error) }),
      },
    )
  await assert.rejects(open(missing), { code: 'CREDENTIAL_MISSING', hint: /az login/ })
  await assert.rejects(open(refused), { code: 'STORAGE_DENIED', message: /AADSTS700082/ })
})

test('signatures that have expired or lack a right are refused before anything is sent', async () => {
  const target = 'https://acct.blob.core.windows.net'
  const open = (sharedAccessSignature: string, access: 'read' | 'write' = 'write') =>
    openBlobStore(target, { sharedAccessSignature }, { access })
  await assert.rejects(open(accountSignature('rwl', { lifeMs: -1000 })), {
    code: 'STORAGE_DENIED',
    message: /expired 2\d{3}-/,
  })
  await assert.rejects(open(accountSignature('rl')), { code: 'STORAGE_DENIED', message: /create or write/ })
  await assert.rejects(open(accountSignature('rw')), { code: 'STORAGE_DENIED', message: /list/ })
  const store = await open(accountSignature('rl'), 'read')
  assert.doesNotMatch(store.name, /sig/)
  await store.close()
})

test('the emulator is opened with nothing, with its key, a connection string or a signature', { skip }, async () => {
  const ways: [target: string, credentials: Parameters<typeof openBlobStore>[1]][] = [
    [azurite.url, {}],
    [azurite.url, { accountKey: azuriteKey }],
    [azurite.url, { connectionString: azurite.connectionString }],
    [azurite.url, { sharedAccessSignature: accountSignature('rwdlc') }],
    [`${azurite.url}?${accountSignature('rwdlc')}`, {}],
  ]
  for (const [index, [target, credentials]] of ways.entries()) {
    const store = await openBlobStore(target, credentials, { retry })
    const container = `way-${index}`
    assert.equal(await store.createContainer(container), true)
    const place = { container, name: 'größe/a b' }
    assert.equal(await put(store, place, Buffer.from('text')), 'written')
    assert.equal((await readAll(store, place)).toString(), 'text')
    await store
      .putBlock(place, 'AA==', Buffer.from('b'), Buffer.from('kuuJFlLY46eCuLylyh1LDw==', 'base64'))
      .catch(() => {})
    assert.equal((await listed(store, container)).length, 1)
    assert.equal(await store.remove(place), true)
    await store.close()
  }
})

test('a signature of a container opens that container alone, and makes none', { skip }, async () => {
  const all = await openBlobStore(azurite.url)
  await all.createContainer('mine')
  await all.createContainer('other')
  const store = await openBlobStore(`${azurite.url}/mine?${containerSignature('mine', 'rwlc')}`, {}, { retry })
  assert.equal(await store.createContainer('mine'), false)
  await put(store, { container: 'mine', name: 'a' }, Buffer.from('x'))
  assert.equal((await listed(store, 'mine')).length, 1)
  await assert.rejects(put(store, { container: 'other', name: 'a' }, Buffer.from('x')), {
    code: 'STORAGE_DENIED',
    message: /for container mine/,
  })
  const unnamed = await openBlobStore(
    azurite.url,
    { sharedAccessSignature: containerSignature('mine', 'rwlc') },
    { retry },
  )
  await assert.rejects(put(unnamed, { container: 'other', name: 'a' }, Buffer.from('x')), { code: 'STORAGE_DENIED' })
  await Promise.all([all.close(), store.close(), unnamed.close()])
})

test('a right that is missing at the service is named', { skip }, async () => {
  const all = await openBlobStore(azurite.url)
  await all.createContainer('rights')
  const place = { container: 'rights', name: 'a' }
  await put(all, place, Buffer.from('x'))
  const reader = await openBlobStore(
    azurite.url,
    { sharedAccessSignature: accountSignature('rl') },
    { access: 'read', retry },
  )
  assert.equal((await readAll(reader, place)).toString(), 'x')
  await assert.rejects(put(reader, place, Buffer.from('y')), {
    code: 'STORAGE_DENIED',
    message: /AuthorizationPermissionMismatch/,
    hint: /right to write/,
  })
  await assert.rejects(reader.remove(place), { code: 'STORAGE_DENIED', hint: /right to delete/ })
  await assert.rejects(reader.createContainer('new-one'), { code: 'STORAGE_DENIED', hint: /create containers/ })
  assert.equal(await reader.createContainer('rights'), false, 'it may see that one')
  const wrong = await openBlobStore(azurite.url, { accountKey: Buffer.alloc(64).toString('base64') }, { retry })
  await assert.rejects(put(wrong, place, Buffer.from('y')), { code: 'STORAGE_DENIED' })
  await Promise.all([all.close(), reader.close(), wrong.close()])
})

test('a signature that expires in the middle is told as such', { skip }, async () => {
  const all = await openBlobStore(azurite.url)
  await all.createContainer('expiry')
  const place = { container: 'expiry', name: 'a' }
  const signedFor = (lifeMs: number) =>
    openBlobStore(azurite.url, { sharedAccessSignature: accountSignature('rwlc', { lifeMs }) }, { retry })
  // Long enough for the first request, on a machine that is busy too.
  let lifeMs = 3000
  let store = await signedFor(lifeMs)
  while ((await put(store, place, Buffer.from('x')).catch(() => 'too late')) !== 'written') {
    await store.close()
    lifeMs *= 3
    assert.ok(lifeMs < 60_000, 'nothing was written with any of the signatures')
    store = await signedFor(lifeMs)
  }
  const deadlineMs = Date.now() + lifeMs + 30_000
  const untilRefused = async () => {
    while (Date.now() < deadlineMs) {
      await put(store, place, Buffer.from('x'))
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  await assert.rejects(untilRefused(), (error: Error & { code: string; hint: string; cause: unknown }) => {
    assert.equal(error.code, 'STORAGE_DENIED')
    assert.match(error.hint, /expired/)
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error.cause)} ${String(error.cause)}`, /sig=(?!\(signature\))/)
    return true
  })
  await Promise.all([all.close(), store.close()])
})
