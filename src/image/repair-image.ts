// Saves what is good of an LZ4 image: a tail that is missing and blocks that are damaged become zeros, recorded as unreadable, so
// that size and geometry hold and every reader takes it again. The damaged file stays as it is; the result is another one.

import { copyFile, constants as fileConstants, open, rm, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { captureImage, ImageSource, transferImage, walkImage } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import { type ByteRange, mergeRanges, totalBytes } from '../formats/byte-ranges.js'
import { hashNames, type ImageDescription, type ImageDigests } from '../formats/image-description.js'
import { blockLengthBytes, ImageIndex, indexHeadBytes } from '../formats/image-index.js'
import { imageBlockBytes, ourContentBytes } from '../formats/lz4-frame.js'
import { readJournalRecords } from '../journal/journal-file.js'
import { reduceCapture } from '../plan/capture-state.js'
import { version } from '../version.js'
import { copyRepaired } from './copy-repaired.js'
import { finishImage, writeError } from './finish-image.js'
import { journalPath, partialPath } from './image-names.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { contentOf, type FoundImage, type ImageTrailer, openImage, readTrailer } from './open-image.js'
import { toRanges } from './ranges.js'
import { readAt, withFile } from './read-file.js'

export interface RepairOptions {
  image: string
  /** The file to make. */
  to: string
  overwrite?: boolean
  signal?: AbortSignal
}

export interface RepairedImage {
  image: string
  to: string
  contentBytes: number
  imageBytes: number
  /** Blocks of the device that are good, and all. */
  goodBlocks: number
  blocks: number
  /** What is zeros now because it was not found. */
  lost: ByteRange[]
  notes: string[]
  seconds: number
}

/**
 * `result` rejects with TransferError: IMAGE_INVALID for what was never an image of this program, IMAGE_UNSUPPORTED for raw and
 * VHD images, FILE_EXISTS, DEVICE_FULL, INTERRUPTED.
 */
export function repairImage(options: RepairOptions): ImageRun<RepairedImage> {
  const full = { ...options, image: resolve(options.image), to: resolve(options.to) }
  return startImageRun((context) => repair(full, context), options.signal)
}

async function repair(options: RepairOptions, context: RunContext): Promise<RepairedImage> {
  const startedMs = performance.now()
  const { image, to, overwrite } = options
  if (image === to) throw new TypeError('expected another file for to than the image itself')
  for (const path of [to, partialPath(to)]) {
    if (overwrite === true || (await stat(path).catch(() => undefined)) === undefined) continue
    throw new TransferError('FILE_EXISTS', `${path} is there already.`, { path, hint: 'Replace it with --overwrite.' })
  }
  try {
    const found = await openWhole(image)
    const done = found === undefined ? await repairTail(options, context) : await repairBlocks(found, options, context)
    return { ...done, image, to, seconds: (performance.now() - startedMs) / 1000 }
  } finally {
    await rm(partialPath(to), { force: true })
  }
}

type Done = Omit<RepairedImage, 'image' | 'to' | 'seconds'>

/** Undefined when the trailer is missing or damaged. */
async function openWhole(path: string): Promise<(FoundImage & { trailer: ImageTrailer }) | undefined> {
  try {
    const found = await openImage(path)
    if (found.container !== 'lz4') {
      const message = `${path} is a ${found.container} image, in which nothing can be told apart.`
      throw new TransferError('IMAGE_UNSUPPORTED', message, {
        path,
        hint: 'image verify says which blocks are damaged.',
      })
    }
    return found.trailer === undefined ? undefined : { ...found, trailer: found.trailer }
  } catch (error) {
    const isRepairable = error instanceof TransferError && ['IMAGE_DAMAGED', 'IMAGE_INCOMPLETE'].includes(error.code)
    // A changed header of the frame is damage too; the trailer says what it was.
    if (isRepairable) return trailerAlone(path)
    throw error
  }
}

async function trailerAlone(path: string): Promise<(FoundImage & { trailer: ImageTrailer }) | undefined> {
  return withFile(path, async (file, fileBytes) => {
    const trailer = await readTrailer(path, file, fileBytes).catch(() => undefined)
    if (trailer === undefined || trailer.foot.container !== 'lz4') return undefined
    return { path, fileBytes, container: 'lz4' as const, contentBytes: trailer.foot.contentBytes, trailer }
  })
}

/** The index is good: each block is judged by itself, and only the bad ones are replaced. */
async function repairBlocks(
  found: FoundImage & { trailer: ImageTrailer },
  { to }: RepairOptions,
  context: RunContext,
): Promise<Done> {
  const { foot, index, description } = found.trailer
  const { contentBytes } = foot
  const bad = new Set<number>()
  await check(found, [], context, (block) => bad.add(block))
  const partial = partialPath(to)
  const dataBytes = await copyRepaired(found.path, partial, { index, contentBytes, bad })
  const lost = mergeRanges([...bad].map((block) => rangeOf(block, contentBytes)))
  const repaired: FoundImage = {
    path: partial,
    fileBytes: dataBytes,
    container: 'lz4',
    contentBytes,
    trailer: found.trailer,
  }
  const digests = await check(
    repaired,
    hashNames.filter((name) => description.digests[name] !== undefined),
    context,
  )
  const told = describe(description, lost, digests)
  const imageBytes = await finishImage(partial, to, {
    container: 'lz4',
    contentBytes,
    dataBytes,
    index,
    description: told,
  })
  return {
    contentBytes,
    imageBytes,
    blocks: index.blocks,
    goodBlocks: index.blocks - bad.size,
    lost,
    notes: told.notes,
  }
}

async function check(
  image: FoundImage,
  hashes: readonly (typeof hashNames)[number][],
  context: RunContext,
  onBad: (block: number) => void = () => {},
): Promise<ImageDigests> {
  const source = await ImageSource.open(contentOf(image))
  try {
    const none = { targets: [], readBack: false, resume: false, zeros: 'skip' as const }
    const run = transferImage({ source, mode: 'check', checkBlocks: true, hashes, ...none }, (event) => {
      if (event.kind === 'damaged') onBad(event.block)
    })
    const { digests } = await context.follow(run, row(image.path, image.contentBytes ?? 0))
    return Object.fromEntries(hashes.map((name) => [name, digests[name]?.toString('hex') as string]))
  } finally {
    source.close()
  }
}

/** Nothing says where blocks are but themselves: what is whole from the start on is kept. */
async function repairTail({ image, to }: RepairOptions, context: RunContext): Promise<Done> {
  const contentBytes = await withFile(image, async (file, fileBytes) => {
    return ourContentBytes(fileBytes < 15 ? Buffer.alloc(0) : await readAt(file, 0, 15))
  })
  if (contentBytes === undefined) {
    const message = `${image} does not begin as an image of this program does.`
    throw new TransferError('IMAGE_INVALID', message, { path: image, hint: 'lz4 -d unpacks what other programs made.' })
  }
  const walked = await context.follow(walkImage(image), row(image, contentBytes))
  const partial = partialPath(to)
  await copyStart(image, partial, walked.imageBytes)
  const known = await knownDescription(image, contentBytes)
  const hashes = hashNames.filter((name) => known.digests[name] !== undefined || name === 'sha256')
  const run = captureImage(
    {
      source: undefined,
      sizeBytes: contentBytes,
      skip: toRanges([]),
      path: partial,
      container: 'lz4',
      level: 'fast',
      hashes,
      resume: { blocks: walked.blocks, imageBytes: walked.imageBytes, unreadable: toRanges([]) },
    },
    () => {},
  )
  const captured = await context.follow(run, row(image, contentBytes))
  const endBytes = Math.min(walked.blocks * imageBlockBytes, contentBytes)
  const lost = endBytes < contentBytes ? [{ offsetBytes: endBytes, lengthBytes: contentBytes - endBytes }] : []
  const digests = Object.fromEntries(hashes.map((name) => [name, captured.digests[name]?.toString('hex') as string]))
  const description = describe(known, lost, digests, walked.reason)
  const index = new ImageIndex(captured.index.subarray(indexHeadBytes))
  const data = { container: 'lz4' as const, contentBytes, dataBytes: captured.imageBytes, index, description }
  const imageBytes = await finishImage(partial, to, data)
  return { contentBytes, imageBytes, blocks: index.blocks, goodBlocks: walked.blocks, lost, notes: description.notes }
}

async function copyStart(from: string, to: string, lengthBytes: number): Promise<void> {
  try {
    await copyFile(from, to, fileConstants.COPYFILE_FICLONE)
    const file = await open(to, 'r+')
    try {
      await file.truncate(lengthBytes)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw writeError(to, cause)
  }
}

/** From what is left of the trailer, or the journal of a capture that will not go on; else only what the header tells. */
async function knownDescription(path: string, contentBytes: number): Promise<ImageDescription> {
  const journal = journalPath(path.replace(/\.partial$/, ''))
  const records = await readJournalRecords(journal).catch(() => [])
  const planned = reduceCapture(records, journal)
  if (planned !== undefined && planned.plan.description.source.sizeBytes === contentBytes) {
    const unreadable = mergeRanges([...planned.plan.knownBad, ...planned.unreadable])
    return { ...planned.plan.description, unreadable, resumedAt: planned.resumedAt }
  }
  const at = (await stat(path)).mtime.toISOString()
  return {
    formatVersion: 1,
    madeBy: `diskferry ${version}`,
    startedAt: at,
    finishedAt: at,
    resumedAt: [],
    state: 'repaired',
    source: {
      path: basename(path),
      kind: 'image',
      sizeBytes: contentBytes,
      logicalSectorBytes: 512,
      physicalSectorBytes: 512,
    },
    partitionTable: 'unknown',
    partitions: [],
    options: { usedOnly: false, rescue: false },
    digests: {},
    skipped: [],
    unreadable: [],
    notes: ['What the image said of its device was lost with its end.'],
  }
}

function describe(
  known: ImageDescription,
  lost: readonly ByteRange[],
  digests: ImageDigests,
  reason = '',
): ImageDescription {
  const why = reason === '' ? '' : ` (${reason})`
  const note = `Repaired by diskferry ${version}: ${totalBytes(lost)} bytes were not found${why} and are zeros.`
  return {
    ...known,
    state: lost.length === 0 && known.state === 'complete' ? 'complete' : 'repaired',
    finishedAt: known.finishedAt === '' ? known.startedAt : known.finishedAt,
    digests,
    unreadable: mergeRanges([...known.unreadable, ...lost]),
    notes: [...known.notes, note],
  }
}

function rangeOf(block: number, contentBytes: number): ByteRange {
  return { offsetBytes: block * imageBlockBytes, lengthBytes: blockLengthBytes(block, contentBytes) }
}

function row(path: string, bytesTotal: number) {
  return { driveId: basename(path), path, activity: 'repairing' as const, bytesDone: 0, bytesTotal }
}
