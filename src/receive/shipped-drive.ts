// A drive that arrived: opened read-only, unlocked, and its structures checked, before anything on it is believed.

import type { BitlockerVolume, Secret } from '../addon/bitlocker.js'
import { type Finding, type NtfsTree, NtfsVolume } from '../addon/ntfs.js'
import { hardwareIdOf } from '../drives/drive-id.js'
import { type FoundVolume, openCheckedDrive } from '../drives/open-drive.js'
import { TransferError } from '../errors.js'
import { FileIndex } from '../plan/file-index.js'

export interface ShippedDrive {
  path: string
  found: FoundVolume
  volume: BitlockerVolume
  ntfs: NtfsVolume
  tree: NtfsTree
  index: FileIndex
  /** Serial number that the disk itself tells; undefined for images and loop devices. */
  hardwareId: string | undefined
  /** Notes and warnings; a drive with damage is not opened. */
  findings: Finding[]
  /** What was looked at, in words. */
  checked: string[]
  close(): Promise<void>
}

/** @throws TransferError PARTITION_MISSING, VOLUME_*, KEY_*, NTFS_*; DRIVE_DAMAGED when a structure is not sound. */
export async function openShippedDrive(path: string, secret: Secret): Promise<ShippedDrive> {
  const drive = await openCheckedDrive(path, secret)
  try {
    const ntfs = await NtfsVolume.open(drive.volume)
    const findings: Finding[] = [...drive.findings, ...(await ntfs.check())]
    refuseDamaged(path, findings)
    const tree = await ntfs.readTree()
    return {
      path,
      found: drive,
      volume: drive.volume,
      ntfs,
      tree,
      index: new FileIndex(tree),
      hardwareId: await hardwareIdOf(path),
      findings,
      checked: [...drive.checked, 'NTFS: every record, index and run against $Bitmap'],
      close: () => drive.close(),
    }
  } catch (error) {
    await drive.close()
    throw error
  }
}

function refuseDamaged(path: string, findings: readonly Finding[]): void {
  const damage = findings.filter((finding) => finding.severity === 'damage')
  if (damage.length === 0) return
  const message = `${path}: ${damage.length} damaged structures; first: ${damage[0]?.message}`
  throw new TransferError('DRIVE_DAMAGED', message, {
    path,
    hint: 'Nothing was imported. See all of them with: diskferry inspect. Files can still be copied out with: diskferry extract',
  })
}
