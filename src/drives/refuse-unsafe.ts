// Which devices and files may never be written: mounted, part of the running system, in use, read-only, or only a part of a
// disk. No flag overrides this. The rules are pure over what the kernel says; opening with O_EXCL afterwards closes the gap
// that remains (mounts of other namespaces, programs that hold the device).

import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { type ErrorCode, TransferError } from '../errors.js'
import { shellWord } from '../formats/shell-word.js'
import { type BlockDevice, type BlockFacts, type Mount, readBlockFacts } from './block-facts.js'

export interface Refusal {
  code: ErrorCode
  /** A clause that follows the name of the device: `is mounted at /mnt`. */
  reason: string
  hint?: string
}

export interface SafeDrive {
  /** Real path: links such as /dev/disk/by-id are followed. */
  path: string
  kind: 'block' | 'file'
}

export interface SafetyOptions {
  /** A partition may be written: what is on the rest of its disk stays. */
  allowPartition?: boolean
}

const systemMounts = new Set(['/', '/boot', '/boot/efi', '/efi', '/usr', '/var', '/etc', '/nix'])

/** Why this device must not be written, or undefined. */
export function refuseDevice(
  device: BlockDevice,
  facts: BlockFacts,
  { allowPartition = false }: SafetyOptions = {},
): Refusal | undefined {
  if (device.disk !== undefined && !allowPartition) {
    const reason = `is a partition of /dev/${device.disk}`
    return { code: 'DRIVE_UNFIT', reason, hint: `Give the whole disk, /dev/${device.disk}: it is partitioned anew.` }
  }
  const stack = devicesOn(device, facts)
  const mounts = stack.flatMap((member) => mountsOf(member, facts).map((mount) => ({ member, mount })))
  const system = mounts.find(({ mount }) => systemMounts.has(mount.mountPoint))
  if (system !== undefined) {
    const reason = `holds the running system (${place(system.member, device)} is ${system.mount.mountPoint})`
    return { code: 'DRIVE_SYSTEM', reason }
  }
  const [mounted] = mounts
  if (mounted !== undefined) {
    const reason = `is mounted (${place(mounted.member, device)} at ${mounted.mount.mountPoint})`
    return { code: 'DRIVE_MOUNTED', reason, hint: `Unmount it first: umount ${shellWord(mounted.mount.mountPoint)}` }
  }
  const swap = stack.find((member) => facts.swaps.some((path) => isPathOf(path, member)))
  if (swap !== undefined) {
    const reason = `is used for swap (${place(swap, device)})`
    return { code: 'DRIVE_MOUNTED', reason, hint: `Stop it first: swapoff /dev/${swap.name}` }
  }
  const held = stack.find((member) => member.holders.length > 0)
  if (held !== undefined) {
    const reason = `is in use by ${held.holders.map((name) => holderName(name, facts)).join(', ')}`
    return { code: 'DEVICE_IN_USE', reason, hint: 'Close the mapping, volume group or array on it first.' }
  }
  if (device.isReadOnly) return { code: 'DEVICE_READ_ONLY', reason: 'is read-only' }
  if (device.sizeBytes === 0) return { code: 'DRIVE_UNFIT', reason: 'has no medium' }
  return undefined
}

/** Why this regular file must not be written as a drive image, or undefined. `path` is its real path. */
export function refuseFile(path: string, facts: BlockFacts): Refusal | undefined {
  const loop = facts.devices.find((device) => device.backingFile === path)
  if (loop !== undefined) {
    const reason = `is in use as the loop device /dev/${loop.name}`
    return { code: 'DEVICE_IN_USE', reason, hint: `Detach it first: losetup --detach /dev/${loop.name}` }
  }
  if (facts.swaps.includes(path)) {
    return { code: 'DRIVE_MOUNTED', reason: 'is used for swap', hint: `Stop it first: swapoff ${path}` }
  }
  return undefined
}

