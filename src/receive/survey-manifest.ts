// The first look at a manifest, from its first byte to its last, before anything is sent: is it the one that was prepared, is
// it this drive's, and is it free of what could not be imported without doing harm.

import { createHash } from 'node:crypto'
import { TransferError } from '../errors.js'
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

/** @throws TransferError MANIFEST_INVALID, MANIFEST_MISMATCH, MANIFEST_OTHER_DRIVE, MANIFEST_TWICE. */
export async function surveyManifest(
  drive: ShippedDrive,
  source: ManifestSource,
  expected: ExpectedManifest,
): Promise<ManifestSurvey> {
  const hash = createHash('md5')
  const survey = { driveId: '', blobs: 0, bytes: 0, blockBytesMax: 0, hasCredential: false }
  const names = new NameSet()
  const isFileUsed = new Uint8Array(drive.tree.fileDirectory.length)
  for await (const part of source.read(hash)) {
    if (part.kind === 'header') {
      survey.driveId = part.driveId
      survey.hasCredential = part.credential !== undefined
      continue
    }
    const { blobPath, filePath, lengthBytes, lengths, line } = part
    if (!names.add(blobPath)) throw twice(source, line, `a second blob named ${blobPath}`)
    const file = drive.index.find(filePath)
    if (file !== undefined && isFileUsed[file] === 1)
      throw twice(source, line, `a second blob from the file ${filePath}`)
    if (file !== undefined) isFileUsed[file] = 1
    survey.blobs++
    survey.bytes += lengthBytes
    for (const length of lengths) survey.blockBytesMax = Math.max(survey.blockBytesMax, length)
  }
  const manifestHash = hash.digest('hex').toUpperCase()
  checkHash(drive, source, manifestHash, expected.manifestHash)
  checkDriveId(drive, survey.driveId, expected.driveId)
  return { ...survey, manifestHash, isHashChecked: expected.manifestHash !== undefined }
}

function twice(source: ManifestSource, line: number, what: string): TransferError {
  const message = `${source.path.slice(1)}, line ${line}: there is ${what}.`
  return new TransferError('MANIFEST_TWICE', message, { line, hint: 'Nothing was imported. Prepare the drive again.' })
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
