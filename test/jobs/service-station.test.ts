// What the receiving station reports, which step may follow which, and what time does.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drive } from '../formats/sample-job.js'
import { jobBody, shipping, startService, subscriptionId } from './local-service.js'

const { call, job, clock } = await startService()
const dayMs = 86_400_000
let jobCount = 0

/** A job whose package is on the way. */
async function shipped(driveCount = 2) {
  jobCount += 1
  const name = `job-${jobCount}`
  const driveIds = Array.from({ length: driveCount }, (_, index) => `${name}-D${index}`)
  assert.equal((await job('PUT', name, jobBody(...driveIds))).status, 201)
  assert.equal((await job('PATCH', name, shipping(`1ZSENT00${jobCount}`, driveCount))).status, 200)
  const report = (index: number, body: object) => call('POST', `/station/v1/drives/${driveIds[index]}/report`, body)
  const reportJob = (body: object) => call('POST', `/station/v1/jobs/${subscriptionId}/rg/${name}/report`, body)
  const state = async () => (await job('GET', name)).json?.properties.state
  return { name, driveIds, report, reportJob, state }
}

const returnPackage = { carrierName: 'FedEx', trackingNumber: '1ZBACK01', driveCount: 2, shipDate: '2026-12-01' }

describe('the station', () => {
  test('gets what it needs to open and check a drive, by its serial', async () => {
    const { driveIds, name } = await shipped()
    const { json } = await call('GET', `/station/v1/drives/${driveIds[1]}`)
    assert.deepEqual(
      [json.driveId, json.bitLockerKey, json.manifestFile, json.manifestHash],
      [driveIds[1], drive.bitLockerKey, drive.manifestFile, drive.manifestHash],
    )
    assert.deepEqual([json.job.name, json.job.drives.length, json.job.logLevel], [name, 2, 'Verbose'])
    const unknown = await call('GET', '/station/v1/drives/STRANGER')
    assert.deepEqual([unknown.status, unknown.json.error.code], [404, 'DriveNotFound'])
    const list = await call('GET', '/station/v1/jobs')
    assert.ok(list.json.value.some((entry: { name: string }) => entry.name === name))
  })

  test('moves a job through all its states to Completed', async () => {
    const { report, reportJob, state, name } = await shipped()
    await report(0, { state: 'Received' })
    assert.equal(await state(), 'Shipping', 'one drive is still missing')
    await report(1, { state: 'Received' })
    assert.equal(await state(), 'Received')
    await report(0, { state: 'Transferring' })
    assert.equal(await state(), 'Transferring')
    await report(0, { percentComplete: 50, bytesSucceeded: 4096 })
    assert.equal((await job('GET', name)).json.properties.percentComplete, 25)
    await report(0, { state: 'Completed', verboseLogUri: 'https://store/log.xml', copyStatus: 'Completed' })
    assert.equal((await reportJob({ state: 'Packaging' })).status, 409, 'the other drive is not done')
    await report(1, { state: 'Transferring' })
    await report(1, { state: 'Completed', bytesSucceeded: 7 })
    assert.equal((await reportJob({ state: 'Packaging' })).status, 200)
    assert.equal((await reportJob({ state: 'Completed' })).status, 400, 'without a package')
    assert.equal((await reportJob({ state: 'Completed', returnPackage })).status, 200)
    const { json } = await job('GET', name)
    assert.equal(json.properties.state, 'Completed')
    assert.equal(json.properties.percentComplete, 100)
    assert.deepEqual(json.properties.returnPackage, returnPackage)
    const [first] = json.properties.driveList
    assert.deepEqual(
      [first.state, first.copyStatus, first.verboseLogUri, first.bytesSucceeded, first.percentComplete],
      ['ShippedBack', 'Completed', 'https://store/log.xml', 4096, 100],
    )
  })

  test('ends a job with problems as Closed, whatever it asks for', async () => {
    const { report, reportJob, state } = await shipped()
    await report(0, { state: 'Received' })
    await report(1, { state: 'NeverReceived' })
    assert.equal(await state(), 'Received')
    await report(0, { state: 'Transferring' })
    await report(0, { state: 'CompletedMoreInfo', errorLogUri: 'https://store/error.xml' })
    await reportJob({ state: 'Packaging' })
    const sent = { ...returnPackage, driveCount: 1 }
    assert.equal((await reportJob({ state: 'Completed', returnPackage })).status, 400, 'two drives, and one is here')
    assert.equal((await reportJob({ state: 'Completed', returnPackage: sent })).json.state, 'Closed')
  })

  test('can repeat a transfer that had problems, and then it had none', async () => {
    const { report, reportJob } = await shipped(1)
    for (const state of ['Received', 'Transferring', 'CompletedMoreInfo', 'Transferring', 'Completed']) {
      assert.equal((await report(0, { state })).status, 200, state)
    }
    await reportJob({ state: 'Packaging' })
    const answer = await reportJob({ state: 'Closed', returnPackage: { ...returnPackage, driveCount: 1 } })
    assert.equal(answer.json.state, 'Completed')
  })

  const impossible: [title: string, before: string[], step: object][] = [
    ['transfer a drive that has not come', [], { state: 'Transferring' }],
    ['complete a drive that was not transferred', ['Received'], { state: 'Completed' }],
    ['receive a drive twice after its transfer', ['Received', 'Transferring'], { state: 'Received' }],
    ['lose a drive that is here', ['Received'], { state: 'NeverReceived' }],
    ['send a drive back alone', ['Received', 'Transferring', 'Completed'], { state: 'ShippedBack' }],
    ['repeat a transfer that was complete', ['Received', 'Transferring', 'Completed'], { state: 'Transferring' }],
    ['report progress of a drive on its way', [], { percentComplete: 5 }],
    ['report more than everything', ['Received', 'Transferring'], { percentComplete: 101 }],
    ['report bytes below zero', ['Received', 'Transferring'], { bytesSucceeded: -1 }],
    ['report a state nobody knows', ['Received'], { state: 'Melted' }],
  ]
  for (const [title, before, step] of impossible) {
    test(`cannot ${title}`, async () => {
      const { report, name } = await shipped(1)
      for (const state of before) assert.equal((await report(0, { state })).status, 200)
      const { status, json } = await report(0, step)
      assert.ok(status === 409 || status === 400, String(status))
      assert.ok(json.error.message.length > 10)
      const [found] = (await job('GET', name)).json.properties.driveList
      assert.equal(found.state, before.at(-1) ?? 'Specified', 'a refused step changes nothing')
    })
  }

  test('cannot begin while a drive of the package is unaccounted for', async () => {
    const { report, driveIds } = await shipped(2)
    await report(0, { state: 'Received' })
    const { status, json } = await report(0, { state: 'Transferring' })
    assert.equal(status, 409)
    assert.match(json.error.message, new RegExp(driveIds[1] as string))
  })

  test('cannot work on a job that was never sent', async () => {
    await job('PUT', 'unsent', jobBody('UNSENT'))
    assert.equal((await call('POST', '/station/v1/drives/UNSENT/report', { state: 'Received' })).status, 409)
  })

  test('stops a job with a reason and puts it back where it was', async () => {
    const { report, reportJob, state } = await shipped(1)
    await report(0, { state: 'Received' })
    assert.equal((await reportJob({ state: 'Faulted' })).status, 400, 'a reason is needed')
    await reportJob({ state: 'Faulted', reason: 'water damage' })
    assert.equal(await state(), 'Faulted')
    assert.equal((await report(0, { state: 'Transferring' })).status, 409)
    assert.equal((await reportJob({ state: 'Packaging' })).status, 409)
    await reportJob({ state: 'Received' })
    assert.equal(await state(), 'Received')
  })

  test('a cancelled job is not imported and goes back as it is', async () => {
    const { report, reportJob, name } = await shipped(1)
    await report(0, { state: 'Received' })
    await job('PATCH', name, { properties: { cancelRequested: true } })
    const { status, json } = await report(0, { state: 'Transferring' })
    assert.deepEqual([status, json.error.code], [409, 'JobCancelled'])
    assert.equal((await reportJob({ state: 'Packaging' })).status, 200)
    assert.equal((await job('PATCH', name, { properties: { logLevel: 'Error' } })).status, 200)
    const answer = await reportJob({ state: 'Completed', returnPackage: { ...returnPackage, driveCount: 1 } })
    assert.equal(answer.json.state, 'Completed')
    assert.equal((await job('PATCH', name, { properties: { logLevel: 'Error' } })).status, 409, 'it ended')
    assert.equal((await job('DELETE', name)).status, 200)
  })
})

