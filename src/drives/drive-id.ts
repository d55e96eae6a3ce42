// The DriveId of the manifest and of the import job: a disk's hardware serial number without blanks. An image file or loop
// device has none, so it takes the one that was given, or one made from its path: IMG and the first eight hex digits, in
// capitals, of the SHA-256 of its real path. The same file keeps its id, as a file and behind a loop device.

import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TransferError } from '../errors.js'
import { isDriveId } from '../formats/drive-spec.js'
import { type BlockDevice, readBlockFacts } from './block-facts.js'
import { deviceNumber } from './refuse-unsafe.js'
import { runLsblk } from './run-lsblk.js'

/**
 * @param path of a disk, loop device or image; an image need not exist yet.
 * @param given the serial number that the user gave, if any.
 * @throws TransferError SERIAL_MISMATCH when a disk has another one; DRIVE_UNFIT for a disk without a usable one.
 */
export async function driveIdOf(path: string, given: { serial?: string }): Promise<string> {
  const real = await realpath(path).catch(() => realPathToBe(path))
  const found = await stat(real).catch(() => undefined)
  if (!found?.isBlockDevice()) return given.serial ?? madeUpId(real)
  const number = deviceNumber(found.rdev)
  const device = (await readBlockFacts()).devices.find((candidate) => candidate.number === number)
  if (device?.backingFile !== undefined) return given.serial ?? madeUpId(device.backingFile)
  return diskId(path, await readSerial(real, device), given.serial)
}

/** The serial number of a disk itself; undefined for an image, a loop device, and a disk that tells none. */
export async function hardwareIdOf(path: string): Promise<string | undefined> {
  const id = await driveIdOf(path, {}).catch(() => undefined)
  return id === undefined || /^IMG[0-9A-F]{8}$/.test(id) ? undefined : id
}

/** The rule alone: which id a disk with this serial gets. */
export function diskId(path: string, hardwareSerial: string, given: string | undefined): string {
  const serial = hardwareSerial.replaceAll(/[\s\0]/g, '')
  if (isDriveId(serial)) {
    if (given === undefined || given === serial) return serial
    const message = `${path} has the serial number ${serial}, not ${given}.`
    throw new TransferError('SERIAL_MISMATCH', message, {
      path,
      hint: 'Check which drive it is with: diskferry drives',
    })
  }
  if (given !== undefined) return given
  const what = serial === '' ? 'tells no serial number' : `has a serial number that cannot be an id (${serial})`
  throw new TransferError('DRIVE_UNFIT', `${path} ${what}.`, {
    path,
    hint: 'Read it from the label and give it: --drive PATH,serial=SERIAL',
  })
}

export function madeUpId(realPath: string): string {
  return `IMG${createHash('sha256').update(realPath).digest('hex').slice(0, 8).toUpperCase()}`
}

/** The real path that a file will have when it is created. */
async function realPathToBe(path: string): Promise<string> {
  const absolute = resolve(path)
  const folder = await realpath(dirname(absolute)).catch(() => dirname(absolute))
  return join(folder, basename(absolute))
}

/** From lsblk, which asks udev; where no udev runs, from the unit serial number page that the kernel keeps of SCSI disks. */
async function readSerial(path: string, device: BlockDevice | undefined): Promise<string> {
  const [found] = await runLsblk(path)
  if (found?.serial) return found.serial
  if (device === undefined) return ''
  const page = await readFile(`/sys/class/block/${device.name.replaceAll('/', '!')}/device/vpd_pg80`).catch(
    () => undefined,
  )
  // SPC-4 7.8.16: a header of four bytes, then ASCII.
  return page === undefined ? '' : page.toString('latin1', 4)
}
