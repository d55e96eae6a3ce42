// Which job each drive that arrived belongs to, by the keys of the order book, and what that job wants to be kept of it.
// Nothing is reported here and nothing is sent.

import { TransferError } from '../errors.js'
import { logPlace } from '../plan/log-place.js'
import { checkOrderedImports } from '../plan/station-order.js'
import { chooseKey, type KeyCandidate } from '../receive/choose-key.js'
import type { LogSettings, ReceiveDrive } from '../receive/receive-drive.js'
import type { StationClient, StationJob } from './station-client.js'

export interface ExpectedDrive {
  drive: ReceiveDrive
  driveId: string
  job: StationJob
}

/** What is kept beside what the jobs ask for. */
export interface StationLogs {
  verboseLog?: boolean
  backupManifest?: boolean
  /** The only container that the store may be asked for, where its credential is for one: logs go below `waimportexport/` there. */
  onlyContainer?: string
}

/** @throws TransferError KEY_MISSING when no job is open; KEY_WRONG when none of them is this one; JOB_RULES_BROKEN */
export async function expectDrives(
  paths: readonly string[],
  station: StationClient,
  logs: StationLogs,
): Promise<ExpectedDrive[]> {
  const jobs = await station.jobs()
  const candidates = jobs.flatMap((job) =>
    job.drives.map((drive) => ({ job, driveId: drive.driveId, state: drive.state, ...candidateOf(drive) })),
  )
  if (candidates.length === 0) {
    throw new TransferError('KEY_MISSING', 'No job is open here: no drive is expected.', {
      hint: 'Was the job made, and its package declared sent? See: diskferry job list',
    })
  }
  const expected: ExpectedDrive[] = []
  for (const path of paths) {
    // A key that is the only one is taken unseen; twice in the list it is tried: a stranger's drive is not taken for ours.
    const tried = candidates.length === 1 ? [...candidates, ...candidates] : candidates
    const found = (await chooseKey(path, tried)) as (typeof candidates)[number]
    const { secret, expected: manifest, manifestFile, job, driveId } = found
    if (found.state === 'Completed') throw importedBefore(driveId, job)
    if (expected.some((other) => other.driveId === driveId)) {
      throw new TransferError('JOB_RULES_BROKEN', `${path} is drive ${driveId} of job ${job.name} once more.`)
    }
    const drive = { path, secret, expected: manifest, expectedFrom: 'the job' as const, logSettings: logsOf(job, logs) }
    expected.push({ drive: manifestFile === undefined ? drive : { ...drive, manifestFile }, driveId, job })
  }
  return expected
}

function importedBefore(driveId: string, { name }: StationJob): TransferError {
  const message = `Drive ${driveId} of job ${name} is imported already, all of it.`
  const hint = `When the drives of the job are packed: diskferry job return ${name} --carrier … --tracking …`
  return new TransferError('SERVICE_REFUSED', message, { hint })
}

function candidateOf(drive: StationJob['drives'][number]): KeyCandidate {
  const { driveId, bitLockerKey, manifestFile, manifestHash } = drive
  return {
    secret: { kind: 'recovery-password', password: bitLockerKey },
    expected: { driveId, manifestHash },
    manifestFile,
  }
}

/** As the job was ordered: its name, its level of logs, its place for them. */
function logsOf(job: StationJob, logs: StationLogs): LogSettings {
  return {
    job: job.name,
    verboseLog: logs.verboseLog === true || job.logLevel === 'Verbose',
    backupManifest: logs.backupManifest === true || job.backupDriveManifest,
    logs: logPlace(job.diagnosticsPath, logs.onlyContainer),
  }
}

/** Drives of several jobs go into one account together, or not at all. @throws TransferError JOB_RULES_BROKEN */
export function refuseOtherAccount(expected: readonly ExpectedDrive[], storeName: string): void {
  const [broken] = checkOrderedImports(
    expected.map(({ job }) => job),
    storeName,
  )
  if (broken === undefined) return
  throw new TransferError('JOB_RULES_BROKEN', `${broken.code}: ${broken.message}`, {
    hint: 'Nothing was imported. Give the account of the job with --to, and the drives of one account in one call.',
  })
}
