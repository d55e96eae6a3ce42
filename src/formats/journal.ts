// The journal: an append-only text of records in WAImportExport's syntax, each of ours with a CRC-32 of its own as the last
// field. A record is one state update. A tail torn by a crash is normal and is cut off; a bad record with a good one after
// it is damage. docs/journal.md has the grammar.

import { crc32 } from 'node:zlib'
import { TransferError } from '../errors.js'

export type JournalField = readonly [key: string, value: string]

export interface RecordContent {
  /** Written in UTC with milliseconds. */
  time: Date
  /** WAImportExport has NewJournalFile and ActivityRecord. */
  type: string
  /** In order. Keys are words of letters, digits, `_`, `-` and `.`; values are any well-formed text. */
  fields: readonly JournalField[]
}

/** A record before it has its time. */
export type RecordDraft = Omit<RecordContent, 'time'>

export interface JournalRecord extends RecordContent {
  /** False for a record without a checksum: WAImportExport's own. */
  checksummed: boolean
  /** 1-based line of its first line. */
  line: number
  /** Where its bytes are in the file. */
  offset: number
  lengthBytes: number
}

export interface Journal {
  records: JournalRecord[]
  /** Bytes at the end that are no whole record: cut them off before anything is appended. */
  tornTailBytes: number
}

const beginMark = '[BeginUpdateRecord]'
const endMark = '[EndUpdateRecord]'
const beginValue = '[BeginValue]'
const endValue = '[EndValue]'
const checksumKey = 'RecordChecksum'
const firstLineBytesMax = 256
const word = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/
const firstLine = /^\[BeginUpdateRecord\]\[(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})\]\[Type:([^\]]*)\]$/

/**
 * One record as bytes, ready to be appended.
 * @throws RangeError for a type or key that is not a word, or a value with half a surrogate pair.
 */
export function encodeRecord(record: RecordContent, { checksum = true } = {}): Buffer {
  if (!word.test(record.type)) throw new RangeError(`expected a word for type but received ${quoted(record.type)}`)
  const lines = [`${beginMark}[${stamp(record.time)}][Type:${record.type}]`]
  for (const [key, value] of record.fields) {
    if (!word.test(key) || key === checksumKey) {
      throw new RangeError(`expected a word for the key of a field but received ${quoted(key)}`)
    }
    if (/\p{Surrogate}/u.test(value)) {
      throw new RangeError(`expected well-formed text for ${key} but received ${quoted(value)}`)
    }
    if (isPlain(value)) lines.push(value === '' ? `${key}:` : `${key}: ${value}`)
    else lines.push(`${key}: ${beginValue}`, ...value.split('\n').map(escapeLine), endValue)
  }
  const body = `${lines.join('\n')}\n`
  const sum = checksum ? `${checksumKey}: ${hexChecksum(Buffer.from(body, 'utf8'))}\n` : ''
  return Buffer.from(`${body}${sum}${endMark}\n`, 'utf8')
}

// A plain value stands behind its key: what would lose a blank at its ends, break the line or look like syntax goes into a block.
function isPlain(value: string): boolean {
  return !/[\r\n]/.test(value) && value === value.trim() && !value.startsWith('[')
}

// Syntax is only ever a line that begins with a bracket. A line of a value that would begin so (or with backslashes before
// it) gets one more backslash, so no value can end its block or begin a record.
function escapeLine(line: string): string {
  return /^\\*\[/.test(line) ? `\\${line}` : line
}

function unescapeLine(line: string): string {
  return /^\\+\[/.test(line) ? line.slice(1) : line
}

function hexChecksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).toUpperCase().padStart(8, '0')
}

/** `yyyy/MM/dd HH:mm:ss.fff`, UTC. */
function stamp(time: Date): string {
  const iso = time.toISOString()
  if (iso.length !== 24) throw new RangeError(`expected a year of four digits for time but received ${iso}`)
  return iso.slice(0, 23).replaceAll('-', '/').replace('T', ' ')
}

/**
 * @param fileName for messages.
 * @throws TransferError JOURNAL_INVALID with the line, for a file that is no journal or is damaged before its end.
 */
export function parseJournal(text: Uint8Array, fileName = 'journal'): Journal {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  const records: JournalRecord[] = []
  const cursor = new LineCursor(bytes, hasByteOrderMark(bytes) ? 3 : 0)
  // Foreign records may come before ours, never behind: a record that has lost its checksum is not one of theirs.
  let isOurs = false
  for (;;) {
    skipBlankLines(cursor)
    const { offset, line } = cursor
    if (offset === bytes.length) return { records, tornTailBytes: 0 }
    const outcome = readRecord(cursor, isOurs)
    if (typeof outcome !== 'string') {
      records.push(outcome)
      isOurs ||= outcome.checksummed
      continue
    }
    if (!looksTorn(bytes, offset) || hasRecordAfter(bytes, offset + 1, isOurs)) {
      const message = `${fileName}, line ${line} (byte ${offset}): ${outcome}.`
      throw new TransferError('JOURNAL_INVALID', message, { path: fileName, line, column: 1 })
    }
    return { records, tornTailBytes: bytes.length - offset }
  }
}

