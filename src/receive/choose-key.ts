// Which of several keys opens a drive. Drives arrive in any order and under any device name, and what comes with them (a job,
// a file for each drive) is named after their serial numbers, which an image or a drive in an odd adaptor does not tell.

import { BitlockerVolume, type Secret } from '../addon/bitlocker.js'
import { hardwareIdOf } from '../drives/drive-id.js'
import { findVolume } from '../drives/open-drive.js'
import { TransferError } from '../errors.js'
import type { ExpectedManifest } from './survey-manifest.js'

export interface KeyCandidate {
  secret: Secret
  /** What else is known of the drive that it opens. */
  expected: ExpectedManifest
  manifestFile?: string
}

/** @throws TransferError KEY_WRONG when none fits. */
export async function chooseKey(path: string, candidates: readonly KeyCandidate[]): Promise<KeyCandidate> {
  const hardwareId = await hardwareIdOf(path)
  const named = candidates.find(({ expected }) => expected.driveId !== undefined && expected.driveId === hardwareId)
  if (named !== undefined) return named
  const [only, ...others] = candidates
  if (only !== undefined && others.length === 0) return only
  const found = await findVolume(path)
  try {
    for (const candidate of candidates) {
      const volume = await BitlockerVolume.unlock(found.device, found.place, candidate.secret).catch(refuseOtherErrors)
      if (volume === undefined) continue
      volume.close()
      return candidate
    }
  } finally {
    await found.device.close()
  }
  throw new TransferError('KEY_WRONG', `None of the ${candidates.length} keys opens ${path}.`, {
    path,
    hint: 'Give the key of this drive: --recovery-password-file, --drive-info, or the --journal it was prepared with.',
  })
}

function refuseOtherErrors(error: unknown): undefined {
  if (error instanceof TransferError && (error.code === 'KEY_WRONG' || error.code === 'KEY_NOT_APPLICABLE')) return
  throw error
}
