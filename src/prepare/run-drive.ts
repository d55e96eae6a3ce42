// One drive of a session, from wherever it is to "prepared": written, read back, and recorded.

import type { DriveProgress } from '../drives/drive-progress.js'
import { createImageFile } from '../drives/image-file.js'
import { checkDriveIsSafe } from '../drives/refuse-unsafe.js'
import { TransferError } from '../errors.js'
import { encodeDriveInfo, encodeDriveInfoXml } from '../formats/drive-info.js'
import { manifestName } from '../plan/drive-manifest.js'
import { sessionRecords } from '../plan/session-records.js'
import type { DriveState } from '../plan/session-state.js'
import { prepareDrive } from './prepare-drive.js'
import { withReplaceHint } from './replace-hint.js'
import { type DriveFiles, writeWhole } from './session-files.js'
import type { SessionJournal } from './session-journal.js'
import { assertSound, verifyDrive } from './verify-drive.js'

export interface DriveResult {
  driveId: string
  path: string
  /** Unfinished: not given to this run, and left as it was. */
  outcome: 'prepared' | 'written' | 'failed' | 'unfinished'
  files: number
  bytes: number
  /** Files left out, with the reason. */
  dropped: string[]
  recoveryPassword: string
  manifestHash?: string
  seconds: number
  error?: TransferError
}

export interface RunDriveOptions {
  /** Read the drive back before it is called prepared; true by default. */
  verify?: boolean
  /** A source file that changed since the plan: fail (default), or leave it out. */
  onChange?: 'fail' | 'skip'
  ioEngine?: 'auto' | 'uring' | 'threads'
  signal?: AbortSignal
}

export interface DriveRun {
  journal: SessionJournal
  sessionId: string
  state: DriveState
  files: DriveFiles
  path: string
  memoryBytes: number
  options: RunDriveOptions
}

/** One drive to its end; never throws: what went wrong is in the result and in the journal. */
export async function runDrive(run: DriveRun, progress: DriveProgress): Promise<DriveResult> {
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
    const error = withReplaceHint(asTransferError(cause, path), sessionId, state.driveId)
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
