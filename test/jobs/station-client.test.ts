// The receiving station's client against the local service.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { staticToken } from '../../src/jobs/service-credential.js'
import { StationClient } from '../../src/jobs/station-client.js'
import { drive } from '../formats/sample-job.js'
import { startScriptedProxy } from './fault-proxy.js'
import { jobBody, quickRetry, shipping, startService } from './local-service.js'

const { service, token, job } = await startService()
const options = { credential: staticToken(token), retry: quickRetry }
const station = new StationClient({ endpoint: service.url, ...options })

test('a station takes a job from its package to its end', async () => {
  await job('PUT', 'seed', jobBody('S1', 'S2'))
  await job('PATCH', 'seed', shipping('1ZSEED001', 2))
  const [waiting] = await station.jobs()
  assert.deepEqual([waiting?.name, waiting?.state], ['seed', 'Shipping'])
  const found = await station.findDrive('S1')
  assert.deepEqual([found?.drive.bitLockerKey, found?.drive.manifestHash], [drive.bitLockerKey, drive.manifestHash])
  assert.equal(await station.findDrive('STRANGER'), undefined)
  for (const driveId of ['S1', 'S2']) await station.reportDrive(driveId, { state: 'Received' })
  for (const driveId of ['S1', 'S2']) {
    await station.reportDrive(driveId, { state: 'Transferring' })
    await station.reportDrive(driveId, { percentComplete: 50, bytesSucceeded: 512 })
    await station.reportDrive(driveId, { state: 'Completed', verboseLogUri: 'https://store/log' })
  }
  const place = found?.job as NonNullable<typeof found>['job']
  assert.equal((await station.reportJob(place, { state: 'Packaging' })).state, 'Packaging')
  const returnPackage = { carrierName: 'UPS', trackingNumber: '1Z1', driveCount: 2, shipDate: '2026-12-01' }
  assert.equal((await station.reportJob(place, { state: 'Completed', returnPackage })).state, 'Completed')
  assert.deepEqual(await station.jobs(), [])
})

test('an impossible step comes back as a refusal with the service’s words', async () => {
  await job('PUT', 'early', jobBody('E1'))
  await assert.rejects(station.reportDrive('E1', { state: 'Received' }), {
    code: 'SERVICE_REFUSED',
    message: /Creating/,
  })
  await assert.rejects(station.reportDrive('NOBODY', { state: 'Received' }), { code: 'JOB_NOT_FOUND' })
})

test('a report whose answer was lost is repeated and counts once', async () => {
  await job('PUT', 'shaky', jobBody('H1'))
  await job('PATCH', 'shaky', shipping('1ZSHAKY01'))
  const { url } = await startScriptedProxy(service.url, ['drop-after', { status: 503 }])
  const shaky = new StationClient({ endpoint: url, ...options })
  assert.equal((await shaky.reportDrive('H1', { state: 'Received' })).state, 'Received')
})
