// Receiving: shipped drives are imported side by side into one account, and a report says what arrived. The journal of the
// import makes the same call go on where an earlier one stopped.

import { setMaxListeners } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type DriveProgress, withProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import { copyLogName } from '../formats/copy-log-writer.js'
import { JournalFile } from '../journal/journal-file.js'
import { type ImportState, importRecords, reduceImport } from '../plan/import-state.js'
import type { ReceivedDrive, ReceiveReport } from '../reports/receive-report.js'
import type { BlobStore } from '../storage/blob-store.js'
import { ClaimedNames } from './claimed-names.js'
import { describeImport } from './describe-import.js'
import { asTransferError } from './drive-outcome.js'
import { Containers, type UploadRate } from './import-context.js'
import { MemoryGate } from './memory-gate.js'
import { isNoRoom, noRoom } from './no-room.js'
import {
  type DriveImport,
  type DriveImportResult,
  importDrive,
  type LogSettings,
  type ReceiveDrive,
} from './receive-drive.js'
import { storeFile } from './store-file.js'
import { UploadSlots } from './upload-slots.js'
import { saveManifest, writeCopyLogs } from './write-copy-logs.js'

export interface ReceiveRequest extends LogSettings {
  drives: readonly ReceiveDrive[]
  store: BlobStore
  /** Journal of the import; its logs go into `<statePath>.d`. */
  statePath: string
  /** True: refuse when there is nothing to go on with. */
  mustResume?: boolean
  /** Requests under way at once, over all drives; 16 when not given. */
  concurrency?: number
  rateLimit?: UploadRate
  /** Set the Content-MD5 of every blob to the MD5 of its whole content. */
  contentMd5?: boolean
  /** Bytes of read buffers for all drives; 96 MiB when not given. */
  memoryBytes?: number
  signal?: AbortSignal
  onProgress?: (rows: readonly DriveProgress[]) => void
}

export interface ReceiveResult {
  report: ReceiveReport
  /** What ended drives before their end, by path. */
  errors: ReadonlyMap<string, TransferError>
}

const bufferBytes = 4 << 20
const buffersMin = 4
export const defaultLogs = { container: 'waimportexport', prefix: '' }

/** @throws TransferError JOURNAL_IN_USE, JOURNAL_INVALID, IMPORT_OTHER_STORE; what happens to a drive is in the result. */
export async function receiveDrives(request: ReceiveRequest): Promise<ReceiveResult> {
  const startedAt = new Date()
  const statePath = resolve(request.statePath)
  const journal = await openJournal(statePath)
  try {
    const state = await checkState(request, journal).catch(refuseNoRoom)
    const rows = request.drives.map(({ path }) => progressRow(path))
    const results = await withProgress(rows, request.onProgress, () => runAll(request, journal, state, rows))
    const drives: ReceivedDrive[] = []
    const errors = new Map<string, TransferError>()
    for (const { run, result } of results) {
      const { row, error } = await concludeDrive(request, run, result, startedAt)
      drives.push(row)
      if (error !== undefined) errors.set(run.drive.path, error)
    }
    const finishedAt = new Date()
    const account = request.store.name
    const report = { startedAt: startedAt.toISOString(), finishedAt: finishedAt.toISOString(), account, drives }
    return { report, errors }
  } finally {
    await journal.close()
  }
}

async function openJournal(statePath: string): Promise<JournalFile> {
  try {
    await mkdir(dirname(statePath), { recursive: true })
    return await JournalFile.open(statePath)
  } catch (error) {
    return refuseNoRoom(error)
  }
}

function refuseNoRoom(cause: unknown): never {
  if (isNoRoom(cause)) throw noRoom(cause)
  throw cause
}

async function checkState({ store, mustResume }: ReceiveRequest, journal: JournalFile): Promise<ImportState> {
  const state = reduceImport(journal.records)
  if (state.store === undefined) {
    if (mustResume === true) {
      throw new TransferError('JOURNAL_INVALID', `There is no import in ${journal.path} to go on with.`, {
        path: journal.path,
        hint: 'Leave out --resume, or give the --state of the import.',
      })
    }
    await journal.append(importRecords.import(store.name, 'diskferry'))
  } else if (state.store !== store.name) {
    const message = `The import in ${journal.path} goes to ${state.store}, not to ${store.name}.`
    throw new TransferError('IMPORT_OTHER_STORE', message, { path: journal.path, hint: 'Give another --state.' })
  }
  return state
}

