// Every disk of this machine with what is on it, and whether it can be shipped: what `diskferry drives` shows. The import
// service takes bare SATA disks with 512-byte logical sectors; other disks can be prepared all the same.

import { type BlockFacts, readBlockFacts } from './block-facts.js'
import { devicesOn, mountsOf, refuseDevice } from './refuse-unsafe.js'
import { type LsblkDevice, runLsblk } from './run-lsblk.js'

export interface DrivePartition {
  path: string
  sizeBytes: number
  fileSystem?: string
  label?: string
  mountPoints: string[]
}

export interface DriveFit {
  ok: boolean
  /** Why it cannot be shipped as it is; empty when `ok`. */
  reasons: string[]
  /** What to look at before shipping. */
  warnings: string[]
}

export interface Drive {
  path: string
  /** A loop device is for tests: the file behind it is not a drive that travels. */
  kind: 'disk' | 'loop'
  model: string
  /** Without blanks, as it becomes the DriveId. */
  serial?: string
  sizeBytes: number
  logicalSectorBytes: number
  physicalSectorBytes: number
  /** sata, usb, nvme, …; empty when unknown. */
  transport: string
  isReadOnly: boolean
  isRemovable: boolean
  /** What is on it, in words. */
  contents: string
  partitions: DrivePartition[]
  /** Of the disk itself and of everything on it. */
  mountPoints: string[]
  /** For a loop device: the file behind it. */
  backingFile?: string
  fit: DriveFit
}

/** @throws TransferError TOOL_MISSING, TOOL_FAILED */
export async function listDrives(): Promise<Drive[]> {
  return describeDevices(await runLsblk(), await readBlockFacts())
}

/** Disks and attached loop devices, in lsblk's order. Compressed memory, optical drives and empty readers are left out. */
export function describeDevices(devices: readonly LsblkDevice[], facts: BlockFacts): Drive[] {
  return devices
    .filter((device) => (device.type === 'disk' || device.type === 'loop') && Number(device.size) > 0)
    .filter((device) => !/^(zram|ram)\d/.test(device.name))
    .map((device) => describe(device, facts))
}

function describe(device: LsblkDevice, facts: BlockFacts): Drive {
  const known = facts.devices.find((candidate) => candidate.number === device['maj:min'])
  const stack = known === undefined ? [] : devicesOn(known, facts)
  const partitions = (device.children ?? []).map((child) => partitionOf(child, facts))
  const drive: Drive = {
    path: device.path,
    kind: device.type === 'loop' ? 'loop' : 'disk',
    model: modelOf(device),
    sizeBytes: Number(device.size),
    logicalSectorBytes: Number(device['log-sec'] ?? 512),
    physicalSectorBytes: Number(device['phy-sec'] ?? 512),
    transport: device.tran ?? '',
    isReadOnly: isSet(device.ro),
    isRemovable: isSet(device.rm) || isSet(device.hotplug),
    contents: contentsOf(device, known?.backingFile),
    partitions,
    mountPoints: stack.flatMap((member) => mountsOf(member, facts)).map((mount) => mount.mountPoint),
    fit: { ok: false, reasons: [], warnings: [] },
  }
  const serial = (device.serial ?? '').replaceAll(/\s/g, '')
  if (serial !== '') drive.serial = serial
  if (known?.backingFile !== undefined) drive.backingFile = known.backingFile
  const refusal = known === undefined ? undefined : refuseDevice(known, facts)
  drive.fit = fitForShipping(drive, refusal?.reason)
  return drive
}

function partitionOf(child: LsblkDevice, facts: BlockFacts): DrivePartition {
  const known = facts.devices.find((candidate) => candidate.number === child['maj:min'])
  const mounts = known === undefined ? [] : devicesOn(known, facts).flatMap((member) => mountsOf(member, facts))
  const partition: DrivePartition = {
    path: child.path,
    sizeBytes: Number(child.size ?? 0),
    mountPoints: mounts.map((mount) => mount.mountPoint),
  }
  if (child.fstype) partition.fileSystem = child.fstype
  if (child.label) partition.label = child.label
  return partition
}

function fitForShipping(drive: Drive, refusal: string | undefined): DriveFit {
  const reasons: string[] = []
  const warnings: string[] = []
  if (refusal !== undefined) reasons.push(refusal)
  if (drive.kind === 'loop') reasons.push('is a loop device: for tests')
  else {
    if (drive.serial === undefined) reasons.push('has no serial number, which the import job asks for')
    if (drive.transport === 'usb') {
      warnings.push('USB: the bare disk must be shipped, without its adaptor; the adaptor may hide its serial number')
    } else if (drive.transport !== 'sata' && drive.transport !== 'ata') {
      reasons.push(`is no SATA disk (${drive.transport === '' ? 'unknown' : drive.transport})`)
    }
  }
  if (drive.logicalSectorBytes !== 512) {
    reasons.push(`shows sectors of ${drive.logicalSectorBytes} bytes; the service takes only 512`)
  }
  return { ok: reasons.length === 0, reasons, warnings }
}

function contentsOf(device: LsblkDevice, backingFile: string | undefined): string {
  const children = device.children ?? []
  const kinds = children.map((child) => child.fstype || 'unknown')
  const behind = backingFile === undefined ? '' : ` (file ${backingFile})`
  if (children.length > 0) {
    const table = device.pttype ? `${device.pttype} ` : ''
    return `${table}${children.length === 1 ? 'partition' : `${children.length} partitions`}: ${kinds.join(', ')}${behind}`
  }
  if (device.fstype) return `${device.fstype}${device.label ? ` "${device.label}"` : ''}${behind}`
  return `${device.pttype ? `${device.pttype} table without partitions` : 'nothing recognised'}${behind}`
}

function modelOf(device: LsblkDevice): string {
  const model = (device.model ?? '').trim()
  // ATA disks behind SCSI all have the vendor "ATA", which says nothing; numbers are PCI vendors of virtual disks.
  const vendor = (device.vendor ?? '').trim()
  return vendor === '' || vendor === 'ATA' || vendor.startsWith('0x') ? model : `${vendor} ${model}`.trim()
}

/** JSON of older lsblk has "0" and "1" for flags. */
function isSet(flag: boolean | string | null | undefined): boolean {
  return flag === true || flag === '1'
}
