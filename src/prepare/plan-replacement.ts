// Plans the files of one drive of a session anew, onto other drives: from its stored plan, not from the sources, so that the
// session still holds exactly what was planned. A source that changed since is found when it is copied, as everywhere.

import type { BitlockerMethod } from '../addon/bitlocker.js'
import { TransferError } from '../errors.js'
import type { DrivePlan } from '../formats/drive-plan.js'
import { splitDrivePlan } from '../plan/split-drive-plan.js'
import { formatBytes } from '../reports/format-bytes.js'
import { defaultClusterBytes, type EmptyVolume, emptyVolume } from './empty-volume.js'
import { type LayOutRequest, layOutDrives } from './lay-out-drives.js'
import type { SessionPlan } from './plan-session.js'
import type { DriveTarget } from './resolve-drives.js'

/**
 * @param stored the plan of the drive that is given up.
 * @param diskBytes size of that drive.
 * @throws TransferError DRIVES_FULL, FILE_TOO_LARGE, DRIVE_UNFIT, PLAN_INVALID.
 */
export async function planReplacement(
  stored: DrivePlan,
  diskBytes: number,
  targets: readonly DriveTarget[],
): Promise<SessionPlan> {
  const { sessionId, driveId, method, label, volume } = stored.header
  const split = splitDrivePlan(stored)
  // A cluster size that was asked for stays; the default is the new drive's own.
  const isDefault = volume.clusterBytes === defaultClusterBytes(diskBytes)
  const options = isDefault ? { label } : { label, clusterBytes: volume.clusterBytes }
  const volumes: EmptyVolume[] = []
  for (const target of targets) volumes.push(await emptyVolume(target, options))
  const tooSmall: LayOutRequest['tooSmall'] = ({ leftOver, leftOverBytes, capacityBytes }) => {
    const bytes = split.tree.fileSizeBytes.reduce((sum, size) => sum + size, 0)
    const what = `${split.tree.fileSizeBytes.length} files, ${bytes} bytes`
    const hold = volumes.length === 1 ? 'The new drive holds' : `The ${volumes.length} new drives hold`
    const message =
      `${hold} ${capacityBytes} bytes, too little for what drive ${driveId} was to hold (${what}): ` +
      `${leftOver} files (${leftOverBytes} bytes) are left over.`
    return new TransferError('DRIVES_FULL', message, {
      hint: `Nothing was written. Give a drive that is ${formatBytes(leftOverBytes)} larger, or one more --drive.`,
    })
  }
  const { tree, sources, blobs, lists } = split
  const laidOut = await layOutDrives({
    sessionId,
    method: method as BitlockerMethod,
    label,
    tree,
    sources,
    blobs,
    lists,
    volumes,
    tooSmall,
  })
  return { sessionId, ...laidOut, skipped: [], replaces: driveId }
}