// What a crash leaves: the beginning of a record, or the zeros of pages that were never written.
function looksTorn(bytes: Buffer, offset: number): boolean {
  const head = bytes.toString('latin1', offset, offset + beginMark.length)
  return beginMark.startsWith(head) || head.startsWith('\0')
}

// Also in the middle of a line, as the line end before it may be what is damaged: no value can hold a whole record, its end is
// escaped. Every attempt stops at the next record's first line, so that the search is linear however the file was made.
function hasRecordAfter(bytes: Buffer, from: number, needsChecksum: boolean): boolean {
  const mark = `${beginMark}[`
  for (let at = bytes.indexOf(mark, from); at !== -1; at = bytes.indexOf(mark, at + 1)) {
    if (typeof readRecord(new LineCursor(bytes, at), needsChecksum) !== 'string') return true
  }
  return false
}

function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

class LineCursor {
  line = 1
  constructor(
    readonly bytes: Buffer,
    public offset: number,
  ) {}

  /** The next line without its end, or undefined where no line end follows (within `bytesMax`): a record's every line has one. */
  next(bytesMax = this.bytes.length): string | undefined {
    const length = this.bytes.subarray(this.offset, this.offset + bytesMax).indexOf(10)
    if (length === -1) return undefined
    const end = this.offset + length
    const text = this.bytes.toString('utf8', this.offset, end)
    this.offset = end + 1
    this.line += 1
    return text
  }
}

function skipBlankLines(cursor: LineCursor): void {
  for (;;) {
    const byte = cursor.bytes[cursor.offset]
    if (byte === 10) cursor.line += 1
    else if (byte !== 13 && byte !== 32 && byte !== 9) return
    cursor.offset += 1
  }
}

/** The record at the cursor, or what is wrong with it. */
function readRecord(cursor: LineCursor, needsChecksum: boolean): JournalRecord | string {
  const { offset, line } = cursor
  const head = cursor.next(firstLineBytesMax)
  if (head === undefined) return 'the first line of the record has no end'
  // A file with Windows line ends has them everywhere; in one without, a carriage return belongs to its value.
  const isWindows = head.endsWith('\r')
  const next = () => {
    const text = cursor.next()
    return isWindows && text?.endsWith('\r') ? text.slice(0, -1) : text
  }
  const match = firstLine.exec(isWindows ? head.slice(0, -1) : head)
  if (match === null) return `expected "${beginMark}[yyyy/MM/dd HH:mm:ss.fff][Type:…]" but found ${quoted(head)}`
  const time = timeOf(match)
  if (time === undefined) return `${match[1]}/${match[2]}/${match[3]} is no date`
  const fields: [string, string][] = []
  let checksumFound: string | undefined
  let checksumComputed = ''
  const blocks: number[] = []
  for (;;) {
    const lineOffset = cursor.offset
    const text = next()
    if (text === undefined) return 'the record has no end'
    if (text === endMark) break
    if (checksumFound !== undefined) return `a field follows ${checksumKey}`
    const colon = text.indexOf(':')
    const key = text.slice(0, Math.max(colon, 0)).trim()
    if (!word.test(key)) return `expected "Key: value" or "${endMark}" but found ${quoted(text)}`
    const value = text.slice(colon + 1).trim()
    if (key === checksumKey) {
      checksumFound = value
      checksumComputed = hexChecksum(cursor.bytes.subarray(offset, lineOffset))
    } else if (value === beginValue) {
      const lines = readBlock(next)
      if (lines === undefined) return `the value of ${key} has no ${endValue}`
      blocks.push(fields.length)
      fields.push([key, lines.join('\n')])
    } else fields.push([key, value])
  }
  if (checksumFound === undefined && needsChecksum) return `the record has no ${checksumKey}, unlike the ones before it`
  if (checksumFound !== undefined && checksumFound !== checksumComputed) {
    return `the record's checksum is ${checksumComputed} and ${quoted(checksumFound)} is written in it`
  }
  const checksummed = checksumFound !== undefined
  for (const index of checksummed ? blocks : []) {
    const field = fields[index] as [string, string]
    field[1] = field[1].split('\n').map(unescapeLine).join('\n')
  }
  const lengthBytes = cursor.offset - offset
  return { time, type: match[8] as string, fields, checksummed, line, offset, lengthBytes }
}

/** The lines up to the end of the block. Undefined when the record or the file ends first. */
function readBlock(next: () => string | undefined): string[] | undefined {
  const lines: string[] = []
  for (let text = next(); text !== undefined; text = next()) {
    if (text === endValue) return lines
    if (text === endMark || text.startsWith(`${beginMark}[`)) return undefined
    lines.push(text)
  }
  return undefined
}

function timeOf(match: RegExpExecArray): Date | undefined {
  const [year, month, day, hour, minute, second, millisecond] = match.slice(1, 8).map(Number) as [number, ...number[]]
  const time = new Date(Date.UTC(year, (month ?? 0) - 1, day, hour, minute, second, millisecond))
  if (year < 100) time.setUTCFullYear(year)
  return stamp(time) === `${match[1]}/${match[2]}/${match[3]} ${match[4]}:${match[5]}:${match[6]}.${match[7]}`
    ? time
    : undefined
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
