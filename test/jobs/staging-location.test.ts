// A staging location: jobs are made once, also by two at the same time; state, history and summary are what a person reads;
// what others put there is told and left alone.

import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { StagedJobFolder } from '../../src/jobs/staged-job-folder.js'
import { isBackupFile } from '../../src/jobs/staging-data.js'
import { initStagedJob, listStagedJobs } from '../../src/jobs/staging-location.js'
import { describeStagedJobs, listedJobToJson } from '../../src/reports/describe-staging.js'
import { temporaryFolder } from '../prepare/made-tree.js'

const root = temporaryFolder('staging')
const newLocation = () => mkdtempSync(join(root, 'staging-'))
const draft = { job: 'seed-2026-11', account: 'mybackup', container: 'backup' }

describe('making a job', () => {
  test('makes a folder that a person can read', async () => {
    const location = newLocation()
    const { folder, state, isNew } = await initStagedJob(location, {
      ...draft,
      location: 'West Europe',
      cloud: 'public',
    })
    assert.equal(isNew, true)
    assert.equal(folder, join(location, 'mybackup_seed-2026-11'))
    assert.deepEqual(readdirSync(folder).sort(), [
      'README.txt',
      'files',
      'history.txt',
      'job.json',
      'mybackup_seed-2026-11.txt',
    ])
    assert.deepEqual([state.state, state.revision, state.container], ['staged', 1, 'backup'])
    assert.match(readFileSync(join(folder, 'job.json'), 'utf8'), /^ {2}"location": "West Europe",$/m)
    assert.match(readFileSync(join(folder, 'history.txt'), 'utf8'), /^\d{4}-\S+Z {2}\S+\[\d+\] {2}made this job\n$/)
    assert.match(readFileSync(join(folder, 'mybackup_seed-2026-11.txt'), 'utf8'), /Storage account {2}mybackup/)
  })

  test('the same once more changes nothing; another one of that name is refused with what differs', async () => {
    const location = newLocation()
    const first = await initStagedJob(location, draft)
    const before = readFileSync(join(first.folder, 'job.json'))
    assert.equal((await initStagedJob(location, draft)).isNew, false)
    await assert.rejects(initStagedJob(location, { ...draft, container: 'other' }), {
      code: 'STAGED_JOB_DIFFERS',
      message: /container is backup, asked for is other/,
    })
    assert.deepEqual(readFileSync(join(first.folder, 'job.json')), before)
  })

  test('eight at the same time make one', async () => {
    const location = newLocation()
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => initStagedJob(location, draft)))
    const fulfilled = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value.isNew] : []))
    const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code as string] : []))
    assert.equal(fulfilled.filter((isNew) => isNew).length, 1)
    assert.ok(
      refused.every((code) => code === 'STAGING_IN_USE'),
      refused.join(),
    )
    const history = readFileSync(join(location, 'mybackup_seed-2026-11', 'history.txt'), 'utf8')
    assert.equal(history.match(/made this job/g)?.length, 1)
  })

  test('a crash between the folder and its state: the same call finishes it', async () => {
    const location = newLocation()
    mkdirSync(join(location, 'mybackup_seed-2026-11'))
    writeFileSync(join(location, 'mybackup_seed-2026-11', 'job.json.0badcafe'), '{"for')
    assert.equal((await initStagedJob(location, draft)).isNew, true)
  })

  const refused: [what: string, change: object][] = [
    ['a path for a job', { job: '../../etc' }],
    ['a job of two letters', { job: 'ab' }],
    ['a path for an account', { account: '../up' }],
    ['a path for a container', { container: 'a/../b' }],
    ['a subscription that is no GUID', { subscription: 'mine' }],
  ]
  for (const [what, change] of refused) {
    test(`${what} makes nothing`, async () => {
      const location = newLocation()
      await assert.rejects(initStagedJob(location, { ...draft, ...change }), TypeError)
      assert.deepEqual(readdirSync(location), [])
    })
  }
})

