import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeRecord, type JournalField, parseJournal } from '../../src/formats/journal.js'
import { mutate, xorshift } from './mutate.js'

const time = new Date('2016-11-02T18:24:14.735Z')

// The public samples of WAImportExport's documentation (preparing hard drives for an import job, 2017).
const foreignJournal = `[BeginUpdateRecord][2016/11/02 18:24:14.735][Type:NewJournalFile]
VocabularyVersion: 2013-02-01
[EndUpdateRecord]
[BeginUpdateRecord][2016/11/02 18:24:14.749][Type:ActivityRecord]
ActivityId: PrepImportDriveCommandContext
LogDirectory: F:\\logs
[EndUpdateRecord]
[BeginUpdateRecord][2016/11/02 18:24:14.754][Type:ActivityRecord]
ActivityId: PrepImportDriveCommandContext
StorageAccountKey: *******
[EndUpdateRecord]
`

function record(...fields: JournalField[]): Buffer {
  return encodeRecord({ time, type: 'ActivityRecord', fields })
}

test('a record has its stamp in UTC, its fields in order, and its checksum last', () => {
  // CRC-32 computed with Python's zlib.crc32.
  assert.equal(
    encodeRecord({ time, type: 'NewJournalFile', fields: [['VocabularyVersion', '2013-02-01']] }).toString(),
    '[BeginUpdateRecord][2016/11/02 18:24:14.735][Type:NewJournalFile]\n' +
      'VocabularyVersion: 2013-02-01\nRecordChecksum: B00723E3\n[EndUpdateRecord]\n',
  )
})

test('the records of WAImportExport are read and marked as having no checksum', () => {
  for (const text of [foreignJournal, foreignJournal.replaceAll('\n', '\r\n'), `\uFEFF${foreignJournal}`]) {
    const { records, tornTailBytes } = parseJournal(Buffer.from(text))
    assert.equal(tornTailBytes, 0)
    assert.deepEqual(
      records.map(({ type, fields, checksummed, line }) => ({ type, fields, checksummed, line })),
      [
        { type: 'NewJournalFile', fields: [['VocabularyVersion', '2013-02-01']], checksummed: false, line: 1 },
        {
          type: 'ActivityRecord',
          fields: [
            ['ActivityId', 'PrepImportDriveCommandContext'],
            ['LogDirectory', 'F:\\logs'],
          ],
          checksummed: false,
          line: 4,
        },
        {
          type: 'ActivityRecord',
          fields: [
            ['ActivityId', 'PrepImportDriveCommandContext'],
            ['StorageAccountKey', '*******'],
          ],
          checksummed: false,
          line: 8,
        },
      ],
    )
    assert.equal(records[0]?.time.toISOString(), '2016-11-02T18:24:14.735Z')
  }
})

test('any text survives as a value, also text that looks like record syntax', () => {
  const values = [
    '',
    'plain',
    ' blanks at the ends ',
    'two\nlines',
    'windows\r\nlines\r\n',
    '[BeginValue]',
    '[EndValue]',
    'a\n[EndValue]\n[EndUpdateRecord]\n[BeginUpdateRecord][2016/11/02 18:24:14.735][Type:Forged]\nKey: value',
    '\\[EndValue]\n\\\\[EndValue]',
    'RecordChecksum: 00000000',
    'größe 🚢 \0 \u0085 \uFEFF',
    '\n',
    '\n\n[',
    '[',
  ]
  const fields = values.map((value, index) => [`Value${index}`, value] as const)
  const { records, tornTailBytes } = parseJournal(Buffer.concat([record(...fields), record(['Next', '1'])]))
  assert.equal(tornTailBytes, 0)
  assert.equal(records.length, 2)
  assert.deepEqual(records[0]?.fields, fields)
  assert.equal(records[0]?.checksummed, true)
})

test('what cannot be written is refused', () => {
  assert.throws(() => record(['Key\nForged', 'x']), RangeError)
  assert.throws(() => record(['RecordChecksum', 'x']), RangeError)
  assert.throws(() => record(['', 'x']), RangeError)
  assert.throws(() => record(['Key', 'half a pair \uD800']), RangeError)
  assert.throws(() => encodeRecord({ time, type: 'A][Type:B', fields: [] }), RangeError)
  assert.throws(() => encodeRecord({ time: new Date(Number.NaN), type: 'A', fields: [] }), RangeError)
})

