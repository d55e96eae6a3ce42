// The tree of one drive, cut out of the tree of the whole dataset: its files, the directories they need, and what is
// generated for the drive (the manifest, metadata and properties files) at the end. Maps lead back to the whole tree.

import { appendNames, type FileTree, type NameColumn } from '../file-tree.js'

/** A file that no source has: written by us. */
export interface GeneratedFile {
  /** Folders from the root of the drive; none for the root itself. Made when they are not there. */
  folders?: readonly string[]
  name: string
  /** Exact, or for a manifest the size that is reserved. */
  sizeBytes: number
  modifiedNs: bigint
}

export interface DriveTreeRequest {
  /** Drive of each file; files of other drives are left out. */
  assignments: Uint16Array
  drive: number
  /** Takes along directories without any file below them; true for one drive of a set. */
  emptyDirectories?: boolean
  generated?: readonly GeneratedFile[]
}

export interface DriveTree {
  readonly tree: FileTree
  /** Index in the whole tree of each file of the drive, ascending; the generated files, at the end, are not in it. */
  readonly wholeFile: Uint32Array
  /** Index in the whole tree of each directory; `notInWhole` for a folder made for a generated file. */
  readonly wholeDirectory: Uint32Array
}

export const notInWhole = 0xffffffff

/** Files keep their order; every directory comes after its parent, as in the whole tree. */
export function driveTree(whole: FileTree, request: DriveTreeRequest): DriveTree {
  const { assignments, drive, emptyDirectories = false, generated = [] } = request
  const files = selectedFiles(assignments, drive)
  const directories = neededDirectories(whole, files, emptyDirectories)
  const newIndex = new Uint32Array(whole.directoryParent.length)
  directories.forEach((directory, index) => {
    newIndex[directory] = index
  })
  const parents = Array.from(directories, (directory) => newIndex[whole.directoryParent[directory] as number] as number)
  const directoryNames = selectNames(whole.directoryNames, directories)
  const folders = new GeneratedFolders(parents, directoryNames)
  const fileNames = selectNames(whole.fileNames, files)
  const count = files.length + generated.length
  const fileDirectory = new Uint32Array(count)
  const fileSizeBytes = new Float64Array(count)
  const fileModifiedNs = new BigInt64Array(count)
  files.forEach((file, index) => {
    fileDirectory[index] = newIndex[whole.fileDirectory[file] as number] as number
    fileSizeBytes[index] = whole.fileSizeBytes[file] as number
    fileModifiedNs[index] = whole.fileModifiedNs[file] as bigint
  })
  generated.forEach((extra, offset) => {
    const index = files.length + offset
    fileDirectory[index] = folders.find(extra.folders ?? [])
    fileSizeBytes[index] = extra.sizeBytes
    fileModifiedNs[index] = extra.modifiedNs
  })
  const tree: FileTree = {
    directoryParent: Uint32Array.from(parents),
    directoryNames: folders.names(),
    fileDirectory,
    fileNames: appendNames(
      fileNames,
      generated.map((extra) => extra.name),
    ),
    fileSizeBytes,
    fileModifiedNs,
  }
  const wholeDirectory = new Uint32Array(parents.length).fill(notInWhole)
  wholeDirectory.set(directories)
  return { tree, wholeFile: files, wholeDirectory }
}

function selectedFiles(assignments: Uint16Array, drive: number): Uint32Array {
  let count = 0
  for (const assigned of assignments) if (assigned === drive) count++
  const files = new Uint32Array(count)
  for (let file = 0, at = 0; file < assignments.length; file++) if (assignments[file] === drive) files[at++] = file
  return files
}

function neededDirectories(whole: FileTree, files: Uint32Array, withEmpty: boolean): Uint32Array {
  const needed = new Uint8Array(whole.directoryParent.length)
  for (const file of files) needed[whole.fileDirectory[file] as number] = 1
  if (withEmpty) {
    const isEmpty = emptyDirectories(whole)
    for (let directory = 0; directory < needed.length; directory++) needed[directory] ||= isEmpty[directory] as number
  }
  for (let directory = needed.length - 1; directory > 0; directory--) {
    if (needed[directory]) needed[whole.directoryParent[directory] as number] = 1
  }
  needed[0] = 1
  return Uint32Array.from(needed.keys()).filter((directory) => needed[directory])
}

/** 1 for each directory that has no file anywhere below it. */
export function emptyDirectories(tree: FileTree): Uint8Array {
  const isEmpty = new Uint8Array(tree.directoryParent.length).fill(1)
  for (const directory of tree.fileDirectory) isEmpty[directory] = 0
  for (let directory = isEmpty.length - 1; directory > 0; directory--) {
    if (!isEmpty[directory]) isEmpty[tree.directoryParent[directory] as number] = 0
  }
  return isEmpty
}

/** The names at these indexes, in this order, without decoding them. */
export function selectNames(names: NameColumn, indexes: Uint32Array): NameColumn {
  const ends = new Uint32Array(indexes.length)
  let length = 0
  indexes.forEach((index, at) => {
    length += (names.ends[index] as number) - startOf(names, index)
    ends[at] = length
  })
  const bytes = Buffer.allocUnsafe(length)
  indexes.forEach((index, at) => {
    const target = at === 0 ? 0 : (ends[at - 1] as number)
    names.bytes.copy(bytes, target, startOf(names, index), names.ends[index])
  })
  return { bytes, ends }
}

function startOf(names: NameColumn, index: number): number {
  return index === 0 ? 0 : (names.ends[index - 1] as number)
}

/** Finds or appends the folders of generated files. */
class GeneratedFolders {
  readonly #parents: number[]
  readonly #names: NameColumn
  readonly #added: string[] = []

  constructor(parents: number[], names: NameColumn) {
    this.#parents = parents
    this.#names = names
  }

  find(folders: readonly string[]): number {
    return folders.reduce((parent, name) => this.#child(parent, name), 0)
  }

  names(): NameColumn {
    return appendNames(this.#names, this.#added)
  }

  #child(parent: number, name: string): number {
    for (let directory = 1; directory < this.#parents.length; directory++) {
      if (this.#parents[directory] === parent && this.#nameOf(directory) === name) return directory
    }
    this.#parents.push(parent)
    this.#added.push(name)
    return this.#parents.length - 1
  }

  #nameOf(directory: number): string {
    const first = this.#names.ends.length
    if (directory >= first) return this.#added[directory - first] as string
    return this.#names.bytes.toString('utf8', startOf(this.#names, directory), this.#names.ends[directory])
  }
}
