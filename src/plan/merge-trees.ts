// Several scanned sources become one tree under their blob paths: `container/prefix/` for a folder, `container/name` for a
// single file. Rows may meet in the same target folders; two files at the same target path are refused, all of them named.

import { TransferError } from '../errors.js'
import { type FileTree, filePath, type NameColumn, NameColumnBuilder } from '../file-tree.js'

export interface ScannedRow {
  /** Absolute path of the folder that was scanned; of a single file, the folder it lies in. */
  basePath: string
  /** `container/` and a prefix for a folder; for a single file its blob path, or a prefix that ends in `/`. */
  destination: string
  tree: FileTree
  /** The tree is one file in its root, and `destination` may give it another name. */
  isSingleFile?: boolean
  /** Line of the dataset, for messages; the row's place in the list without it. */
  line?: number
}

/** Where the bytes of each file of a target tree come from; columns in its file order. */
export interface SourceTable {
  /** Absolute paths of the source folders that hold files. */
  readonly sourceDirectories: NameColumn
  /** Index into sourceDirectories. */
  readonly fileSourceDirectory: Uint32Array
  readonly fileSourceNames: NameColumn
  /** Index of the row that brought the file. */
  readonly fileRow: Uint16Array
}

export interface MergedTree extends SourceTable {
  readonly tree: FileTree
  /** Files in folders below a row that goes to `$root/`: blobs there cannot have a path, so they are left out. */
  readonly leftOutOfRoot: readonly { row: number; files: number }[]
}

const rowsMax = 0xffff
const rootContainer = '$root'

/**
 * Files in row order, then in the order of their scan.
 * @throws TransferError DATASET_INVALID when two files, or a file and a folder, would share a target path; `problems` has all.
 */
export function mergeTrees(rows: readonly ScannedRow[]): MergedTree {
  if (rows.length > rowsMax) {
    throw new RangeError(`expected at most ${rowsMax} rows but received ${rows.length}`)
  }
  const merge = new Merge(rows)
  rows.forEach((row, index) => {
    merge.addRow(row, index)
  })
  return merge.finish()
}

/** Marks a target directory to which more than one row added something. */
const severalRows = -2
const noRow = -1

class Merge {
  readonly #rows: readonly ScannedRow[]
  readonly #parents: number[] = [0]
  readonly #names = new NameColumnBuilder()
  readonly #directoryRow: number[] = [noRow]
  // Key: parent and name. Filled only when rows can meet, which a single row cannot.
  readonly #children = new Map<string, number>()
  readonly #mayMeet: boolean
  readonly #sourceDirectories = new NameColumnBuilder()
  #sourceDirectoryCount = 0
  readonly #fileNames = new NameColumnBuilder()
  readonly #sourceNames = new NameColumnBuilder()
  #hasNewNames = false
  readonly #fileDirectory: Uint32Array
  readonly #fileSourceDirectory: Uint32Array
  readonly #fileRow: Uint16Array
  readonly #fileSizeBytes: Float64Array
  readonly #fileModifiedNs: BigInt64Array
  readonly #leftOut: { row: number; files: number }[] = []
  #files = 0

  constructor(rows: readonly ScannedRow[]) {
    const count = rows.reduce((sum, row) => sum + row.tree.fileDirectory.length, 0)
    this.#rows = rows
    this.#mayMeet = rows.length > 1
    this.#hasNewNames = rows.some((row) => row.isSingleFile)
    this.#names.push('')
    this.#fileDirectory = new Uint32Array(count)
    this.#fileSourceDirectory = new Uint32Array(count)
    this.#fileRow = new Uint16Array(count)
    this.#fileSizeBytes = new Float64Array(count)
    this.#fileModifiedNs = new BigInt64Array(count)
  }

  addRow(row: ScannedRow, index: number): void {
    const parts = row.destination.split('/').filter((part) => part !== '')
    const isRenamed = row.isSingleFile === true && !row.destination.endsWith('/')
    const newName = isRenamed ? parts.pop() : undefined
    let prefix = 0
    for (const part of parts) prefix = this.#directory(prefix, Buffer.from(part, 'utf8'), index)
    const isFlat = parts[0] === rootContainer
    const { targets, sources } = this.#addDirectories(row, index, prefix, isFlat)
    this.#addFiles(row, index, targets, sources, newName)
  }

