// The reverse of assembleDrivePlan: what a drive was to hold, taken out of its stored plan, so that it can be planned anew
// onto other drives. The generated files at the end (metadata and properties files, the manifest) are made again there.

import { TransferError } from '../errors.js'
import { type FileTree, type NameColumn, nameAt } from '../file-tree.js'
import type { DrivePlan } from '../formats/drive-plan.js'
import type { BlobFileColumns, FileSources, ListFile } from './assemble-drive-plan.js'

export interface SplitPlan {
  /** Every file that becomes a blob; the folders of the drive, empty ones too. */
  tree: FileTree
  sources: FileSources
  blobs: BlobFileColumns
  /** For each list of the manifest its metadata and properties files. */
  lists: ListFile[][]
}

/** @throws TransferError PLAN_INVALID when the files behind the blobs are not those that the header names. */
export function splitDrivePlan(plan: DrivePlan): SplitPlan {
  const { header, tree } = plan
  const total = tree.fileDirectory.length
  const listed = header.blobLists.reduce((sum, list) => sum + (list.metadata ? 1 : 0) + (list.properties ? 1 : 0), 0)
  const count = total - listed - 1
  const isBlob = (type: number) => type !== 0
  if (
    count < 0 ||
    !plan.fileBlobType.subarray(0, count).every(isBlob) ||
    plan.fileBlobType.subarray(count).some(isBlob)
  ) {
    const message = `The plan of drive ${header.driveId} has ${total} files, and not ${listed} metadata and properties files and a manifest at its end.`
    throw new TransferError('PLAN_INVALID', message)
  }
  const fileNames = firstNames(tree.fileNames, count)
  return {
    tree: {
      directoryParent: tree.directoryParent,
      directoryNames: tree.directoryNames,
      fileDirectory: tree.fileDirectory.subarray(0, count),
      fileNames,
      fileSizeBytes: tree.fileSizeBytes.subarray(0, count),
      fileModifiedNs: tree.fileModifiedNs.subarray(0, count),
    },
    sources: {
      sourceDirectories: plan.sourceDirectories,
      fileSourceDirectory: plan.fileSourceDirectory.subarray(0, count),
      fileSourceNames: plan.fileSourceNames === tree.fileNames ? fileNames : firstNames(plan.fileSourceNames, count),
    },
    blobs: {
      fileBlobType: plan.fileBlobType.subarray(0, count),
      fileDisposition: plan.fileDisposition.subarray(0, count),
      fileList: plan.fileList.subarray(0, count),
      fileBlockBytes: plan.fileBlockBytes.subarray(0, count),
    },
    lists: listFiles(plan, count),
  }
}

/** The order of assembleDrivePlan: list by list, metadata before properties. */
function listFiles(plan: DrivePlan, firstFile: number): ListFile[][] {
  let file = firstFile
  return plan.header.blobLists.map((list) => {
    const files: ListFile[] = []
    for (const role of ['metadata', 'properties'] as const) {
      const named = list[role]
      if (named !== undefined) files.push({ ...listFileOf(plan, file++), role, md5: named.hash })
    }
    return files
  })
}

function listFileOf(plan: DrivePlan, file: number): Omit<ListFile, 'role' | 'md5'> {
  return {
    name: nameAt(plan.tree.fileNames, file),
    directory: nameAt(plan.sourceDirectories, plan.fileSourceDirectory[file] as number),
    sourceName: nameAt(plan.fileSourceNames, file),
    sizeBytes: plan.tree.fileSizeBytes[file] as number,
    modifiedNs: plan.tree.fileModifiedNs[file] as bigint,
  }
}

function firstNames(names: NameColumn, count: number): NameColumn {
  return { bytes: names.bytes.subarray(0, names.ends[count - 1] ?? 0), ends: names.ends.subarray(0, count) }
}
