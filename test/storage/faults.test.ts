// Networks and services that fail: what passes by itself is survived by one policy, what does not is told, and a request whose
// answer was lost is not taken for somebody else's.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { TransferError } from '../../src/errors.js'
import type { AzureCredential } from '../../src/storage/azure-credential.js'
import { AzureStore } from '../../src/storage/azure-store.js'
import type { BlobPlace } from '../../src/storage/blob-store.js'
import { type Azurite, azuriteAccount, azuriteKey, azuriteMissing, startAzurite } from './azurite.js'
import { blockId, listed, madeBytes, md5Of, put, readAll } from './conformance.js'
import { type Fault, type FaultProxy, firstTries, startFaultProxy } from './fault-proxy.js'

const skip = azuriteMissing()
const credential: AzureCredential = { kind: 'key', accountName: azuriteAccount, accountKey: azuriteKey }
const retry = { tries: 6, firstDelayMs: 5, maxDelayMs: 2000, tryTimeoutMs: 4000 }
let azurite: Azurite
let proxy: FaultProxy
let direct: AzureStore
let store: AzureStore
before(async () => {
  if (skip) return
  azurite = await startAzurite()
  proxy = await startFaultProxy(azurite.port, () => undefined)
  direct = new AzureStore(new URL(azurite.url), credential)
  store = new AzureStore(new URL(`http://127.0.0.1:${proxy.port}/${azuriteAccount}`), credential, { retry })
})
after(async () => {
  await Promise.all([direct?.close(), store?.close()])
  await proxy?.stop()
  await azurite?.stop()
})

const bytes = madeBytes(100_000)
const page = madeBytes(4096, 2)

/** Every call of the interface, on a blob of its own in `container`, with the answer that it must give. */
async function callsOn(container: string): Promise<Record<string, () => Promise<unknown>>> {
  const at = (name: string): BlobPlace => ({ container, name })
  await direct.createContainer(container)
  for (const name of ['head', 'read', 'remove', 'properties', 'list/1', 'list/2']) await put(direct, at(name), bytes)
  for (const name of ['commit', 'commit-absent', 'blocks']) {
    await direct.putBlock(at(name), blockId(1), bytes, md5Of(bytes))
  }
  for (const name of ['pages', 'ranges']) await direct.createPageBlob(at(name), 8192)
  await direct.putPages(at('ranges'), 0, page, md5Of(page))
  return {
    createContainer: async () => assert.equal(typeof (await store.createContainer(`${container}-new`)), 'boolean'),
    putBlob: async () => assert.equal(await put(store, at('put'), bytes), 'written'),
    'putBlob if absent': async () => assert.equal(await put(store, at('absent'), bytes, { ifAbsent: true }), 'written'),
    putBlock: () => store.putBlock(at('block'), blockId(1), bytes, md5Of(bytes)),
    listBlocks: async () => assert.equal((await store.listBlocks(at('blocks'))).uncommitted.length, 1),
    commitBlocks: async () => assert.equal(await store.commitBlocks(at('commit'), [blockId(1)]), 'written'),
    'commitBlocks if absent': async () =>
      assert.equal(await store.commitBlocks(at('commit-absent'), [blockId(1)], { ifAbsent: true }), 'written'),
    createPageBlob: async () => assert.equal(await store.createPageBlob(at('page'), 1024), 'written'),
    'createPageBlob if absent': async () =>
      assert.equal(await store.createPageBlob(at('page-absent'), 1024, { ifAbsent: true }), 'written'),
    putPages: () => store.putPages(at('pages'), 4096, page, md5Of(page)),
    listPageRanges: async () =>
      assert.deepEqual(await store.listPageRanges(at('ranges')), [{ offsetBytes: 0, lengthBytes: 4096 }]),
    setProperties: () => store.setProperties(at('properties'), { contentType: 'a/b', metadata: [['x', '1']] }),
    head: async () => assert.equal((await store.head(at('head')))?.sizeBytes, bytes.length),
    read: async () => assert.ok((await readAll(store, at('read'))).equals(bytes)),
    list: async () => assert.equal((await listed(store, container, 'list/')).length, 2),
    remove: async () => assert.equal(typeof (await store.remove(at('remove'))), 'boolean'),
  }
}

async function checkContent(container: string): Promise<void> {
  for (const name of ['put', 'absent', 'commit', 'commit-absent']) {
    assert.ok((await readAll(direct, { container, name })).equals(bytes), name)
  }
  assert.equal((await direct.listBlocks({ container, name: 'block' })).uncommitted.length, 1)
  assert.deepEqual(await direct.listPageRanges({ container, name: 'pages' }), [
    { offsetBytes: 4096, lengthBytes: 4096 },
  ])
  assert.equal((await direct.head({ container, name: 'properties' }))?.properties.contentType, 'a/b')
  assert.equal(await direct.head({ container, name: 'remove' }), undefined)
}

