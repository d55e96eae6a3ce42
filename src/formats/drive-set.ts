// driveset.csv: onto which drives to copy, in WAImportExport's columns and with its error texts. Where that tool has a drive
// letter we have a device or an image file with its size. Drives that are formatted or encrypted already are read as such;
// whether they can be used is the caller's business.

import { TransferError } from '../errors.js'
import { type CsvCell, type CsvRow, type PlacedProblem, parseCsvTable, throwProblems } from './csv-table.js'
import { type DriveSpec, parseDriveSpec } from './drive-spec.js'
import { recoveryPasswordProblem } from './recovery-password.js'

export interface DriveSetRow extends DriveSpec {
  /** FormatOption `AlreadyFormatted`: the drive keeps its file system. */
  isAlreadyFormatted: boolean
  /** Encryption `AlreadyEncrypted`: the drive keeps its BitLocker volume, and `existingKey` opens it. */
  isAlreadyEncrypted: boolean
  /** SilentOrPromptOnFormat `PromptOnFormat`: ask before the drive is erased. */
  asksBeforeFormat: boolean
  /** Recovery password of 48 digits. Never print it. */
  existingKey?: string
  /** 1-based line in the file. */
  line: number
}

const columns = ['DriveLetter', 'FormatOption', 'SilentOrPromptOnFormat', 'Encryption', 'ExistingBitLockerKey'] as const
const code = 'DRIVESET_INVALID'

/**
 * @param fileName for messages.
 * @throws TransferError DRIVESET_INVALID; its `problems` has everything that is wrong, with line and column.
 */
export function parseDriveSet(text: string, fileName = 'driveset.csv'): DriveSetRow[] {
  const { rows, problems } = parseCsvTable(text, { fileName, code, generations: [columns] })
  const firstLines = new Map<string, number>()
  const parsed = rows.map((row) => {
    const drive = parseRow(row, problems)
    const first = firstLines.get(drive.path)
    if (first === undefined) firstLines.set(drive.path, row.line)
    else if (drive.path !== '') {
      const { line, column } = row.cell('DriveLetter')
      problems.push({ message: `the drive ${drive.path} is in line ${first} already`, line, column })
    }
    return drive
  })
  throwProblems(code, fileName, problems)
  return parsed
}

function parseRow(row: CsvRow, problems: PlacedProblem[]): DriveSetRow {
  const report = (cell: CsvCell, message: string) => {
    problems.push({ message, line: cell.line, column: cell.column })
  }
  const choose = (name: (typeof columns)[number], first: string, second: string) => {
    const cell = row.cell(name)
    const value = cell.text.toLowerCase()
    if (value !== first.toLowerCase() && value !== second.toLowerCase()) {
      report(cell, `Incorrect value for ${name}: ${cell.text === '' ? 'none' : cell.text.slice(0, 100)}`)
    }
    return value === second.toLowerCase()
  }
  const spec = parseSpec(row.cell('DriveLetter'), report)
  const isAlreadyFormatted = choose('FormatOption', 'Format', 'AlreadyFormatted')
  const asksBeforeFormat = choose('SilentOrPromptOnFormat', 'SilentMode', 'PromptOnFormat')
  const isAlreadyEncrypted = choose('Encryption', 'Encrypt', 'AlreadyEncrypted')
  if (row.cell('FormatOption').text.toLowerCase() === 'format' && isAlreadyEncrypted) {
    report(row.cell('Encryption'), 'When Format is specified, Encrypt must also be specified')
  }
  const existingKey = parseKey(row.cell('ExistingBitLockerKey'), isAlreadyEncrypted, report)
  return {
    ...spec,
    isAlreadyFormatted,
    isAlreadyEncrypted,
    asksBeforeFormat,
    ...(existingKey === undefined ? {} : { existingKey }),
    line: row.line,
  }
}

type Report = (cell: CsvCell, message: string) => void

function parseSpec(cell: CsvCell, report: Report): DriveSpec {
  if (cell.text === '') {
    report(cell, 'Incorrect value for DriveLetter: none')
    return { path: '' }
  }
  try {
    return parseDriveSpec(cell.text)
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    report(cell, error.message.replace(/\.$/, ''))
    return { path: '' }
  }
}

// The key is a secret: messages say what is wrong with it, never what it is.
function parseKey(cell: CsvCell, isAlreadyEncrypted: boolean, report: Report): string | undefined {
  if (!isAlreadyEncrypted) {
    if (cell.text !== '') report(cell, 'BitLocker Key should not be specified')
    return undefined
  }
  if (cell.text === '') {
    report(cell, 'ExistingBitLockerKey is required when AlreadyEncrypted is specified')
    return undefined
  }
  const problem = recoveryPasswordProblem(cell.text)
  if (problem !== undefined) report(cell, `ExistingBitLockerKey: ${problem}`)
  return cell.text
}