describe('working on a job', () => {
  test('each change has a revision, a line of history and a summary; secrets get into none of them', async () => {
    const { folder } = await initStagedJob(newLocation(), draft)
    const opened = await StagedJobFolder.open(folder)
    await opened.update(
      { state: 'preparing' },
      'a key 238810-662376-448998-450120-652806-203390-606320-483076\nforged line',
    )
    await opened.close()
    const history = readFileSync(join(folder, 'history.txt'), 'utf8')
    assert.equal(history.split('\n').length, 3)
    assert.match(history, /a key \(recovery password\)\\x0aforged line/)
    assert.equal(opened.state?.revision, 2)
    assert.equal((await listStagedJobs(join(folder, '..')))[0]?.state?.state, 'preparing')
  })

  test('a line of history that a crash cut off stays, and the next one begins anew', async () => {
    const { folder } = await initStagedJob(newLocation(), draft)
    appendFileSync(join(folder, 'history.txt'), '2026-11-22T00:00:00.000Z  copy1[1]  prep')
    const opened = await StagedJobFolder.open(folder)
    await opened.note('next')
    await opened.close()
    assert.match(readFileSync(join(folder, 'history.txt'), 'utf8'), /copy1\[1\] {2}prep\n\d{4}-.* {2}next\n$/)
  })

  test('is for one process at a time, and says so in the list', async () => {
    const { folder } = await initStagedJob(newLocation(), draft)
    const opened = await StagedJobFolder.open(folder)
    await assert.rejects(StagedJobFolder.open(folder), { code: 'STAGING_IN_USE' })
    assert.equal((await listStagedJobs(join(folder, '..')))[0]?.owner?.pid, process.pid)
    await opened.close()
    assert.equal((await listStagedJobs(join(folder, '..')))[0]?.owner, undefined)
  })

  test('whoever lost the lock changes nothing any more', async () => {
    const { folder } = await initStagedJob(newLocation(), draft)
    const elsewhere = { host: 'copy2', pid: 1, startTicks: '1', bootId: 'other', processSpace: 'other' }
    const first = await StagedJobFolder.open(folder, { identity: elsewhere })
    const second = await StagedJobFolder.open(folder, { staleAfterMs: 0 })
    await assert.rejects(first.update({ state: 'shipped' }, 'too late'), { code: 'STAGING_IN_USE' })
    await first.close()
    assert.equal(second.state?.state, 'staged')
    await second.update({ state: 'preparing' }, 'mine now')
    await second.close()
    assert.match(readFileSync(join(folder, 'history.txt'), 'utf8'), /took over the lock of copy2/)
  })

  test('the journal is in a folder of its own, for the owner only', async () => {
    const { folder } = await initStagedJob(newLocation(), draft)
    const opened = await StagedJobFolder.open(folder)
    assert.equal(await opened.prepareJournal(), join(folder, 'journal', 'job.jrn'))
    assert.equal(statSync(join(folder, 'journal')).mode & 0o777, 0o700)
    await opened.close()
  })

  for (const name of ['journal', 'journal/job.jrn', 'journal/job.jrn.d']) {
    test(`a link for ${name} is refused`, async () => {
      const { folder } = await initStagedJob(newLocation(), draft)
      if (name !== 'journal') mkdirSync(join(folder, 'journal'))
      symlinkSync('/tmp', join(folder, name))
      const opened = await StagedJobFolder.open(folder)
      await assert.rejects(opened.prepareJournal(), { code: 'STAGING_INVALID' })
      await opened.close()
    })
  }
})

describe('the data of a job', () => {
  test('is the files of the backup and what lies in files; the rest is told', async () => {
    const { folder } = await initStagedJob(newLocation(), draft)
    const guid = '4254395142362963202_108321_6c802c45-cf4f-4428-a49a-923c66315d9f'
    writeFileSync(join(folder, `${guid}_BaseBlob`), Buffer.alloc(1024))
    writeFileSync(join(folder, `${guid}_AIBBlob`), Buffer.alloc(512))
    writeFileSync(join(folder, 'files', 'a.txt'), 'a')
    writeFileSync(join(folder, 'Notes.doc'), 'n')
    symlinkSync('/etc/shadow', join(folder, 'x_BaseBlob'))
    mkdirSync(join(folder, 'y_AIBBlob'))
    const opened = await StagedJobFolder.open(folder)
    const data = await opened.data()
    await opened.close()
    assert.deepEqual(
      data.rows.map(({ destination, blobType, isDirectory }) => [destination, blobType, isDirectory]),
      [
        [`backup/${guid}_AIBBlob`, 'page', false],
        [`backup/${guid}_BaseBlob`, 'page', false],
        ['backup/', 'auto', true],
      ],
    )
    assert.equal(data.bytes, 1536)
    assert.deepEqual(
      data.leftOut.map(({ name }) => name),
      ['Notes.doc', 'x_BaseBlob', 'y_AIBBlob'],
    )
  })

  const names: [name: string, isData: boolean][] = [
    ['1_2_3_AIBBlob', true],
    ['1_2_3_BaseBlob', true],
    ['1_2_3.AIBBlob', true],
    ['_BaseBlob', false],
    ['x_baseblob', false],
    ['x_BaseBlob.tmp', false],
  ]
  for (const [name, isData] of names) test(`${name}: ${isData}`, () => assert.equal(isBackupFile(name), isData))
})

