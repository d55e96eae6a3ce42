// What every file and every directory of a tree weighs on drives of one shape, as columns: the numbers that spanning adds up.
// Directories are sums over what lies below them, so that a whole folder is placed in one step.

import type { FileTree } from '../file-tree.js'
import { emptyDirectories } from './drive-tree.js'
import {
  alignUp,
  entryBytes,
  fileNeed,
  indexNeed,
  nameUnits,
  recordNeed,
  residentEntryBytes,
  rootIndexNeed,
  type VolumeShape,
} from './ntfs-need.js'

/** The tree with its children listed, and only the files that are to be placed. */
export interface SpanTree {
  readonly tree: FileTree
  /** Files to be placed, ascending. */
  readonly files: Uint32Array
  /** Files of directory d: ownFiles[firstFile[d], firstFile[d + 1]), in index order. */
  readonly firstFile: Uint32Array
  readonly ownFiles: Uint32Array
  /** Directories in d: children[firstChild[d], firstChild[d + 1]), in index order. */
  readonly firstChild: Uint32Array
  readonly children: Uint32Array
  /** Index entry bytes of each file and directory. */
  readonly fileEntry: Uint32Array
  readonly directoryEntry: Uint32Array
  readonly directoryUnits: Uint32Array
  /** 1 for a directory with at least one file to be placed below it. */
  readonly hasFiles: Uint8Array
}

export function spanTree(tree: FileTree, files?: ArrayLike<number>): SpanTree {
  const chosen = files === undefined ? counting(0, tree.fileDirectory.length) : Uint32Array.from(files).sort()
  const directoryUnits = nameUnits(tree.directoryNames)
  const hasFiles = new Uint8Array(tree.directoryParent.length)
  for (const file of chosen) hasFiles[tree.fileDirectory[file] as number] = 1
  for (let directory = hasFiles.length - 1; directory > 0; directory--) {
    if (hasFiles[directory]) hasFiles[tree.directoryParent[directory] as number] = 1
  }
  const own = group(chosen, tree.fileDirectory, hasFiles.length)
  const below = group(counting(1, hasFiles.length), tree.directoryParent, hasFiles.length)
  return {
    tree,
    files: chosen,
    firstFile: own.first,
    ownFiles: own.members,
    firstChild: below.first,
    children: below.members,
    fileEntry: nameUnits(tree.fileNames).map(entryBytes),
    directoryEntry: directoryUnits.map(entryBytes),
    directoryUnits,
    hasFiles,
  }
}

function counting(start: number, end: number): Uint32Array {
  const numbers = new Uint32Array(end - start)
  for (let index = 0; index < numbers.length; index++) numbers[index] = start + index
  return numbers
}

/** Counting sort: members of each group, in the order given. */
function group(items: Uint32Array, groupOf: Uint32Array, groups: number) {
  const first = new Uint32Array(groups + 1)
  for (let index = 0; index < items.length; index++) {
    const after = (groupOf[items[index] as number] as number) + 1
    first[after] = (first[after] as number) + 1
  }
  for (let index = 0; index < groups; index++)
    first[index + 1] = (first[index + 1] as number) + (first[index] as number)
  const next = first.slice(0, groups)
  const members = new Uint32Array(items.length)
  for (let index = 0; index < items.length; index++) {
    const item = items[index] as number
    const at = groupOf[item] as number
    const place = next[at] as number
    members[place] = item
    next[at] = place + 1
  }
  return { first, members }
}

/** Weights on drives of one shape. */
export class SpanWeights {
  readonly files: Float64Array
  /** Record, and one index block to spare: two partial views of a directory on one drive may need a block that neither needs. */
  readonly partialDirectory: number
  readonly #residentBytes: Float64Array

