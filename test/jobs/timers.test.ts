// What time does to a job, where the clock is not to be trusted: a clock that is set back does nothing, and what it says when it is
// right again is as if it had never been wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredJob } from '../../src/jobs/service/stored-job.js'
import { applyTimers } from '../../src/jobs/service/timers.js'
import { accountId, drive } from '../formats/sample-job.js'

const at = new Date('2026-11-22T12:00:00Z')
const dayMs = 86_400_000
const after = (days: number) => new Date(at.getTime() + days * dayMs)

function jobIn(state: StoredJob['state']): StoredJob {
  const time = at.toISOString()
  return {
    subscriptionId: 's',
    resourceGroup: 'rg',
    name: 'job',
    location: 'West Europe',
    tags: {},
    storageAccountId: accountId,
    diagnosticsPath: 'waimportexport',
    logLevel: 'Error',
    backupDriveManifest: false,
    state,
    cancelRequested: false,
    drives: [{ ...drive, state: 'Specified', percentComplete: 0, bytesSucceeded: 0, hadProblems: false }],
    createdAt: time,
    modifiedAt: time,
    ...(state === 'Creating' ? {} : { shippedAt: time }),
    ...(state === 'Completed' ? { finishedAt: time } : {}),
    history: [],
  }
}

const ends: [state: StoredJob['state'], days: number, what: (job: StoredJob, gone: string | undefined) => boolean][] = [
  ['Creating', 14.1, (_job, gone) => gone !== undefined],
  ['Shipping', 14.1, ({ drives }) => drives[0]?.state === 'NeverReceived'],
  ['Shipping', 30.1, ({ state }) => state === 'Closed'],
  ['Completed', 90.1, (_job, gone) => gone !== undefined],
]
for (const [state, days, what] of ends) {
  test(`a clock that was set back leaves a job in ${state} alone; ${days} days later it is done once`, () => {
    const job = jobIn(state)
    const untouched = structuredClone(job)
    for (const back of [-1, -400, 0, days - 0.5]) assert.equal(applyTimers(job, after(back)), undefined)
    if (days < 20 || state === 'Completed') assert.deepEqual(job, untouched)
    assert.ok(what(job, applyTimers(job, after(days))))
    const told = job.history.length
    applyTimers(job, after(-400))
    applyTimers(job, after(days))
    assert.equal(job.history.length, told, 'it is told once')
  })
}
