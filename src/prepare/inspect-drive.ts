// The structures of a drive, checked: the partition table, BitLocker without a key, and with one also NTFS.

import type { BitlockerReport, Secret } from '../addon/bitlocker.js'
import { NtfsVolume } from '../addon/ntfs.js'
import { checkVolume, findVolume } from '../drives/open-drive.js'
import type { CheckFinding } from './check-finding.js'

export interface InspectReport {
  findings: CheckFinding[]
  sound: boolean
  volume: { offsetBytes: number; sizeBytes: number }
  bitlocker: BitlockerReport['info']
  unlocked: boolean
  /** What was looked at, in words. */
  checked: string[]
}

/** @throws TransferError when there is no volume at all, or the key does not fit; damage that is found is in the report. */
export async function inspectDrive(path: string, secret?: Secret): Promise<InspectReport> {
  const found = await findVolume(path)
  try {
    const { volume, info, findings: bitlockerFindings } = await checkVolume(found, secret)
    const unlocked = volume !== undefined
    const findings: CheckFinding[] = [...found.tableFindings, ...bitlockerFindings]
    const checked = [
      found.isPartitioned ? 'partition table' : 'volume without a partition table',
      unlocked ? 'BitLocker structures, seal and keys' : 'BitLocker structures without a key',
    ]
    if (volume !== undefined) {
      try {
        const ntfs = await NtfsVolume.open(volume)
        findings.push(...(await ntfs.check()))
        checked.push('NTFS: every record, index and run against $Bitmap')
      } finally {
        volume.close()
      }
    }
    const sound = !findings.some((finding) => finding.severity === 'damage')
    return { findings, sound, volume: found.place, bitlocker: info, unlocked, checked }
  } finally {
    await found.device.close()
  }
}
