// An image goes back onto one device or several, read and unpacked once. A target that fails is dropped and reported, the
// others go on. The first block of a target, with its partition table, is zeros until everything else is written.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Device } from '../addon/device.js'
import { ImageSource, type TransferredImage, transferImage } from '../addon/image-engine.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { createImageFile } from '../drives/image-file.js'
import { moveGptToEnd } from '../drives/move-backup-gpt.js'
import { TransferError } from '../errors.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { forgetMap } from './finish-image.js'
import { mapPath } from './image-names.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { measureImage } from './measure-image.js'
import { contentOf, type FoundImage, openImage } from './open-image.js'
import { type RestoreTarget, resolveTargets } from './resolve-targets.js'

/** What becomes of blocks of zeros, and of what was left out of the image. */
export type ZeroHandling = 'write' | 'discard' | 'skip'

export interface RestoreRequest {
  image: string
  /** Devices, or files; a file that is not there is made. */
  targets: readonly string[]
  /** Takes the image for this, whatever it looks like. */
  format?: ImageContainer
  /** Files that are there may be written over. */
  overwrite?: boolean
  /** Go on with a restore that was stopped: what is there is compared first. */
  resume?: boolean
}

export interface RestorePlan {
  image: FoundImage
  targets: RestoreTarget[]
  resume: boolean
  notes: string[]
}

export interface RestoreImageOptions {
  /** Read every target back and compare it with the image. */
  verify?: boolean
  /** `write` when not given; `skip` where all targets are new files. */
  zeros?: ZeroHandling
  /** On a target that is larger: move the backup of a GUID partition table to its end. */
  fixGpt?: boolean
  limitBytesPerSecond?: number
  memoryBytes?: number
  signal?: AbortSignal
}

export interface RestoredTarget {
  path: string
  outcome: 'verified' | 'written' | 'failed'
  error?: TransferError
}

export interface RestoreResult {
  image: string
  contentBytes: number
  targets: RestoredTarget[]
  /** Parts of the device that the image never had: zeros now. */
  unreadableBytes: number
  notes: string[]
  seconds: number
}

/** Decides and checks; nothing is written. @throws TransferError as openImage and resolveTargets. */
export async function planRestore(request: RestoreRequest): Promise<RestorePlan> {
  const { targets, overwrite = false, resume = false } = request
  const image = await sizedImage(await openImage(resolve(request.image), request.format))
  const { contentBytes, path } = image
  const rules = {
    imagePath: path,
    overwrite: overwrite || resume,
    ...(contentBytes === undefined ? {} : { contentBytes }),
  }
  const found = await resolveTargets(targets, rules)
  return { image, targets: found, resume, notes: [...restoreNotes(image, found), ...(await staleMaps(found))] }
}

/** A target is a raw image afterwards: an index that lies beside it would be taken for its own. */
async function staleMaps(targets: readonly RestoreTarget[]): Promise<string[]> {
  const notes: string[] = []
  for (const map of targets.filter(({ kind }) => kind === 'file').map(({ path }) => mapPath(path))) {
    if (await stat(map).catch(() => undefined))
      notes.push(`${map} is of an image that was there before: it is removed.`)
  }
  return notes
}

/** An image that does not tell its size is read once, which also shows that it is whole. */
async function sizedImage(image: FoundImage): Promise<FoundImage> {
  if (image.contentBytes !== undefined) return image
  return { ...image, contentBytes: await measureImage(image, { follow: (run) => run.finished }) }
}

function restoreNotes({ trailer, contentBytes }: FoundImage, targets: readonly RestoreTarget[]): string[] {
  const notes: string[] = []
  if (trailer === undefined) notes.push('The image has no index: only the checksums of its own format are compared.')
  const unreadable = trailer?.description.unreadable ?? []
  if (unreadable.length > 0) {
    const bytes = unreadable.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
    notes.push(`${bytes} bytes in ${unreadable.length} places could not be read when it was made; they are zeros.`)
  }
  if (trailer?.description.state === 'repaired') notes.push('The image was repaired: it is not all of the device.')
  const sectorBytes = trailer?.description.source.logicalSectorBytes
  for (const target of targets) {
    if (target.kind !== 'block' || sectorBytes === undefined || target.sectorBytes === sectorBytes) continue
    const sectors = `sectors of ${target.sectorBytes} bytes, and the device in the image ${sectorBytes}`
    notes.push(`${target.path} has ${sectors}: its partition table and file systems will not be understood there.`)
  }
  for (const { path, sizeBytes } of targets) {
    if (contentBytes === undefined || sizeBytes === contentBytes) continue
    const table =
      trailer?.description.partitionTable === 'gpt'
        ? ' The backup partition table is not at its end, unless it is moved there (--fix-gpt).'
        : ''
    notes.push(`${path} is larger than the image by ${sizeBytes - contentBytes} bytes, which stay as they are.${table}`)
  }
  return notes
}

/**
 * Performs a plan.
 * `result` rejects with TransferError: IMAGE_DAMAGED, SOURCE_READ_FAILED, INTERRUPTED; with the first target's error when none
 * came to an end.
 */
