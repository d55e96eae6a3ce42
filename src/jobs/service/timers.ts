// What time does to a job when nobody does anything. Pure; the service asks before every answer.

import { followDrives, setState } from './station-moves.js'
import { note, type StoredJob } from './stored-job.js'

const dayMs = 24 * 60 * 60 * 1000
/** Without a tracking number a job is deleted; a change starts the time anew. */
export const creatingMs = 14 * dayMs
/** After this long without its package the drives are NeverReceived. */
export const arrivalMs = 14 * dayMs
/** A job in Shipping on which nothing happens is closed. */
export const shippingMs = 30 * dayMs
/** An ended job is removed. */
export const endedMs = 90 * dayMs

/** Changes the job as time demands. @returns why the job is gone, or undefined. */
export function applyTimers(job: StoredJob, now: Date): string | undefined {
  const since = (at: string | undefined) => (at === undefined ? 0 : now.getTime() - Date.parse(at))
  if (job.state === 'Creating' && since(job.modifiedAt) > creatingMs) {
    return 'deleted: no tracking number was given for 14 days'
  }
  if (job.state === 'Shipping') {
    if (since(job.shippedAt) > arrivalMs) missDrives(job, now)
    // What has come is worked on, when some of it has.
    followDrives(job, now)
    if (job.state === 'Shipping' && since(job.shippedAt) > shippingMs) {
      job.finishedAt = new Date(Date.parse(job.shippedAt ?? '') + shippingMs).toISOString()
      setState(job, 'Closed', now, 'nothing arrived for 30 days')
      job.modifiedAt = now.toISOString()
    }
  }
  if ((job.state === 'Completed' || job.state === 'Closed') && since(job.finishedAt) > endedMs) {
    return 'removed: it ended 90 days ago'
  }
  return undefined
}

function missDrives(job: StoredJob, now: Date): void {
  for (const drive of job.drives.filter(({ state }) => state === 'Specified')) {
    drive.state = 'NeverReceived'
    note(job, now, `Drive ${drive.driveId} has not arrived in 14 days`, true)
    job.modifiedAt = now.toISOString()
  }
}
