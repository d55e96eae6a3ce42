// What the kernel says about block devices, as plain data: every disk and partition with what is built on it, what is
// mounted and what is swapped to. Read from sysfs and procfs, never from names: a name says nothing about a device.

import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseMounts, parseSwaps } from './mount-tables.js'

export interface BlockDevice {
  /** Kernel name, for example sda1 or dm-0. */
  name: string
  /** major:minor. */
  number: string
  sizeBytes: number
  isReadOnly: boolean
  /** Name of the whole disk; only for a partition. */
  disk?: string
  /** Where a partition begins on its disk. */
  startBytes?: number
  /** Devices built on this one: device-mapper, md, bcache. */
  holders: string[]
  /** For a loop device that is attached: real path of its file. */
  backingFile?: string
  /** Where in that file it begins. */
  backingOffsetBytes?: number
  /** Name under /dev/mapper. */
  mapperName?: string
}

export interface Mount {
  /** major:minor; 0:n for file systems such as btrfs, which then name their device as the source. */
  number: string
  source: string
  mountPoint: string
}

export interface BlockFacts {
  devices: BlockDevice[]
  mounts: Mount[]
  /** Real paths of swap devices and files. */
  swaps: string[]
}

const sectorBytes = 512

/** The roots are parameters so that tests can describe machines that are not there. */
export async function readBlockFacts(sysRoot = '/sys', procRoot = '/proc'): Promise<BlockFacts> {
  // Without sysfs no device is known, so none is accepted; image files are.
  const names = await readdir(join(sysRoot, 'class/block')).catch(() => [])
  const devices = await Promise.all(names.sort().map((name) => readDevice(join(sysRoot, 'class/block'), name)))
  const mounts = parseMounts(await readFile(join(procRoot, 'self/mountinfo'), 'utf8'))
  const swaps = parseSwaps(await readText(join(procRoot, 'swaps')))
  return {
    devices: devices.filter((device) => device !== undefined),
    mounts,
    swaps: await Promise.all(swaps.map((path) => realpath(path).catch(() => path))),
  }
}

/** Undefined for a device that went away meanwhile. */
async function readDevice(folder: string, name: string): Promise<BlockDevice | undefined> {
  const path = join(folder, name)
  const number = await readText(join(path, 'dev'))
  if (number === '') return undefined
  const isPartition = (await readText(join(path, 'partition'))) !== ''
  const backingFile = await readText(join(path, 'loop/backing_file'))
  const mapperName = await readText(join(path, 'dm/name'))
  const device: BlockDevice = {
    // sysfs writes a slash in a device name as an exclamation mark.
    name: name.replaceAll('!', '/'),
    number,
    sizeBytes: Number(await readText(join(path, 'size'))) * sectorBytes,
    isReadOnly: (await readText(join(path, 'ro'))) === '1',
    holders: await readdir(join(path, 'holders')).catch(() => []),
  }
  if (isPartition) {
    const place = await readlink(path).catch(() => undefined)
    if (place === undefined) return undefined
    device.disk = basename(dirname(place))
    device.startBytes = Number(await readText(join(path, 'start'))) * sectorBytes
  }
  if (backingFile !== '') {
    device.backingFile = backingFile
    device.backingOffsetBytes = Number(await readText(join(path, 'loop/offset')))
  }
  if (mapperName !== '') device.mapperName = mapperName
  return device
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}