// One clock for the whole file: each test makes its jobs after the last move.
describe('time', () => {
  test('deletes a job that has no package after two weeks; a change starts them anew', async () => {
    await job('PUT', 'forgotten', jobBody('FORGOTTEN'))
    clock.advance(13 * dayMs)
    assert.equal((await job('PATCH', 'forgotten', { tags: { note: 'soon' } })).status, 200)
    clock.advance(13 * dayMs)
    assert.equal((await job('GET', 'forgotten')).status, 200)
    clock.advance(Math.round(1.1 * dayMs))
    assert.equal((await job('GET', 'forgotten')).status, 404)
    assert.match((await call('GET', '/?part=main')).text, /Job forgotten deleted: no tracking number/)
    assert.equal((await job('PUT', 'forgotten', jobBody('FORGOTTEN'))).status, 201, 'the name is free again')
  })

  test('misses drives after two weeks of shipping, takes a late one, and closes a job nobody touched after thirty days', async () => {
    const late = await shipped(1)
    const lost = await shipped(1)
    clock.advance(Math.round(14.1 * dayMs))
    const missing = async ({ name }: { name: string }) => (await job('GET', name)).json.properties.driveList[0].state
    assert.equal(await missing(late), 'NeverReceived')
    assert.equal((await late.report(0, { state: 'Received' })).status, 200)
    assert.equal(await late.state(), 'Received')
    clock.advance(16 * dayMs)
    assert.equal(await lost.state(), 'Closed')
    assert.equal(await late.state(), 'Received')
    clock.advance(91 * dayMs)
    assert.equal((await job('GET', lost.name)).status, 404, 'removed 90 days after it ended')
  })

  test('half a package that came is worked on', async () => {
    const { report, state } = await shipped(2)
    await report(0, { state: 'Received' })
    clock.advance(15 * dayMs)
    assert.equal(await state(), 'Received')
    assert.equal((await report(0, { state: 'Transferring' })).status, 200)
  })
})