function progressRow(path: string): DriveProgress {
  return { driveId: basename(path), path, activity: 'waiting', bytesDone: 0, bytesTotal: 0 }
}

async function runAll(
  request: ReceiveRequest,
  journal: JournalFile,
  state: ImportState,
  rows: readonly DriveProgress[],
): Promise<{ run: DriveImport; result: DriveImportResult }[]> {
  const { drives, store, concurrency = 16, memoryBytes = 96 << 20, contentMd5 = false } = request
  const total = Math.max(Math.floor(memoryBytes / bufferBytes), drives.length * buffersMin)
  const slots = new UploadSlots(concurrency)
  const shared = {
    store,
    journal,
    state,
    running: new Set<string>(),
    containers: new Containers(store),
    names: ClaimedNames.create(),
    gate: new MemoryGate(total),
    buffers: Math.max(buffersMin, Math.floor(total / drives.length)),
    rateLimit: request.rateLimit,
    contentMd5,
    signal: request.signal ?? new AbortController().signal,
  }
  // Every request under way listens to it.
  setMaxListeners(0, shared.signal)
  return await Promise.all(
    drives.map(async (drive, index) => {
      const run = { ...shared, drive, lane: slots.lane(), progress: rows[index] as DriveProgress }
      return { run, result: await importDrive(run) }
    }),
  )
}

/** Writes and sends the logs of a drive, and lets go of it. What keeps the logs from being written is told, never thrown. */
async function concludeDrive(
  request: ReceiveRequest,
  run: DriveImport,
  result: DriveImportResult,
  time: Date,
): Promise<{ row: ReceivedDrive; error: TransferError | undefined }> {
  const { opened } = result
  try {
    const told = await concludeLogs(request, run, result, time, opened)
    return { row: { ...describeImport(run, result), ...told }, error: result.error }
  } catch (cause) {
    const error = result.error ?? asTransferError(cause, run.drive.path)
    // The manifest of a drive that is gone cannot be read any more: then the log has the drive's status alone.
    const told = await concludeLogs(request, run, result, time, undefined).catch(() => ({ logs: [], failures: [] }))
    return { row: { ...describeImport(run, { ...result, error }), ...told }, error }
  } finally {
    await opened?.drive.close()
  }
}

async function concludeLogs(
  request: ReceiveRequest,
  run: DriveImport,
  { driveId, status }: DriveImportResult,
  time: Date,
  opened: DriveImportResult['opened'],
): Promise<Pick<ReceivedDrive, 'logs' | 'failures'>> {
  const folder = `${resolve(request.statePath)}.d`
  const settings: LogSettings = { ...request, ...run.drive.logSettings }
  const { job = 'import', verboseLog = false, backupManifest = false, logs: place = defaultLogs } = settings
  const wanted = { folder, job, driveId, time, status, verbose: verboseLog }
  const { logs: written, failures } = await writeCopyLogs(wanted, opened)
  const files: { kind: ReceivedDrive['logs'][number]['kind']; path: string; name: string }[] = [...written]
  if (backupManifest && opened !== undefined) {
    const name = copyLogName({ job, driveId, time, kind: 'manifest' })
    files.push({ kind: 'manifest', path: await saveManifest(folder, name, opened.source), name })
  }
  const logs: ReceivedDrive['logs'][number][] = []
  for (const { kind, path, name } of files) logs.push({ kind, location: await sendLog(run, place, path, name) })
  return { logs, failures }
}

/** Where the log is now: in the account, or beside the journal when the account cannot be reached. */
async function sendLog(
  run: DriveImport,
  { container, prefix }: NonNullable<LogSettings['logs']>,
  path: string,
  name: string,
): Promise<string> {
  const place = { container, name: `${prefix}${name}` }
  const { store, containers, signal } = run
  try {
    await containers.ensure(container, signal)
    await storeFile(store, place, path, { properties: { contentType: 'application/xml' }, signal })
    return `${store.name}/${container}/${place.name}`
  } catch (error) {
    // It stays beside the journal, and the report says so.
    if (error instanceof TransferError || signal.aborted) return path
    throw error
  }
}
