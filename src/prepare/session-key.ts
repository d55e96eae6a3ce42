// What a journal knows about a drive that somebody wants to look at: its key, and what was written.

import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Secret } from '../addon/bitlocker.js'
import { driveIdOf } from '../drives/drive-id.js'
import { TransferError } from '../errors.js'
import type { DriveState } from '../plan/session-state.js'
import { DriveFiles } from './session-files.js'
import { readJournal } from './session-journal.js'
import type { VerifyOptions } from './verify-drive.js'

export interface SessionKey {
  secret: Secret
  /** What the drive must hold, as far as the journal and the files beside it know. */
  expected: NonNullable<VerifyOptions['expected']>
  state: DriveState
}

/** @throws TransferError KEY_MISSING when the journal has no such drive. */
export async function readSessionKey(journalPath: string, drivePath: string): Promise<SessionKey> {
  const journal = await readJournal(journalPath)
  const state = await findDrive(
    [...journal.sessions.values()].flatMap((session) => [...session.drives.values()]),
    drivePath,
  )
  const givenUp = [...journal.sessions.values()].flatMap((session) => [...session.replaced.values()])
  const replaced = givenUp.findLast(({ drive }) => drive.driveId === drivePath || drive.path === resolve(drivePath))
  if (state === undefined && replaced !== undefined) {
    const message = `Drive ${replaced.drive.driveId} (${drivePath}) was given up for ${replaced.by.join(', ')}.`
    throw new TransferError('KEY_MISSING', message, {
      hint: 'To open it all the same, take its recovery password from the journal: --recovery-password-file.',
    })
  }
  if (state === undefined) {
    throw new TransferError('KEY_MISSING', `The journal ${journalPath} knows no drive ${drivePath}.`, {
      hint: 'Is it the journal of another session? --recovery-password-file opens a drive without one.',
    })
  }
  const metadata = await new DriveFiles(resolve(journalPath), state.driveId).readMetadataRanges()
  const expected: SessionKey['expected'] = {}
  if (state.manifestHash !== undefined) expected.manifestHash = state.manifestHash
  if (metadata !== undefined) expected.metadata = metadata
  return { secret: { kind: 'recovery-password', password: state.recoveryPassword }, expected, state }
}

// By id, since a device may have another name today; by path for an image whose serial was made up on the command line.
async function findDrive(drives: readonly DriveState[], drivePath: string): Promise<DriveState | undefined> {
  const path = resolve(drivePath)
  const driveId = await driveIdOf(path, {}).catch(() => undefined)
  const real = await realpath(path).catch(() => path)
  return (
    drives.findLast((drive) => drive.driveId === driveId) ??
    drives.findLast((drive) => drive.path === path || drive.path === real)
  )
}
