// Receiving by the order book of a service: which drives are expected, the keys and manifest hashes that open and prove them,
// and reports that let whoever sent them see what arrives.

import type { DriveProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import { type ReceiveRequest, type ReceiveResult, receiveDrives } from '../receive/receive-drives.js'
import { driveOutcome, type ReceivedDrive } from '../reports/receive-report.js'
import { type ExpectedDrive, expectDrives, refuseOtherAccount, type StationLogs } from './expected-drives.js'
import type { StationClient, StationJob } from './station-client.js'

/** Names of jobs, levels and places of logs are those of the jobs; what is given here is kept beside it. */
export interface OrderedReceive extends Omit<ReceiveRequest, 'drives' | 'job' | 'logs'>, StationLogs {
  /** Devices or images that arrived. */
  paths: readonly string[]
  station: StationClient
  /** How often progress is reported; 2000. */
  reportEveryMs?: number
}

/**
 * @throws TransferError KEY_MISSING when no job is open; KEY_WRONG when none of them is this one; JOB_RULES_BROKEN
 * for drives that may not be imported together or into this account; SERVICE_*
 */
export async function receiveOrdered(request: OrderedReceive): Promise<ReceiveResult> {
  const {
    paths,
    station,
    reportEveryMs = 2000,
    onProgress,
    verboseLog,
    backupManifest,
    onlyContainer,
    ...rest
  } = request
  const expected = await expectDrives(paths, station, {
    ...(verboseLog === undefined ? {} : { verboseLog }),
    ...(backupManifest === undefined ? {} : { backupManifest }),
    ...(onlyContainer === undefined ? {} : { onlyContainer }),
  })
  refuseOtherAccount(expected, rest.store.name)
  await reportReceived(station, expected)
  for (const { driveId } of expected) await station.reportDrive(driveId, { state: 'Transferring' })
  const reporter = new ProgressReporter(station, expected, reportEveryMs)
  const result = await receiveDrives({
    ...rest,
    drives: expected.map(({ drive }) => drive),
    onProgress: (rows) => {
      onProgress?.(rows)
      reporter.show(rows)
    },
  })
  await reporter.settled()
  for (const drive of result.report.drives) await conclude(station, drive)
  return result
}

/** @throws TransferError SERVICE_REFUSED for a job that waits for other drives, or was cancelled */
async function reportReceived(station: StationClient, expected: readonly ExpectedDrive[]): Promise<void> {
  const jobs = new Map<string, StationJob>()
  for (const { driveId, job } of expected) {
    const known = job.drives.find((drive) => drive.driveId === driveId)?.state
    const isNew = known === 'Specified' || known === 'NeverReceived'
    jobs.set(job.name, isNew ? await station.reportDrive(driveId, { state: 'Received' }) : job)
  }
  for (const { name, cancelRequested, state, drives } of jobs.values()) {
    if (cancelRequested) {
      throw new TransferError('SERVICE_REFUSED', `Job ${name} was cancelled; its drives are sent back as they are.`, {
        hint: `When they are packed: diskferry job return ${name} --carrier … --tracking …`,
      })
    }
    if (state !== 'Shipping') continue
    const awaited = drives.filter((drive) => drive.state === 'Specified').map(({ driveId }) => driveId)
    throw new TransferError('SERVICE_REFUSED', `Job ${name} still waits for drive ${awaited.join(', ')}.`, {
      hint: `Give all of its drives, or say what was in the package: diskferry job arrived ${name} [--missing DRIVEID]`,
    })
  }
}

/** Progress goes out now and then, one report after the other; one that is lost is made up for by the next. */
class ProgressReporter {
  #lastMs = 0
  #sending: Promise<unknown> = Promise.resolve()
  #isSending = false

  constructor(
    private readonly station: StationClient,
    private readonly expected: readonly ExpectedDrive[],
    private readonly everyMs: number,
  ) {}

  show(rows: readonly DriveProgress[]): void {
    const nowMs = performance.now()
    if (this.#isSending || nowMs - this.#lastMs < this.everyMs) return
    this.#lastMs = nowMs
    this.#isSending = true
    this.#sending = this.#send(rows)
      .catch(() => {})
      .finally(() => {
        this.#isSending = false
      })
  }

  settled(): Promise<unknown> {
    return this.#sending
  }

  async #send(rows: readonly DriveProgress[]): Promise<void> {
    for (const { path, activity, bytesDone, bytesTotal } of rows) {
      const driveId = this.expected.find(({ drive }) => drive.path === path)?.driveId
      if (driveId === undefined || activity !== 'importing' || bytesTotal === 0) continue
      const percentComplete = Math.min(99, Math.floor((100 * bytesDone) / bytesTotal))
      await this.station.reportDrive(driveId, { percentComplete, bytesSucceeded: bytesDone })
    }
  }
}

// A drive that was interrupted stays "being imported": the same command goes on with it.
async function conclude(station: StationClient, drive: ReceivedDrive): Promise<void> {
  const { driveId, status, bytesImported, bytesThere, logs } = drive
  const outcome = driveOutcome(drive)
  const isOpen = outcome === 'failed' && status === 'InternalError'
  const state = outcome === 'complete' ? ('Completed' as const) : ('CompletedMoreInfo' as const)
  // A log that could not be sent, or went into a folder, has no address that anybody else could open.
  const logUri = (kind: 'error' | 'verbose' | 'manifest') =>
    logs.find((log) => log.kind === kind && /^https?:/.test(log.location))?.location
  const [errorLogUri, verboseLogUri, manifestUri] = [logUri('error'), logUri('verbose'), logUri('manifest')]
  await station.reportDrive(driveId, {
    ...(isOpen ? {} : { state }),
    copyStatus: status,
    bytesSucceeded: bytesImported + bytesThere,
    ...(errorLogUri === undefined ? {} : { errorLogUri }),
    ...(verboseLogUri === undefined ? {} : { verboseLogUri }),
    ...(manifestUri === undefined ? {} : { manifestUri }),
  })
}
