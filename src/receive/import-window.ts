// Imports some thousand blobs of one drive: claims their names, reads them in the order in which they lie on the drive, and
// records what became of each.

import { setMaxListeners } from 'node:events'
import { fileAccess } from '../addon/ntfs.js'
import { type ReadBuffers, readContent } from '../addon/read-engine.js'
import { TransferError } from '../errors.js'
import type { BlobStatus } from '../formats/copy-log-codes.js'
import { type ContentFile, contentColumns, uniformBlockBytes } from '../plan/content-columns.js'
import { type AttributeReader, attributeProblem } from './blob-attributes.js'
import type { BlobResult, BlobSink, BlobTask } from './blob-sink.js'
import { eachLimited } from './each-limited.js'
import { SinkFeeder } from './feed-sinks.js'
import { blobStatusOf, type ImportContext, placeOf } from './import-context.js'
import type { NumberedBlob } from './manifest-source.js'
import { BlockBlobSink } from './put-blocks.js'
import { PageBlobSink } from './put-pages.js'
import { SmallBlobSink } from './put-small-blob.js'
import { readerOfDriveFile, readSlowly } from './read-slowly.js'
import type { ShippedDrive } from './shipped-drive.js'

export interface WindowInput {
  drive: ShippedDrive
  attributes: AttributeReader
  buffers: ReadBuffers
  context: ImportContext
  blobs: readonly NumberedBlob[]
}

const claimingMax = 16
const slowFilesMax = 2
/** In a row; then it is asked whether the drive is there at all. */
const unreadableMax = 16

/** Blobs that fail are recorded. @throws what ends the drive: the storage is not there, the drive is gone, interrupted. */
export async function importWindow(window: WindowInput): Promise<void> {
  const stop = new AbortController()
  let failure: { error: unknown } | undefined
  // Whatever ends the drive ends all of its requests: a try again in half a minute must not outlive the import.
  const fail = (error: unknown) => {
    failure ??= { error }
    stop.abort()
  }
  const { names } = window.context
  const taken = names.lease()
  const signal = AbortSignal.any([window.context.signal, stop.signal])
  // One listener a request.
  setMaxListeners(0, signal)
  try {
    await importAll({ ...window, context: { ...window.context, signal, names: taken } }, fail)
  } catch (error) {
    fail(error)
  } finally {
    taken.end()
  }
  if (failure !== undefined) throw failure.error
}

async function importAll(input: WindowInput, fail: (error: unknown) => void): Promise<void> {
  const { context } = input
  const fast: ContentFile[] = []
  const fastSinks: BlobSink[] = []
  const slow: { sink: BlobSink; file: number }[] = []
  const claimOne = async (numbered: NumberedBlob) => {
    const claimed = await claim(input, numbered)
    if (claimed === undefined) return
    const { sink, file } = claimed
    const { blob } = sink.task
    if (blob.lengthBytes === 0 || blob.offsets.length === 0) return await end(context, sink, undefined)
    const isPlain = input.drive.tree.fileAccess[file] === fileAccess.extents
    const blockBytes = isPlain ? uniformBlockBytes(blob) : undefined
    if (blockBytes === undefined) slow.push({ sink, file })
    else {
      fastSinks.push(sink)
      fast.push({ blob, file, blockBytes, isSkipped: (range) => !sink.isWanted(range) })
    }
  }
  await eachLimited(input.blobs, claimingMax, claimOne, fail)
  if (context.signal.aborted) throw interrupted()
  await Promise.all([importFast(input, fast, fastSinks, fail), importSlow(input, slow, fail)])
  if (context.signal.aborted) throw interrupted()
}

/** Says it where nothing else has failed: the first failure is the one that is told. */
function interrupted(): TransferError {
  return new TransferError('INTERRUPTED', 'The import was interrupted.')
}

/** Undefined when nothing of the blob has to be read: it is there, or cannot be imported, which is recorded. */
async function claim(
  { drive, attributes, context }: WindowInput,
  numbered: NumberedBlob,
): Promise<{ sink: BlobSink; file: number } | undefined> {
  const { blob } = numbered
  const file = drive.index.find(blob.filePath)
  const refuse = async (status: BlobStatus, message: string) => {
    await record(context, { ...numbered, attributes: noAttributes }, { status, message, ranges: [] })
    return undefined
  }
  if (file === undefined) return refuse('FileNotFound', `${blob.filePath} is not on the drive.`)
  const sizeBytes = drive.tree.fileSizeBytes[file] as number
  if (sizeBytes !== blob.lengthBytes) {
    return refuse('Failed', `${blob.filePath} has ${sizeBytes} bytes, the manifest says ${blob.lengthBytes}.`)
  }
  try {
    await context.containers.ensure(placeOf(blob.blobPath).container, context.signal)
    const task = { ...numbered, attributes: await attributes.of(blob) }
    const claimed = await claimSink(context, task)
    if (isSink(claimed)) return { sink: claimed, file }
    await record(context, task, claimed)
    return undefined
  } catch (error) {
    const status = blobStatusOf(error)
    if (status === undefined) throw error
    return refuse(status, (error as Error).message)
  }
}

