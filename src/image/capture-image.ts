// A device becomes an image. While it is not finished the image is called `<image>.partial`, and a journal beside it says how far
// it is on stable storage; the same call with `resume` goes on from there.

import { constants } from 'node:fs'
import { access, mkdir, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Device } from '../addon/device.js'
import { TransferError } from '../errors.js'
import { type ByteRange, mergeRanges, totalBytes } from '../formats/byte-ranges.js'
import { type HashName, hashNames, type ImageDescription, type ImageDigests } from '../formats/image-description.js'
import { ImageIndex, indexHeadBytes } from '../formats/image-index.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import type { CapturePlan } from '../plan/capture-state.js'
import { CaptureJournal } from './capture-journal.js'
import { finishImage, writeError } from './finish-image.js'
import { containerOf, journalPath, partialPath } from './image-names.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { matchSource } from './match-source.js'
import { openImage } from './open-image.js'
import { type CaptureRequest, checkRequest, planCapture } from './plan-capture.js'
import { readSource } from './read-source.js'
import { writeRescueMap } from './rescue-map.js'

export interface CaptureOptions extends CaptureRequest {
  /** Go on with an unfinished capture, if there is one. Of the other options `rescue` may then differ from what it began with. */
  resume?: boolean
  /** Replace an image, or an unfinished capture, that is there. */
  overwrite?: boolean
  limitBytesPerSecond?: number
  memoryBytes?: number
  /** How often what was read is put on stable storage, from where a later run goes on; 2 s when not given. */
  durableEveryMs?: number
  signal?: AbortSignal
}

export interface CaptureResult {
  image: string
  container: ImageContainer
  /** Size of the device. */
  contentBytes: number
  /** Length of the image. */
  imageBytes: number
  digests: ImageDigests
  blocks: { data: number; zeros: number; skipped: number; partly: number }
  skippedBytes: number
  unreadable: ByteRange[]
  notes: string[]
  /** So much of the device was in the image before this run. */
  resumedAtBytes: number
  /** Of this run. */
  seconds: number
}

/**
 * `result` rejects with TransferError: DEVICE_READ_FAILED with the offset of the first unreadable sector (without `rescue`),
 * DEVICE_FULL, FILE_EXISTS, CAPTURE_DIFFERS, SOURCE_CHANGED, JOURNAL_IN_USE, INTERRUPTED, and what planCapture throws.
 */
export function captureImage(options: CaptureOptions): ImageRun<CaptureResult> {
  checkRequest(options)
  return startImageRun((context) => capture({ ...options, image: resolve(options.image) }, context), options.signal)
}

async function capture(options: CaptureOptions, context: RunContext): Promise<CaptureResult> {
  const { image } = options
  await mkdir(dirname(image), { recursive: true })
  await refuseExisting(options)
  const journal = await CaptureJournal.open(journalPath(image)).catch((error) => {
    throw named(error, image)
  })
  try {
    const isAnew = options.overwrite === true && options.resume !== true
    if (journal.state === undefined || isAnew) await begin(options, journal)
    else await resumeOrRefuse(options, journal)
    const result = await perform(options, journal, context)
    await journal.remove()
    return result
  } catch (error) {
    // Nothing to go on with: nothing is left behind.
    const { state } = journal
    const isLeft = state !== undefined && (state.blocks > 0 || (await exists(partialPath(image))))
    if (!isLeft) await journal.remove()
    throw withHint(named(error, image), image, isLeft ? state.plan : undefined)
  } finally {
    await journal.close()
  }
}

async function refuseExisting({ image, overwrite, resume }: CaptureOptions): Promise<void> {
  await access(dirname(image), constants.W_OK).catch((cause: Error) => {
    throw new TransferError('DEVICE_ACCESS_DENIED', `${dirname(image)} cannot be written to: ${cause.message}.`, {
      cause,
      path: image,
    })
  })
  const found = await stat(image).catch(() => undefined)
  if (found !== undefined && !found.isFile()) {
    throw new TransferError('DEVICE_UNSUPPORTED', `${image} is no regular file; an image is written to one.`, {
      path: image,
    })
  }
  // A crash after the last step but one leaves both; resuming then ends at once.
  const isFinishing = resume === true && (await exists(journalPath(image)))
  if (found === undefined || overwrite === true || isFinishing) return
  throw new TransferError('FILE_EXISTS', `The image ${image} is there already.`, {
    path: image,
    hint: 'Choose another name, or replace it with --overwrite.',
  })
}

