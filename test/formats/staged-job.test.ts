// job.json of a staging location: what is written is read, and what a stranger could put there instead is refused by code.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeStagedJob, parseJobFolderName, parseStagedJob, type StagedJob } from '../../src/formats/staged-job.js'
import { mutate, xorshift } from './mutate.js'

const job: StagedJob = {
  account: 'mybackup',
  job: 'seed-2026-11',
  container: 'backup',
  subscription: '0a1b2c3d-1111-2222-3333-444455556666',
  resourceGroup: 'rg.one(x)',
  cloud: 'us-government',
  location: 'West Europe',
  state: 'shipped',
  drives: [
    {
      driveId: 'WD-1',
      spec: '/dev/sdb',
      host: 'copy1',
      sizeBytes: 8e12,
      outcome: 'prepared',
      files: 2,
      bytes: 4096,
      manifestHash: 'D'.repeat(32),
    },
    { driveId: 'WD-2', spec: '/dev/sdc', host: 'copy1', sizeBytes: 8e12, outcome: 'planned' },
  ],
  order: {
    service: 'https://management.azure.com',
    state: 'Shipping',
    seenAt: '2026-11-22T02:03:04.000Z',
    shipTo: ['A', 'B'],
    carriers: ['DHL'],
  },
  shipping: {
    deliveryPackage: { carrierName: 'DHL', trackingNumber: '1Z999', driveCount: 2, shipDate: '2026-11-23' },
    returnAddress: { recipientName: 'Ada', city: 'Łódź' },
    returnShipping: { carrierName: 'DHL', carrierAccountNumber: '77' },
    committedAt: '2026-11-22T02:03:04.000Z',
  },
  createdAt: '2026-11-22T01:00:00.000Z',
  changedAt: '2026-11-22T02:00:00.000Z',
  revision: 7,
}

test('what is written is read again, whole', () => {
  assert.deepEqual(parseStagedJob(encodeStagedJob(job)), job)
})

test('fields of a later version are left alone', () => {
  const text = encodeStagedJob({ ...job, mood: 'sunny' } as StagedJob)
  assert.deepEqual(parseStagedJob(text), job)
})

describe('what is refused, with the place', () => {
  const changes: [what: string, change: object, says: RegExp][] = [
    ['a path for an account', { account: '../../etc' }, /account and job/],
    ['a path for a job', { job: '../x' }, /account and job/],
    ['a path for a container', { container: '../up' }, /container/],
    ['a drive id with a slash', { drives: [{ ...job.drives[0], driveId: '../../root' }] }, /drives\[0\]\.driveId/],
    ['a drive twice', { drives: [job.drives[0], job.drives[0]] }, /twice/],
    ['more drives than any job has', { drives: Array.from({ length: 101 }, () => job.drives[0]) }, /101 entries/],
    ['a hash that is none', { drives: [{ ...job.drives[0], manifestHash: 'x' }] }, /manifestHash/],
    ['a size below zero', { drives: [{ ...job.drives[0], sizeBytes: -1 }] }, /sizeBytes/],
    ['an unknown state', { state: 'flying' }, /state is none of staged/],
    ['an unknown cloud', { cloud: 'moon' }, /cloud/],
    ['a subscription that is no GUID', { subscription: 'mine' }, /subscription/],
    ['a resource group with a slash', { resourceGroup: 'a/b' }, /resourceGroup/],
    ['a time that is none', { changedAt: 'yesterday' }, /changedAt/],
    ['half a revision', { revision: 1.5 }, /revision/],
    ['another version', { version: 2 }, /version 2/],
    ['another format', { format: 'else' }, /no state of a staged job/],
    ['an escape sequence', { location: '\u001b[2J' }, /"location" has a control character/],
    ['a list for a name', { account: ['a'] }, /account is a list/],
  ]
  for (const [what, change, says] of changes) {
    test(what, () => {
      const text = JSON.stringify({ ...(JSON.parse(encodeStagedJob(job)) as object), ...change })
      assert.throws(() => parseStagedJob(text, 'job.json'), { code: 'STAGING_INVALID', message: says })
    })
  }

  test('a file that was cut off at any place', () => {
    const text = encodeStagedJob(job).trimEnd()
    for (let length = 0; length < text.length; length += 7) {
      assert.throws(() => parseStagedJob(text.slice(0, length)), { code: 'STAGING_INVALID' })
    }
  })
})

test('5000 damaged files are read or refused by code, never anything else', () => {
  const original = Buffer.from(encodeStagedJob(job))
  const random = xorshift(22)
  let refused = 0
  for (let round = 0; round < 5000; round++) {
    try {
      const read = parseStagedJob(mutate(original, random).toString('utf8'))
      assert.ok(parseJobFolderName(`${read.account}_${read.job}`))
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'STAGING_INVALID', String(error))
      refused++
    }
  }
  assert.ok(refused > 2500)
})

describe('names of job folders', () => {
  const names: [name: string, read: ReturnType<typeof parseJobFolderName>][] = [
    ['mybackup_seed-2026-11', { account: 'mybackup', job: 'seed-2026-11' }],
    ['mybackup_', undefined],
    ['_seed', undefined],
    ['MyBackup_seed', undefined],
    ['mybackup_seed_two', undefined],
    ['mybackup_../seed', undefined],
    ['mybackup_-seed', undefined],
    ['mybackup_seed-', undefined],
    ['mybackup_seed\n', undefined],
    ['..', undefined],
  ]
  for (const [name, read] of names) test(JSON.stringify(name), () => assert.deepEqual(parseJobFolderName(name), read))
})
