import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeRecord, parseJournal, type RecordDraft } from '../../src/formats/journal.js'
import { encodeNumberRanges, parseNumberRanges } from '../../src/formats/number-ranges.js'
import { isInDoubt, importRecords as records, reduceImport } from '../../src/plan/import-state.js'

// Through the real journal format, so that what is reduced is what is stored.
function reduce(...drafts: RecordDraft[]) {
  const text = Buffer.concat(drafts.map((draft) => encodeRecord({ time: new Date(0), ...draft })))
  return reduceImport(parseJournal(text).records)
}

const begun = [records.import('https://account', 'diskferry'), records.drive('WD1', 'AA', 100)]

describe('number ranges', () => {
  for (const [numbers, text] of [
    [[], ''],
    [[7], '7'],
    [[0, 1, 2, 3], '0-3'],
    [[3, 1, 2, 9, 10, 5], '1-3,5,9-10'],
    [[4, 4, 4], '4'],
  ] as const) {
    it(`writes ${JSON.stringify(numbers)} as "${text}" and reads it back`, () => {
      assert.equal(encodeNumberRanges(numbers), text)
      const read = [...parseNumberRanges(text)].flatMap(([from, to]) =>
        Array.from({ length: to - from + 1 }, (_, at) => from + at),
      )
      assert.deepEqual(
        read,
        [...new Set(numbers)].sort((left, right) => left - right),
      )
    })
  }

  for (const text of ['a', '3-1', '1,,2', '-1', '1-', '9999999999999999999']) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => [...parseNumberRanges(text)], { code: 'JOURNAL_INVALID' })
    })
  }
})

describe('reduceImport', () => {
  it('knows what is done, and how many of each outcome', () => {
    const done = new Map([
      [0, 'created'],
      [1, 'created'],
      [5, 'renamed'],
      [6, 'skipped'],
    ] as const)
    const state = reduce(...begun, records.named('WD1', 5, 'x (2)'), records.done('WD1', done, 1234))
    const drive = state.drives.get('WD1')
    assert.equal(state.store, 'https://account')
    assert.deepEqual(drive?.outcomes.counts, { created: 2, overwritten: 0, renamed: 1, skipped: 1 })
    assert.equal(drive?.outcomes.get(5), 'renamed')
    assert.equal(drive?.outcomes.get(2), undefined)
    assert.equal(drive?.renamed.get(5), 'x (2)')
    assert.equal(drive?.bytesImported, 1234)
  })

  it('is in doubt about what was begun and not done', () => {
    const state = reduce(...begun, records.begun('WD1', 10, 20), records.done('WD1', new Map([[12, 'created']]), 1))
    const drive = state.drives.get('WD1')
    assert.ok(drive !== undefined)
    assert.deepEqual(
      [9, 10, 12, 19, 20].map((blob) => isInDoubt(drive, blob)),
      [false, true, false, true, false],
    )
  })

  it('forgets a failure and the progress of a page blob when the blob is done after all', () => {
    const failure = {
      status: 'CompletedWithErrors',
      message: 'block 1 differs',
      ranges: [
        { status: 'Uncommitted', count: 1 },
        { status: 'Corrupted', count: 2 },
      ],
    } as const
    const failed = [
      ...begun,
      records.pages('WD1', 3, { ranges: 256, outcome: 'created' }),
      records.failed('WD1', 3, { ...failure, ranges: [...failure.ranges] }),
    ]
    const before = reduce(...failed).drives.get('WD1')
    assert.deepEqual(before?.failures.get(3), failure)
    assert.deepEqual(before?.pages.get(3), { ranges: 256, outcome: 'created' })
    const after = reduce(...failed, records.done('WD1', new Map([[3, 'created']]), 1)).drives.get('WD1')
    assert.equal(after?.failures.size, 0)
    assert.equal(after?.pages.size, 0)
  })

  it('begins anew with a drive that was written again', () => {
    const done = records.done('WD1', new Map([[0, 'created']]), 5)
    assert.equal(reduce(...begun, done, records.drive('WD1', 'AA', 100)).drives.get('WD1')?.outcomes.counts.created, 1)
    assert.equal(reduce(...begun, done, records.drive('WD1', 'BB', 50)).drives.get('WD1')?.outcomes.counts.created, 0)
  })

  for (const [what, draft] of [
    ['a drive that was not begun', records.complete('WD2')],
    ['a blob that the drive does not have', records.done('WD1', new Map([[100, 'created']]), 1)],
  ] as const) {
    it(`refuses a record of ${what}`, () => {
      assert.throws(() => reduce(...begun, draft), { code: 'JOURNAL_INVALID' })
    })
  }
})
