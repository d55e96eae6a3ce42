import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRecord, parseJournal, type RecordDraft } from '../../src/formats/journal.js'
import { sessionRecords as records } from '../../src/plan/session-records.js'
import {
  driveStages,
  isUnstarted,
  mayFollow,
  plannedDrive,
  reduceJournal,
  type SessionState,
} from '../../src/plan/session-state.js'

const planned = records.planned('s-1', { driveId: 'WD1', path: '/dev/sdb', sizeBytes: 1000, recoveryPassword: '1-2' })

// Through the real journal format, so that what is reduced is what is stored.
function reduce(...drafts: RecordDraft[]) {
  const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5))
  const text = Buffer.concat(drafts.map((draft) => encodeRecord({ time, ...draft })))
  return reduceJournal(parseJournal(text).records)
}

test('a drive goes through its stages as the journal records them', () => {
  const journal = reduce(
    records.newJournal('diskferry'),
    records.started('s-1', 1),
    planned,
    records.drive('s-1', 'WD1', 'erased'),
    records.mark('s-1', 'WD1', 7, 29360128),
    records.dropped('s-1', 'WD1', 3, 'it shrank'),
    records.mark('s-1', 'WD1', 9, 37748736),
    records.failed('s-1', 'WD1', 'the cable was pulled'),
  )
  const drive = journal.sessions.get('s-1')?.drives.get('WD1')
  assert.equal(drive?.stage, 'copying')
  assert.equal(drive?.chunk, 9)
  assert.deepEqual([...(drive?.dropped ?? [])], [[3, 'it shrank']])
  assert.equal(drive?.failure, 'the cable was pulled')
})

test('a drive that goes on after a failure is no longer failed', () => {
  const journal = reduce(
    records.started('s-1', 1),
    planned,
    records.drive('s-1', 'WD1', 'erased'),
    records.failed('s-1', 'WD1', 'gone'),
    records.mark('s-1', 'WD1', 1, 1),
  )
  assert.equal(journal.sessions.get('s-1')?.drives.get('WD1')?.failure, undefined)
})

test('a drive that is erased again forgets its marks and what was left out', () => {
  const journal = reduce(
    records.started('s-1', 1),
    planned,
    records.drive('s-1', 'WD1', 'erased'),
    records.mark('s-1', 'WD1', 5, 5),
    records.dropped('s-1', 'WD1', 0, 'changed'),
    records.drive('s-1', 'WD1', 'erased'),
  )
  const drive = journal.sessions.get('s-1')?.drives.get('WD1')
  assert.deepEqual([drive?.chunk, drive?.bytesDone, drive?.dropped.size], [0, 0, 0])
})

test('a stage is only reached from the one before, from itself, or by erasing', () => {
  const legal = new Set<string>()
  for (const before of driveStages)
    for (const after of driveStages) if (mayFollow(before, after)) legal.add(`${before}>${after}`)
  for (const [index, stage] of driveStages.entries()) {
    assert.ok(legal.has(`${stage}>${stage}`))
    const next = driveStages[index + 1]
    if (next !== undefined) assert.ok(legal.has(`${stage}>${next}`))
    assert.ok(legal.has(`${stage}>erased`))
  }
  assert.ok(legal.has('erased>copied'), 'a drive without file data has nothing to copy')
  assert.ok(!legal.has('planned>prepared') && !legal.has('copied>prepared') && !legal.has('prepared>copying'))
})

const other = { driveId: 'WD2', path: '/dev/sdc', sizeBytes: 2000, recoveryPassword: '3-4' }

