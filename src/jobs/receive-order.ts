// Receiving by the order book of a service: which drives are expected, the keys and manifest hashes that open and prove them,
// and reports that let whoever sent them see what arrives.

import type { DriveProgress } from '../drives/drive-progress.js'
import { TransferError } from '../errors.js'
import { chooseKey, type KeyCandidate } from '../receive/choose-key.js'
import type { ReceiveDrive } from '../receive/receive-drive.js'
import { type ReceiveRequest, type ReceiveResult, receiveDrives } from '../receive/receive-drives.js'
import { driveOutcome, type ReceivedDrive } from '../reports/receive-report.js'
import type { StationClient, StationJob } from './station-client.js'

export interface OrderedReceive extends Omit<ReceiveRequest, 'drives' | 'job'> {
  /** Devices or images that arrived. */
  paths: readonly string[]
  station: StationClient
  /** How often progress is reported; 2000. */
  reportEveryMs?: number
}

interface ExpectedDrive {
  drive: ReceiveDrive
  driveId: string
  job: StationJob
}

/** @throws TransferError KEY_MISSING when no open job lists any drive; KEY_WRONG when none of them is this one; SERVICE_* */
export async function receiveOrdered(request: OrderedReceive): Promise<ReceiveResult> {
  const { paths, station, reportEveryMs = 2000, onProgress, ...rest } = request
  const expected = await expectDrives(paths, station)
  for (const { driveId, job } of expected) {
    const known = job.drives.find((drive) => drive.driveId === driveId)?.state
    if (known === 'Specified' || known === 'NeverReceived') await station.reportDrive(driveId, { state: 'Received' })
  }
  for (const { driveId } of expected) await station.reportDrive(driveId, { state: 'Transferring' })
  const reporter = new ProgressReporter(station, expected, reportEveryMs)
  const [first] = expected
  const result = await receiveDrives({
    ...rest,
    drives: expected.map(({ drive }) => drive),
    ...(first === undefined ? {} : { job: first.job.name }),
    onProgress: (rows) => {
      onProgress?.(rows)
      reporter.show(rows)
    },
  })
  await reporter.settled()
  for (const drive of result.report.drives) await conclude(station, drive)
  return result
}

async function expectDrives(paths: readonly string[], station: StationClient): Promise<ExpectedDrive[]> {
  const jobs = await station.jobs()
  const candidates = jobs.flatMap((job) =>
    job.drives
      .filter(({ state }) => state !== 'Completed' && state !== 'ShippedBack')
      .map((drive) => ({ job, driveId: drive.driveId, ...candidateOf(drive) })),
  )
  if (candidates.length === 0) {
    throw new TransferError('KEY_MISSING', `None of the ${jobs.length} open jobs waits for a drive.`, {
      hint: 'Was the job created, and its package declared sent? See: diskferry job status',
    })
  }
  const expected: ExpectedDrive[] = []
  for (const path of paths) {
    // A key that is the only one is taken unseen; twice in the list it is tried: a stranger's drive is not taken for ours.
    const tried = candidates.length === 1 ? [...candidates, ...candidates] : candidates
    const found = (await chooseKey(path, tried)) as (typeof candidates)[number]
    const { secret, expected: manifest, manifestFile, job, driveId } = found
    const drive = { path, secret, expected: manifest, expectedFrom: 'the job' as const }
    if (expected.some((other) => other.driveId === driveId)) {
      throw new TransferError('JOB_RULES_BROKEN', `${path} is drive ${driveId} of job ${job.name} once more.`)
    }
    expected.push({ drive: manifestFile === undefined ? drive : { ...drive, manifestFile }, driveId, job })
  }
  return expected
}

function candidateOf(drive: StationJob['drives'][number]): KeyCandidate {
  const { driveId, bitLockerKey, manifestFile, manifestHash } = drive
  return {
    secret: { kind: 'recovery-password', password: bitLockerKey },
    expected: { driveId, manifestHash },
    manifestFile,
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

/** When everything of a job is done, its drives can be packed: such jobs are moved on, and returned. */
export async function packFinishedJobs(station: StationClient): Promise<StationJob[]> {
  const isDone = (state: string) => ['Completed', 'CompletedMoreInfo', 'NeverReceived'].includes(state)
  const ready = (await station.jobs()).filter(
    (job) => job.state === 'Transferring' && job.drives.every(({ state }) => isDone(state)),
  )
  const packed: StationJob[] = []
  for (const job of ready) packed.push(await station.reportJob(job, { state: 'Packaging' }))
  return packed
}
