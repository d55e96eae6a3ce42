// From what the user named to targets that may be written: checked for safety, with identity, size and what is on them. Nothing
// is written; a file that does not exist yet is made only when the restore is performed.

import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Device } from '../addon/device.js'
import { readBlockFacts } from '../drives/block-facts.js'
import { driveIdOf } from '../drives/drive-id.js'
import { listDrives } from '../drives/inventory.js'
import { checkDriveIsSafe, deviceNumber, fileBehind } from '../drives/refuse-unsafe.js'
import { TransferError } from '../errors.js'
import { describeTarget } from '../reports/describe-target.js'
import { formatBytes } from '../reports/format-bytes.js'
import { mapPath } from './image-names.js'
import { isSameFile } from './refuse-input.js'

export interface RestoreTarget {
  path: string
  kind: 'block' | 'file'
  sizeBytes: number
  /** Logical; 512 for files. */
  sectorBytes: number
  /** Made when the restore is performed. */
  isNew: boolean
  /** Hardware serial without blanks; for what has none a stable made-up one. */
  driveId: string
  /** Model, serial, size and what is on it. */
  description: string
  /** False where nothing can be lost. */
  needsConfirmation: boolean
}

export interface TargetRules {
  imagePath: string
  /** Undefined where only reading the image tells. */
  contentBytes?: number
  /** An existing file may be written over, or gone on with. */
  overwrite: boolean
}

/** @throws TransferError DRIVE_*, DEVICE_*, TARGET_TOO_SMALL, FILE_EXISTS; DRIVE_SPEC_INVALID for one target named twice. */
export async function resolveTargets(paths: readonly string[], rules: TargetRules): Promise<RestoreTarget[]> {
  if (paths.length === 0) throw new TypeError('expected at least one target')
  const targets: RestoreTarget[] = []
  for (const path of paths) targets.push(await resolveTarget(resolve(path), rules))
  const real = await Promise.all(targets.map(({ path }) => realpath(path).catch(() => path)))
  const twin = real.findIndex((path, index) => real.indexOf(path) < index)
  if (twin >= 0)
    throw new TransferError('DRIVE_SPEC_INVALID', `${paths[twin]} is given twice.`, { path: real[twin] as string })
  return targets
}

/** Under any name that the file has, and as the loop device that it may be. */
async function refuseImage(path: string, { imagePath }: TargetRules): Promise<void> {
  const found = await stat(path)
  const backing = found.isBlockDevice() ? fileBehind(deviceNumber(found.rdev), await readBlockFacts()) : path
  if (backing === undefined) return
  for (const own of [imagePath, mapPath(imagePath)]) {
    if (!(await isSameFile(backing, own))) continue
    const what = own === imagePath ? 'the image itself' : 'the index of the image'
    throw new TransferError('DRIVE_UNFIT', `${path} is ${what}.`, { path })
  }
}

async function resolveTarget(path: string, rules: TargetRules): Promise<RestoreTarget> {
  const { contentBytes } = rules
  const found = await stat(path).catch(() => undefined)
  // An index beside the target, of what was there before, is removed.
  if (await isSameFile(mapPath(path), rules.imagePath)) {
    throw new TransferError('DRIVE_UNFIT', `${rules.imagePath} has the name of the index of ${path}.`, { path })
  }
  if (found === undefined || (found.isFile() && found.size === 0)) return newFile(path, rules)
  await refuseImage(path, rules)
  const { path: real } = await checkDriveIsSafe(path, { allowPartition: true })
  const device = await Device.open(path, { access: 'read' })
  try {
    const { kind, sizeBytes, logicalSectorBytes: sectorBytes } = device
    if (kind === 'file' && !rules.overwrite) {
      throw new TransferError('FILE_EXISTS', `The file ${path} is there already.`, {
        path,
        hint: 'Choose another name, or write over it with --overwrite.',
      })
    }
    if (contentBytes !== undefined && sizeBytes < contentBytes) {
      const message = `${path} has ${sizeBytes} bytes, and the image ${contentBytes}: ${contentBytes - sizeBytes} too few.`
      throw new TransferError('TARGET_TOO_SMALL', message, { path })
    }
    const driveId = await driveIdOf(path, {}).catch(() => serialless(path))
    const drive = kind === 'file' ? undefined : (await listDrives()).find((candidate) => candidate.path === real)
    const description = describeTarget({ kind, sizeBytes, drive })
    return { path, kind, sizeBytes, sectorBytes, isNew: false, driveId, description, needsConfirmation: true }
  } finally {
    await device.close()
  }
}

/** A partition, or a disk that tells no serial number: its path is what somebody can type who means it. */
function serialless(path: string): string {
  return path
}

async function newFile(path: string, { contentBytes }: TargetRules): Promise<RestoreTarget> {
  if (path.startsWith('/dev/') && !path.startsWith('/dev/shm/')) {
    throw new TransferError('DEVICE_NOT_FOUND', `There is no device ${path}.`, { path })
  }
  const folder = await stat(dirname(path)).catch(() => undefined)
  if (!folder?.isDirectory()) {
    throw new TransferError('DEVICE_NOT_FOUND', `There is no folder ${dirname(path)}.`, { path })
  }
  if (contentBytes === undefined) {
    const message = `How large ${path} must be is not known: the image of another program does not tell its size.`
    throw new TransferError('IMAGE_UNSUPPORTED', message, { path, hint: 'Convert it first: image convert' })
  }
  const description = `new file of ${formatBytes(contentBytes)}`
  const driveId = await driveIdOf(path, {})
  return {
    path,
    kind: 'file',
    sizeBytes: contentBytes,
    sectorBytes: 512,
    isNew: true,
    driveId,
    description,
    needsConfirmation: false,
  }
}
