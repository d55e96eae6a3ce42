// A drive that arrived: opened read-only, unlocked, and its structures checked, before anything on it is believed.

import { BitlockerVolume, type Secret } from '../addon/bitlocker.js'
import { type Finding, type NtfsTree, NtfsVolume } from '../addon/ntfs.js'
import { hardwareIdOf } from '../drives/drive-id.js'
import { checkVolume, type FoundVolume, findVolume } from '../drives/open-drive.js'
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
  const found = await findVolume(path)
  let volume: BitlockerVolume | undefined
  try {
    const report = await checkVolume(found, secret)
    // Where the copy that was checked does not open, another one may, or the error says why none does.
    volume = report.volume ?? (await BitlockerVolume.unlock(found.device, found.place, secret))
    const ntfs = await NtfsVolume.open(volume)
    const findings: Finding[] = [...found.tableFindings, ...report.findings, ...(await ntfs.check())]
    refuseDamaged(path, findings)
    const tree = await ntfs.readTree()
    const unlocked = volume
    return {
      path,
      found,
      volume,
      ntfs,
      tree,
      index: new FileIndex(tree),
      hardwareId: await hardwareIdOf(path),
      findings,
      checked: [
        found.isPartitioned ? 'partition table' : 'volume without a partition table',
        'BitLocker: boot sector, three metadata copies, seal, keys',
        'NTFS: every record, index and run against $Bitmap',
      ],
      async close() {
        unlocked.close()
        await found.device.close()
      },
    }
  } catch (error) {
    volume?.close()
    await found.device.close()
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
