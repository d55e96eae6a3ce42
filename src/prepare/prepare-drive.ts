// One drive, from its stored plan to "prepared". Performs and never decides: every placement was planned, and each step is
// journalled after the device was flushed, so that the same call resumes after a crash at any point.
//
// Order on the device: partition table, old metadata erased; file data; manifest; NTFS metadata; BitLocker copies; last of
// all the outer boot sector. Until that sector is there, nothing takes the drive for a finished volume.

import { BitlockerVolume, eraseVolumeStart } from '../addon/bitlocker.js'
import { type CopyFilesInput, copyFiles } from '../addon/copy-engine.js'
import { Device } from '../addon/device.js'
import { NtfsLayout } from '../addon/ntfs.js'
import { bitlockerFileGroups, regionOffsets } from '../drives/bitlocker-regions.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { writePartitionTable } from '../drives/partition-disk.js'
import { TransferError } from '../errors.js'
import type { ExtentTable } from '../file-tree.js'
import type { DrivePlan } from '../formats/drive-plan.js'
import type { RecordDraft } from '../formats/journal.js'
import { sessionRecords } from '../plan/session-records.js'
import type { DriveState } from '../plan/session-state.js'
import type { DriveFiles } from './session-files.js'
import { writeDriveManifest } from './write-drive-manifest.js'

export interface PrepareDriveOptions {
  /** Bytes of buffers for this drive. */
  memoryBytes: number
  onChange: 'fail' | 'skip'
  ioEngine?: 'auto' | 'uring' | 'threads'
  signal?: AbortSignal
}

export interface DriveJournal {
  append(...records: RecordDraft[]): Promise<void>
}

/** Everything open for one drive while it is written. */
interface OpenDrive {
  sessionId: string
  state: DriveState
  plan: DrivePlan
  files: DriveFiles
  device: Device
  layout: NtfsLayout
  volume: BitlockerVolume
  metadata: Buffer
  journal: DriveJournal
  progress: DriveProgress
  options: PrepareDriveOptions
}

/** Brings the drive from its recorded stage to 'sealed': complete on the device, not yet read back. */
export async function prepareDrive(
  path: string,
  sessionId: string,
  state: DriveState,
  files: DriveFiles,
  journal: DriveJournal,
  progress: DriveProgress,
  options: PrepareDriveOptions,
): Promise<DrivePlan> {
  const plan = await files.readPlan()
  if (state.stage === 'sealed' || state.stage === 'prepared') return plan
  const sectorBytes = plan.header.volume.sectorBytes === 4096 ? 4096 : 512
  const device = await Device.open(path, { access: 'write', logicalSectorBytes: sectorBytes })
  try {
    if (device.sizeBytes !== state.sizeBytes) {
      const message = `${path} has ${device.sizeBytes} bytes, the plan was made for ${state.sizeBytes}.`
      throw new TransferError('PLAN_STALE', message, {
        path,
        hint: 'Is it the same drive? Give the one that was planned, or --replace that one.',
      })
    }
    const skeleton = await files.readSkeleton()
    const layout = await NtfsLayout.plan(skeleton, plan.tree, bitlockerFileGroups(plan.header.volume.sizeBytes))
    const metadata = await files.readBitlocker()
    const place = plan.header.volume
    const secret = { kind: 'recovery-password', password: state.recoveryPassword } as const
    const volume = await BitlockerVolume.attach(device, place, metadata, secret)
    try {
      const drive = { sessionId, state, plan, files, device, layout, volume, metadata, journal, progress, options }
      if (state.stage === 'planned') await eraseDrive(drive)
      if (state.stage === 'erased' || state.stage === 'copying') await copyData(drive)
      await seal(drive)
    } finally {
      volume.close()
    }
  } finally {
    await device.close()
  }
  return plan
}

async function record(drive: OpenDrive, draft: RecordDraft, stage: DriveState['stage']): Promise<void> {
  await drive.journal.append(draft)
  drive.state.stage = stage
}

async function eraseDrive(drive: OpenDrive): Promise<void> {
  const { device, plan, layout, state, sessionId, progress } = drive
  progress.activity = 'erasing'
  await eraseVolumeStart(device, plan.header.volume, regionOffsets(layout.systemFileOffsets))
  await writePartitionTable(device, plan.header.volume.clusterBytes, plan.header.diskGuid)
  await device.flush()
  await record(drive, sessionRecords.drive(sessionId, state.driveId, 'erased'), 'erased')
}