/** What a plan refuses costs nothing: only then an unfinished capture is given up. */
async function begin(options: CaptureOptions, journal: CaptureJournal): Promise<void> {
  const partial = partialPath(options.image)
  const plan = await planCapture(options)
  if (options.overwrite !== true && (await exists(partial))) {
    const next = plan.container === 'lz4' ? 'image repair saves what is good of it. Or begin' : 'Begin'
    throw new TransferError('CAPTURE_DIFFERS', `${partial} is there, without the journal to go on with it.`, {
      path: partial,
      hint: `${next} anew, without --resume: --overwrite, which removes it.`,
    })
  }
  if (journal.state !== undefined) await journal.clear()
  await rm(partial, { force: true })
  await journal.begin(plan)
}

async function resumeOrRefuse(options: CaptureOptions, journal: CaptureJournal): Promise<void> {
  const { image } = options
  const state = journal.needState()
  if (options.resume !== true) throw await unfinished(options, state.plan)
  const asked = options.format === undefined ? undefined : containerOf(image, options.format)
  if (asked !== undefined && asked !== state.plan.container) {
    const message = `The unfinished capture is to be ${state.plan.container}, not ${asked}.`
    throw new TransferError('CAPTURE_DIFFERS', message, { path: image, hint: 'Leave --format out.' })
  }
  refuseOtherOptions(options, state.plan)
  // Whether bad sectors are read around is the one thing that a later run may decide anew.
  const { rescue } = options
  if (rescue !== undefined) {
    const { description } = state.plan
    const told = { ...description, options: { ...description.options, rescue: true } }
    state.plan = { ...state.plan, retries: rescue.retries, description: told }
  }
  await journal.resumed()
}

/** Nobody is sent to --resume who would be refused there. */
async function unfinished({ source, image }: CaptureOptions, plan: CapturePlan): Promise<TransferError> {
  const message = `An unfinished capture of ${plan.description.source.path} to ${image} is there.`
  const device = await Device.open(source, { access: 'read' })
  try {
    await matchSource(device, plan, image)
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'SOURCE_CHANGED') throw error
    const hint = `${error.message} ${beginAnew(image, plan)}`
    return new TransferError('CAPTURE_DIFFERS', message, { path: image, cause: error, hint })
  } finally {
    await device.close()
  }
  const hint = 'Go on with it: --resume. Or begin anew: --overwrite.'
  return new TransferError('CAPTURE_DIFFERS', message, { path: image, hint })
}

/** What is asked for, and will not be: the plan never changes. What is not asked for stays as it was begun. */
function refuseOtherOptions({ image, usedOnly, level, hashes }: CaptureOptions, plan: CapturePlan): void {
  const differs = (what: string, asked: string, planned: string) => {
    const message = `The unfinished capture was begun with ${what} ${planned}, not ${asked}.`
    return new TransferError('CAPTURE_DIFFERS', message, {
      path: image,
      hint: 'Give what it was begun with, or --overwrite instead of --resume to begin anew.',
    })
  }
  const planned = plan.description.options.usedOnly
  if (usedOnly !== undefined && usedOnly !== planned) throw differs('usedOnly', String(usedOnly), String(planned))
  if (level !== undefined && plan.container === 'lz4' && level !== plan.level) throw differs('level', level, plan.level)
  if (hashes === undefined) return
  const names = (list: readonly HashName[]) => hashNames.filter((name) => list.includes(name)).join(', ') || 'none'
  if (names(hashes) !== names(plan.hashes)) throw differs('hashes', names(hashes), names(plan.hashes))
}

