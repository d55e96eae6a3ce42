// A drive of a session that cannot be used any more, or got lost, gives its place to others: its files are planned anew onto
// them from its stored plan, with fresh keys. Nothing else of the session is touched. The same call resumes.
//
// Order: new drives' plans and keys are stored; one journal write names them and ends the old drive; only then its state and
// its <DriveId>.xml go. A crash before that write leaves the session as it was, a crash after it the replacement to perform.

import { resolve } from 'node:path'
import { TransferError } from '../errors.js'
import { version } from '../package.js'
import { isUnstarted, type SessionState } from '../plan/session-state.js'
import { type PrepareOptions, performSession, type SessionResult } from './perform-session.js'
import { planReplacement } from './plan-replacement.js'
import type { SessionPlan } from './plan-session.js'
import { type DriveRequest, type DriveTarget, resolveDrives } from './resolve-drives.js'
import { DriveFiles } from './session-files.js'
import { readJournal, SessionJournal } from './session-journal.js'
import { storeReplacement } from './store-session.js'

export interface ReplaceRequest {
  sessionId: string
  /** The drive of the session that is given up. */
  driveId: string
  /** What takes its files. Unfinished drives of the session that are among them go on in the same run. */
  drives: readonly DriveRequest[]
  /** Also a drive that is prepared: written, read back and found good. */
  evenPrepared?: boolean
}

/**
 * Plans the files of the drive onto the others and prepares those, or resumes. Undefined when `confirm` said no. Unfinished
 * drives that were not given stay as they are, and make the result partial.
 * @throws TransferError SESSION_INVALID, CONFIRMATION_MISSING for a prepared drive, DRIVES_FULL, FILE_TOO_LARGE, DRIVE_*,
 * PLAN_INVALID, JOURNAL_*; the first drive's error when no drive came to an end.
 */
export async function replaceDrive(
  request: ReplaceRequest,
  options: PrepareOptions,
): Promise<SessionResult | undefined> {
  const startedMs = performance.now()
  const journalPath = resolve(options.journalPath)
  // A mistyped path is an error, not a new journal.
  await readJournal(journalPath)
  const journal = await SessionJournal.open(journalPath, `diskferry ${version}`)
  try {
    const session = findSession(journal, request)
    const given = await resolveDrives(request.drives)
    const stored = new Map<string, DriveFiles>()
    if (session.replaced.has(request.driveId)) refuseOthers(session, request, given)
    else {
      const plan = await planAnew(journal, session, request, given)
      if (options.confirm !== undefined && !(await options.confirm(plan))) return undefined
      await storeReplacement(journal, session, request.driveId, plan, stored)
    }
    const ours = given.filter((target) => session.drives.has(target.driveId))
    const paths = new Map(ours.map((target) => [target.driveId, target.path]))
    return await performSession({ journal, session, paths, stored, skipped: [], startedMs }, options)
  } finally {
    await journal.close()
  }
}

function findSession(journal: SessionJournal, { sessionId }: ReplaceRequest): SessionState {
  const session = journal.state.sessions.get(sessionId)
  if (session !== undefined && session.state !== 'aborted' && !isUnstarted(session)) return session
  const known = [...journal.state.sessions.keys()].join(', ') || 'none'
  const why =
    session === undefined ? `there is none of that name (there are: ${known})` : 'it was aborted or never begun'
  throw new TransferError('SESSION_INVALID', `No drive of session ${sessionId} can be replaced: ${why}.`, {
    hint: 'Name the session with --session.',
  })
}

async function planAnew(
  journal: SessionJournal,
  session: SessionState,
  { driveId, evenPrepared = false }: ReplaceRequest,
  given: readonly DriveTarget[],
): Promise<SessionPlan> {
  const old = session.drives.get(driveId)
  const { sessionId } = session
  if (old === undefined) {
    const known = [...session.drives.keys()].join(', ')
    throw new TransferError('SESSION_INVALID', `Session ${sessionId} has no drive ${driveId}; it has: ${known}.`)
  }
  if (given.some((target) => target.driveId === driveId)) {
    throw new TransferError('SESSION_INVALID', `Drive ${driveId} cannot take its own place.`, {
      hint: 'To go on with it, run the command that began the session again.',
    })
  }
  const added = given.filter((target) => !session.drives.has(target.driveId))
  if (added.length === 0) {
    const message = `No drive was given that could take the files of ${driveId}: the others belong to session ${sessionId} already.`
    throw new TransferError('SESSION_INVALID', message, { hint: 'Give a new one: --drive NEW' })
  }
  if (old.stage === 'prepared' && !evenPrepared) {
    const message = `Drive ${driveId} is prepared: it was written, read back and found good. Nothing was changed.`
    throw new TransferError('CONFIRMATION_MISSING', message, {
      hint: 'If it is lost all the same, give --replace-prepared as well.',
    })
  }
  const stored = await new DriveFiles(journal.path, driveId).readPlan()
  return planReplacement(stored, old.sizeBytes, added)
}

// Once the journal names the new drives, the same command resumes, and a command with others is a mistake.
function refuseOthers(session: SessionState, { driveId }: ReplaceRequest, given: readonly DriveTarget[]): void {
  const by = session.replaced.get(driveId)?.by ?? []
  const stranger = given.find((target) => !session.drives.has(target.driveId))
  if (stranger === undefined) return
  const message = `Drive ${driveId} has been replaced by ${by.join(', ')}; ${stranger.driveId} (${stranger.path}) is not of this session.`
  throw new TransferError('SESSION_INVALID', message, {
    hint: `Give ${by.join(', ')} to go on, or replace that one in its turn.`,
  })
}
