// The client of Microsoft.ImportExport against the local service, with a network that fails in between.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import type { JobRequest } from '../../src/formats/import-job.js'
import { ArmImportService, type JobServiceOptions } from '../../src/jobs/arm-import-service.js'
import { createJob, getJob } from '../../src/jobs/import-service.js'
import { staticToken } from '../../src/jobs/service-credential.js'
import { accountId, address, answeredJob, drive } from '../formats/sample-job.js'
import { type Fault, startScriptedProxy } from './fault-proxy.js'
import { quickRetry, startService, subscriptionId } from './local-service.js'

const { service, client, token, clock, job } = await startService()
const driveOf = (driveId: string) => ({ ...drive, driveId })
const request = (driveId: string, more: Partial<JobRequest> = {}): JobRequest => ({
  location: 'West Europe',
  storageAccountId: accountId,
  drives: [driveOf(driveId)],
  returnAddress: address,
  returnShipping: { carrierName: 'FedEx', carrierAccountNumber: '1' },
  ...more,
})

function clientAt(endpoint: string, more: Partial<JobServiceOptions> = {}) {
  const credential = staticToken(token)
  return new ArmImportService({ endpoint, subscriptionId, resourceGroup: 'rg', credential, retry: quickRetry, ...more })
}

/** A client behind a proxy with this script. */
async function behind(...script: Fault[]) {
  const proxy = await startScriptedProxy(service.url, script)
  return { ...proxy, client: clientAt(proxy.url) }
}

describe('a job through the client', () => {
  test('is made, found, listed, changed, and its keys are listed', async () => {
    const { job: made, isNew } = await createJob(client, 'client-1', request('C1'))
    assert.deepEqual([isNew, made.state, made.drives[0]?.bitLockerKey], [true, 'Creating', undefined])
    assert.equal((await client.find('client-1'))?.name, 'client-1')
    assert.ok((await client.list()).some(({ name }) => name === 'client-1'))
    assert.deepEqual([...(await client.listBitLockerKeys('client-1'))], [['C1', drive.bitLockerKey]])
    const deliveryPackage = {
      carrierName: 'UPS',
      trackingNumber: '1ZCLIENT1',
      driveCount: 1,
      shipDate: new Date().toISOString(),
    }
    const sent = await client.update('client-1', { state: 'Shipping', deliveryPackage, tags: { by: 'test' } })
    assert.deepEqual(
      [sent.state, sent.deliveryPackage?.trackingNumber, sent.tags],
      ['Shipping', '1ZCLIENT1', { by: 'test' }],
    )
    assert.equal((await client.update('client-1', { cancelRequested: true })).cancelRequested, true)
  })

  test('can have its drives exchanged and be deleted', async () => {
    await createJob(client, 'client-2', request('C2'))
    const { drives } = await client.update('client-2', { drives: [driveOf('C2B')] })
    assert.equal(drives[0]?.driveId, 'C2B')
    await client.delete('client-2')
    assert.equal(await client.find('client-2'), undefined)
    await assert.rejects(client.delete('client-2'), { code: 'JOB_NOT_FOUND' })
    await assert.rejects(getJob(client, 'client-2'), { code: 'JOB_NOT_FOUND', hint: /two weeks/ })
  })

  test('more than a page of jobs is listed whole', async () => {
    const elsewhere = clientAt(service.url, { resourceGroup: 'many' })
    await Promise.all(
      Array.from({ length: 103 }, (_, index) => elsewhere.put(`many-${index}`, request(`MANY${index}`))),
    )
    assert.equal((await elsewhere.list()).length, 103)
  })

  test('locations are read', async () => {
    const locations = await client.locations()
    assert.deepEqual(
      locations.map(({ name }) => name),
      ['Local Station', 'West Europe', 'West US'],
    )
  })
})

