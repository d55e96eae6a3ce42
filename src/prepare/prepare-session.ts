// A session: plan, ask, store, then perform. The same call on the same journal resumes: finished drives are left alone, the
// rest go on from their last mark.

import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { TransferError } from '../errors.js'
import { version } from '../package.js'
import { sessionRecords } from '../plan/session-records.js'
import { isUnstarted, type SessionState } from '../plan/session-state.js'
import { type PrepareOptions, performSession, type SessionResult } from './perform-session.js'
import { type PrepareRequest, planSession, type SessionPlan } from './plan-session.js'
import { replaceHint } from './replace-hint.js'
import { resolveDrives } from './resolve-drives.js'
import { DriveFiles } from './session-files.js'
import { SessionJournal } from './session-journal.js'
import { storePlan } from './store-session.js'

/**
 * Plans and prepares drives, or resumes. Undefined when `confirm` said no.
 * @throws TransferError as planSession; JOURNAL_IN_USE, SESSION_INVALID; the first drive's error when no drive came to an end.
 */
export async function prepareSession(
  request: PrepareRequest,
  options: PrepareOptions,
): Promise<SessionResult | undefined> {
  const startedMs = performance.now()
  const journalPath = resolve(options.journalPath)
  await mkdir(dirname(journalPath), { recursive: true })
  const journal = await SessionJournal.open(journalPath, `diskferry ${version}`)
  try {
    let session = journal.state.sessions.get(request.sessionId)
    let skipped: SessionPlan['skipped'] = []
    const stored = new Map<string, DriveFiles>()
    if (session === undefined || isUnstarted(session)) {
      const plan = await planSession(request)
      if (options.confirm !== undefined && !(await options.confirm(plan))) return undefined
      session = await storePlan(journal, plan, stored)
      skipped = plan.skipped
    } else if (session.state === 'aborted') {
      const message = `Session ${request.sessionId} was aborted; it cannot be resumed.`
      throw new TransferError('SESSION_INVALID', message, { hint: 'Give another --session.' })
    }
    const paths = await matchTargets(request, session)
    return await performSession({ journal, session, paths, stored, skipped, startedMs }, options)
  } finally {
    await journal.close()
  }
}

/** Gives an unfinished session up. Its unfinished drives hold no readable volume, since that is written last. */
export async function abortSession(journalPath: string, sessionId: string): Promise<void> {
  const journal = await SessionJournal.open(resolve(journalPath), `diskferry ${version}`)
  try {
    const session = journal.state.sessions.get(sessionId)
    if (session === undefined || session.state !== 'open') {
      const message = `There is no unfinished session ${sessionId} in ${journalPath}.`
      throw new TransferError('SESSION_INVALID', message)
    }
    await journal.append(sessionRecords.session(sessionId, 'Aborted'))
    for (const drive of session.drives.values()) {
      if (drive.stage !== 'prepared') await new DriveFiles(journal.path, drive.driveId).remove()
    }
  } finally {
    await journal.close()
  }
}

/** Finds each unfinished drive of the session among those that were given now: after a reboot sdb may be sdc. */
async function matchTargets(request: PrepareRequest, session: SessionState): Promise<Map<string, string>> {
  const unfinished = [...session.drives.values()].filter((drive) => drive.stage !== 'prepared')
  const given = unfinished.length === 0 ? [] : await resolveDrives(request.drives)
  return new Map(
    unfinished.map(({ driveId, path }) => {
      const target = given.find((candidate) => candidate.driveId === driveId)
      if (target !== undefined) return [driveId, target.path]
      const message = `Session ${session.sessionId} has an unfinished drive ${driveId} (${path}) that was not given.`
      throw new TransferError('PLAN_STALE', message, {
        hint: `Give --drive ${path}. ${replaceHint(session.sessionId, driveId)}, or --abort the session and start another.`,
      })
    }),
  )
}
