// A second reader of journals, written from docs/journal.md alone and stricter than ours: every byte belongs to a record, and
// every record carries its right checksum.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'

const recordForm =
  /\[BeginUpdateRecord\]\[\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{3}\]\[Type:(?:NewJournalFile|ActivityRecord)\]\n((?:[A-Za-z][\w.-]*:(?: \[BeginValue\]\n(?:(?!\[).*\n)*\[EndValue\]|(?: (?!\[)\S(?:.*\S)?)?)\n)+?)RecordChecksum: ([0-9A-F]{8})\n\[EndUpdateRecord\]\n/y

/** The fields of each record, in order. */
export function readStrictly(path: string): Map<string, string>[] {
  const bytes = readFileSync(path)
  const text = bytes.toString('latin1')
  const records: Map<string, string>[] = []
  recordForm.lastIndex = 0
  let at = 0
  while (at < text.length) {
    const found = recordForm.exec(text)
    assert.ok(found !== null, `no record at byte ${at}: ${JSON.stringify(text.slice(at, at + 200))}`)
    const [whole, fields, checksum] = found as unknown as [string, string, string]
    const covered = whole.slice(0, whole.indexOf(`RecordChecksum: ${checksum}`))
    const sum = crc32(Buffer.from(covered, 'latin1')).toString(16).toUpperCase().padStart(8, '0')
    assert.equal(checksum, sum, `checksum of the record at byte ${at}`)
    const lines = fields.split('\n').filter((line) => /^[A-Za-z][\w.-]*:/.test(line))
    records.push(new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])))
    at += whole.length
  }
  return records
}
