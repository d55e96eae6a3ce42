// A session: plan, ask, store, then fill all drives side by side; a drive that fails is dropped and reported, the others go
// on. The same call on the same journal resumes: finished drives are left alone, the rest go on from their last mark.

import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createBitlocker } from '../addon/bitlocker.js'
import { regionOffsets } from '../drives/bitlocker-regions.js'
import { createImageFile } from '../drives/image-file.js'
import { checkDriveIsSafe } from '../drives/refuse-unsafe.js'
import { TransferError } from '../errors.js'
import { encodeDriveInfo, encodeDriveInfoXml } from '../formats/drive-info.js'
import { manifestName } from '../plan/drive-manifest.js'
import { type DriveState, type SessionState, sessionRecords } from '../plan/session-state.js'
import { type DriveProgress, withProgress } from './drive-progress.js'
import { type PlannedDrive, type PrepareRequest, planSession, type SessionPlan } from './plan-session.js'
import { prepareDrive } from './prepare-drive.js'
import { type DriveTarget, resolveDrives } from './resolve-drives.js'
import { DriveFiles, writeWhole } from './session-files.js'
import { SessionJournal } from './session-journal.js'
import { assertSound, verifyDrive } from './verify-drive.js'
import { version } from './version.js'

export interface PrepareOptions {
  journalPath: string
  /** Called with a new session's plan; false stops before anything is written. */
  confirm?: (plan: SessionPlan) => Promise<boolean>
  /** Read every drive back before it is called prepared; true by default. */
  verify?: boolean
  /** A source file that changed since the plan: fail (default), or leave it out. */
  onChange?: 'fail' | 'skip'
  ioEngine?: 'auto' | 'uring' | 'threads'
  /** Bytes of buffers for all drives together. */
  memoryBytes?: number
  signal?: AbortSignal
  onProgress?: (rows: readonly DriveProgress[]) => void
}

export interface DriveResult {
  driveId: string
  path: string
  outcome: 'prepared' | 'written' | 'failed'
  files: number
  bytes: number
  /** Files left out, with the reason. */
  dropped: string[]
  recoveryPassword: string
  manifestHash?: string
  seconds: number
  error?: TransferError
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

/** Everything a resume needs is on stable storage before the journal says "planned", all drives in one write. */
async function storePlan(
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

interface DriveRun {
  journal: SessionJournal
  sessionId: string
  state: DriveState
  files: DriveFiles
  path: string
  memoryBytes: number
  options: PrepareOptions
}

/** One drive to its end; never throws: what went wrong is in the result and in the journal. */
async function runDrive(run: DriveRun, progress: DriveProgress): Promise<DriveResult> {
  const started = performance.now()
  const { state, path, journal, sessionId } = run
  const base = { driveId: state.driveId, path, recoveryPassword: state.recoveryPassword }
  try {
    const written = await performDrive(run, progress)
    const dropped = [...state.dropped.values()]
    const outcome = state.stage === 'prepared' ? 'prepared' : 'written'
    const hash = state.manifestHash === undefined ? {} : { manifestHash: state.manifestHash }
    return { ...base, ...hash, ...written, outcome, dropped, seconds: (performance.now() - started) / 1000 }
  } catch (cause) {
    progress.activity = 'failed'
    const error = asTransferError(cause, path)
    if (error.code !== 'INTERRUPTED') {
      await journal.append(sessionRecords.failed(sessionId, state.driveId, error.message)).catch(() => {})
    }
    const seconds = (performance.now() - started) / 1000
    return { ...base, outcome: 'failed', files: 0, bytes: 0, dropped: [], seconds, error }
  }
}

async function performDrive(run: DriveRun, progress: DriveProgress): Promise<{ files: number; bytes: number }> {
  const { state, files, path, journal, sessionId, options, memoryBytes } = run
  if (state.stage === 'prepared') return { files: state.files ?? 0, bytes: state.bytes ?? 0 }
  if (state.stage === 'planned') await createImageFile(path, state.sizeBytes)
  await checkDriveIsSafe(path)
  const { onChange = 'fail', ioEngine, signal } = options
  const plan = await prepareDrive(path, sessionId, state, files, journal, progress, {
    memoryBytes,
    onChange,
    ...(ioEngine === undefined ? {} : { ioEngine }),
    ...(signal === undefined ? {} : { signal }),
  })
  const kept = [...plan.fileBlobType.keys()].filter((file) => plan.fileBlobType[file] !== 0 && !state.dropped.has(file))
  const bytes = kept.reduce((sum, file) => sum + (plan.tree.fileSizeBytes[file] as number), 0)
  if (options.verify === false) return { files: kept.length, bytes }
  progress.activity = 'verifying'
  Object.assign(progress, { bytesDone: 0 })
  await verifyPrepared(run, files, progress)
  await finishDrive(run, files, kept.length, bytes)
  progress.activity = 'prepared'
  return { files: kept.length, bytes }
}

async function verifyPrepared(run: DriveRun, files: DriveFiles, progress: DriveProgress): Promise<void> {
  const { state, path, memoryBytes, options } = run
  const metadata = await files.readMetadataRanges()
  const report = await verifyDrive(path, {
    secret: { kind: 'recovery-password', password: state.recoveryPassword },
    expected: {
      ...(state.manifestHash === undefined ? {} : { manifestHash: state.manifestHash }),
      ...(metadata === undefined ? {} : { metadata }),
    },
    memoryBytes,
    progress,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  assertSound(path, report)
}

async function finishDrive(run: DriveRun, files: DriveFiles, fileCount: number, bytes: number): Promise<void> {
  const { state, journal, sessionId } = run
  const info = {
    driveId: state.driveId,
    bitLockerKey: state.recoveryPassword,
    manifestFile: `\\${manifestName}`,
    manifestHash: state.manifestHash ?? '',
  }
  await writeWhole(files.driveInfoPath, [encodeDriveInfo(info, new Date())])
  const done = [
    ['Files', String(fileCount)],
    ['Bytes', String(bytes)],
  ] as const
  const prepared = sessionRecords.drive(sessionId, state.driveId, 'prepared', [...done])
  await journal.append(prepared, sessionRecords.driveInfo(encodeDriveInfoXml(info)))
  state.stage = 'prepared'
  state.files = fileCount
  state.bytes = bytes
}

function asTransferError(cause: unknown, path: string): TransferError {
  if (cause instanceof TransferError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOSPC') {
    return new TransferError('DEVICE_FULL', `No room beside the journal or on ${path}: ${message}`, { cause, path })
  }
  return new TransferError('INTERNAL', `${path}: ${message}`, { cause, path })
}
