// Drives that a job announces are received with nothing but the service's order book: keys, hashes, progress, logs.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { packFinishedJobs, receiveOrdered } from '../../src/jobs/receive-order.js'
import { staticToken } from '../../src/jobs/service-credential.js'
import { StationClient } from '../../src/jobs/station-client.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, makeDrives } from '../receive/made-import.js'
import { jobBody, quickRetry, shipping, startService } from './local-service.js'

const { service, token, job } = await startService()
const station = new StationClient({ endpoint: service.url, credential: staticToken(token), retry: quickRetry })

async function announce(name: string, drives: Awaited<ReturnType<typeof makeDrives>>['session']['drives']) {
  const body = jobBody(...drives.map(({ driveId }) => driveId))
  body.properties.driveList = body.properties.driveList.map((drive, index) => ({
    ...drive,
    bitLockerKey: drives[index]?.recoveryPassword ?? '',
    manifestFile: '\\DriveManifest.xml',
    manifestHash: drives[index]?.manifestHash ?? '',
  }))
  assert.equal((await job('PUT', name, body)).status, 201)
  assert.equal((await job('PATCH', name, shipping(`1Z${name.toUpperCase()}001`, drives.length))).status, 200)
}

test('two drives in any order are opened with the job’s keys, imported, and their job can be packed', async () => {
  const folder = temporaryFolder('receive-order')
  const files = Object.fromEntries([1, 2, 3, 4, 5, 6].map((seed) => [`large/${seed}`, contentOf(seed, 18 << 20)]))
  const made = await makeDrives(folder, files, ['100M', '100M'])
  await announce('ordered', made.session.drives)
  const store = new MemoryStore()
  const paths = made.drives.map(({ path }) => path).reverse()
  const statePath = join(folder, 'import.jrn')
  const { report, errors } = await receiveOrdered({
    paths,
    station,
    store,
    statePath,
    reportEveryMs: 1,
    verboseLog: true,
  })
  assert.deepEqual([...errors.values()], [])
  assert.deepEqual(
    report.drives.map(({ status, manifest }) => [status, manifest?.checkedAgainst]),
    [
      ['Completed', 'the job'],
      ['Completed', 'the job'],
    ],
  )
  await assertArrived(made, store)
  const [packed] = await packFinishedJobs(station)
  assert.equal(packed?.state, 'Packaging')
  assert.deepEqual(await packFinishedJobs(station), [])
  for (const drive of packed?.drives ?? []) {
    assert.equal(drive.state, 'Completed')
    assert.equal(drive.percentComplete, 100)
    assert.ok(drive.bytesSucceeded > 0)
  }
})

test('a drive that no job announces is not imported', async () => {
  const folder = temporaryFolder('receive-order')
  const made = await makeDrives(folder, { a: 'x' })
  const other = await makeDrives(temporaryFolder('receive-order'), { a: 'y' })
  const store = new MemoryStore()
  const paths = made.drives.map(({ path }) => path)
  const request = { paths, station, store, statePath: join(folder, 'import.jrn') }
  await assert.rejects(receiveOrdered(request), { code: 'KEY_MISSING' })
  const drives = other.session.drives.map((drive) => ({ ...drive, driveId: 'OTHER1' }))
  await announce('stranger', drives)
  await announce(
    'second',
    drives.map((drive) => ({ ...drive, driveId: 'OTHER2' })),
  )
  await assert.rejects(receiveOrdered(request), { code: 'KEY_WRONG' })
})

test('nothing is begun while a drive is missing, for a stranger’s drive, or for one that is given twice', async () => {
  const made = await makeDrives(temporaryFolder('receive-missing'), { 'a.txt': 'a' }, ['100M'])
  const stranger = await makeDrives(temporaryFolder('receive-stranger'), { 'b.txt': 'b' }, ['100M'])
  const [drive] = made.session.drives
  assert.ok(drive !== undefined)
  const receive = (...paths: string[]) =>
    receiveOrdered({ paths, station, store: new MemoryStore(), statePath: join(made.folder, 'import.jrn') })
  await announce('alone', [{ ...drive, driveId: 'ALONE' }])
  const path = made.drives[0]?.path as string
  await assert.rejects(receive(stranger.drives[0]?.path as string), { code: 'KEY_WRONG' })
  await assert.rejects(receive(path, path), { code: 'JOB_RULES_BROKEN' })
  assert.equal((await job('GET', 'alone')).json.properties.state, 'Shipping')
  assert.equal((await job('PATCH', 'alone', { properties: { cancelRequested: true } })).status, 200)
  await announce('missing', [
    { ...drive, driveId: 'HERE' },
    { ...drive, driveId: 'MISSING', recoveryPassword: stranger.session.drives[0]?.recoveryPassword ?? '' },
  ])
  await assert.rejects(receive(stranger.drives[0]?.path as string), {
    code: 'SERVICE_REFUSED',
    message: /waits for drive/,
  })
  assert.equal((await job('GET', 'missing')).json.properties.state, 'Shipping')
})
