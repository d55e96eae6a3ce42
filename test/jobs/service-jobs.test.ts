// The REST API of the local service over real HTTP, call by call.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { importExportApiVersion } from '../../src/formats/import-job.js'
import { address, drive, publishedCreateBody } from '../formats/sample-job.js'
import { group, jobBody, shipping, startService, subscriptionId, version } from './local-service.js'

const { call, job, clock, token } = await startService()
let jobCount = 0
const unique = () => {
  jobCount += 1
  return `job-${jobCount}`
}

/** A job with drives of its own. */
async function made(driveCount = 1) {
  const name = unique()
  const driveIds = Array.from({ length: driveCount }, (_, index) => `${name}-D${index}`)
  const answer = await job('PUT', name, jobBody(...driveIds))
  assert.equal(answer.status, 201, answer.text)
  return { name, driveIds, ...answer }
}

describe('making a job', () => {
  test('answers 201 with the published shape, and without the key', async () => {
    const { status, json, text } = await job('PUT', 'sample', publishedCreateBody)
    assert.equal(status, 201)
    assert.equal(json.id, `${group}/sample`)
    assert.equal(json.type, 'Microsoft.ImportExport/jobs')
    assert.equal(json.identity.type, 'None')
    const { properties } = json
    assert.equal(properties.state, 'Creating')
    assert.equal(properties.cancelRequested, false)
    assert.equal(properties.provisioningState, 'Succeeded')
    assert.equal(properties.encryptionKey.kekType, 'MicrosoftManaged')
    assert.equal(properties.driveList[0].state, 'Specified')
    assert.equal(properties.driveList[0].copyStatus, undefined)
    assert.deepEqual(properties.returnAddress, address)
    assert.equal(typeof properties.shippingInformation.city, 'string')
    assert.equal(text.includes(drive.bitLockerKey), false)
  })

  test('again with the same body answers 200 and changes nothing', async () => {
    const { name, driveIds, json: before } = await made()
    clock.advance(60_000)
    const again = await job('PUT', name, jobBody(...driveIds))
    assert.equal(again.status, 200)
    assert.deepEqual(again.json, before)
  })

  test('again with another body is taken while Creating, and not once it is sent', async () => {
    const { name, driveIds } = await made()
    const body = jobBody(...driveIds)
    body.properties.logLevel = 'Error'
    assert.equal((await job('PUT', name, body)).json.properties.logLevel, 'Error')
    assert.equal((await job('PATCH', name, shipping('1Z0000AAA'))).status, 200)
    assert.equal((await job('PUT', name, body)).status, 200, 'the same is the same')
    const { status, json } = await job('PUT', name, jobBody(...driveIds))
    assert.deepEqual([status, json.error.code], [409, 'InvalidJobState'])
  })

  test('a name in other letters is the same job', async () => {
    const { name } = await made()
    const answer = await call('GET', `${group.toUpperCase()}/${name.toUpperCase()}?${version}`)
    assert.equal(answer.json?.name, name)
  })
})

const base = publishedCreateBody.properties
const wrongBodies: [title: string, body: unknown, status: number, code: string, says: RegExp][] = [
  ['text instead of JSON', '{', 400, 'InvalidRequestContent', /./],
  ['a list', [], 400, 'InvalidRequestContent', /expected an object/],
  ['no location', { properties: base }, 400, 'InvalidRequestContent', /location is missing/],
  ['no drives', { location: 'West US', properties: { ...base, driveList: [] } }, 400, 'JobRulesBroken', /0 drives/],
  [
    'drives that are text',
    { location: 'West US', properties: { ...base, driveList: 'x' } },
    400,
    'InvalidRequestContent',
    /driveList is a string/,
  ],
  [
    'eleven drives',
    jobBody(...Array.from({ length: 11 }, (_, index) => `E${index}`)),
    400,
    'JobRulesBroken',
    /11 drives/,
  ],
  ['an unknown place', { ...jobBody('F'), location: 'Atlantis' }, 400, 'JobRulesBroken', /Atlantis/],
  [
    'an export',
    { location: 'West US', properties: { ...base, jobType: 'Export' } },
    400,
    'JobTypeNotSupported',
    /imports/,
  ],
  [
    'half an address',
    { location: 'West US', properties: { ...jobBody('F').properties, returnAddress: { city: 'X' } } },
    400,
    'JobRulesBroken',
    /recipient/,
  ],
  [
    'a log level nobody knows',
    { location: 'West US', properties: { ...base, logLevel: 'Chatty' } },
    400,
    'InvalidRequestContent',
    /Chatty/,
  ],
  ['a drive of another job', publishedCreateBody, 409, 'JobRulesBroken', /9CA995BB" is in job rg\/sample/],
]
for (const [title, body, status, code, says] of wrongBodies) {
  test(`a job with ${title} is refused with ${status} in ARM’s form`, async () => {
    const answer = await job('PUT', 'wrong-job', body)
    assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text)
    assert.match(answer.json.error.message, says)
    assert.equal((await job('GET', 'wrong-job')).status, 404)
  })
}

