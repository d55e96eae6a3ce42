// From what the user named to drives that may be planned on: checked for safety, with identity, size and what is on them.
// Nothing is written; an image file that does not exist yet is created only when the plan is performed.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Device } from '../addon/device.js'
import { driveIdOf } from '../drives/drive-id.js'
import { listDrives } from '../drives/inventory.js'
import { checkDriveIsSafe } from '../drives/refuse-unsafe.js'
import { TransferError } from '../errors.js'
import type { DriveSetRow } from '../formats/drive-set.js'
import { type DriveSpec, parseDriveSpec } from '../formats/drive-spec.js'
import { describeTarget } from '../reports/describe-target.js'
import { formatBytes } from '../reports/format-bytes.js'

export type DriveRequest = DriveSpec

export interface DriveTarget {
  path: string
  /** Hardware serial without spaces; for an image a stable made-up one. */
  driveId: string
  sizeBytes: number
  sectorBytes: 512 | 4096
  kind: 'block' | 'file'
  /** An image file that is made when the plan is performed. */
  isNewImage: boolean
  /** Model, serial, size and what is on it, for the question before erasing. */
  description: string
  /** False for an image that does not exist yet or is empty: nothing can be lost. */
  needsConfirmation: boolean
}

export function driveRequestsFromSpecs(specs: readonly string[]): DriveRequest[] {
  return specs.map((spec) => parseDriveSpec(spec))
}

/** @throws TransferError DRIVESET_INVALID for rows that keep an existing format or encryption: not supported yet. */
export function driveRequestsFromDriveSet(rows: readonly DriveSetRow[]): DriveRequest[] {
  return rows.map((row) => {
    if (row.isAlreadyFormatted || row.isAlreadyEncrypted) {
      const kept = row.isAlreadyFormatted ? 'AlreadyFormatted' : 'AlreadyEncrypted'
      const message = `Drive ${row.path} is to stay as it is (${kept}): only Format with Encrypt is supported.`
      throw new TransferError('DRIVESET_INVALID', message, {
        line: row.line,
        hint: 'diskferry formats and encrypts every drive itself; use Format,SilentMode,Encrypt.',
      })
    }
    return row
  })
}

/** @throws TransferError DRIVE_*, DEVICE_*; DRIVE_SPEC_INVALID for two names of one drive. */
export async function resolveDrives(requests: readonly DriveRequest[]): Promise<DriveTarget[]> {
  const targets: DriveTarget[] = []
  for (const request of requests) targets.push(await resolveDrive(request))
  for (const [index, target] of targets.entries()) {
    const twin = targets.findIndex((other) => other.driveId === target.driveId)
    if (twin < index) {
      const message = `${targets[twin]?.path} and ${target.path} have one drive id, ${target.driveId}.`
      throw new TransferError('DRIVE_SPEC_INVALID', message, {
        hint: 'Name each drive once; images may take ,serial=…',
      })
    }
  }
  return targets
}

async function resolveDrive(request: DriveRequest): Promise<DriveTarget> {
  const path = resolve(request.path)
  const exists = await stat(path).catch(() => undefined)
  if (exists === undefined) return newImage(path, request)
  await checkDriveIsSafe(path)
  const sector = request.sectorBytes === undefined ? {} : { logicalSectorBytes: request.sectorBytes }
  const device = await Device.open(path, { access: 'read', ...sector })
  try {
    if (device.kind === 'file' && device.sizeBytes === 0) return await newImage(path, request)
    return await existing(path, request, device)
  } finally {
    await device.close()
  }
}

async function newImage(path: string, request: DriveRequest): Promise<DriveTarget> {
  const { sizeBytes, sectorBytes = 512 } = request
  if (path.startsWith('/dev/')) throw new TransferError('DEVICE_NOT_FOUND', `There is no device ${path}.`, { path })
  if (sizeBytes === undefined) {
    throw new TransferError('DRIVE_SPEC_INVALID', `The image ${path} does not exist, and no size was given.`, {
      path,
      hint: `Give one to make it: --drive ${request.path}:2G`,
    })
  }
  const driveId = await driveIdOf(path, request)
  const description = `new image file of ${formatBytes(sizeBytes)}`
  return {
    path,
    driveId,
    sizeBytes,
    sectorBytes,
    kind: 'file',
    isNewImage: true,
    description,
    needsConfirmation: false,
  }
}

async function existing(path: string, request: DriveRequest, device: Device): Promise<DriveTarget> {
  const { sizeBytes } = device
  if (request.sizeBytes !== undefined && request.sizeBytes !== sizeBytes) {
    const message = `${path} has ${sizeBytes} bytes, but ${request.sizeBytes} were asked for.`
    throw new TransferError('DRIVE_SPEC_INVALID', message, {
      path,
      hint: 'Leave the size out, or delete the image first.',
    })
  }
  const driveId = await driveIdOf(path, request)
  const drive = device.kind === 'file' ? undefined : (await listDrives()).find((candidate) => candidate.path === path)
  const description = describeTarget({ kind: device.kind, sizeBytes, drive })
  const sectorBytes = device.logicalSectorBytes === 4096 ? 4096 : 512
  const { kind } = device
  return { path, driveId, sizeBytes, sectorBytes, kind, isNewImage: false, description, needsConfirmation: true }
}