describe('asking for a job twice', () => {
  test('gives the one that is there, also after it was sent and time passed', async () => {
    await createJob(client, 'twice', request('TW'))
    await client.update('twice', {
      state: 'Shipping',
      deliveryPackage: { carrierName: 'UPS', trackingNumber: '1ZTWICE01' },
    })
    clock.advance(1000)
    const { isNew, job: found } = await createJob(client, 'twice', request('TW', { location: 'westeurope' }))
    assert.deepEqual([isNew, found.state], [false, 'Shipping'])
  })

  const others: [title: string, change: Partial<JobRequest>, says: RegExp][] = [
    ['another drive', { drives: [driveOf('OTHER')] }, /drive OTHER is not in it/],
    ['one drive more', { drives: [driveOf('TW'), driveOf('MORE')] }, /drive MORE is not in it/],
    ['another manifest', { drives: [{ ...driveOf('TW'), manifestHash: 'A'.repeat(32) }] }, /manifest of drive TW/],
    [
      'another key',
      { drives: [{ ...driveOf('TW'), bitLockerKey: '000011-000011-000011-000011-000011-000011-000011-000011' }] },
      /recovery password of drive TW is another one/,
    ],
    ['another account', { storageAccountId: `${accountId}2` }, /storageAccountId/],
    ['another place', { location: 'West US' }, /location is "West Europe"/],
    ['another address', { returnAddress: { ...address, city: 'Elsewhere' } }, /returnAddress\.city/],
  ]
  for (const [title, change, says] of others) {
    test(`under one name with ${title} is refused, and nothing is replaced`, async () => {
      const before = (await job('GET', 'twice')).json
      await assert.rejects(createJob(client, 'twice', request('TW', change)), (error: unknown) => {
        assert.ok(error instanceof TransferError && error.code === 'JOB_DIFFERS')
        assert.match(error.problems.map(({ message }) => message).join('\n'), says)
        assert.equal(JSON.stringify(error.problems).includes(drive.bitLockerKey), false, 'no key in a message')
        return true
      })
      assert.deepEqual((await job('GET', 'twice')).json, before)
    })
  }
})

describe('when the network or the service fails', () => {
  test('a connection that breaks after the job was made leaves one job', async () => {
    const { client: shaky, seen } = await behind('pass', 'drop-after')
    const { isNew, job: made } = await createJob(shaky, 'broken-1', request('B1'))
    assert.deepEqual([isNew, made.state], [true, 'Creating'])
    assert.deepEqual(
      seen.map(({ method }) => method),
      ['GET', 'PUT', 'PUT', 'POST'],
    )
    const named = (await client.list()).filter(({ name }) => name === 'broken-1')
    assert.equal(named.length, 1)
    assert.equal((await job('GET', 'broken-1')).json.systemData.createdAt, made.createdAt?.toISOString())
  })

  test('a command that gave up after the job was made finds it on its next run', async () => {
    const { client: dead } = await behind('pass', 'drop-after', 'drop-before', 'drop-before', 'drop-before')
    await assert.rejects(createJob(dead, 'broken-2', request('B2')), { code: 'SERVICE_UNREACHABLE' })
    assert.equal((await createJob(client, 'broken-2', request('B2'))).isNew, false)
  })

  test('a job is made also by somebody who may not list its keys', async () => {
    const { client: limited } = await behind('pass', 'pass', { status: 403 })
    assert.equal((await createJob(limited, 'limited', request('LIMITED'))).isNew, true)
  })

  test('a package that was declared before the connection broke is declared once', async () => {
    await createJob(client, 'broken-3', request('B3'))
    const { client: shaky } = await behind('drop-after')
    const sent = await shaky.update('broken-3', {
      state: 'Shipping',
      deliveryPackage: { carrierName: 'UPS', trackingNumber: '1ZBROKEN3' },
    })
    assert.equal(sent.state, 'Shipping')
  })

  test('a job that was deleted before the connection broke counts as deleted', async () => {
    await createJob(client, 'broken-4', request('B4'))
    const { client: shaky } = await behind('drop-after')
    await shaky.delete('broken-4')
    assert.equal(await client.find('broken-4'), undefined)
  })

  for (const status of [408, 429, 500, 502, 503, 504]) {
    test(`status ${status} is asked again`, async () => {
      const { client: busy, seen } = await behind({ status }, { status })
      await busy.locations()
      assert.equal(seen.length, 3)
    })
  }

  for (const status of [429, 500, 503]) {
    const waits: [title: string, headers: Record<string, string>][] = [
      ['seconds', { 'Retry-After': '1' }],
      ['milliseconds', { 'retry-after-ms': '900' }],
    ]
    for (const [title, headers] of waits) {
      test(`Retry-After in ${title} of status ${status} is waited for`, async () => {
        const { client: busy, seen } = await behind({ status, headers })
        await busy.locations()
        assert.ok((seen[1]?.atMs ?? 0) - (seen[0]?.atMs ?? 0) > 850)
      })
    }
  }

  test('a wait that is too long is not waited for, and named', async () => {
    const { client: busy, seen } = await behind({ status: 429, headers: { 'Retry-After': '86400' } })
    await assert.rejects(busy.locations(), (error: unknown) => {
      return error instanceof TransferError && error.code === 'SERVICE_BUSY' && /86400/.test(error.hint ?? '')
    })
    assert.equal(seen.length, 1)
  })

  test('a service that stays busy is given up after the tries that were allowed', async () => {
    const body = JSON.stringify({ error: { code: 'TooMany', message: 'Come back later.' } })
    const { client: busy, seen } = await behind(...Array.from({ length: 9 }, () => ({ status: 503, body })))
    await assert.rejects(busy.locations(), /4 times and still answers TooMany: Come back later/)
    assert.equal(seen.length, quickRetry.triesMax)
  })

  test('a refusal is not asked again, and its words and details come through', async () => {
    const { client: proxied, seen } = await behind()
    await assert.rejects(proxied.put('Bad_Name', request('BAD', { location: 'Atlantis' })), (error: unknown) => {
      assert.ok(error instanceof TransferError && error.code === 'SERVICE_REFUSED')
      assert.deepEqual(
        error.problems.map(({ message }) => message.split(':')[0]),
        ['JOB_NAME', 'JOB_LOCATION'],
      )
      return true
    })
    assert.equal(seen.length, 1)
  })

  test('nobody there is said so', async () => {
    const nobody = clientAt('http://127.0.0.1:1', { retry: { triesMax: 2, delayMs: 1 } })
    await assert.rejects(nobody.locations(), { code: 'SERVICE_UNREACHABLE' })
  })

  test('a service that takes the request and stays silent is given up in time', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    after(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const impatient = clientAt(url, { retry: { triesMax: 2, delayMs: 1, tryTimeoutMs: 100 } })
    await assert.rejects(impatient.locations(), {
      code: 'SERVICE_UNREACHABLE',
      message: /no answer came in time.*2 tries/,
    })
  })

  test('an interruption ends the waiting', async () => {
    const { url } = await startScriptedProxy(service.url, [{ status: 503, headers: { 'Retry-After': '60' } }])
    const abort = new AbortController()
    const started = performance.now()
    setTimeout(() => abort.abort(), 50)
    await assert.rejects(clientAt(url, { signal: abort.signal }).locations())
    assert.ok(performance.now() - started < 30_000)
  })
})

