// Drives that a job announces are received with nothing but the service's order book: keys, hashes, progress, logs.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { receiveOrdered } from '../../src/jobs/receive-order.js'
import { staticToken } from '../../src/jobs/service-credential.js'
import { StationClient } from '../../src/jobs/station-client.js'
import { packFinishedJobs, reportArrival, returnJob } from '../../src/jobs/station-jobs.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, makeDrives } from '../receive/made-import.js'
import { jobBody, quickRetry, shipping, startService } from './local-service.js'

const { service, token, job } = await startService()
const station = new StationClient({ endpoint: service.url, credential: staticToken(token), retry: quickRetry })

async function announce(
  name: string,
  drives: Awaited<ReturnType<typeof makeDrives>>['session']['drives'],
  properties: Record<string, unknown> = {},
) {
  const body = jobBody(...drives.map(({ driveId }) => driveId))
  Object.assign(body.properties, properties)
  body.properties.driveList = body.properties.driveList.map((drive, index) => ({
    ...drive,
    bitLockerKey: drives[index]?.recoveryPassword ?? '',
    manifestFile: '\\DriveManifest.xml',
    manifestHash: drives[index]?.manifestHash ?? '',
  }))
  assert.equal((await job('PUT', name, body)).status, 201)
  assert.equal((await job('PATCH', name, shipping(`1Z${name.toUpperCase()}001`, drives.length))).status, 200)
}

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

test('two drives in any order are opened with the job’s keys, imported, and their job can be packed', async () => {
  const folder = temporaryFolder('receive-order')
  const files = Object.fromEntries([1, 2, 3, 4, 5, 6].map((seed) => [`large/${seed}`, contentOf(seed, 18 << 20)]))
  const made = await makeDrives(folder, files, ['100M', '100M'])
  await announce('ordered', made.session.drives)
  const store = new MemoryStore()
  const paths = made.drives.map(({ path }) => path).reverse()
  const statePath = join(folder, 'import.jrn')
  const { report, errors } = await receiveOrdered({ paths, station, store, statePath, reportEveryMs: 1 })
  assert.deepEqual([...errors.values()], [])
  assert.deepEqual(
    report.drives.map(({ status, manifest }) => [status, manifest?.checkedAgainst]),
    [
      ['Completed', 'the job'],
      ['Completed', 'the job'],
    ],
  )
  await assertArrived(made, store)
  const again = receiveOrdered({ paths: paths.slice(0, 1), station, store, statePath })
  await assert.rejects(again, { code: 'SERVICE_REFUSED', message: /imported already/ })
  const [packed] = await packFinishedJobs(station)
  assert.equal(packed?.state, 'Packaging')
  assert.deepEqual(await packFinishedJobs(station), [])
  for (const drive of packed?.drives ?? []) {
    assert.equal(drive.state, 'Completed')
    assert.equal(drive.percentComplete, 100)
    assert.ok(drive.bytesSucceeded > 0)
  }
})

async function namesIn(store: MemoryStore, container: string): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of store.list(container, '')) names.push(name.replaceAll(/\d{8}-\d{6}-\d{3}/g, 'TIME'))
  return names.sort()
}

test('each of two jobs gets the logs that it ordered, where it ordered them', async () => {
  const quiet = await makeDrives(temporaryFolder('receive-logs'), { 'a.txt': 'a' }, ['100M'], {}, 'QUIET')
  const full = await makeDrives(temporaryFolder('receive-logs'), { 'b.txt': 'b' }, ['100M'], {}, 'FULL')
  await announce('quiet', quiet.session.drives, { logLevel: 'Error', backupDriveManifest: false })
  const wanted = { logLevel: 'Verbose', backupDriveManifest: true, diagnosticsPath: 'logs/2026' }
  await announce('full', full.session.drives, wanted)
  const store = new MemoryStore()
  const paths = [...quiet.drives, ...full.drives].map(({ path }) => path)
  await receiveOrdered({ paths, station, store, statePath: join(quiet.folder, 'import.jrn') })
  assert.deepEqual(await namesIn(store, 'waimportexport'), [])
  assert.deepEqual(await namesIn(store, 'logs'), [
    '2026/waies/full_FULL0_TIME_manifest.xml',
    '2026/waies/full_FULL0_TIME_verbose.xml',
  ])
  assert.equal((await namesIn(store, 'archive')).length, 2)
  const packed = await packFinishedJobs(station)
  assert.deepEqual(packed.map(({ name }) => name).sort(), ['full', 'quiet'])
  for (const { name } of packed) {
    const { trackingNumber, ...sent } = { carrierName: 'FedEx', trackingNumber: `BACK${name}`, shipDate: '2026-12-01' }
    assert.equal((await returnJob(station, { name }, { trackingNumber, ...sent })).job.state, 'Completed')
  }
})