describe('a staging location that somebody else filled', () => {
  test('is listed whole; each damaged job says what is wrong, and the good one is as good as before', async () => {
    const location = newLocation()
    const { folder } = await initStagedJob(location, draft)
    for (const name of [
      'mybackup_cut',
      'mybackup_other',
      'mybackup_linked-state',
      'mybackup_by-backup',
      'mybackup_pipe',
    ])
      mkdirSync(join(location, name))
    const text = readFileSync(join(folder, 'job.json'), 'utf8')
    writeFileSync(join(location, 'mybackup_cut', 'job.json'), text)
    truncateSync(join(location, 'mybackup_cut', 'job.json'), 100)
    writeFileSync(join(location, 'mybackup_other', 'job.json'), text)
    symlinkSync(join(folder, 'job.json'), join(location, 'mybackup_linked-state', 'job.json'))
    mkdirSync(join(location, 'mybackup_pipe', 'job.json'))
    symlinkSync(folder, join(location, 'mybackup_linked'))
    mkdirSync(join(location, 'mybackup_Bad Name\u001b[2J'))
    mkdirSync(join(location, 'unrelated'))
    const jobs = await listStagedJobs(location)
    const problems = Object.fromEntries(jobs.map(({ name, problem }) => [name, problem?.message ?? '']))
    assert.match(problems.mybackup_cut ?? '', /cut off/)
    assert.match(problems.mybackup_other ?? '', /lies in the folder of mybackup_other/)
    assert.match(problems['mybackup_linked-state'] ?? '', /not followed/)
    assert.match(problems.mybackup_pipe ?? '', /no regular file/)
    assert.match(problems.mybackup_linked ?? '', /link or no folder/)
    assert.match(problems['mybackup_Bad Name\u001b[2J'] ?? '', /of no job/)
    assert.equal(problems['mybackup_seed-2026-11'], '')
    assert.equal(problems['mybackup_by-backup'], '')
    assert.equal(jobs.length, 8)
    assert.ok(jobs.every(({ problem }) => problem === undefined || problem.code === 'STAGING_INVALID'))
    assert.equal(existsSync(join(location, 'unrelated', 'lock')), false)
  })

  test('a job that somebody worked on is not said to be left by a backup when job.json is gone', async () => {
    const location = newLocation()
    const { folder } = await initStagedJob(location, draft)
    rmSync(join(folder, 'job.json'))
    mkdirSync(join(location, 'mybackup_by-backup'))
    mkdirSync(join(location, 'mybackup_with-journal', 'journal'), { recursive: true })
    const jobs = await listStagedJobs(location)
    const lines = describeStagedJobs(jobs).split('\n').slice(1)
    assert.match(lines[0] ?? '', /^mybackup_by-backup +left by a backup, nobody worked on it yet/)
    assert.match(lines[1] ?? '', /^mybackup_seed-2026-11 +job\.json is gone: diskprep makes it anew/)
    assert.match(lines[2] ?? '', /^mybackup_with-journal +job\.json is gone/)
    assert.deepEqual(
      jobs.map((job) => listedJobToJson(job).lostState),
      [undefined, true, true],
    )
  })

  test('one that is not there is told by code', async () => {
    await assert.rejects(listStagedJobs(join(root, 'nowhere')), { code: 'STAGING_NOT_FOUND' })
  })
})
