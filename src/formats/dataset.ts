// dataset.csv: what to copy and where it goes in the storage account, in WAImportExport's columns. All three headers that tool
// has had are read. Paths are Linux paths; a slash or a backslash at the end makes one a folder. docs/dataset-csv.md has the rules.

import { TransferError } from '../errors.js'
import { type BlobType, type Disposition, dispositions } from './blob-limits.js'
import { type CsvCell, type CsvRow, type PlacedProblem, parseCsvTable, throwProblems } from './csv-table.js'
import { parseBlobPath, parseDestination } from './destination.js'

export interface DatasetRow {
  /** Absolute, without a separator at its end (the root itself is `/`). */
  basePath: string
  isDirectory: boolean
  /** For a folder `container/` or `container/prefix/`; for a file the whole path of its blob, `container/name`. */
  destination: string
  /** `auto`: page blobs for `*.vhd` and `*.vhdx`, block blobs for the rest. */
  blobType: BlobType | 'auto'
  disposition: Disposition
  /** Absolute paths. */
  metadataFile?: string
  propertiesFile?: string
  /** 1-based line in the file. */
  line: number
}

const generations = [
  ['BasePath', 'DstItemPathOrPrefix', 'ItemType', 'Disposition', 'MetadataFile', 'PropertiesFile'],
  ['BasePath', 'DstBlobPathOrPrefix', 'BlobType', 'Disposition', 'MetadataFile', 'PropertiesFile'],
  ['BasePath', 'DstItemPathOrPrefix', 'ItemType'],
] as const

const blobTypes: Readonly<Record<string, DatasetRow['blobType']>> = {
  '': 'auto',
  auto: 'auto',
  block: 'block',
  blockblob: 'block',
  page: 'page',
  pageblob: 'page',
}

/**
 * @param fileName for messages.
 * @throws TransferError DATASET_INVALID; its `problems` has everything that is wrong, with line and column.
 */
export function parseDataset(text: string, fileName = 'dataset.csv'): DatasetRow[] {
  const { columns, rows, problems } = parseCsvTable(text, { fileName, code: 'DATASET_INVALID', generations })
  const names = columns as (typeof generations)[number]
  const parsed = rows.map((row) => parseRow(row, names, problems))
  throwProblems('DATASET_INVALID', fileName, problems)
  return parsed
}

function parseRow(row: CsvRow, columns: (typeof generations)[number], problems: PlacedProblem[]): DatasetRow {
  const report = (cell: CsvCell, message: string) => {
    problems.push({ message, line: cell.line, column: cell.column })
  }
  const { basePath, isDirectory } = parseBasePath(row.cell('BasePath'), report)
  const destination = parseTarget(row.cell(columns[1]), { basePath, isDirectory }, report)
  const blobType = parseBlobType(row.cell(columns[2]), columns[2], report)
  const disposition = parseDisposition(row.cell('Disposition'), report)
  const metadataFile = parseFile(row.cell('MetadataFile'), 'MetadataFile', report)
  const propertiesFile = parseFile(row.cell('PropertiesFile'), 'PropertiesFile', report)
  return {
    basePath,
    isDirectory,
    destination,
    blobType,
    disposition,
    ...(metadataFile === undefined ? {} : { metadataFile }),
    ...(propertiesFile === undefined ? {} : { propertiesFile }),
    line: row.line,
  }
}

type Report = (cell: CsvCell, message: string) => void

function parseBasePath(cell: CsvCell, report: Report): { basePath: string; isDirectory: boolean } {
  const isDirectory = /[\\/]$/.test(cell.text)
  const basePath = cell.text.replace(/[\\/]+$/, '') || (isDirectory ? '/' : '')
  if (cell.text === '') report(cell, 'BasePath is missing')
  else reportForeignPath(cell, 'BasePath', report)
  return { basePath, isDirectory }
}

function reportForeignPath(cell: CsvCell, name: string, report: Report): void {
  const shown = JSON.stringify(cell.text)
  if (/^[A-Za-z]:/.test(cell.text)) {
    report(cell, `${name} ${shown} is a path on a Windows drive; give the Linux path under which it is mounted here`)
  } else if (/^(\\\\|\/\/)/.test(cell.text)) {
    report(cell, `${name} ${shown} is a network path; mount the share and give the path of its mount point`)
  } else if (!cell.text.startsWith('/')) {
    report(cell, `${name} ${shown} is not absolute; it has to begin with a slash`)
  } else if (cell.text.includes('\0')) {
    report(cell, `${name} ${shown} has a NUL character`)
  }
}

function parseTarget(cell: CsvCell, base: { basePath: string; isDirectory: boolean }, report: Report): string {
  if (cell.text === '') {
    report(cell, 'the destination is missing')
    return ''
  }
  if (base.basePath === '') return ''
  // A file with the destination of a folder goes into it under its own name.
  const fileName = base.basePath.slice(base.basePath.lastIndexOf('/') + 1)
  const destination = !base.isDirectory && cell.text.endsWith('/') ? cell.text + fileName : cell.text
  try {
    if (base.isDirectory) parseDestination(destination)
    else parseBlobPath(destination)
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    report(cell, error.message.replace(/\.$/, ''))
  }
  return destination
}

function parseBlobType(cell: CsvCell, name: string, report: Report): DatasetRow['blobType'] {
  const value = cell.text.toLowerCase()
  const blobType = Object.hasOwn(blobTypes, value) ? blobTypes[value] : undefined
  if (value === 'file') {
    report(cell, `${name} is "file": Azure Files shares are not supported, only block and page blobs`)
  } else if (blobType === undefined) {
    report(cell, `${name} is ${JSON.stringify(cell.text)}, expected BlockBlob, PageBlob, block, page or auto`)
  }
  return blobType ?? 'auto'
}

function parseDisposition(cell: CsvCell, report: Report): Disposition {
  if (cell.text === '') return 'rename'
  const disposition = dispositions.find((known) => known === cell.text.toLowerCase())
  if (disposition === undefined) {
    report(cell, `Disposition is ${JSON.stringify(cell.text)}, expected rename, no-overwrite or overwrite`)
  }
  return disposition ?? 'rename'
}

function parseFile(cell: CsvCell, name: string, report: Report): string | undefined {
  if (cell.text === '' || cell.text.toLowerCase() === 'none') return undefined
  reportForeignPath(cell, name, report)
  if (/[\\/]$/.test(cell.text))
    report(cell, `${name} ${JSON.stringify(cell.text)} is a folder, expected a file or None`)
  return cell.text
}