test('logs go below waimportexport where the credential is for one container', async () => {
  const made = await makeDrives(temporaryFolder('receive-one'), { 'a.txt': 'a' }, ['100M'], {}, 'ONE')
  await announce('one-container', made.session.drives, { logLevel: 'Verbose', diagnosticsPath: 'mylogblobs' })
  const store = new MemoryStore()
  const paths = made.drives.map(({ path }) => path)
  const request = { paths, station, store, onlyContainer: 'archive', statePath: join(made.folder, 'import.jrn') }
  await receiveOrdered({ ...request, backupManifest: true })
  assert.deepEqual(await namesIn(store, 'archive'), [
    'in/a.txt',
    'waimportexport/mylogblobs/waies/one-container_ONE0_TIME_manifest.xml',
    'waimportexport/mylogblobs/waies/one-container_ONE0_TIME_verbose.xml',
  ])
})

test('drives of two accounts are not imported together, nor any into another account', async () => {
  const mine = await makeDrives(temporaryFolder('receive-mine'), { 'a.txt': 'a' }, ['100M'], {}, 'MINE')
  const theirs = await makeDrives(temporaryFolder('receive-theirs'), { 'b.txt': 'b' }, ['100M'], {}, 'THEIRS')
  await announce('mine', mine.session.drives)
  const account = jobBody('X').properties.storageAccountId.replace(/[^/]+$/, 'theirs')
  await announce('theirs', theirs.session.drives, { storageAccountId: account })
  const store = new MemoryStore()
  const receive = (drives: typeof mine.drives, into = store) =>
    receiveOrdered({
      paths: drives.map(({ path }) => path),
      station,
      store: into,
      statePath: join(mine.folder, 'import.jrn'),
    })
  const refused = { code: 'JOB_RULES_BROKEN', message: /JOB_ACCOUNT/ }
  await assert.rejects(receive([...mine.drives, ...theirs.drives]), refused)
  const azure = Object.assign(new MemoryStore(), { name: 'https://elsewhere.blob.core.windows.net' })
  await assert.rejects(receive(mine.drives, azure), refused)
  assert.equal((await job('GET', 'mine')).json.properties.state, 'Shipping', 'nothing was reported')
  assert.deepEqual(await namesIn(store, 'archive'), [])
})

test('a drive of two is imported when the other is known to be missing; its job ends as Closed', async () => {
  const made = await makeDrives(temporaryFolder('receive-half'), { 'a.txt': 'a' }, ['100M'], {}, 'HALF')
  const [drive] = made.session.drives
  assert.ok(drive !== undefined)
  const gone = { ...drive, driveId: 'GONE', recoveryPassword: drive.recoveryPassword.split('-').reverse().join('-') }
  await announce('half', [drive, gone])
  const paths = made.drives.map(({ path }) => path)
  const receive = () =>
    receiveOrdered({ paths, station, store: new MemoryStore(), statePath: join(made.folder, 'import.jrn') })
  await assert.rejects(receive(), {
    code: 'SERVICE_REFUSED',
    message: /waits for drive GONE/,
    hint: /job arrived half/,
  })
  await assert.rejects(reportArrival(station, { name: 'half' }, ['NONE']), { code: 'JOB_RULES_BROKEN' })
  await assert.rejects(reportArrival(station, { name: 'nobody' }, []), { code: 'JOB_NOT_FOUND' })
  for (const _again of [1, 2]) {
    const { state, drives } = await reportArrival(station, { name: 'HALF' }, ['GONE'])
    assert.deepEqual([state, drives.map((one) => one.state)], ['Received', ['Received', 'NeverReceived']])
  }
  await receive()
  const back = { carrierName: 'FedEx', trackingNumber: 'BACKHALF', shipDate: '2026-12-01' }
  await assert.rejects(returnJob(station, { name: 'half' }, { ...back, driveCount: 2 }), { code: 'JOB_RULES_BROKEN' })
  const first = await returnJob(station, { name: 'half' }, back)
  assert.deepEqual([first.job.state, first.isNew, first.job.returnPackage?.driveCount], ['Closed', true, 1])
  const again = await returnJob(station, { name: 'half' }, back)
  assert.deepEqual([again.job.state, again.isNew], ['Closed', false])
  const other = { ...back, trackingNumber: 'ANOTHER1' }
  await assert.rejects(returnJob(station, { name: 'half' }, other), { code: 'SERVICE_REFUSED', message: /BACKHALF/ })
})

test('drives of a cancelled job are not imported; they are received and sent back as they are', async () => {
  const made = await makeDrives(temporaryFolder('receive-cancelled'), { 'a.txt': 'a' }, ['100M'], {}, 'STOP')
  await announce('stopped', made.session.drives)
  assert.equal((await job('PATCH', 'stopped', { properties: { cancelRequested: true } })).status, 200)
  const store = new MemoryStore()
  const request = { paths: made.drives.map(({ path }) => path), station, store }
  const statePath = join(made.folder, 'import.jrn')
  await assert.rejects(receiveOrdered({ ...request, statePath }), { code: 'SERVICE_REFUSED', message: /cancelled/ })
  assert.deepEqual(await namesIn(store, 'archive'), [])
  const back = { carrierName: 'FedEx', trackingNumber: 'BACKSTOP', shipDate: '2026-12-01' }
  assert.equal((await returnJob(station, { name: 'stopped' }, back)).job.state, 'Completed')
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