const hostileNames = [
  '..%2f..%2fetc',
  '%2e%2e%2fpasswd',
  '%3Cscript%3E',
  'a%00b',
  'UPPER_case',
  'x'.repeat(200),
  '%F0%9F%92%BE-disk',
]
for (const name of hostileNames) {
  test(`the job name ${name.slice(0, 20)} is refused`, async () => {
    const { status, json, text } = await job('PUT', name, jobBody('HOSTILE'))
    assert.equal(status, 400, text)
    assert.match(json.error.code, /JobRulesBroken|InvalidRequestContent/)
  })
}

describe('asking', () => {
  test('without, or with an unknown api-version is refused by name', async () => {
    const missing = await call('GET', `${group}/sample`)
    assert.deepEqual([missing.status, missing.json.error.code], [400, 'MissingApiVersionParameter'])
    const unknown = await call('GET', `${group}/sample?api-version=2031-01-01`)
    assert.deepEqual([unknown.status, unknown.json.error.code], [400, 'InvalidApiVersionParameter'])
    assert.match(unknown.json.error.message, new RegExp(importExportApiVersion))
    assert.equal((await call('GET', `${group}/sample?api-version=2016-11-01`)).status, 200)
  })

  test('lists jobs in pages with a link to the next', async () => {
    await Promise.all([made(), made(), made()])
    const names: string[] = []
    let path: string | undefined =
      `/subscriptions/${subscriptionId}/providers/Microsoft.ImportExport/jobs?${version}&$top=2`
    while (path !== undefined) {
      const { json, status }: Awaited<ReturnType<typeof call>> = await call('GET', path)
      assert.equal(status, 200)
      assert.ok(json.value.length <= 2)
      names.push(...json.value.map((entry: { name: string }) => entry.name))
      const next: string | undefined = json.nextLink
      path = next === undefined ? undefined : new URL(next).pathname + new URL(next).search
    }
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.length >= 4 && names.includes('sample'))
  })

  test('filters by state, and refuses a filter it does not know', async () => {
    const { json } = await call(
      'GET',
      `${group}?${version}&$filter=${encodeURIComponent("jobType eq 'Import' and state eq 'Shipping'")}`,
    )
    assert.ok(json.value.every((entry: { properties: { state: string } }) => entry.properties.state === 'Shipping'))
    assert.equal((await call('GET', `${group}?${version}&$filter=name%20eq%20'x'`)).json.error.code, 'InvalidFilter')
    assert.equal((await call('GET', `${group}?${version}&$top=101`)).json.error.code, 'InvalidTop')
  })

  test('shows no job of another group or subscription', async () => {
    const elsewhere = group.replace('/rg/', '/other/')
    assert.equal((await call('GET', `${elsewhere}/sample?${version}`)).status, 404)
    assert.deepEqual((await call('GET', `${elsewhere}?${version}`)).json.value, [])
    const bad = group.replace(subscriptionId, 'mine')
    assert.equal((await call('GET', `${bad}?${version}`)).json.error.code, 'InvalidSubscriptionId')
  })

  test('lists the keys by a call of their own', async () => {
    const { status, json } = await call('POST', `${group}/sample/listBitLockerKeys?${version}`)
    assert.equal(status, 200)
    assert.deepEqual(json, { value: [{ driveId: drive.driveId, bitLockerKey: drive.bitLockerKey }] })
  })

  test('lists locations and operations in the published form', async () => {
    const { json } = await call('GET', `/providers/Microsoft.ImportExport/locations?${version}`)
    assert.equal(json.value[0].type, 'Microsoft.ImportExport/locations')
    assert.ok(Array.isArray(json.value[0].properties.supportedCarriers))
    const one = await call('GET', `/providers/Microsoft.ImportExport/locations/westeurope?${version}`)
    assert.equal(one.json.name, 'West Europe')
    assert.equal((await call('GET', `/providers/Microsoft.ImportExport/locations/mars?${version}`)).status, 404)
    const operations = await call('GET', `/providers/Microsoft.ImportExport/operations?${version}`)
    assert.ok(
      operations.json.value.some((entry: { name: string }) => entry.name.endsWith('jobs/listBitLockerKeys/action')),
    )
  })

  test('echoes the client’s request id and gives its own', async () => {
    const headers = { 'x-ms-client-request-id': 'c0ffee-1' }
    const answer = await call('GET', `${group}/sample?${version}`, undefined, headers)
    assert.equal(answer.headers.get('x-ms-client-request-id'), 'c0ffee-1')
    assert.ok(answer.headers.get('x-ms-request-id'))
    const wrong = await call('PUT', `${group}/tenant?${version}`, jobBody('T'), { 'x-ms-client-tenant-id': 'nobody' })
    assert.equal(wrong.json.error.target, 'x-ms-client-tenant-id')
  })
})