/** A server that answers everything with this. */
async function answering(status: number, body: string, headers: Record<string, string> = {}) {
  const received: string[] = []
  const server = createServer((incoming, outgoing) => {
    received.push(incoming.headers.authorization ?? '')
    outgoing.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

describe('a service that answers otherwise', () => {
  test('with a state and fields that nobody knows is understood', async () => {
    const strange = structuredClone(answeredJob)
    Object.assign(strange.properties, { state: 'Quarantined', newField: { a: [1] } })
    Object.assign(strange.properties.driveList[0] as object, { state: 'Melted' })
    const found = await clientAt((await answering(200, JSON.stringify(strange))).url).find('myJob')
    assert.deepEqual([found?.state, found?.drives[0]?.state], ['Quarantined', 'Melted'])
  })

  const pages: [title: string, body: string][] = [
    ['a web page', '<html>hello</html>'],
    ['nothing', ''],
    ['other JSON', '{"status":"up"}'],
  ]
  for (const [title, body] of pages) {
    test(`with ${title} is no job service`, async () => {
      const { url } = await answering(200, body)
      await assert.rejects(clientAt(url).find('x'), (error: unknown) => {
        return error instanceof TransferError && /^SERVICE_(ANSWER_INVALID|UNREACHABLE|BUSY|REFUSED)$/.test(error.code)
      })
    })
  }

  test('with a list that goes on elsewhere does not get the token there', async () => {
    const thief = await answering(200, '{"value":[]}')
    const { url } = await answering(200, JSON.stringify({ value: [], nextLink: `${thief.url}/next` }))
    await assert.rejects(clientAt(url).list(), { code: 'SERVICE_ANSWER_INVALID' })
    assert.deepEqual(thief.received, [])
  })

  test('with a redirect is not followed', async () => {
    const thief = await answering(200, JSON.stringify(answeredJob))
    const { url } = await answering(307, '', { Location: `${thief.url}/x` })
    await assert.rejects(clientAt(url).find('x'))
    assert.deepEqual(thief.received, [])
  })
})

test('a token does not travel unencrypted over a network', () => {
  assert.throws(() => clientAt('http://example.invalid'), { code: 'SERVICE_INSECURE' })
  assert.throws(() => clientAt('ftp://127.0.0.1'), TypeError)
  assert.throws(() => clientAt('http://user:word@127.0.0.1'), TypeError)
})
