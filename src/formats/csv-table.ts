// A CSV file with a header line, cell by cell with the place of each: what dataset.csv and driveset.csv have in common.
// Column names are matched in any case; blanks around cells, a byte order mark and Windows line ends do not matter.

import { CsvError, parse } from 'csv-parse/sync'
import { type ErrorCode, type Problem, TransferError } from '../errors.js'

export interface CsvCell {
  text: string
  line: number
  /** In characters, 1-based. */
  column: number
}

/** Problems of a CSV file always have their place. */
export interface PlacedProblem extends Problem {
  line: number
  column: number
}

export class CsvRow {
  constructor(
    readonly line: number,
    readonly cells: ReadonlyMap<string, CsvCell>,
  ) {}

  /** The cell of a column; where the row or the header has none, an empty one at the row's beginning. */
  cell(name: string): CsvCell {
    return this.cells.get(name) ?? { text: '', line: this.line, column: 1 }
  }
}

export interface CsvTable {
  /** Column names as they stand in `generations`. */
  columns: readonly string[]
  rows: CsvRow[]
  problems: PlacedProblem[]
}

export interface CsvFormat {
  fileName: string
  code: ErrorCode
  /** The headers there have been, the newest first. */
  generations: readonly (readonly string[])[]
}

interface RawRecord {
  record: string[]
  raw: string
  info: { lines: number }
}

/**
 * Problems of single rows are collected; the caller adds its own and then calls `throwProblems`.
 * @throws TransferError `code` for a file without a known header, or one that is no CSV.
 */
export function parseCsvTable(text: string, format: CsvFormat): CsvTable {
  const { fileName, code, generations } = format
  const records = parseRecords(text, fileName, code)
  const [header, ...body] = records
  if (header === undefined) throw fileProblem(code, fileName, { message: 'the file is empty', line: 1, column: 1 })
  const names = header.record.map((name) => name.toLowerCase())
  const columns = generations.find(
    (known) => known.length === names.length && known.every((name, index) => name.toLowerCase() === names[index]),
  )
  if (columns === undefined) {
    const message = `the header is ${JSON.stringify(header.raw.trim().slice(0, 300))}, expected ${generations[0]?.join(',')}`
    throw fileProblem(code, fileName, { message, line: firstLineOf(header), column: 1 })
  }
  const problems: PlacedProblem[] = []
  const filled = body.filter(({ record }) => record.some((cell) => cell !== ''))
  const rows = filled.map((record) => toRow(record, columns, problems))
  if (rows.length === 0) problems.push({ message: 'there is no row below the header', line: 1, column: 1 })
  return { columns, rows, problems }
}

/** @throws TransferError `code` when there are any: the message has the first and the count. */
export function throwProblems(code: ErrorCode, fileName: string, problems: readonly PlacedProblem[]): void {
  const [first] = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
  if (first !== undefined) throw fileProblem(code, fileName, first, problems)
}

function fileProblem(
  code: ErrorCode,
  fileName: string,
  first: PlacedProblem,
  all: readonly PlacedProblem[] = [first],
): TransferError {
  const { message, line, column } = first
  const more = all.length === 1 ? '' : ` (the first of ${all.length} problems)`
  const sentence = `${fileName}, line ${line}, column ${column}: ${message}${more}`
  return new TransferError(code, sentence, { path: fileName, line, column, problems: all })
}

function parseRecords(text: string, fileName: string, code: ErrorCode): RawRecord[] {
  try {
    const records = parse(text.replace(/^\uFEFF/, ''), {
      info: true,
      raw: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as RawRecord[]
    // Empty lines that were skipped are still in front of the next record's raw text.
    return records.map((record) => ({ ...record, raw: record.raw.replace(/^[\r\n]+/, '') }))
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const line = typeof cause.lines === 'number' ? cause.lines : 1
    const message = csvSentences[cause.code] ?? cause.message
    throw fileProblem(code, fileName, { message, line, column: 1 })
  }
}

const csvSentences: Partial<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is opened and never closed',
  INVALID_OPENING_QUOTE: 'a quotation mark stands inside a cell; quote the whole cell and double the marks in it',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quotation mark',
}

function toRow(record: RawRecord, columns: readonly string[], problems: PlacedProblem[]): CsvRow {
  const line = firstLineOf(record)
  const places = cellPlaces(record.raw, line)
  const cells = new Map<string, CsvCell>()
  record.record.forEach((text, index) => {
    const place = places[index] ?? { line, column: 1 }
    const name = columns[index]
    if (name !== undefined) cells.set(name, { text, ...place })
    else if (text !== '') {
      const message = `cell ${index + 1} is ${JSON.stringify(text.slice(0, 100))}, but the header has ${columns.length} columns`
      problems.push({ message, ...place })
    }
  })
  return new CsvRow(line, cells)
}

// The parser counts the lines up to the record's end; a quoted cell may have some of its own.
function firstLineOf({ info, raw }: RawRecord): number {
  return info.lines - (raw.replace(/[\r\n]+$/, '').match(/\r\n|\n|\r/g)?.length ?? 0)
}

// Where each cell begins: the parser tells what is in a cell, not where it stood.
function cellPlaces(raw: string, firstLine: number): { line: number; column: number }[] {
  const places: { line: number; column: number }[] = []
  let line = firstLine
  let lineStart = 0
  let isQuoted = false
  let isCellStart = true
  for (let index = 0; index < raw.length; index++) {
    const character = raw[index] as string
    if (isCellStart && !/[ \t]/.test(character)) {
      places.push({ line, column: index - lineStart + 1 })
      isCellStart = false
    }
    if (character === '"') isQuoted = !isQuoted
    else if (character === ',' && !isQuoted) isCellStart = true
    else if (character === '\n' || (character === '\r' && raw[index + 1] !== '\n')) {
      line += 1
      lineStart = index + 1
    }
  }
  return places
}