  #addDirectories(row: ScannedRow, index: number, prefix: number, isFlat: boolean) {
    const { tree } = row
    const count = tree.directoryParent.length
    const targets = new Uint32Array(count)
    const sources = new Uint32Array(count)
    const hasFiles = new Uint8Array(count)
    for (const directory of tree.fileDirectory) hasFiles[directory] = 1
    const paths: Buffer[] = [Buffer.from(row.basePath, 'utf8')]
    targets[0] = prefix
    for (let directory = 0; directory < count; directory++) {
      if (directory > 0) {
        if (isFlat) continue
        const parent = tree.directoryParent[directory] as number
        const name = nameBytes(tree.directoryNames, directory)
        targets[directory] = this.#directory(targets[parent] as number, name, index)
        paths[directory] = joinPath(paths[parent] as Buffer, name)
      }
      if (hasFiles[directory] === 0) continue
      this.#sourceDirectories.push(paths[directory] as Buffer)
      sources[directory] = this.#sourceDirectoryCount++
    }
    return { targets: isFlat ? targets.fill(skipped, 1) : targets, sources }
  }

  #addFiles(
    row: ScannedRow,
    index: number,
    targets: Uint32Array,
    sources: Uint32Array,
    newName: string | undefined,
  ): void {
    const { tree } = row
    let leftOut = 0
    for (let file = 0; file < tree.fileDirectory.length; file++) {
      const directory = tree.fileDirectory[file] as number
      const target = targets[directory] as number
      if (target === skipped) {
        leftOut++
        continue
      }
      const name = nameBytes(tree.fileNames, file)
      this.#fileNames.push(newName ?? name)
      if (this.#hasNewNames) this.#sourceNames.push(name)
      this.#touch(target, index)
      const at = this.#files++
      this.#fileDirectory[at] = target
      this.#fileSourceDirectory[at] = sources[directory] as number
      this.#fileRow[at] = index
      this.#fileSizeBytes[at] = tree.fileSizeBytes[file] as number
      this.#fileModifiedNs[at] = tree.fileModifiedNs[file] as bigint
    }
    if (leftOut > 0) this.#leftOut.push({ row: index, files: leftOut })
  }

  /** The child of `parent` with this name, made when it is not there. */
  #directory(parent: number, name: Buffer, row: number): number {
    this.#touch(parent, row)
    const key = this.#mayMeet ? childKey(parent, name) : ''
    const known = this.#mayMeet ? this.#children.get(key) : undefined
    if (known !== undefined) return known
    const index = this.#parents.length
    this.#parents.push(parent)
    this.#names.push(name)
    this.#directoryRow.push(noRow)
    if (this.#mayMeet) this.#children.set(key, index)
    return index
  }

  #touch(directory: number, row: number): void {
    const before = this.#directoryRow[directory]
    if (before !== row) this.#directoryRow[directory] = before === noRow ? row : severalRows
  }

  finish(): MergedTree {
    const fileNames = this.#fileNames.finish()
    const count = this.#files
    const merged = {
      tree: {
        directoryParent: Uint32Array.from(this.#parents),
        directoryNames: this.#names.finish(),
        fileDirectory: this.#fileDirectory.subarray(0, count),
        fileNames,
        fileSizeBytes: this.#fileSizeBytes.subarray(0, count),
        fileModifiedNs: this.#fileModifiedNs.subarray(0, count),
      },
      sourceDirectories: this.#sourceDirectories.finish(),
      fileSourceDirectory: this.#fileSourceDirectory.subarray(0, count),
      fileSourceNames: this.#hasNewNames ? this.#sourceNames.finish() : fileNames,
      fileRow: this.#fileRow.subarray(0, count),
      leftOutOfRoot: this.#leftOut,
    }
    this.#refuseConflicts(merged)
    return merged
  }

  #refuseConflicts(merged: MergedTree): void {
    if (!this.#mayMeet) return
    const { tree } = merged
    const first = new Map<string, number>()
    const problems: { message: string; line: number; column: number }[] = []
    for (let file = 0; file < tree.fileDirectory.length; file++) {
      const directory = tree.fileDirectory[file] as number
      if (this.#directoryRow[directory] !== severalRows) continue
      const key = childKey(directory, nameBytes(tree.fileNames, file))
      const before = first.get(key)
      const row = merged.fileRow[file] as number
      const line = this.#rows[row]?.line ?? row + 1
      if (this.#children.has(key)) {
        const message = `${filePath(tree, file)} is a folder of one row and the file ${sourcePath(merged, file)}`
        problems.push({ message, line, column: 1 })
      } else if (before === undefined) first.set(key, file)
      else {
        const sources = `${sourcePath(merged, before)} and ${sourcePath(merged, file)}`
        problems.push({ message: `${filePath(tree, file)} would be both ${sources}`, line, column: 1 })
      }
    }
    const [problem] = problems
    if (problem === undefined) return
    const others = problems.length === 1 ? '' : ` (and ${problems.length - 1} more like it)`
    throw new TransferError('DATASET_INVALID', `Two sources go to one place: ${problem.message}${others}.`, {
      problems,
      line: problem.line,
      hint: 'Give the rows different destinations, or leave one of the files out.',
    })
  }
}

const skipped = 0xffffffff

/** Absolute path of a file of the merged tree at its source. */
export function sourcePath(sources: SourceTable, file: number): string {
  const directory = nameBytes(sources.sourceDirectories, sources.fileSourceDirectory[file] as number)
  return joinPath(directory, nameBytes(sources.fileSourceNames, file)).toString('utf8')
}

function nameBytes(names: NameColumn, index: number): Buffer {
  const start = index === 0 ? 0 : (names.ends[index - 1] as number)
  return names.bytes.subarray(start, names.ends[index])
}

function joinPath(folder: Buffer, name: Buffer): Buffer {
  const endsInSlash = folder[folder.length - 1] === 0x2f
  return endsInSlash ? Buffer.concat([folder, name]) : Buffer.concat([folder, Buffer.from('/'), name])
}

function childKey(directory: number, name: Buffer): string {
  return `${directory}/${name.toString('latin1')}`
}
