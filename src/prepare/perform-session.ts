// The second half of a session, once everything is planned and stored: fills its drives side by side. A drive that fails is
// dropped and reported, the others go on; a drive that was not given to this run stays as it is.

import { type DriveProgress, withProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import { sessionRecords } from '../plan/session-records.js'
import type { DriveState, SessionState } from '../plan/session-state.js'
import type { SessionPlan } from './plan-session.js'
import { type DriveResult, type DriveRun, type RunDriveOptions, runDrive } from './run-drive.js'
import { DriveFiles } from './session-files.js'
import type { SessionJournal } from './session-journal.js'

export interface PrepareOptions extends RunDriveOptions {
  journalPath: string
  /** Called with what is planned anew; false stops before anything is written. */
  confirm?: (plan: SessionPlan) => Promise<boolean>
  /** Bytes of buffers for all drives together. */
  memoryBytes?: number
  onProgress?: (rows: readonly DriveProgress[]) => void
}

export interface SessionResult {
  sessionId: string
  journalPath: string
  drives: DriveResult[]
  /** Drives that were given up, and the ids of those that took their files. */
  replaced: { driveId: string; by: readonly string[] }[]
  skipped: SessionPlan['skipped']
  seconds: number
  /** True when drives failed or are unfinished, or files were left out: exit code 3. */
  isPartial: boolean
}

export interface SessionRun {
  journal: SessionJournal
  session: SessionState
  /** Where each drive is that this run works on, by id. */
  paths: ReadonlyMap<string, string>
  /** What this run has stored itself. */
  stored: ReadonlyMap<string, DriveFiles>
  skipped: SessionPlan['skipped']
  startedMs: number
}

const memoryBytesDefault = 160 * 1024 * 1024

/** @throws TransferError INTERRUPTED; the first drive's error when no drive came to an end. */
export async function performSession(run: SessionRun, options: PrepareOptions): Promise<SessionResult> {
  const { journal, session, paths, stored } = run
  await removeReplaced(journal, session)
  const drives = [...session.drives.values()]
  const rows = drives.map(progressRow)
  const memoryBytes = Math.floor((options.memoryBytes ?? memoryBytesDefault) / Math.max(1, paths.size))
  const results = await withProgress(rows, options.onProgress, () =>
    Promise.all(
      drives.map((state, index) => {
        const path = paths.get(state.driveId)
        if (path === undefined && state.stage !== 'prepared') return unfinished(state)
        const files = stored.get(state.driveId) ?? new DriveFiles(journal.path, state.driveId)
        const drive = { journal, sessionId: session.sessionId, state, files, memoryBytes, options }
        return runDrive({ ...drive, path: path ?? state.path } satisfies DriveRun, rows[index] as DriveProgress)
      }),
    ),
  )
  refuseFailure(results, options.signal)
  if (results.every((result) => result.outcome === 'prepared') && session.state === 'open') {
    await journal.append(sessionRecords.session(session.sessionId, 'Completed'))
  }
  const leftOut = run.skipped.some((entry) => entry.reason === 'unreadable' || entry.reason === 'invalid-utf8')
  const isPart = ({ outcome, dropped }: DriveResult) =>
    outcome === 'failed' || outcome === 'unfinished' || dropped.length > 0
  return {
    sessionId: session.sessionId,
    journalPath: journal.path,
    drives: results,
    replaced: [...session.replaced].map(([driveId, { by }]) => ({ driveId, by })),
    skipped: run.skipped,
    seconds: (performance.now() - run.startedMs) / 1000,
    isPartial: leftOut || results.some(isPart),
  }
}

/** What is left of drives that were given up goes; a crash may have kept it from going earlier. */
async function removeReplaced(journal: SessionJournal, session: SessionState): Promise<void> {
  for (const { drive } of session.replaced.values()) {
    const files = new DriveFiles(journal.path, drive.driveId)
    await files.removeDriveInfo(drive.recoveryPassword)
    // Another session may have taken the drive since.
    const isUsed = [...journal.state.sessions.values()].some((other) => other.drives.has(drive.driveId))
    if (!isUsed) await files.remove()
  }
}

function refuseFailure(results: readonly DriveResult[], signal: AbortSignal | undefined): void {
  const done = results.filter(({ outcome }) => outcome === 'prepared' || outcome === 'written').length
  const failed = results.filter((result) => result.outcome === 'failed')
  if (signal?.aborted && failed.length > 0) {
    throw new TransferError('INTERRUPTED', `Interrupted; ${done} of ${results.length} drives are done.`, {
      hint: 'Run the same command again to resume.',
    })
  }
  const [first] = failed
  if (first?.error !== undefined && done === 0) throw first.error
}

function unfinished({ driveId, path, recoveryPassword }: DriveState): DriveResult {
  return { driveId, path, recoveryPassword, outcome: 'unfinished', files: 0, bytes: 0, dropped: [], seconds: 0 }
}

function progressRow(state: DriveState): DriveProgress {
  const activity = state.stage === 'prepared' ? 'prepared' : 'waiting'
  return { driveId: state.driveId, path: state.path, activity, bytesDone: 0, bytesTotal: 0 }
}