const xmlError = '<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>'
const passing: readonly [name: string, fault: Fault, tries: number][] = [
  ['500', { kind: 'answer', status: 500 }, 2],
  [
    '503 with a reason',
    { kind: 'answer', status: 503, headers: { 'x-ms-error-code': 'ServerBusy' }, body: xmlError },
    2,
  ],
  ['429', { kind: 'answer', status: 429, headers: { 'retry-after': '0' } }, 2],
  ['502 of a gateway', { kind: 'answer', status: 502, body: '<html>Bad gateway</html>' }, 1],
  ['silence beyond the time-out', { kind: 'delay', delayMs: 60_000 }, 1],
  ['a connection cut before the request is read', { kind: 'cut-request', afterBytes: 0 }, 2],
  ['a connection cut in the request', { kind: 'cut-request', afterBytes: 50_000 }, 2],
  ['a connection cut in the answer', { kind: 'cut-answer', afterBytes: 40 }, 2],
  ['a lost answer', { kind: 'lose-answer' }, 2],
]
for (const [index, [name, fault, tries]] of passing.entries()) {
  test(`every call survives ${name}`, { skip }, async () => {
    const container = `passing-${index}`
    const calls = await callsOn(container)
    const faultsBefore = proxy.faultCount
    proxy.setRule(firstTries(tries, fault))
    const results = await Promise.allSettled(Object.values(calls).map((call) => call()))
    proxy.setRule(() => undefined)
    for (const [at, result] of results.entries()) {
      if (result.status === 'rejected')
        throw new Error(`${Object.keys(calls)[at]}: ${result.reason}`, { cause: result.reason })
    }
    // An answer without a body arrives whole before it is cut.
    const hits = fault.kind === 'cut-answer' ? 1 : tries
    assert.ok(proxy.faultCount - faultsBefore >= results.length * hits, 'each was hit')
    await checkContent(container)
  })
}

test('every call gives up on what does not pass, and says how often it tried', { skip }, async () => {
  const calls = await callsOn('lasting')
  for (const fault of [
    { kind: 'answer', status: 503, body: xmlError },
    { kind: 'cut-request', afterBytes: 0 },
  ] as const) {
    proxy.setRule(() => fault)
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(call(), { code: 'STORAGE_UNREACHABLE', message: /Given up after 6 tries/ }, name)
    }
  }
  proxy.setRule(() => undefined)
  await direct.remove({ container: 'lasting', name: 'head' })
})

test('a service that is not there is unreachable', async () => {
  const nowhere = new AzureStore(new URL('http://127.0.0.1:1/account'), { ...credential }, { retry })
  await assert.rejects(nowhere.createContainer('container'), { code: 'STORAGE_UNREACHABLE', message: /ECONNREFUSED/ })
  await assert.rejects(nowhere.head({ container: 'container', name: 'x' }), { code: 'STORAGE_UNREACHABLE' })
})

test('a try takes no longer than its time', { skip }, async () => {
  const hasty = new AzureStore(new URL(`http://127.0.0.1:${proxy.port}/${azuriteAccount}`), credential, {
    retry: { tries: 2, firstDelayMs: 5, tryTimeoutMs: 100 },
  })
  proxy.setRule(() => ({ kind: 'delay', delayMs: 60_000 }))
  const startMs = performance.now()
  await assert.rejects(hasty.head({ container: 'any', name: 'x' }), {
    code: 'STORAGE_UNREACHABLE',
    message: /no answer within 0\.1 s/,
  })
  // Far below the time of the answer, however busy the machine is.
  assert.ok(performance.now() - startMs < 30_000)
  proxy.setRule(() => undefined)
  await hasty.close()
})

test('the pause that a service asks for is kept', { skip }, async () => {
  await direct.createContainer('patient')
  proxy.setRule(firstTries(1, { kind: 'answer', status: 503, headers: { 'retry-after': '1' } }))
  const startMs = performance.now()
  await Promise.all([
    put(store, { container: 'patient', name: 'a' }, bytes),
    store.commitBlocks({ container: 'patient', name: 'b' }, []),
  ])
  assert.ok(performance.now() - startMs > 950)
  proxy.setRule(() => undefined)
})

test('a blob that was there is told from one whose answer was lost', { skip }, async () => {
  const container = 'lost-answers'
  await direct.createContainer(container)
  const [taken, ours] = [
    { container, name: 'taken' },
    { container, name: 'ours' },
  ]
  await put(direct, taken, Buffer.from('of somebody else'))
  proxy.setRule(firstTries(1, { kind: 'lose-answer' }))
  assert.equal(await put(store, taken, bytes, { ifAbsent: true }), 'exists')
  assert.equal(await put(store, ours, bytes, { ifAbsent: true }), 'written')
  proxy.setRule(() => undefined)
  assert.equal((await readAll(direct, taken)).toString(), 'of somebody else')
})

