// A prepared or shipped drive, opened for reading: the device, the first data partition (or a bare volume), BitLocker, NTFS.

import { type BitlockerReport, BitlockerVolume, checkBitlocker, type Secret } from '../addon/bitlocker.js'
import { Device } from '../addon/device.js'
import { NtfsVolume } from '../addon/ntfs.js'
import { TransferError } from '../errors.js'
import { readPartitions } from './partition-disk.js'

export interface VolumePlace {
  /** Bytes from the start of the device. */
  offsetBytes: number
  sizeBytes: number
}

export interface FoundVolume {
  device: Device
  place: VolumePlace
  /** What is wrong with the partition table, in sentences; empty for a sound one and for a bare volume. */
  tableFindings: { severity: 'note' | 'warning' | 'damage'; code: string; structure: string; message: string }[]
  isPartitioned: boolean
}

/** Opens for reading and finds the volume; the caller closes `device`. @throws TransferError PARTITION_MISSING. */
export async function findVolume(path: string, logicalSectorBytes?: 512 | 4096): Promise<FoundVolume> {
  const sector = logicalSectorBytes === undefined ? {} : { logicalSectorBytes }
  const device = await Device.open(path, { access: 'read', ...sector })
  try {
    if (await isBareVolume(device)) {
      const place = { offsetBytes: 0, sizeBytes: device.sizeBytes }
      return { device, place, tableFindings: [], isPartitioned: false }
    }
    const table = await readPartitions(device)
    const partition = table.partitions.find((candidate) => candidate.isBasicData)
    if (partition === undefined) {
      const message = `${path} has no basic data partition; ${table.partitions.length} others were found.`
      throw new TransferError('PARTITION_MISSING', message, {
        path,
        hint: 'Is it a drive that was prepared for shipping?',
      })
    }
    const place = { offsetBytes: partition.offsetBytes, sizeBytes: partition.sizeBytes }
    return { device, place, tableFindings: table.findings, isPartitioned: true }
  } catch (error) {
    await device.close()
    throw error
  }
}

async function isBareVolume(device: Device): Promise<boolean> {
  const start = await device.read(0, 4096)
  const name = start.toString('latin1', 3, 11)
  return name === '-FVE-FS-' || start.toString('latin1', 0x36, 0x3b) === 'FAT  ' || name === 'MSWIN4.1'
}

export interface OpenedDrive extends FoundVolume {
  volume: BitlockerVolume
  ntfs: NtfsVolume
  close(): Promise<void>
}

/** Opens, unlocks and mounts for reading. @throws TransferError VOLUME_*, KEY_*, NTFS_*. */
export async function openDrive(path: string, secret: Secret, logicalSectorBytes?: 512 | 4096): Promise<OpenedDrive> {
  const found = await findVolume(path, logicalSectorBytes)
  let volume: BitlockerVolume | undefined
  try {
    volume = await BitlockerVolume.unlock(found.device, found.place, secret)
    const ntfs = await NtfsVolume.open(volume)
    const unlocked = volume
    return {
      ...found,
      volume,
      ntfs,
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

export interface CheckedDrive extends FoundVolume {
  volume: BitlockerVolume
  /** Of the partition table and of BitLocker; damage is told, not thrown. */
  findings: FoundVolume['tableFindings']
  /** What was looked at, in words. */
  checked: string[]
  close(): Promise<void>
}

/** Opens, checks partition table and BitLocker, unlocks. @throws TransferError PARTITION_MISSING, VOLUME_*, KEY_*. */
export async function openCheckedDrive(path: string, secret: Secret): Promise<CheckedDrive> {
  const found = await findVolume(path)
  try {
    const report = await checkVolume(found, secret)
    // Where the copy that was checked does not open, another one may, or the error says why none does.
    const volume = report.volume ?? (await BitlockerVolume.unlock(found.device, found.place, secret))
    return {
      ...found,
      volume,
      findings: [...found.tableFindings, ...report.findings],
      checked: [
        found.isPartitioned ? 'partition table' : 'volume without a partition table',
        'BitLocker: boot sector, three metadata copies, seal, keys',
      ],
      async close() {
        volume.close()
        await found.device.close()
      },
    }
  } catch (error) {
    await found.device.close()
    throw error
  }
}

/** The BitLocker checks alone, with or without a key. The caller closes the volume that a key opened. */
export async function checkVolume(found: FoundVolume, secret?: Secret): Promise<BitlockerReport> {
  return checkBitlocker(found.device, found.place, secret)
}
