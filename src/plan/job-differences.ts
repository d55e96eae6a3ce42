// Whether a job that the service has is the one that is asked for: so that asking twice makes one, and asking for another one
// under the same name is noticed.

import type { ImportJob, JobDriveRequest, JobRequest } from '../formats/import-job.js'
import { sameLocation } from './job-rules.js'

/**
 * What differs, in words; empty for the same job. What the request leaves open is not compared, and neither is what
 * happened to the job since.
 * @param keys recovery passwords as the service has them, when it was asked; they are compared and not shown.
 */
export function jobDifferences(request: JobRequest, job: ImportJob, keys?: ReadonlyMap<string, string>): string[] {
  const differences: string[] = []
  const compare = (name: string, asked: unknown, found: unknown) => {
    if (asked !== undefined && plain(asked) !== plain(found)) {
      differences.push(`${name} is ${text(found)}, asked for is ${text(asked)}`)
    }
  }
  if (!sameLocation(request.location, job.location)) {
    differences.push(`location is ${text(job.location)}, asked for is ${text(request.location)}`)
  }
  compare('storageAccountId', request.storageAccountId, job.storageAccountId)
  compare('jobType', 'Import', job.jobType || 'Import')
  compare('diagnosticsPath', request.diagnosticsPath, job.diagnosticsPath)
  compare('logLevel', request.logLevel, job.logLevel)
  compare('backupDriveManifest', request.backupDriveManifest, job.backupDriveManifest)
  for (const part of ['returnAddress', 'returnShipping'] as const) {
    for (const [name, asked] of Object.entries(request[part] ?? {})) {
      compare(`${part}.${name}`, asked, (job[part] as Record<string, string> | undefined)?.[name])
    }
  }
  return [...differences, ...driveDifferences(request.drives, job, keys)]
}

function driveDifferences(
  drives: readonly JobDriveRequest[],
  job: ImportJob,
  keys: ReadonlyMap<string, string> | undefined,
): string[] {
  const found = new Map(job.drives.map((drive) => [drive.driveId, drive]))
  const differences = drives.flatMap(({ driveId, manifestHash, manifestFile, bitLockerKey }) => {
    const drive = found.get(driveId)
    found.delete(driveId)
    if (drive === undefined) return [`drive ${driveId} is not in it`]
    const wrong: string[] = []
    if (plain(drive.manifestHash) !== plain(manifestHash)) {
      wrong.push(`the manifest of drive ${driveId} is ${text(drive.manifestHash)}, asked for is ${text(manifestHash)}`)
    }
    if (plain(drive.manifestFile) !== plain(manifestFile)) {
      wrong.push(
        `the manifest of drive ${driveId} lies at ${text(drive.manifestFile)}, asked for is ${text(manifestFile)}`,
      )
    }
    const key = keys?.get(driveId)
    if (key !== undefined && key !== bitLockerKey)
      wrong.push(`the recovery password of drive ${driveId} is another one`)
    return wrong
  })
  return [...differences, ...[...found.keys()].map((driveId) => `drive ${driveId} is in it and was not asked for`)]
}

function plain(value: unknown): string {
  return String(value ?? '').toLowerCase()
}

function text(value: unknown): string {
  return JSON.stringify(value ?? '')
}