export function restoreImage(plan: RestorePlan, options: RestoreImageOptions = {}): ImageRun<RestoreResult> {
  return startImageRun((context) => restore(plan, options, context).catch(withHint), options.signal)
}

function withHint(error: unknown): never {
  if (!(error instanceof TransferError) || error.code !== 'INTERRUPTED') throw error
  const hint = 'Run the same command with --resume to go on.'
  throw new TransferError(error.code, error.message, { hint, cause: error })
}

async function restore(plan: RestorePlan, options: RestoreImageOptions, context: RunContext): Promise<RestoreResult> {
  const startedMs = performance.now()
  const { image } = plan
  for (const message of plan.notes) context.tell({ kind: 'note', message })
  const targets: RestoredTarget[] = plan.targets.map(({ path }) => ({ path, outcome: 'written' }))
  const fail = (target: RestoredTarget, error: TransferError) => {
    Object.assign(target, { outcome: 'failed', error })
    context.tell({ kind: 'target-failed', path: target.path, error })
  }
  const opened = await openTargets(plan, targets, fail)
  const source = await ImageSource.open(contentOf(image))
  let result: TransferredImage | undefined
  const notes = [...plan.notes]
  try {
    if (opened.length > 0) result = await transfer({ plan, options, context, source, opened, fail })
    if (options.fixGpt && result !== undefined) notes.push(...(await fixTables(opened, result.sizeBytes, fail)))
  } finally {
    source.close()
    await Promise.all(opened.map(({ device }) => device.close()))
  }
  const [first] = targets
  if (result === undefined || targets.every(({ outcome }) => outcome === 'failed')) throw first?.error as TransferError
  if (options.verify) for (const target of targets) if (target.outcome === 'written') target.outcome = 'verified'
  return {
    image: image.path,
    contentBytes: result.sizeBytes,
    targets,
    unreadableBytes: (image.trailer?.description.unreadable ?? []).reduce((sum, range) => sum + range.lengthBytes, 0),
    notes,
    seconds: (performance.now() - startedMs) / 1000,
  }
}

interface OpenedTarget {
  device: Device
  target: RestoredTarget
}

async function openTargets(
  plan: RestorePlan,
  targets: readonly RestoredTarget[],
  fail: (target: RestoredTarget, error: TransferError) => void,
): Promise<OpenedTarget[]> {
  const opened: OpenedTarget[] = []
  for (const [index, target] of targets.entries()) {
    const { path, kind, isNew, sizeBytes } = plan.targets[index] as RestoreTarget
    try {
      if (kind === 'file') await forgetMap(path)
      if (isNew) await createImageFile(path, sizeBytes)
      opened.push({ device: await Device.open(path, { access: 'write' }), target })
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
      fail(target, error)
    }
  }
  return opened
}

const fixedGpt = {
  moved: 'the backup partition table was moved to its end.',
  'no-table': 'it has no GUID partition table that is whole, so nothing was moved to its end.',
  'other-sectors': 'its partition table was made for sectors of another size, so nothing was moved to its end.',
}

async function fixTables(
  opened: readonly OpenedTarget[],
  contentBytes: number,
  fail: (target: RestoredTarget, error: TransferError) => void,
): Promise<string[]> {
  const notes: string[] = []
  for (const { device, target } of opened) {
    if (target.outcome === 'failed' || device.sizeBytes === contentBytes) continue
    try {
      notes.push(`${target.path}: ${fixedGpt[await moveGptToEnd(device)]}`)
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
      fail(target, error)
    }
  }
  return notes
}

interface Transfer {
  plan: RestorePlan
  options: RestoreImageOptions
  context: RunContext
  source: ImageSource
  opened: readonly OpenedTarget[]
  fail: (target: RestoredTarget, error: TransferError) => void
}

async function transfer({ plan, options, context, source, opened, fail }: Transfer): Promise<TransferredImage> {
  const { limitBytesPerSecond, memoryBytes, verify = false } = options
  // A file that was just made is zeros already.
  const areNew = plan.targets.every(({ isNew }) => isNew) && !plan.resume
  const zeros = options.zeros ?? (areNew ? 'skip' : 'write')
  const run = transferImage(
    {
      source,
      targets: opened.map(({ device }) => device),
      mode: 'write',
      zeros,
      readBack: verify,
      resume: plan.resume,
      hashes: [],
      checkBlocks: plan.image.trailer !== undefined,
      ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    },
    (event) => {
      const target = event.kind === 'damaged' ? undefined : opened[event.target]?.target
      if (target === undefined) return
      if (event.kind === 'targetFailed') fail(target, event.error)
      else if (event.kind === 'mismatch' && target.outcome !== 'failed') fail(target, notAsWritten(target, event.block))
    },
  )
  const row: DriveProgress = {
    driveId: opened.map(({ target }) => target.path).join(', '),
    path: plan.image.path,
    activity: 'restoring',
    bytesDone: 0,
    bytesTotal: plan.image.contentBytes ?? 0,
  }
  return context.follow(run, row)
}

function notAsWritten({ path }: RestoredTarget, block: number): TransferError {
  const message = `${path} gave back something else than was written to it, first at byte ${block * (4 << 20)}.`
  return new TransferError('DRIVE_DAMAGED', message, { path, hint: 'Do not use this device.' })
}