async function perform(options: CaptureOptions, journal: CaptureJournal, context: RunContext): Promise<CaptureResult> {
  const startedMs = performance.now()
  const { image } = options
  const { resumedAtBytes } = journal
  if (!(await isThere(options, journal))) await readAndFinish(options, journal, context)
  return { ...(await resultOf(image)), resumedAtBytes, seconds: (performance.now() - startedMs) / 1000 }
}

/** After a crash between the last rename and the end of the journal the image is there, whole. An older one is not it. */
async function isThere({ image, resume }: CaptureOptions, journal: CaptureJournal): Promise<boolean> {
  if (resume !== true || (await exists(partialPath(image))) || !(await exists(image))) return false
  const found = await openImage(image).catch(() => undefined)
  return found?.trailer?.description.startedAt === journal.needState().plan.description.startedAt
}

async function readAndFinish(options: CaptureOptions, journal: CaptureJournal, context: RunContext): Promise<void> {
  const { image, rescueMap } = options
  const state = journal.needState()
  const { plan } = state
  const device = await Device.open(options.source, { access: 'read' })
  try {
    await matchSource(device, plan, image)
    for (const message of plan.description.notes) context.tell({ kind: 'note', message })
    const captured = await readSource(options, device, journal, context)
    await matchSource(device, plan, image)
    const digest = (name: HashName) => captured.digests[name]?.toString('hex') as string
    const description: ImageDescription = {
      ...plan.description,
      finishedAt: new Date().toISOString(),
      resumedAt: state.resumedAt,
      digests: Object.fromEntries(plan.hashes.map((name) => [name, digest(name)])),
      unreadable: mergeRanges([...plan.knownBad, ...state.unreadable]),
    }
    const contentBytes = plan.description.source.sizeBytes
    const index = new ImageIndex(captured.index.subarray(indexHeadBytes))
    const data = { container: plan.container, contentBytes, dataBytes: captured.imageBytes, index, description }
    if (rescueMap !== undefined) {
      await writeRescueMap(rescueMap, description, { unreadable: description.unreadable, triedBytes: contentBytes })
    }
    await finishImage(partialPath(image), image, data)
  } finally {
    await device.close()
  }
}

/** What a finished image says of itself. */
async function resultOf(image: string): Promise<Omit<CaptureResult, 'resumedAtBytes' | 'seconds'>> {
  const { trailer, fileBytes, container } = await openImage(image)
  if (trailer === undefined) throw new TransferError('IMAGE_INVALID', `${image} has no trailer.`, { path: image })
  const { description, foot, index } = trailer
  const { storedBytes: _, ...blocks } = index.summary()
  return {
    image,
    container,
    contentBytes: foot.contentBytes,
    imageBytes: fileBytes,
    digests: description.digests,
    blocks,
    skippedBytes: totalBytes(description.skipped),
    unreadable: description.unreadable,
    notes: description.notes,
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** What the file system says of the journal, which is written by others than the image. */
function named(error: unknown, image: string): unknown {
  return (error as NodeJS.ErrnoException).syscall === undefined ? error : writeError(journalPath(image), error)
}

/** For a device that is no longer what was read of it. What was read may be all that there is of a failing one. */
function beginAnew(image: string, { container }: CapturePlan): string {
  const saved = container === 'lz4' ? ', from where image repair saves it' : ''
  return `What was read stays in ${partialPath(image)}${saved}. Begin anew with --overwrite, which removes it.`
}

/** @param left the plan of what stays, where something does. */
function withHint(error: unknown, image: string, left: CapturePlan | undefined): unknown {
  if (!(error instanceof TransferError) || error.hint !== undefined) return error
  const hints: Partial<Record<string, string>> = {
    DEVICE_FULL: 'Make room there, then run the same command with --resume.',
    DEVICE_READ_FAILED: 'Give --rescue to read around it; with --resume it goes on from here.',
    INTERRUPTED: 'Run the same command with --resume to go on.',
    SOURCE_CHANGED: left === undefined ? 'Nothing was kept: run the same command again.' : beginAnew(image, left),
  }
  const hint = hints[error.code]
  const { cause, systemError } = error
  return hint === undefined
    ? error
    : new TransferError(error.code, error.message, {
        hint,
        cause,
        path: image,
        ...(systemError === undefined ? {} : { systemError }),
      })
}
