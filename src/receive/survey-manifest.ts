// The first look at a manifest, from its first byte to its last, before anything is sent: is it the one that was prepared, is
// it this drive's, and is it free of what could not be imported without doing harm.

import { createHash, type Hash } from 'node:crypto'
import { type ErrorCode, TransferError } from '../errors.js'
import type { ReadManifestBlob } from '../formats/manifest-reader.js'
import type { ManifestSource } from './manifest-source.js'
import { NameSet } from './name-set.js'
import type { ShippedDrive } from './shipped-drive.js'

export interface ExpectedManifest {
  /** MD5, 32 hex digits, as the job or the journal has it. */
  manifestHash?: string
  /** As the job or the journal has it. */
  driveId?: string
}

export interface ManifestSurvey {
  driveId: string
  /** MD5, 32 upper-case hex digits. */
  manifestHash: string
  /** True when it was compared with what the job or the journal says. */
  isHashChecked: boolean
  blobs: number
  bytes: number
  /** Longest block, for memory. */
  blockBytesMax: number
  /** The drive carries an account key or signature, as drives of the old format do. */
  hasCredential: boolean
}

/** So many files of a manifest may be missing, each a failure of its own; with more it is another drive's, or made up. */
const missingFilesMax = 100_000
const systemFiles =
  /^\\(\$(MFT|MFTMirr|LogFile|Volume|AttrDef|Bitmap|Boot|BadClus|Secure|UpCase|Extend)|System Volume Information)(\\|$)/i
/** Containers that belong to the service: nobody but it writes `$logs`. */
const serviceContainers = /^\$(?!(root|web)\/)/

/**
 * @throws TransferError those of readManifest, MANIFEST_PATH, MANIFEST_TWICE, MANIFEST_FILES, MANIFEST_MISMATCH,
 * MANIFEST_OTHER_DRIVE.
 */
export async function surveyManifest(
  drive: ShippedDrive,
  source: ManifestSource,
  expected: ExpectedManifest,
): Promise<ManifestSurvey> {
  const hash = createHash('md5')
  const survey = await surveyBlobs(drive, source, hash).catch(async (error) => {
    // That it is not the manifest of the job says more than what it breaks.
    if (expected.manifestHash !== undefined) checkHash(drive, source, await source.hash(), expected.manifestHash)
    throw error
  })
  const manifestHash = hash.digest('hex').toUpperCase()
  checkHash(drive, source, manifestHash, expected.manifestHash)
  checkDriveId(drive, survey.driveId, expected.driveId)
  return { ...survey, manifestHash, isHashChecked: expected.manifestHash !== undefined }
}

async function surveyBlobs(drive: ShippedDrive, source: ManifestSource, hash: Hash) {
  const survey = { driveId: '', blobs: 0, bytes: 0, blockBytesMax: 0, hasCredential: false }
  const names = new NameSet()
  const isFileUsed = new Uint8Array(drive.tree.fileDirectory.length)
  let missing = 0
  for await (const part of source.read(hash)) {
    if (part.kind === 'header') {
      survey.driveId = part.driveId
      survey.hasCredential = part.credential !== undefined
      continue
    }
    const { blobPath, filePath, lengthBytes, lengths, line } = part
    const problem = placeProblem(source, part)
    if (problem !== undefined) throw refused(source, line, 'MANIFEST_PATH', problem)
    survey.blobs++
    survey.bytes += lengthBytes
    const file = drive.index.find(filePath)
    if (file === undefined) {
      // Never sent, so its name does not count: what is remembered is bounded by the files that are there.
      if (++missing > missingFilesMax) {
        const what = `${missing} files of it are not on the drive, ${filePath} is the last of them`
        throw refused(source, line, 'MANIFEST_FILES', what)
      }
      continue
    }
    if (!names.add(blobPath)) throw twice(source, line, `a second blob named ${blobPath}`)
    if (isFileUsed[file] === 1) throw twice(source, line, `a second blob from the file ${filePath}`)
    isFileUsed[file] = 1
    for (const length of lengths) survey.blockBytesMax = Math.max(survey.blockBytesMax, length)
  }
  return survey
}

function placeProblem(source: ManifestSource, { blobPath, filePath }: ReadManifestBlob): string | undefined {
  if (systemFiles.test(filePath)) return `FilePath is ${filePath}, which belongs to the file system`
  if (source.isAt(filePath)) return `FilePath is ${filePath}, the manifest itself`
  if (serviceContainers.test(blobPath)) return `BlobPath is ${blobPath}, in a container of the service`
  return undefined
}

function twice(source: ManifestSource, line: number, what: string): TransferError {
  return refused(source, line, 'MANIFEST_TWICE', `there is ${what}`)
}

function refused(source: ManifestSource, line: number, code: ErrorCode, what: string): TransferError {
  const message = `${source.path.slice(1)}, line ${line}: ${what}.`
  return new TransferError(code, message, { line, hint: 'Nothing was imported. Prepare the drive again.' })
}

function checkHash(drive: ShippedDrive, source: ManifestSource, found: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted.toUpperCase() === found) return
  const message = `${source.path} on ${drive.path} has the MD5 ${found}, the job says ${wanted.toUpperCase()}.`
  throw new TransferError('MANIFEST_MISMATCH', message, {
    path: drive.path,
    hint: 'Nothing was imported. Is it the drive of this job? It may have been written again since.',
  })
}

function checkDriveId(drive: ShippedDrive, found: string, wanted: string | undefined): void {
  for (const [other, what] of [
    [drive.hardwareId, 'the disk itself says'],
    [wanted, 'the job says'],
  ] as const) {
    if (other === undefined || other === found) continue
    const message = `The manifest on ${drive.path} is of drive ${found}, but ${what} ${other}.`
    throw new TransferError('MANIFEST_OTHER_DRIVE', message, {
      path: drive.path,
      hint: 'Nothing was imported. Give the drive that the job means.',
    })
  }
}
