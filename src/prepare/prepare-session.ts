// A session: plan, ask, store, then fill all drives side by side; a drive that fails is dropped and reported, the others go
// on. The same call on the same journal resumes: finished drives are left alone, the rest go on from their last mark.

import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type DriveProgress, withProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import { type DriveState, type SessionState, sessionRecords } from '../plan/session-state.js'
import { type PrepareRequest, planSession, type SessionPlan } from './plan-session.js'
import { resolveDrives } from './resolve-drives.js'
import { type DriveResult, type DriveRun, type RunDriveOptions, runDrive } from './run-drive.js'
import { DriveFiles } from './session-files.js'
import { SessionJournal } from './session-journal.js'
import { storePlan } from './store-session.js'
import { version } from './version.js'

export interface PrepareOptions extends RunDriveOptions {
  journalPath: string
  /** Called with a new session's plan; false stops before anything is written. */
  confirm?: (plan: SessionPlan) => Promise<boolean>
  /** Bytes of buffers for all drives together. */
  memoryBytes?: number
  onProgress?: (rows: readonly DriveProgress[]) => void
}

export interface SessionResult {
  sessionId: string
  journalPath: string
  drives: DriveResult[]
  skipped: SessionPlan['skipped']
  seconds: number
  /** True when drives failed or files were left out: exit code 3. */
  isPartial: boolean
}

const memoryBytesDefault = 160 * 1024 * 1024

/**
 * Plans and prepares drives, or resumes. Undefined when `confirm` said no.
 * @throws TransferError as planSession; JOURNAL_IN_USE, SESSION_INVALID; the first drive's error when every drive failed.
 */
export async function prepareSession(
  request: PrepareRequest,
  options: PrepareOptions,
): Promise<SessionResult | undefined> {
  const started = performance.now()
  const journalPath = resolve(options.journalPath)
  await mkdir(dirname(journalPath), { recursive: true })
  const journal = await SessionJournal.open(journalPath, `diskferry ${version}`)
  try {
    let session = journal.state.sessions.get(request.sessionId)
    let skipped: SessionPlan['skipped'] = []
    const files = new Map<string, DriveFiles>()
    if (session === undefined || isUnstarted(session)) {
      const plan = await planSession(request)
      if (options.confirm !== undefined && !(await options.confirm(plan))) return undefined
      session = await storePlan(journal, plan, files)
      skipped = plan.skipped
    } else if (session.state === 'aborted') {
      const message = `Session ${request.sessionId} was aborted; it cannot be resumed.`
      throw new TransferError('SESSION_INVALID', message, { hint: 'Give another --session.' })
    }
    const targets = await matchTargets(request, session)
    return await performSession(journal, session, targets, options, { skipped, started, files })
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

// A crash between the session's record and the last drive's plan leaves a session that has not begun: planned anew.
function isUnstarted(session: SessionState): boolean {
  return session.state === 'open' && session.drives.size === 0
}

/** Finds each unfinished drive of the session among those that were given now: after a reboot sdb may be sdc. */
async function matchTargets(request: PrepareRequest, session: SessionState): Promise<Map<string, string>> {
  const unfinished = [...session.drives.values()].filter((drive) => drive.stage !== 'prepared')
  const given = unfinished.length === 0 ? [] : await resolveDrives(request.drives)
  return new Map(
    unfinished.map((drive) => {
      const target = given.find((candidate) => candidate.driveId === drive.driveId)
      if (target !== undefined) return [drive.driveId, target.path]
      const message = `Session ${session.sessionId} has an unfinished drive ${drive.driveId} (${drive.path}) that was not given.`
      throw new TransferError('PLAN_STALE', message, {
        hint: 'Give the same drives as before, or --abort the session and start another.',
      })
    }),
  )
}

interface RunContext {
  /** What this run has stored itself. */
  files: ReadonlyMap<string, DriveFiles>
  skipped: SessionPlan['skipped']
  started: number
}

async function performSession(
  journal: SessionJournal,
  session: SessionState,
  paths: Map<string, string>,
  options: PrepareOptions,
  context: RunContext,
): Promise<SessionResult> {
  const drives = [...session.drives.values()]
  const unfinished = drives.filter((drive) => drive.stage !== 'prepared')
  const rows = drives.map(progressRow)
  const memoryBytes = Math.floor((options.memoryBytes ?? memoryBytesDefault) / Math.max(1, unfinished.length))
  const results = await withProgress(rows, options.onProgress, () =>
    Promise.all(
      drives.map((state, index) => {
        const path = paths.get(state.driveId) ?? state.path
        const files = context.files.get(state.driveId) ?? new DriveFiles(journal.path, state.driveId)
        const run: DriveRun = { journal, sessionId: session.sessionId, state, files, path, memoryBytes, options }
        return runDrive(run, rows[index] as DriveProgress)
      }),
    ),
  )
  const failed = results.filter((result) => result.outcome === 'failed')
  if (options.signal?.aborted && failed.length > 0) {
    throw new TransferError(
      'INTERRUPTED',
      `Interrupted; ${drives.length - failed.length} of ${drives.length} drives are done.`,
      {
        hint: 'Run the same command again to resume.',
      },
    )
  }
  const [first] = failed
  if (first?.error !== undefined && failed.length === results.length) throw first.error
  if (results.every((result) => result.outcome === 'prepared') && session.state === 'open') {
    await journal.append(sessionRecords.session(session.sessionId, 'Completed'))
  }
  const leftOut = context.skipped.some((entry) => entry.reason === 'unreadable' || entry.reason === 'invalid-utf8')
  return {
    sessionId: session.sessionId,
    journalPath: journal.path,
    drives: results,
    skipped: context.skipped,
    seconds: (performance.now() - context.started) / 1000,
    isPartial: leftOut || results.some((result) => result.outcome === 'failed' || result.dropped.length > 0),
  }
}

function progressRow(state: DriveState): DriveProgress {
  const activity = state.stage === 'prepared' ? 'prepared' : 'waiting'
  return { driveId: state.driveId, path: state.path, activity, bytesDone: 0, bytesTotal: 0 }
}
