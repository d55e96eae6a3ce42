// Stores what drives need to be resumed: for each its plan, skeleton and keys, then the journal's word for all of them.

import { createBitlocker } from '../addon/bitlocker.js'
import { regionOffsets } from '../drives/bitlocker-regions.js'
import { TransferError } from '../errors.js'
import { sessionRecords } from '../plan/session-records.js'
import {
  applyReplacement,
  type DriveState,
  newSession,
  plannedDrive,
  type SessionState,
} from '../plan/session-state.js'
import type { PlannedDrive } from './lay-out-drives.js'
import type { PrepareRequest, SessionPlan } from './plan-session.js'
import type { DriveTarget } from './resolve-drives.js'
import { DriveFiles } from './session-files.js'
import type { SessionJournal } from './session-journal.js'

/** A new session. Everything a resume needs is on stable storage before the journal says "planned", all drives in one write. */
export async function storePlan(
  journal: SessionJournal,
  plan: SessionPlan,
  stored: Map<string, DriveFiles>,
): Promise<SessionState> {
  const { sessionId } = plan
  const drives = await storeDrives(journal, plan, stored)
  const planned = drives.map((drive) => sessionRecords.planned(sessionId, drive))
  await journal.append(sessionRecords.started(sessionId, drives.length), ...planned)
  const session = newSession(sessionId, drives.length)
  for (const drive of drives) session.drives.set(drive.driveId, drive)
  journal.state.sessions.set(sessionId, session)
  return session
}

/** New drives for one of a session. The record that names them is the last: before it the session is what it was. */
export async function storeReplacement(
  journal: SessionJournal,
  session: SessionState,
  driveId: string,
  plan: SessionPlan,
  stored: Map<string, DriveFiles>,
): Promise<void> {
  const { sessionId } = session
  const drives = await storeDrives(journal, plan, stored)
  const planned = drives.map((drive) => sessionRecords.planned(sessionId, drive, driveId))
  const by = drives.map((drive) => drive.driveId)
  await journal.append(...planned, sessionRecords.replaced(sessionId, driveId, by))
  applyReplacement(session, driveId, drives)
}

async function storeDrives(
  journal: SessionJournal,
  plan: SessionPlan,
  stored: Map<string, DriveFiles>,
): Promise<DriveState[]> {
  const drives: DriveState[] = []
  for (const drive of plan.drives) refuseKnownDrive(journal, plan.sessionId, drive.target)
  for (const drive of plan.drives) {
    const { driveId, path, sizeBytes } = drive.target
    const files = new DriveFiles(journal.path, driveId)
    const recoveryPassword = await storeDrive(files, drive)
    stored.set(driveId, files)
    drives.push(plannedDrive({ driveId, path, sizeBytes, recoveryPassword }))
  }
  return drives
}

// A drive that was given up is free for another session; within its own, the journal would have two drives of one name.
function refuseKnownDrive(journal: SessionJournal, sessionId: string, target: DriveTarget): void {
  for (const session of journal.state.sessions.values()) {
    if (session.sessionId === sessionId ? !session.replaced.has(target.driveId) : !holds(session, target)) continue
    const message = `Drive ${target.driveId} belongs to session ${session.sessionId} of this journal already.`
    throw new TransferError('SESSION_INVALID', message, {
      hint: 'A drive takes part in one session; give another drive.',
    })
  }
}

function holds(session: SessionState, target: DriveTarget): boolean {
  return session.state !== 'aborted' && session.drives.has(target.driveId)
}

async function storeDrive(files: DriveFiles, drive: PlannedDrive): Promise<string> {
  const { plan, skeleton, target } = drive
  const { volume, method, label } = plan.header
  const created = await createBitlocker({
    volumeBytes: volume.sizeBytes,
    sectorBytes: target.sectorBytes,
    method: method as PrepareRequest['method'],
    regions: regionOffsets(drive.systemFileOffsets),
    description: `diskferry ${label} ${new Date().toLocaleDateString('en-US')}`,
  })
  await files.create(plan, skeleton, created.metadata)
  return created.recoveryPassword.toString('latin1')
}