test('a replaced drive leaves its session when the record says so, and the session is open again', () => {
  const before = [
    records.started('s-1', 1),
    planned,
    records.session('s-1', 'Completed'),
    records.planned('s-1', other, 'WD1'),
  ]
  const undecided = reduce(...before).sessions.get('s-1')
  assert.deepEqual([[...(undecided?.drives.keys() ?? [])], undecided?.state], [['WD1'], 'completed'])
  const session = reduce(...before, records.replaced('s-1', 'WD1', ['WD2'])).sessions.get('s-1')
  assert.deepEqual([[...(session?.drives.keys() ?? [])], session?.state], [['WD2'], 'open'])
  assert.deepEqual(session?.drives.get('WD2'), plannedDrive(other))
  const replaced = session?.replaced.get('WD1')
  assert.deepEqual([replaced?.by, replaced?.drive.recoveryPassword], [['WD2'], '1-2'])
})

test('a replacement that was planned twice is what the deciding record names', () => {
  const third = { ...other, driveId: 'WD3' }
  const session = reduce(
    records.started('s-1', 1),
    planned,
    records.planned('s-1', other, 'WD1'),
    records.planned('s-1', { ...third, recoveryPassword: 'lost in a crash' }, 'WD1'),
    records.planned('s-1', third, 'WD1'),
    records.replaced('s-1', 'WD1', ['WD3']),
  ).sessions.get('s-1')
  assert.deepEqual([...(session?.drives.values() ?? [])], [plannedDrive(third)])
})

test('a session has begun when all drives it was started with are planned', () => {
  const unstarted = reduce(records.started('s-1', 2), planned)
  assert.equal(isUnstarted(unstarted.sessions.get('s-1') as SessionState), true)
  const again = reduce(records.started('s-1', 2), planned, records.started('s-1', 1), records.planned('s-1', other))
  const session = again.sessions.get('s-1') as SessionState
  assert.deepEqual([isUnstarted(session), [...session.drives.keys()]], [false, ['WD2']])
})

const contradictions: [name: string, drafts: RecordDraft[], says: RegExp][] = [
  ['a drive of an unknown session', [planned], /session s-1 was never started/],
  ['a stage of an unknown drive', [records.started('s-1', 1), records.drive('s-1', 'WD1', 'erased')], /never planned/],
  [
    'a skipped stage',
    [records.started('s-1', 1), planned, records.drive('s-1', 'WD1', 'prepared')],
    /from planned to prepared/,
  ],
  [
    'a replacement by a drive that was never planned',
    [records.started('s-1', 1), planned, records.replaced('s-1', 'WD1', ['WD2'])],
    /WD2 replaced another but was never planned/,
  ],
  [
    'a replacement of a drive that the session does not have',
    [records.started('s-1', 1), planned, records.planned('s-1', other, 'WD9'), records.replaced('s-1', 'WD9', ['WD2'])],
    /WD9 was replaced but is none of session s-1/,
  ],
  [
    'a stage of a drive that was replaced',
    [
      records.started('s-1', 1),
      planned,
      records.planned('s-1', other, 'WD1'),
      records.replaced('s-1', 'WD1', ['WD2']),
      records.drive('s-1', 'WD1', 'erased'),
    ],
    /WD1 was never planned/,
  ],
  ['the end of a session that never began', [records.session('s-1', 'Completed')], /never started/],
  [
    'a mark without a number',
    [
      records.started('s-1', 1),
      planned,
      records.drive('s-1', 'WD1', 'erased'),
      records.mark('s-1', 'WD1', Number.NaN, 0),
    ],
    /Chunk is NaN/,
  ],
]
for (const [name, drafts, says] of contradictions) {
  test(`a journal with ${name} is refused`, () => {
    assert.throws(() => reduce(...drafts), { code: 'JOURNAL_INVALID', message: says })
  })
}

test('records of other programs are passed over', () => {
  const foreign: RecordDraft = {
    type: 'ActivityRecord',
    fields: [
      ['ActivityId', 'PrepImportDriveCommandContext'],
      ['LogDirectory', '/logs'],
    ],
  }
  assert.equal(reduce(records.newJournal('x'), foreign, records.driveInfo('<Drive/>')).sessions.size, 0)
})