test('a journal cut at any byte gives the whole records before the cut and the length of the torn tail', () => {
  const parts = [record(['A', '1']), record(['B', 'two\nlines'], ['C', '[odd']), record(['D', '4'])]
  const whole = Buffer.concat(parts)
  const ends = [0, ...parts.map((_, index) => Buffer.concat(parts.slice(0, index + 1)).length)]
  for (let cut = 0; cut <= whole.length; cut++) {
    const complete = ends.filter((end) => end <= cut).length - 1
    const { records, tornTailBytes } = parseJournal(whole.subarray(0, cut))
    assert.equal(records.length, complete, `cut at ${cut}`)
    assert.equal(tornTailBytes, cut - (ends[complete] as number), `cut at ${cut}`)
  }
})

test('pages that were never written are a torn tail, as zeros and within the last record', () => {
  const first = record(['A', '1'])
  const zeros = Buffer.concat([first, Buffer.alloc(5000)])
  assert.deepEqual(parseJournal(zeros).tornTailBytes, 5000)
  const last = record(['B', 'x'.repeat(100)])
  last.fill(0, 70, 120)
  const outcome = parseJournal(Buffer.concat([first, last]))
  assert.equal(outcome.records.length, 1)
  assert.equal(outcome.tornTailBytes, last.length)
})

test('any flipped bit in a record with another behind it is damage, named by line and byte', () => {
  const first = record(['A', '1'])
  const middle = record(['B', 'two\nlines'])
  const last = record(['C', '3'])
  for (let at = 0; at < middle.length; at++) {
    for (const bit of [0, 5]) {
      const damaged = Buffer.from(middle)
      damaged[at] = (damaged[at] as number) ^ (1 << bit)
      assert.throws(
        () => parseJournal(Buffer.concat([first, damaged, last]), 'job.jrn'),
        (error) => error instanceof TransferError && error.code === 'JOURNAL_INVALID' && (error.line ?? 0) >= 5,
        `byte ${at}, bit ${bit}`,
      )
    }
  }
})

const foreign = [
  ['a text that is no journal', 'BasePath,DstBlobPathOrPrefix\n', 1],
  ['a stray line between records', `${foreignJournal}stray\n${foreignJournal}`, 12],
  ['a stray line at the end', `${foreignJournal}stray`, 12],
  ['a date that is none', foreignJournal.replace('2016/11/02', '2016/13/02'), 1],
  ['a line without a key', foreignJournal.replace('LogDirectory:', 'LogDirectory'), 4],
  ['a value without its end', foreignJournal.replace('F:\\logs', '[BeginValue]'), 4],
  ['a record without its end', foreignJournal.replace('[EndUpdateRecord]\n', ''), 1],
] as const

for (const [what, text, line] of foreign) {
  test(`${what} is refused with its line`, () => {
    assert.throws(() => parseJournal(Buffer.from(text), 'x.jrn'), {
      name: 'TransferError',
      code: 'JOURNAL_INVALID',
      line,
    })
  })
}

test('an empty journal has no records and nothing torn', () => {
  for (const text of ['', '\n', ' \r\n\n'])
    assert.deepEqual(parseJournal(Buffer.from(text)), { records: [], tornTailBytes: 0 })
})

test('damage of any kind gives records or JOURNAL_INVALID, and never a record that was not written', () => {
  const random = xorshift(20161102)
  const written = [
    record(['A', '1']),
    record(['B', 'two\nlines']),
    record(['C', '[EndUpdateRecord]']),
    record(['D', '4']),
  ]
  const whole = Buffer.concat(written)
  const known = new Set(parseJournal(whole).records.map(({ fields }) => JSON.stringify(fields)))
  let refused = 0
  for (let round = 0; round < 4000; round++) {
    const damaged = mutate(whole, random)
    try {
      const { records, tornTailBytes } = parseJournal(damaged)
      assert.ok(tornTailBytes <= damaged.length)
      for (const { fields, checksummed } of records) {
        if (checksummed) assert.ok(known.has(JSON.stringify(fields)), JSON.stringify(fields))
      }
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'JOURNAL_INVALID', String(error))
      refused += 1
    }
  }
  assert.ok(refused > 100)
})

test('a large torn tail full of beginnings is searched in linear time', () => {
  const line = '[BeginUpdateRecord][2016/11/02 18:24:14.735][Type:ActivityRecord]\n'
  for (const beginning of [line, '[BeginUpdateRecord][']) {
    const text = Buffer.from(beginning.repeat(100_000))
    assert.equal(parseJournal(text).tornTailBytes, text.length)
  }
})
