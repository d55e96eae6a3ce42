// For every file of a dataset: which kind of blob it becomes, what happens when the blob exists, which metadata applies.
// Files that cannot become blobs are found here, all of them, before anything is written.

import type { Problem } from '../errors.js'
import { type FileTree, filePath, nameAt } from '../file-tree.js'
import { blobLengthProblem } from '../formats/blob-limits.js'
import type { DatasetRow } from '../formats/dataset.js'
import { blobNameProblem } from '../formats/destination.js'
import { planBlobTypes, planDispositions } from '../formats/drive-plan.js'
import { blockBytesFor, defaultBlobType } from '../formats/manifest-writer.js'

export interface BlobColumns {
  /** 1 block blob, 2 page blob; 0 is a file that is no blob. */
  fileBlobType: Uint8Array
  fileDisposition: Uint8Array
  /** Index in the lists of metadata and properties files, in the order of `listRows`. */
  fileList: Uint16Array
  fileBlockBytes: Float64Array
  /** For each list the first dataset row that uses it. */
  listRows: DatasetRow[]
  /** Files that no blob can be made of, all of them. */
  problems: Problem[]
}

export function blobColumns(tree: FileTree, fileRow: Uint16Array, rows: readonly DatasetRow[]): BlobColumns {
  const count = tree.fileDirectory.length
  const { listOfRow, listRows } = listsOf(rows)
  const columns: BlobColumns = {
    fileBlobType: new Uint8Array(count),
    fileDisposition: new Uint8Array(count),
    fileList: new Uint16Array(count),
    fileBlockBytes: new Float64Array(count),
    listRows,
    problems: [],
  }
  for (let file = 0; file < count; file++) {
    const row = rows[fileRow[file] as number] as DatasetRow
    const size = tree.fileSizeBytes[file] as number
    const blobType = row.blobType === 'auto' ? defaultBlobType(nameAt(tree.fileNames, file), size) : row.blobType
    const problem = blobLengthProblem(size, blobType) ?? nameProblem(tree, file)
    if (problem !== undefined) columns.problems.push({ message: `${filePath(tree, file)}: ${problem}` })
    else columns.fileBlockBytes[file] = blockBytesFor(size, blobType)
    columns.fileBlobType[file] = planBlobTypes.indexOf(blobType)
    columns.fileDisposition[file] = planDispositions.indexOf(row.disposition)
    columns.fileList[file] = listOfRow[fileRow[file] as number] as number
  }
  return columns
}

function nameProblem(tree: FileTree, file: number): string | undefined {
  const path = filePath(tree, file)
  return blobNameProblem(path.slice(path.indexOf('/') + 1))
}

function listsOf(rows: readonly DatasetRow[]): { listOfRow: number[]; listRows: DatasetRow[] } {
  const listRows: DatasetRow[] = []
  const known = new Map<string, number>()
  const listOfRow = rows.map((row) => {
    const key = JSON.stringify([row.metadataFile, row.propertiesFile])
    let list = known.get(key)
    if (list === undefined) {
      list = listRows.length
      known.set(key, list)
      listRows.push(row)
    }
    return list
  })
  return { listOfRow, listRows }
}