test('an abort ends a pause and a request that hangs', { skip }, async () => {
  for (const fault of [
    { kind: 'delay', delayMs: 60_000 },
    { kind: 'answer', status: 503, headers: { 'retry-after': '60' } },
  ] as const) {
    proxy.setRule(() => fault)
    const slow: AzureStore = new AzureStore(new URL(`http://127.0.0.1:${proxy.port}/${azuriteAccount}`), credential)
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 100)
    const startMs = performance.now()
    const { signal } = abort
    const calls: Promise<unknown>[] = [
      put(slow, { container: 'any', name: 'x' }, bytes, { signal }),
      slow.listBlocks({ container: 'any', name: 'x' }, { signal }),
    ]
    for (const result of await Promise.allSettled(calls)) {
      assert.equal((result as PromiseRejectedResult).reason?.code, 'INTERRUPTED')
    }
    assert.ok(performance.now() - startMs < 30_000)
    await slow.close()
  }
  proxy.setRule(() => undefined)
})

test('what the service refuses is told with its code, and not tried again', { skip }, async () => {
  const container = 'refusals'
  await direct.createContainer(container)
  const refusals: [code: string, status: number, expected: string][] = [
    ['LeaseIdMissing', 412, 'STORAGE_REFUSED'],
    ['ContainerBeingDeleted', 409, 'STORAGE_REFUSED'],
    ['BlobImmutableDueToPolicy', 409, 'STORAGE_REFUSED'],
    ['AccountCapacityExceeded', 409, 'STORAGE_FULL'],
    ['AuthenticationFailed', 403, 'STORAGE_DENIED'],
    ['InvalidAuthenticationInfo', 401, 'STORAGE_DENIED'],
    ['ContainerNotFound', 404, 'STORAGE_NOT_FOUND'],
  ]
  for (const [code, status, expected] of refusals) {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Said so.\nRequestId:1</Message></Error>`
    proxy.setRule(() => ({ kind: 'answer', status, headers: { 'x-ms-error-code': code }, body }))
    const before = proxy.seen.length
    for (const call of [
      () => put(store, { container, name: code }, bytes, { ifAbsent: true }),
      () => store.commitBlocks({ container, name: code }, [], { ifAbsent: true }),
    ]) {
      await assert.rejects(call(), { code: expected, message: new RegExp(code) })
    }
    assert.equal(proxy.seen.length - before, 2, 'one request each')
  }
  proxy.setRule(() => undefined)
})

test('no error has a signature, key or token in it', { skip }, async () => {
  const secret = 'c2VjcmV0LXNpZ25hdHVyZS1vZi1ub2JvZHk%3D'
  const query = `sv=2021-12-02&ss=b&srt=sco&sp=rwlc&se=2099-01-01T00:00:00Z&sig=${secret}`
  const signed = new AzureStore(
    new URL(`http://127.0.0.1:${proxy.port}/${azuriteAccount}`),
    { kind: 'signature', query, isContainerOnly: false },
    { retry: { ...retry, tries: 2 } },
  )
  const echo = `<Error><Code>X</Code><Message>Bad address /c/b?${query.replaceAll('&', '&amp;')} and SharedKey a:${azuriteKey}</Message></Error>`
  const faults: Fault[] = [
    { kind: 'answer', status: 403, headers: { 'x-ms-error-code': 'AuthenticationFailed' }, body: echo },
    { kind: 'answer', status: 400, headers: { 'content-type': 'application/xml' }, body: echo },
    { kind: 'answer', status: 503, body: echo },
    { kind: 'cut-request', afterBytes: 0 },
    { kind: 'cut-answer', afterBytes: 10 },
  ]
  const place = { container: 'secrets', name: 'x' }
  const calls: (() => Promise<unknown>)[] = [
    () => put(signed, place, bytes),
    () => signed.commitBlocks(place, []),
    () => signed.listBlocks(place),
    () => listed(signed, 'secrets'),
    () => signed.createContainer('secrets'),
    () => signed.head(place),
  ]
  for (const fault of faults) {
    proxy.setRule(() => fault)
    for (const call of calls) {
      const error = await call().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof TransferError, String(error))
      const everything = inspect(error, { depth: 20, showHidden: true })
      assert.ok(!everything.includes(secret) && !everything.includes(decodeURIComponent(secret)), everything)
      assert.ok(!everything.includes(azuriteKey), everything)
    }
  }
  proxy.setRule(() => undefined)
  await signed.close()
})
