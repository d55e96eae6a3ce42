// One drive, from the moment it is plugged in until its last blob is in the account and its logs are written.

import { basename } from 'node:path'
import type { Secret } from '../addon/bitlocker.js'
import { chunkBytes, ReadBuffers } from '../addon/read-engine.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import type { DriveStatus } from '../formats/copy-log-codes.js'
import type { JournalFile } from '../journal/journal-file.js'
import {
  type ImportDriveState,
  type ImportState,
  importRecords,
  isInDoubt,
  newDriveState,
} from '../plan/import-state.js'
import type { BlobStore } from '../storage/blob-store.js'
import { AttributeReader, attachmentOnDrive } from './blob-attributes.js'
import type { ClaimedNames } from './claimed-names.js'
import { asTransferError, failedStatus, finishedStatus, interrupted } from './drive-outcome.js'
import type { Containers, ImportContext, UploadRate } from './import-context.js'
import { ImportJournal } from './import-journal.js'
import { importWindow } from './import-window.js'
import { ManifestSource, type NumberedBlob } from './manifest-source.js'
import type { MemoryGate } from './memory-gate.js'
import { markOf } from './put-pages.js'
import { openShippedDrive, type ShippedDrive } from './shipped-drive.js'
import { type ExpectedManifest, type ManifestSurvey, surveyManifest } from './survey-manifest.js'
import type { UploadLane } from './upload-slots.js'

/** What the copy logs of a drive are called, what they hold, and where they go. */
export interface LogSettings {
  /** Name of the job; `import` when not given. */
  job?: string
  verboseLog?: boolean
  backupManifest?: boolean
  /** In the account. */
  logs?: { container: string; prefix: string }
}

export interface ReceiveDrive {
  /** Device or image file. */
  path: string
  secret: Secret
  expected?: ExpectedManifest
  /** Where `expected` comes from, for the report. */
  expectedFrom?: 'the job' | 'the journal' | 'the command line'
  /** From the root of the drive; \DriveManifest.xml when not given. */
  manifestFile?: string
  /** What counts for this drive instead of the settings of the whole import. */
  logSettings?: LogSettings
}

export interface DriveImport {
  drive: ReceiveDrive
  store: BlobStore
  journal: JournalFile
  state: ImportState
  /** Drives of this import by id, so that none is imported twice at once. */
  running: Set<string>
  lane: UploadLane
  containers: Containers
  names: ClaimedNames
  gate: MemoryGate
  /** Read buffers that this drive takes when its blocks are of the usual length. */
  buffers: number
  rateLimit: UploadRate | undefined
  contentMd5: boolean
  signal: AbortSignal
  progress: DriveProgress
}

export interface DriveImportResult {
  opened: { drive: ShippedDrive; source: ManifestSource; survey: ManifestSurvey; state: ImportDriveState } | undefined
  status: DriveStatus
  error: TransferError | undefined
  driveId: string
  bytesImported: number
  bytesThere: number
  damagedBlocks: number
  seconds: number
}

const windowBlobs = 2048
const windowRanges = 65_536

/** Never throws. The caller closes `opened.drive` when it has written the logs. */
export async function importDrive(run: DriveImport): Promise<DriveImportResult> {
  const started = performance.now()
  const { drive, progress } = run
  const counters = { bytesDone: 0, bytesSent: 0, damagedBlocks: 0, hasMetExisting: false }
  let opened: DriveImportResult['opened']
  let bytesThere = 0
  const result = (status: DriveStatus, error?: TransferError): DriveImportResult => ({
    opened,
    status,
    error,
    driveId: opened?.survey.driveId ?? drive.expected?.driveId ?? basename(drive.path),
    bytesImported: (opened?.state.bytesImported ?? 0) - bytesThere,
    bytesThere,
    damagedBlocks: counters.damagedBlocks,
    seconds: (performance.now() - started) / 1000,
  })
  try {
    progress.activity = 'checking'
    opened = await openAndSurvey(run)
    const { state, survey } = opened
    bytesThere = state.bytesImported
    Object.assign(progress, { activity: 'importing', bytesTotal: survey.bytes, bytesDone: bytesThere })
    if (!state.isComplete) await importBlobs(run, opened, counters)
    progress.activity = 'imported'
    return result(finishedStatus(state))
  } catch (cause) {
    progress.activity = 'failed'
    const error = run.signal.aborted ? interrupted(drive.path) : asTransferError(cause, drive.path)
    return result(failedStatus(error), error)
  }
}

