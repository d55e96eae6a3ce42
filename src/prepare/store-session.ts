// Stores what a new session needs to be resumed: for each drive its plan, skeleton and keys, then the journal's word for it.

import { createBitlocker } from '../addon/bitlocker.js'
import { regionOffsets } from '../drives/bitlocker-regions.js'
import { TransferError } from '../errors.js'
import { type SessionState, sessionRecords } from '../plan/session-state.js'
import type { PlannedDrive } from './lay-out-drives.js'
import type { PrepareRequest, SessionPlan } from './plan-session.js'
import type { DriveTarget } from './resolve-drives.js'
import { DriveFiles } from './session-files.js'
import type { SessionJournal } from './session-journal.js'

/** Everything a resume needs is on stable storage before the journal says "planned", all drives in one write. */
export async function storePlan(
  journal: SessionJournal,
  plan: SessionPlan,
  stored: Map<string, DriveFiles>,
): Promise<SessionState> {
  const { sessionId } = plan
  const session: SessionState = { sessionId, state: 'open', drives: new Map() }
  for (const drive of plan.drives) refuseKnownDrive(journal, drive.target)
  for (const drive of plan.drives) {
    const { driveId, path, sizeBytes } = drive.target
    const files = new DriveFiles(journal.path, driveId)
    const recoveryPassword = await storeDrive(files, drive)
    stored.set(driveId, files)
    const state = { driveId, path, sizeBytes, recoveryPassword }
    session.drives.set(driveId, { ...state, stage: 'planned', chunk: 0, bytesDone: 0, dropped: new Map() })
  }
  const planned = [...session.drives.values()].map((drive) => sessionRecords.planned(sessionId, drive))
  await journal.append(sessionRecords.session(sessionId, 'Started'), ...planned)
  journal.state.sessions.set(sessionId, session)
  return session
}

function refuseKnownDrive(journal: SessionJournal, target: DriveTarget): void {
  for (const session of journal.state.sessions.values()) {
    const drive = session.drives.get(target.driveId)
    if (drive === undefined || session.state === 'aborted') continue
    const message = `Drive ${target.driveId} belongs to session ${session.sessionId} of this journal already.`
    throw new TransferError('SESSION_INVALID', message, {
      hint: 'A drive takes part in one session; give another drive.',
    })
  }
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
