// The shapes are those of the published 2021-01-01 description of the service and of its examples.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import {
  encodeJobRequest,
  encodeJobUpdate,
  isFinished,
  jobStateOrder,
  parseImportJob,
  parseLocations,
} from '../../src/formats/import-job.js'
import { addressLines } from '../../src/formats/shipping.js'
import { mutate, xorshift } from './mutate.js'
import { address, answeredJob, drive, publishedCreateBody } from './sample-job.js'

describe('an answered job', () => {
  test('is read whole', () => {
    const job = parseImportJob(answeredJob, 'test')
    assert.equal(job.name, 'myJob')
    assert.equal(job.state, 'Creating')
    assert.equal(job.shippingInformation?.postalCode, '95050')
    assert.deepEqual(job.returnAddress, address)
    assert.deepEqual(job.returnShipping, { carrierName: 'FedEx', carrierAccountNumber: '989ffff' })
    assert.equal(job.drives[0]?.bitLockerKey, undefined)
    assert.equal(job.drives[0]?.manifestHash, drive.manifestHash)
    assert.equal(job.createdAt?.toISOString(), '2026-11-01T10:00:00.000Z')
    assert.equal(job.cancelRequested, false)
  })

  test('in a state that nobody knows, with fields that nobody knows, is read', () => {
    const raw = structuredClone(answeredJob)
    Object.assign(raw.properties, { state: 'Quarantined', shoeSize: 44, percentComplete: 250 })
    Object.assign(raw.properties.driveList[0] as object, { state: 'Melted', colour: null })
    const job = parseImportJob(raw, 'test')
    assert.deepEqual([job.state, job.drives[0]?.state, job.percentComplete], ['Quarantined', 'Melted', 100])
    assert.equal(jobStateOrder(job.state), -1)
    assert.equal(isFinished(job), false)
  })

  const broken: [name: string, value: unknown, says: RegExp][] = [
    ['a page of a web server', '<html>', /the answer is a string/],
    ['nothing', undefined, /the answer is nothing/],
    ['a job without properties', { name: 'x' }, /properties is missing/],
    ['a job without a state', { name: 'x', properties: {} }, /properties\.state is missing/],
    [
      'a drive that is a number',
      { name: 'x', properties: { state: 'Creating', driveList: [7] } },
      /driveList\[0\] is a number/,
    ],
    ['a drive without an id', { name: 'x', properties: { state: 'S', driveList: [{}] } }, /driveList\[0\]\.driveId/],
  ]
  for (const [name, value, says] of broken) {
    test(`that is ${name} is refused with the path`, () => {
      assert.throws(
        () => parseImportJob(value, 'The service'),
        (error: unknown) =>
          error instanceof TransferError && error.code === 'SERVICE_ANSWER_INVALID' && says.test(error.message),
      )
    })
  }

  test('with damage is read or refused, never anything else', () => {
    const random = xorshift(7)
    const original = Buffer.from(JSON.stringify(answeredJob))
    let refusals = 0
    for (let round = 0; round < 2000; round++) {
      let document: unknown
      try {
        document = JSON.parse(mutate(original, random).toString('utf8'))
      } catch {
        continue
      }
      try {
        parseImportJob(document, 'test')
      } catch (error) {
        refusals += 1
        assert.ok(error instanceof TransferError && error.code === 'SERVICE_ANSWER_INVALID', String(error))
      }
    }
    assert.ok(refusals > 5)
  })
})

test('the request that makes a job is the published example', () => {
  const request = {
    location: 'West US',
    storageAccountId: publishedCreateBody.properties.storageAccountId,
    drives: [{ ...drive, manifestHash: drive.manifestHash.toLowerCase() }],
    returnAddress: address,
    returnShipping: { carrierName: 'FedEx', carrierAccountNumber: '989ffff' },
    diagnosticsPath: 'waimportexport',
    logLevel: 'Verbose' as const,
    backupDriveManifest: true,
  }
  assert.deepEqual(encodeJobRequest(request), publishedCreateBody)
})

test('the request that declares a package sent has the published form', () => {
  const deliveryPackage = { carrierName: 'FedEx', trackingNumber: '1Z9', driveCount: 1, shipDate: '2026-11-30' }
  assert.deepEqual(encodeJobUpdate({ state: 'Shipping', deliveryPackage }), {
    properties: { state: 'Shipping', deliveryPackage },
  })
  assert.deepEqual(encodeJobUpdate({ cancelRequested: true }), { properties: { cancelRequested: true } })
})

test('locations are read from their properties, alternates by id or by name', () => {
  const locations = parseLocations(
    {
      value: [
        {
          id: '/providers/Microsoft.ImportExport/locations/westus',
          name: 'West US',
          type: 'Microsoft.ImportExport/locations',
          properties: {
            recipientName: 'Station',
            streetAddress1: 'Street 1',
            city: 'Town',
            postalCode: '12345',
            countryOrRegion: 'USA',
            additionalShippingInformation: 'Ring twice',
            supportedCarriers: ['FedEx', 'UPS'],
            alternateLocations: ['/providers/Microsoft.ImportExport/locations/eastus', 'northus'],
          },
        },
      ],
    },
    'test',
  )
  assert.deepEqual(locations[0]?.alternateLocations, ['eastus', 'northus'])
  assert.equal(locations[0]?.additionalInformation, 'Ring twice')
  assert.deepEqual(addressLines(locations[0] as object), ['Station', 'Street 1', 'Town 12345', 'USA'])
})