async function openAndSurvey(run: DriveImport): Promise<NonNullable<DriveImportResult['opened']>> {
  const { drive: request, state: importState, journal, running } = run
  const drive = await openShippedDrive(request.path, request.secret)
  try {
    const source = ManifestSource.find(drive, request.manifestFile)
    const survey = await surveyManifest(drive, source, request.expected ?? {})
    if (running.has(survey.driveId)) {
      const message = `${request.path} says it is drive ${survey.driveId}, and so does another one of this import.`
      throw new TransferError('MANIFEST_OTHER_DRIVE', message, { path: request.path, hint: 'Give each drive once.' })
    }
    running.add(survey.driveId)
    const known = importState.drives.get(survey.driveId)
    const isKnown = known?.manifestHash === survey.manifestHash
    const state = isKnown ? known : newDriveState(survey.driveId, survey.manifestHash, survey.blobs)
    if (!isKnown) await journal.append(importRecords.drive(survey.driveId, survey.manifestHash, survey.blobs))
    return { drive, source, survey, state }
  } catch (error) {
    await drive.close()
    throw error
  }
}

async function importBlobs(
  run: DriveImport,
  { drive, source, survey, state }: NonNullable<DriveImportResult['opened']>,
  counters: ImportContext['counters'],
): Promise<void> {
  const { store, lane, containers, names, rateLimit, signal, contentMd5, gate, progress } = run
  const journal = new ImportJournal(run.journal, state)
  const isDoubtful = ({ number }: NumberedBlob) => isInDoubt(state, number)
  const isOurMark = (mark: string, { number }: NumberedBlob) => mark === markOf(state.driveId, number)
  const context = {
    ...{ store, journal, lane, containers, names, rateLimit, signal, contentMd5, counters },
    ...{ isDoubtful, isOurMark },
  }
  const attributes = new AttributeReader([attachmentOnDrive(drive)])
  const there = state.bytesImported
  const showProgress = () => {
    progress.bytesDone = Math.min(there + counters.bytesSent, survey.bytes)
  }
  const timer = setInterval(showProgress, 200)
  const needed = Math.max(run.buffers, Math.ceil(survey.blockBytesMax / chunkBytes) + 4)
  try {
    await gate.hold(needed, async (count) => {
      const buffers = new ReadBuffers(count)
      for await (const blobs of windows(source, state)) {
        signal.throwIfAborted()
        await journal.begun(blobs[0]?.number ?? 0, (blobs.at(-1)?.number ?? 0) + 1)
        await importWindow({ drive, attributes, buffers, context, blobs })
        await journal.flush()
      }
    })
    if (state.failures.size === 0) await journal.complete()
  } finally {
    clearInterval(timer)
    await journal.flush().catch(() => {})
    showProgress()
  }
}

/** Blobs that are not done, some thousands at a time, in the order of the manifest. */
async function* windows(source: ManifestSource, state: ImportDriveState): AsyncGenerator<NumberedBlob[]> {
  let blobs: NumberedBlob[] = []
  let ranges = 0
  for await (const numbered of source.blobs()) {
    if (state.outcomes.get(numbered.number) !== undefined) continue
    blobs.push(numbered)
    ranges += numbered.blob.offsets.length
    if (blobs.length < windowBlobs && ranges < windowRanges) continue
    yield blobs
    blobs = []
    ranges = 0
  }
  if (blobs.length > 0) yield blobs
}