  constructor(
    readonly span: SpanTree,
    readonly shape: VolumeShape,
    manifestBytes: (file: number) => number,
  ) {
    const { tree } = span
    this.files = new Float64Array(tree.fileDirectory.length)
    for (const file of span.files) {
      this.files[file] = fileNeed(tree.fileSizeBytes[file] as number, shape) + manifestBytes(file)
    }
    this.partialDirectory = recordNeed(shape) + alignUp(shape.indexBytes, shape.clusterBytes)
    this.#residentBytes = Float64Array.from(span.directoryUnits, (units) => residentEntryBytes(units, shape))
  }

  /** Bytes of a directory's index outside its record; for the root, what it needs more than an empty one. */
  index(directory: number, entriesBytes: number): number {
    if (directory === 0) return rootIndexNeed(entriesBytes, this.shape)
    return entriesBytes > (this.#residentBytes[directory] as number) ? indexNeed(entriesBytes, this.shape) : 0
  }
}

/** Sums over directories, leaving out the files that were already placed one by one. */
export interface SubtreeWeights {
  /** Everything in a directory and below it, with the directory's own record and index, without its entry in the parent. */
  readonly subtree: Float64Array
  /** Files directly in the directory: bytes and entry bytes. */
  readonly own: Float64Array
  readonly ownEntries: Float64Array
  /** 1 for a directory that has something left to place. */
  readonly hasFiles: Uint8Array
}

export function subtreeWeights(weights: SpanWeights, isPlaced: (file: number) => boolean): SubtreeWeights {
  const { span } = weights
  const { tree } = span
  const count = tree.directoryParent.length
  const own = new Float64Array(count)
  const ownEntries = new Float64Array(count)
  const hasFiles = new Uint8Array(count)
  for (const file of span.files) {
    if (isPlaced(file)) continue
    const directory = tree.fileDirectory[file] as number
    own[directory] = (own[directory] as number) + (weights.files[file] as number)
    ownEntries[directory] = (ownEntries[directory] as number) + (span.fileEntry[file] as number)
    hasFiles[directory] = 1
  }
  const subtree = new Float64Array(count)
  const childEntries = new Float64Array(count)
  for (let directory = count - 1; directory >= 0; directory--) {
    if (!hasFiles[directory]) continue
    const entries = (ownEntries[directory] as number) + (childEntries[directory] as number)
    const need = directory === 0 ? 0 : recordNeed(weights.shape)
    subtree[directory] =
      (subtree[directory] as number) + (own[directory] as number) + need + weights.index(directory, entries)
    if (directory === 0) break
    const parent = tree.directoryParent[directory] as number
    subtree[parent] = (subtree[parent] as number) + (subtree[directory] as number)
    childEntries[parent] = (childEntries[parent] as number) + (span.directoryEntry[directory] as number)
    hasFiles[parent] = 1
  }
  return { subtree, own, ownEntries, hasFiles }
}

/** A folder without any file below it, with the folders in it. */
export interface EmptyPart {
  parent: number
  bytes: number
  entryBytes: number
}

/** The highest directories that hold no file of the whole tree; files that are not to be placed count as files. */
export function emptyParts(weights: SpanWeights): EmptyPart[] {
  const { span, shape } = weights
  const parents = span.tree.directoryParent
  const isEmpty = emptyDirectories(span.tree)
  const bytes = new Float64Array(parents.length)
  const entries = new Float64Array(parents.length)
  const parts: EmptyPart[] = []
  for (let directory = parents.length - 1; directory > 0; directory--) {
    if (!isEmpty[directory]) continue
    const parent = parents[directory] as number
    const need =
      (bytes[directory] as number) + recordNeed(shape) + weights.index(directory, entries[directory] as number)
    const entryBytes = span.directoryEntry[directory] as number
    if (parent === 0 || !isEmpty[parent]) parts.push({ parent, bytes: need, entryBytes })
    else {
      bytes[parent] = (bytes[parent] as number) + need
      entries[parent] = (entries[parent] as number) + entryBytes
    }
  }
  return parts.reverse()
}