const noAttributes = { properties: {}, metadataFile: undefined, propertiesFile: undefined }

/** A sink for the content; or what became of the blob, when nothing of it has to be sent. */
export function claimSink(context: ImportContext, task: BlobTask): Promise<BlobSink | BlobResult> | BlobSink {
  const { kind, lengthBytes, offsets } = task.blob
  if (lengthBytes === 0 || (kind === 'block' && offsets.length === 1)) return new SmallBlobSink(context, task)
  return kind === 'page' ? PageBlobSink.claim(context, task) : BlockBlobSink.claim(context, task)
}

export function isSink(claimed: BlobSink | BlobResult): claimed is BlobSink {
  return 'put' in claimed
}

async function importFast(
  input: WindowInput,
  files: ContentFile[],
  sinks: BlobSink[],
  fail: (error: unknown) => void,
): Promise<void> {
  if (files.length === 0) return
  const { drive, context, buffers } = input
  const columns = contentColumns(files, drive.tree.extents)
  const ordered = Array.from(columns.order, (index) => sinks[index] as BlobSink)
  let unreadableInARow = 0
  let probing: Promise<void> = Promise.resolve()
  const feeder = new SinkFeeder(columns, ordered, {
    ended: (sink, fileMd5) => end(context, sink, fileMd5),
    damaged: () => context.counters.damagedBlocks++,
    fatal: fail,
  })
  const { volume } = drive
  const run = readContent(
    { volume, ...columns, buffers, hashFiles: context.contentMd5 },
    (chunk) => {
      if (chunk.pieces.some(({ state }) => state !== 'unreadable')) unreadableInARow = 0
      feeder.take(chunk)
    },
    (file, block, message) => {
      feeder.unreadable.set(`${file}:${block}`, message)
      if (++unreadableInARow === unreadableMax) probing = probe(drive).catch(fail)
    },
  )
  const stop = () => run.abort()
  context.signal.addEventListener('abort', stop)
  try {
    if (context.signal.aborted) run.abort()
    await run.finished
    await probing
  } catch (error) {
    fail(error)
  } finally {
    context.signal.removeEventListener('abort', stop)
    await feeder.settled()
  }
}

/** @throws TransferError DRIVE_GONE */
async function probe({ found, path }: ShippedDrive): Promise<void> {
  await found.device.read(found.place.offsetBytes, 4096).catch((cause: Error) => {
    throw new TransferError('DRIVE_GONE', `${path} does not answer any more: ${cause.message}`, {
      cause,
      path,
      hint: 'Plug it in again and run the same command: it goes on where it was.',
    })
  })
}

function importSlow(
  { drive, context }: WindowInput,
  blobs: { sink: BlobSink; file: number }[],
  fail: (error: unknown) => void,
): Promise<void> {
  const { signal } = context
  const importOne = async ({ sink, file }: { sink: BlobSink; file: number }) => {
    signal.throwIfAborted()
    const onDamage = () => context.counters.damagedBlocks++
    const options = { hashFile: context.contentMd5, onDamage, signal }
    const fileMd5 = await readSlowly([readerOfDriveFile(drive, file)], sink, options)
    await end(context, sink, fileMd5)
  }
  return eachLimited(blobs, slowFilesMax, importOne, fail)
}

async function end(context: ImportContext, sink: BlobSink, fileMd5: Uint8Array | undefined): Promise<void> {
  await record(context, sink.task, await sink.finish(fileMd5))
}

async function record({ journal, counters }: ImportContext, task: BlobTask, result: BlobResult): Promise<void> {
  const { number, blob, attributes } = task
  if (!('outcome' in result)) return await journal.failed(number, result)
  const { outcome } = result
  const isThere = outcome !== 'skipped'
  if (isThere) counters.bytesDone += blob.lengthBytes
  const problem = isThere ? attributeProblem(attributes) : undefined
  if (problem === undefined) return journal.done(number, outcome, isThere ? blob.lengthBytes : 0)
  const ranges = [{ status: 'Completed' as const, count: blob.offsets.length }]
  await journal.failed(number, { status: 'CompletedWithErrors', message: problem, ranges })
}
