// What a drive's manifest says, from its plan alone; its length is therefore known while planning.

import { filePath } from '../file-tree.js'
import { type DrivePlan, type DrivePlanHeader, planBlobTypes, planDispositions } from '../formats/drive-plan.js'
import {
  type ManifestBlob,
  type ManifestHeader,
  manifestBlobLength,
  manifestFrameLength,
} from '../formats/manifest-writer.js'

export const manifestName = 'DriveManifest.xml'
/** Metadata and properties files lie here; the underscore keeps it apart from every container's name. */
export const listFilesFolder = '_lists'

/** Lists are named as WAImportExport names them: session id, hyphen, number. */
export function manifestHeaderOf({ driveId, createdBy, sessionId, blobLists }: DrivePlanHeader): ManifestHeader {
  const lists = blobLists.map((list, index) => ({ id: `${sessionId}-${index}`, ...list }))
  return { driveId, clientCreator: createdBy, lists }
}

/** The columns that a blob's manifest entry is made of; a drive's plan has them, and so has the whole dataset. */
export type BlobSource = Pick<DrivePlan, 'tree' | 'fileBlobType' | 'fileDisposition' | 'fileList' | 'fileBlockBytes'>

export function manifestBlobOf(plan: BlobSource, file: number): ManifestBlob {
  const blobPath = filePath(plan.tree, file)
  return {
    blobPath,
    // No name on the drive holds a slash, so the path there is the same with the other separator.
    filePath: `\\${blobPath.replaceAll('/', '\\')}`,
    lengthBytes: plan.tree.fileSizeBytes[file] as number,
    blobType: planBlobTypes[plan.fileBlobType[file] as number] === 'page' ? 'page' : 'block',
    disposition: planDispositions[plan.fileDisposition[file] as number] ?? 'rename',
    blockBytes: plan.fileBlockBytes[file] as number,
    list: plan.fileList[file] as number,
  }
}

/** Bytes of the manifest with every block present: what is reserved for it. */
export function manifestBytesMax(plan: DrivePlan): number {
  let bytes = manifestFrameLength(manifestHeaderOf(plan.header))
  for (let file = 0; file < plan.fileBlobType.length; file++) {
    if (plan.fileBlobType[file] !== 0) bytes += manifestBlobLength(manifestBlobOf(plan, file))
  }
  return bytes
}