async function copyData(drive: OpenDrive): Promise<void> {
  const { state, plan, progress, options, sessionId, journal } = drive
  progress.activity = 'copying'
  const spool = await drive.files.openHashSpool()
  // Journal writes triggered by engine events; the copy is done when the last of them is.
  let pending: Promise<void> = Promise.resolve()
  const run = copyFiles(copyInput(drive, spool.fd), (event) => {
    const { driveId } = state
    if (event.kind === 'dropped') {
      state.dropped.set(event.file, event.message)
      pending = pending.then(() =>
        journal.append(sessionRecords.dropped(sessionId, driveId, event.file, event.message)),
      )
    } else {
      state.stage = 'copying'
      pending = pending.then(() =>
        journal.append(sessionRecords.mark(sessionId, driveId, event.chunk, event.bytesDone)),
      )
    }
    pending.catch(() => run.abort())
  })
  const stop = () => run.abort()
  options.signal?.addEventListener('abort', stop)
  const timer = setInterval(() => Object.assign(progress, pick(run.progress())), 200)
  try {
    if (options.signal?.aborted) run.abort()
    await run.finished
    await pending
  } finally {
    clearInterval(timer)
    options.signal?.removeEventListener('abort', stop)
    await pending.catch(() => {})
    await spool.close()
  }
  progress.bytesDone = progress.bytesTotal
  const emptied = plan.tree.fileDirectory.length - 1 === state.dropped.size && state.dropped.size > 0
  if (emptied) throw new TransferError('SOURCE_CHANGED', `Every file planned for drive ${state.driveId} was left out.`)
  await record(drive, sessionRecords.drive(sessionId, state.driveId, 'copied'), 'copied')
}

function pick(counters: { bytesDone: number; bytesTotal: number }): Pick<DriveProgress, 'bytesDone' | 'bytesTotal'> {
  return { bytesDone: counters.bytesDone, bytesTotal: counters.bytesTotal }
}

function copyInput(drive: OpenDrive, hashSpoolFd: number): CopyFilesInput {
  const { plan, state, options } = drive
  const { tree } = plan
  // The last file is the manifest: it has no source and is written after the data.
  const count = tree.fileDirectory.length - 1
  return {
    volume: drive.volume,
    sourceDirectories: plan.sourceDirectories,
    fileSourceDirectory: plan.fileSourceDirectory.subarray(0, count),
    fileSourceNames: { bytes: plan.fileSourceNames.bytes, ends: plan.fileSourceNames.ends.subarray(0, count) },
    fileSizeBytes: tree.fileSizeBytes.subarray(0, count),
    fileModifiedNs: tree.fileModifiedNs.subarray(0, count),
    fileBlockBytes: plan.fileBlockBytes.subarray(0, count),
    extents: firstExtents(drive.layout.extents(), count),
    hashSpoolFd,
    firstChunk: state.chunk,
    memoryBytes: options.memoryBytes,
    onChange: options.onChange,
    ...(options.ioEngine === undefined ? {} : { ioEngine: options.ioEngine }),
  }
}

function firstExtents({ firstExtent, offsetBytes, lengthBytes }: ExtentTable, files: number): ExtentTable {
  const end = firstExtent[files] as number
  return {
    firstExtent: firstExtent.subarray(0, files + 1),
    offsetBytes: offsetBytes.subarray(0, end),
    lengthBytes: lengthBytes.subarray(0, end),
  }
}

async function seal(drive: OpenDrive): Promise<void> {
  const { state, plan, layout, volume, files, sessionId, progress } = drive
  progress.activity = 'sealing'
  const manifestFile = plan.tree.fileDirectory.length - 1
  const manifest = await writeDriveManifest({ volume, plan, extents: layout.extents(), files, dropped: state.dropped })
  const ranges = await layout.write(volume, {
    dropped: Uint32Array.from([...state.dropped.keys()].sort((left, right) => left - right)),
    actualSizes: new Map([[manifestFile, manifest.lengthBytes]]),
  })
  await files.writeMetadataRanges(ranges)
  await volume.flush()
  await volume.commit(drive.metadata)
  state.manifestHash = manifest.md5
  const fields = [['ManifestHash', manifest.md5] as const]
  await record(drive, sessionRecords.drive(sessionId, state.driveId, 'sealed', [...fields]), 'sealed')
}