/** A device with its partitions, and everything that is built on any of them. */
export function devicesOn(device: BlockDevice, facts: BlockFacts): BlockDevice[] {
  const found = new Set([device])
  for (const member of found) {
    for (const other of facts.devices) {
      if (other.disk === member.name || member.holders.includes(other.name)) found.add(other)
    }
  }
  return [...found]
}

/** The file that a loop device, or a partition of one, is. */
export function fileBehind(number: string, { devices }: BlockFacts): string | undefined {
  const device = devices.find((candidate) => candidate.number === number)
  return devices.find(({ name }) => name === (device?.disk ?? device?.name))?.backingFile
}

export function mountsOf(device: BlockDevice, facts: BlockFacts): Mount[] {
  return facts.mounts.filter((mount) => mount.number === device.number || isPathOf(mount.source, device))
}

function isPathOf(path: string, device: BlockDevice): boolean {
  return (
    path === `/dev/${device.name}` || (device.mapperName !== undefined && path === `/dev/mapper/${device.mapperName}`)
  )
}

function place(member: BlockDevice, device: BlockDevice): string {
  return member === device ? 'itself' : `/dev/${member.mapperName ? `mapper/${member.mapperName}` : member.name}`
}

function holderName(name: string, facts: BlockFacts): string {
  const mapperName = facts.devices.find((device) => device.name === name)?.mapperName
  return mapperName === undefined ? name : `${name} (${mapperName})`
}

/**
 * Checks a device or image file that is about to be written. Nothing is changed.
 * @throws TransferError DEVICE_NOT_FOUND, DEVICE_UNSUPPORTED, DEVICE_ACCESS_DENIED, DEVICE_READ_ONLY, DEVICE_IN_USE,
 *   DRIVE_MOUNTED, DRIVE_SYSTEM, DRIVE_UNFIT
 */
export async function checkDriveIsSafe(path: string, options: SafetyOptions = {}): Promise<SafeDrive> {
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'EACCES' ? 'DEVICE_ACCESS_DENIED' : 'DEVICE_NOT_FOUND'
    throw new TransferError(code, `${path} cannot be found: ${cause.message}.`, { cause, path })
  })
  const found = await stat(real)
  const facts = await readBlockFacts()
  if (found.isBlockDevice()) {
    const number = deviceNumber(found.rdev)
    const device = facts.devices.find((candidate) => candidate.number === number)
    if (device === undefined) {
      const message = `${path} is block device ${number}, of which the kernel says nothing in /sys: it cannot be checked.`
      throw new TransferError('DRIVE_UNFIT', message, { path })
    }
    refuse(path, real, refuseDevice(device, facts, options))
  } else if (found.isFile()) {
    refuse(path, real, refuseFile(real, facts))
  } else {
    const message = `${path} is neither a block device nor a regular file.`
    throw new TransferError('DEVICE_UNSUPPORTED', message, { path })
  }
  await checkAccess(real)
  return { path: real, kind: found.isFile() ? 'file' : 'block' }
}

function refuse(path: string, real: string, refusal: Refusal | undefined): void {
  if (refusal === undefined) return
  const name = path === real ? path : `${path} (${real})`
  const hint = refusal.hint === undefined ? {} : { hint: refusal.hint }
  throw new TransferError(refusal.code, `${name} ${refusal.reason}.`, { path, ...hint })
}

async function checkAccess(path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EROFS') {
      throw new TransferError('DEVICE_READ_ONLY', `${path} is on a read-only file system.`, { cause, path })
    }
    throw new TransferError('DEVICE_ACCESS_DENIED', `${path} may not be read and written by this user.`, {
      cause,
      path,
      hint: 'Run as root, or give the user access to it.',
    })
  })
}

/** major:minor of a stat's rdev: twelve bits of major above the low eight of the minor, its other twelve above those. */
export function deviceNumber(rdev: number): string {
  const bits = rdev >>> 0
  return `${(bits >>> 8) & 0xfff}:${(bits & 0xff) | ((bits >>> 12) & 0xfff00)}`
}
