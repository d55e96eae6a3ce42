// Repairing an import: what a copy log says is missing is found again, on the drive or in a folder, compared with its hashes,
// and sent. A journal beside the log makes the same call go on where an earlier one stopped.

import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type DriveProgress, withProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import type { PathMap } from '../formats/path-map.js'
import { JournalFile } from '../journal/journal-file.js'
import { type ImportDriveState, importRecords, newDriveState, reduceImport } from '../plan/import-state.js'
import type { RepairLeft, RepairReport } from '../reports/describe-repair.js'
import type { BlobStore } from '../storage/blob-store.js'
import { AttributeReader } from './blob-attributes.js'
import { CopyLogFile } from './copy-log-file.js'
import type { UploadRate } from './import-context.js'
import { ImportJournal } from './import-journal.js'
import { ManifestSource } from './manifest-source.js'
import { type LogSurvey, repairSteps, surveyLog } from './read-copy-log-file.js'
import type { ReceiveDrive } from './receive-drive.js'
import { RepairSources } from './repair-sources.js'
import { RepairWindows } from './repair-windows.js'
import { openShippedDrive, type ShippedDrive } from './shipped-drive.js'
import { surveyManifest } from './survey-manifest.js'

export interface RepairRequest {
  logPath: string
  /** The drive of the log, or a copy of it: for the manifest, and for what can be read of it. */
  drive?: ReceiveDrive
  /** Folders that the files may be in; asked for what the drive does not have. */
  from?: readonly string[]
  pathMap?: PathMap
  store: BlobStore
  /** Journal of the repair; `<log>.repair` when not given. */
  statePath?: string
  /** Requests under way at once; 16 when not given. */
  concurrency?: number
  rateLimit?: UploadRate
  signal?: AbortSignal
  onProgress?: (rows: readonly DriveProgress[]) => void
}

export interface RepairResult {
  report: RepairReport
  /** Files of the log, `\container\dir\file`, that were found nowhere with the right content. */
  unresolved: string[]
}

interface OpenedDrive {
  drive: ShippedDrive
  manifest: ManifestSource
  driveId: string
}

const leftMax = 1000

/**
 * What cannot be repaired is in the result, and in a copy log beside the first one.
 * @throws TransferError COPY_LOG_INVALID, JOURNAL_IN_USE, IMPORT_OTHER_STORE, SOURCE_UNREADABLE; those of opening a drive;
 * MANIFEST_OTHER_DRIVE when it is not the drive of the log; those of a storage that refuses everything.
 */
export async function repairImport(request: RepairRequest): Promise<RepairResult> {
  const { logPath, drive: wanted, from, pathMap } = request
  if (wanted === undefined && from === undefined && pathMap === undefined) {
    throw new TypeError('expected a drive, folders or a path map to repair from')
  }
  const startedAt = new Date()
  const log = await surveyLog(logPath)
  const opened = wanted === undefined ? undefined : await openDrive(wanted, log)
  try {
    const sources = await RepairSources.open(opened?.drive, { from, pathMap })
    const journal = await JournalFile.open(resolve(request.statePath ?? `${logPath}.repair`))
    try {
      const driveId = opened?.driveId ?? log.end.driveId ?? 'unknown'
      const state = await openState(request, journal, log, driveId)
      return await run({ request, log, opened, sources, journal: new ImportJournal(journal, state), startedAt })
    } finally {
      await journal.close()
    }
  } finally {
    await opened?.drive.close()
  }
}

async function openDrive(wanted: ReceiveDrive, { end, hasSerial }: LogSurvey): Promise<OpenedDrive> {
  const drive = await openShippedDrive(wanted.path, wanted.secret)
  try {
    const manifest = ManifestSource.find(drive, wanted.manifestFile)
    const { driveId } = await surveyManifest(drive, manifest, wanted.expected ?? {})
    if (hasSerial && end.driveId !== undefined && end.driveId !== driveId) {
      const message = `The manifest on ${wanted.path} is of drive ${driveId}, but the log is of drive ${end.driveId}.`
      throw new TransferError('MANIFEST_OTHER_DRIVE', message, {
        path: wanted.path,
        hint: 'Nothing was sent. Give the drive of this log.',
      })
    }
    return { drive, manifest, driveId }
  } catch (error) {
    await drive.close()
    throw error
  }
}

async function openState(
  { store, logPath }: RepairRequest,
  journal: JournalFile,
  { hash, end }: LogSurvey,
  driveId: string,
): Promise<ImportDriveState> {
  const state = reduceImport(journal.records)
  if (state.store === undefined) await journal.append(importRecords.import(store.name, 'diskferry'))
  else if (state.store !== store.name) {
    const message = `The repair from ${logPath} that was begun goes to ${state.store}, not to ${store.name}.`
    throw new TransferError('IMPORT_OTHER_STORE', message, {
      path: journal.path,
      hint: 'A log belongs to one account. Give that one, or remove this journal if it was the wrong one.',
    })
  }
  const known = state.drives.get(driveId)
  if (known?.manifestHash === hash) return known
  const blobs = end.whole + end.inPart + end.attachmentsOnly + end.impossible
  await journal.append(importRecords.drive(driveId, hash, blobs))
  return newDriveState(driveId, hash, blobs)
}

interface Run {
  request: RepairRequest
  log: LogSurvey
  opened: OpenedDrive | undefined
  sources: RepairSources
  journal: ImportJournal
  startedAt: Date
}

async function run({ request, log, opened, sources, journal, startedAt }: Run): Promise<RepairResult> {
  const { store, logPath } = request
  const { end } = log
  const { driveId } = journal.state
  const row: DriveProgress = { driveId, path: logPath, activity: 'importing', bytesDone: 0, bytesTotal: end.bytes }
  const path = logPath.replace(/(\.xml)?$/i, '.remaining.xml')
  const remaining = await CopyLogFile.open('error', path, path)
  const left: RepairLeft[] = []
  const unresolved: string[] = []
  const windows = new RepairWindows({
    ...{ request, manifest: opened?.manifest, sources, journal, row },
    attributes: new AttributeReader(sources.attachments()),
    async onLeft(record, message, isUnresolved, filePath) {
      await remaining.add(record)
      if (left.length < leftMax) left.push({ blobPath: record.blobPath, status: record.status, message })
      if (isUnresolved && filePath !== undefined) unresolved.push(filePath)
    },
  })
  try {
    await withProgress([row], request.onProgress, () => windows.work(repairSteps(logPath))).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error
      throw new TransferError('INTERRUPTED', `The repair from ${logPath} was interrupted.`, {
        hint: 'Run the same command again: it goes on where it was.',
      })
    })
    const { counts } = windows
    const isLeft = counts.left > 0
    for (let sound = 0; isLeft && sound < end.sound; sound++) remaining.count('Completed')
    if (isLeft) await remaining.finish(end.driveId ?? driveId, 'CompletedWithErrors')
    else await rm(path, { force: true })
    if (!isLeft) await journal.complete()
    const report: RepairReport = {
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      account: store.name,
      log: logPath,
      driveId: end.driveId ?? opened?.driveId,
      driveStatus: end.status,
      blobs: { listed: journal.state.blobs, ...counts },
      bytesSent: windows.bytesSent,
      left,
      remainingLog: isLeft ? path : undefined,
      pathMap: undefined,
    }
    return { report, unresolved }
  } finally {
    await journal.flush().catch(() => {})
    await remaining.close()
  }
}
