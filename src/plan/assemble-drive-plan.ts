// The stored plan of one drive, put together from the columns of the whole dataset: its files, then the metadata and
// properties files, then, last of all, the manifest with the largest length it can have.

import { appendNames, type FileTree } from '../file-tree.js'
import type { DrivePlan, DrivePlanHeader } from '../formats/drive-plan.js'
import type { BlobColumns } from './blob-columns.js'
import { listFilesFolder, manifestBytesMax, manifestName } from './drive-manifest.js'
import { driveTree, type GeneratedFile, selectNames } from './drive-tree.js'
import type { SourceTable } from './merge-trees.js'

/** A metadata or properties file: from a source, but no blob. */
export interface ListFileSource {
  /** Name on the drive. */
  name: string
  /** Absolute path of its folder, and its name there. */
  directory: string
  sourceName: string
  sizeBytes: number
  modifiedNs: bigint
}

export interface ListFile extends ListFileSource {
  role: 'metadata' | 'properties'
  /** 32 upper-case hex digits. */
  md5: string
}

/** Where the bytes of each file come from. */
export type FileSources = Omit<SourceTable, 'fileRow'>
/** What each file is as a blob. */
export type BlobFileColumns = Omit<BlobColumns, 'listRows' | 'problems'>

export interface DrivePlanParts {
  header: DrivePlanHeader
  tree: FileTree
  sources: FileSources
  blobs: BlobFileColumns
  listFiles: readonly ListFileSource[]
  assignments: Uint16Array
  /** Index of this drive in `assignments`. */
  drive: number
  takesEmptyDirectories: boolean
  /** Time of the generated files. */
  nowNs: bigint
}

const blockBytes = 4 * 1024 * 1024

export function assembleDrivePlan(parts: DrivePlanParts): DrivePlan {
  const { header, tree, sources, blobs, listFiles, assignments, drive, takesEmptyDirectories, nowNs } = parts
  const generated: GeneratedFile[] = listFiles.map(({ name, sizeBytes, modifiedNs }) => {
    return { folders: [listFilesFolder], name, sizeBytes, modifiedNs }
  })
  generated.push({ name: manifestName, sizeBytes: 0, modifiedNs: nowNs })
  const cut = driveTree(tree, { assignments, drive, emptyDirectories: takesEmptyDirectories, generated })
  const files = cut.wholeFile
  const total = cut.tree.fileDirectory.length
  const listFolders = listFiles.map((file) => file.directory)
  const listNames = [...listFiles.map((file) => file.sourceName), manifestName]
  const plan: DrivePlan = {
    header,
    tree: cut.tree,
    sourceDirectories: appendNames(sources.sourceDirectories, listFolders),
    fileSourceDirectory: take(Uint32Array, sources.fileSourceDirectory, files, total),
    fileSourceNames: appendNames(selectNames(sources.fileSourceNames, files), listNames),
    fileBlobType: take(Uint8Array, blobs.fileBlobType, files, total),
    fileDisposition: take(Uint8Array, blobs.fileDisposition, files, total),
    fileList: take(Uint16Array, blobs.fileList, files, total),
    fileBlockBytes: take(Float64Array, blobs.fileBlockBytes, files, total).fill(blockBytes, files.length),
  }
  const folders = sources.sourceDirectories.ends.length
  for (let at = 0; at < listFiles.length; at++) plan.fileSourceDirectory[files.length + at] = folders + at
  plan.tree.fileSizeBytes[total - 1] = manifestBytesMax(plan)
  return plan
}

type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** The values at these indexes, and zeros behind them up to `length`. */
function take<T extends Column>(Kind: new (length: number) => T, column: T, indexes: Uint32Array, length: number): T {
  const taken = new Kind(length)
  indexes.forEach((index, at) => {
    taken[at] = column[index] as number
  })
  return taken
}