describe('changing a job', () => {
  test('the published empty state changes the log settings alone', async () => {
    const { name } = await made()
    const body = { properties: { state: '', logLevel: 'Error', backupDriveManifest: false } }
    const { json } = await job('PATCH', name, body)
    assert.deepEqual(
      [json.properties.state, json.properties.logLevel, json.properties.backupDriveManifest],
      ['Creating', 'Error', false],
    )
  })

  test('a package moves it to Shipping; said twice it is said once', async () => {
    const { name } = await made(2)
    const sent = shipping('1Z55500A', 2)
    const first = await job('PATCH', name, sent)
    assert.equal(first.json.properties.state, 'Shipping')
    clock.advance(1000)
    const second = await job('PATCH', name, sent)
    assert.equal(second.status, 200)
    assert.deepEqual(second.json.properties.deliveryPackage, first.json.properties.deliveryPackage)
  })

  const refusals: [title: string, body: unknown, status: number, says: RegExp][] = [
    ['to Received', { properties: { state: 'Received' } }, 400, /Shipping only/],
    ['back from being cancelled', { properties: { cancelRequested: false } }, 400, /true only/],
    ['to Shipping without a package', { properties: { state: 'Shipping' } }, 400, /No carrier/],
    ['to Shipping with another number of drives', shipping('1Z77700A', 3), 400, /3 drives/],
    ['to Shipping with the number of another job', shipping('1z-55500a'), 409, /that of job rg\//],
  ]
  for (const [title, body, status, says] of refusals) {
    test(`${title} is refused`, async () => {
      const { name } = await made()
      const answer = await job('PATCH', name, body)
      assert.equal(answer.status, status, answer.text)
      assert.match(answer.json.error.message, says)
      assert.equal((await job('GET', name)).json.properties.state, 'Creating')
    })
  }

  test('without a return address cannot be sent; given with the package it can', async () => {
    const name = unique()
    const { returnAddress, returnShipping, ...rest } = base
    const body = { location: 'West US', properties: { ...rest, driveList: [{ ...drive, driveId: 'NOADDRESS' }] } }
    assert.equal((await job('PUT', name, body)).status, 201)
    const refused = await job('PATCH', name, shipping('1Z88800A'))
    assert.deepEqual(
      refused.json.error.details.map((detail: { code: string }) => detail.code),
      ['RETURN_ADDRESS', 'RETURN_CARRIER'],
    )
    const whole = { properties: { ...shipping('1Z88800A').properties, returnAddress, returnShipping } }
    assert.equal((await job('PATCH', name, whole)).json.properties.state, 'Shipping')
  })

  test('drives can be exchanged while Creating only', async () => {
    const { name } = await made()
    const driveList = [{ ...drive, driveId: 'EXCHANGED' }]
    const { json } = await job('PATCH', name, { properties: { driveList } })
    assert.equal(json.properties.driveList[0].driveId, 'EXCHANGED')
    await job('PATCH', name, shipping('1Z99900A'))
    assert.equal((await job('PATCH', name, { properties: { driveList } })).status, 409)
  })

  test('a cancelled job stays where it is and is not sent', async () => {
    const { name } = await made()
    const { json } = await job('PATCH', name, { properties: { cancelRequested: true } })
    assert.deepEqual([json.properties.cancelRequested, json.properties.state], [true, 'Creating'])
    assert.equal((await job('PATCH', name, shipping('1ZCANCEL1'))).status, 409)
  })

  test('is refused for a job that is not there', async () => {
    for (const method of ['PATCH', 'DELETE', 'GET']) {
      const answer = await job(method, 'nowhere', method === 'PATCH' ? {} : undefined)
      assert.deepEqual([answer.status, answer.json.error.code], [404, 'ResourceNotFound'])
    }
  })
})

test('a job is deleted while Creating, not while Shipping', async () => {
  const { name } = await made()
  assert.equal((await job('DELETE', name)).status, 200)
  assert.equal((await job('GET', name)).status, 404)
  const { name: sent } = await made()
  await job('PATCH', sent, shipping('1ZDELETE1'))
  const { status, json } = await job('DELETE', sent)
  assert.deepEqual([status, json.error.code], [409, 'InvalidJobState'])
})

test('twenty jobs made at once are all there', async () => {
  const names = await Promise.all(Array.from({ length: 20 }, async () => (await made()).name))
  const states = await Promise.all(names.map(async (name) => (await job('GET', name)).status))
  assert.ok(states.every((status) => status === 200))
})

test('no answer holds the token', async () => {
  const answers = await Promise.all([call('GET', `${group}?${version}`), call('GET', '/nowhere'), call('GET', '/')])
  assert.ok(answers.every(({ text }) => !text.includes(token)))
})
