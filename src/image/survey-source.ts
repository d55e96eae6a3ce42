// What is to be captured, from outside: the device itself, whether anybody uses it, and how to know it again. What is on it,
// survey-contents.ts looks at. Nothing is written.

import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Device } from '../addon/device.js'
import { type BlockFacts, readBlockFacts } from '../drives/block-facts.js'
import { listDrives } from '../drives/inventory.js'
import { deviceNumber, devicesOn, fileBehind, mountsOf } from '../drives/refuse-unsafe.js'
import { TransferError } from '../errors.js'
import type { ImagePartition, ImageSource } from '../formats/image-description.js'
import { namesOf } from './image-names.js'
import { refuseInput } from './refuse-input.js'

const fingerprintStartBytes = 1 << 20
const fingerprintPartitionBytes = 64 << 10
const fingerprintPartitionsMax = 64

export interface SourceFacts {
  source: ImageSource
  /** Where it, or something on it, is mounted. */
  mounts: { device: string; mountPoint: string }[]
}

/**
 * @param imagePath may not lie on the device that is captured: it would grow while it is read.
 * @throws TransferError DRIVE_UNFIT, IMAGE_INVALID
 */
export async function sourceFacts(path: string, device: Device, imagePath: string): Promise<SourceFacts> {
  const real = await realpath(path)
  const found = await stat(real)
  const { logicalSectorBytes, physicalSectorBytes, sizeBytes, kind } = device
  if (sizeBytes === 0) throw new TransferError('DRIVE_UNFIT', `${path} has no medium, or no bytes.`, { path })
  if (kind === 'file' && found.size !== sizeBytes) {
    const message = `${path} has ${found.size} bytes, which are no whole sectors of ${logicalSectorBytes}.`
    throw new TransferError('DRIVE_UNFIT', message, { path, hint: 'A device or a raw image of one is wanted.' })
  }
  const source: ImageSource = { path, kind, sizeBytes, logicalSectorBytes, physicalSectorBytes }
  const facts = await readBlockFacts()
  await refuseInput(path, namesOf(imagePath))
  if (kind === 'file') return { source, mounts: mountsOfFile(real, facts) }
  const number = deviceNumber(found.rdev)
  const known = facts.devices.find((candidate) => candidate.number === number)
  const backingFile = fileBehind(number, facts)
  if (backingFile !== undefined) await refuseInput(backingFile, namesOf(imagePath))
  const stack = known === undefined ? [] : devicesOn(known, facts)
  const folder = await stat(dirname(imagePath))
  const holder = stack.find((member) => member.number === deviceNumber(folder.dev))
  if (holder !== undefined) {
    const message = `${imagePath} lies on /dev/${holder.name}, which is a part of what is to be captured.`
    throw new TransferError('DRIVE_UNFIT', message, { path: imagePath, hint: 'Write the image to another device.' })
  }
  const mounts = stack.flatMap((member) =>
    mountsOf(member, facts).map(({ mountPoint }) => ({ device: `/dev/${member.name}`, mountPoint })),
  )
  const drive = (await listDrives()).find((candidate) => candidate.path === real)
  if (drive !== undefined && drive.model !== '') source.model = drive.model
  if (drive?.serial !== undefined) source.serial = drive.serial
  return { source, mounts }
}

/** An image file that is attached as a loop device may be mounted through it. */
function mountsOfFile(real: string, facts: BlockFacts): SourceFacts['mounts'] {
  const loops = facts.devices.filter((device) => device.backingFile === real)
  return loops
    .flatMap((loop) => devicesOn(loop, facts))
    .flatMap((member) =>
      mountsOf(member, facts).map(({ mountPoint }) => ({ device: `/dev/${member.name}`, mountPoint })),
    )
}

/**
 * A digest that changes when a file system on the device was mounted or its partitions were moved, or the file was written
 * to: what was read before and after that belongs to two devices.
 */
export async function sourceFingerprint(device: Device, partitions: readonly ImagePartition[]): Promise<string> {
  const hash = createHash('sha256')
  const add = async (offsetBytes: number, wantedBytes: number) => {
    const lengthBytes = Math.min(wantedBytes, device.sizeBytes - offsetBytes)
    // What cannot be read is no part of it; the capture itself will say so.
    const bytes = await device.read(offsetBytes, lengthBytes).catch(() => Buffer.from(`unreadable ${offsetBytes}`))
    hash.update(bytes)
  }
  await add(0, fingerprintStartBytes)
  for (const { offsetBytes } of partitions.slice(0, fingerprintPartitionsMax)) {
    if (offsetBytes % device.logicalSectorBytes === 0) await add(offsetBytes, fingerprintPartitionBytes)
  }
  if (device.kind === 'file') {
    const { mtimeMs, size } = await stat(device.path)
    hash.update(`${mtimeMs} ${size}`)
  }
  return hash.digest('hex')
}
