// Repairs one blob: asks the account what it has of it, reads and compares what is missing, sends that, and completes the blob.

import { TransferError } from '../errors.js'
import type { NamedValue } from '../formats/blob-properties.js'
import type { BlobStatus } from '../formats/copy-log-codes.js'
import { coveredRanges } from '../plan/covered-ranges.js'
import type { RepairBlob } from '../plan/repair-plan.js'
import { completeBlocks, type RepairWork } from '../plan/repair-work.js'
import type { BlobFacts, BlobProperties } from '../storage/blob-store.js'
import { type AttributeReader, attributeProblem, type BlobAttributes } from './blob-attributes.js'
import { type BlobResult, type BlobSink, type BlobTask, rangeMd5 } from './blob-sink.js'
import { blobStatusOf, type ImportContext, placeOf } from './import-context.js'
import { claimSink, isSink } from './import-window.js'
import { BlockBlobSink, contentIds } from './put-blocks.js'
import { incompleteMark, metadataValue, PageBlobSink } from './put-pages.js'
import { type RangeReader, readSlowly } from './read-slowly.js'
import type { RepairSources } from './repair-sources.js'

export interface RepairRun {
  context: ImportContext
  sources: RepairSources
  attributes: AttributeReader
}

export interface RepairedBlob {
  result: BlobResult
  /** With all blocks, where only the account could tell them. */
  work: RepairWork
  /** As far as they were looked for. */
  attributes: BlobAttributes | undefined
  /** No file had the content. */
  isUnresolved: boolean
}

/** @throws what ends the repair: the storage is not there, refuses everything, interrupted. */
export async function repairBlob(
  { context, sources, attributes: reader }: RepairRun,
  number: number,
  step: RepairBlob,
  work: RepairWork,
): Promise<RepairedBlob> {
  const attributes = await reader.of(work.blob)
  const done = { work, attributes, isUnresolved: false }
  const task = { number, blob: work.blob, attributes }
  if (work.data === 'none') {
    return { ...done, result: await orStatus(context, () => applyAttributes(context, task, step)) }
  }
  const { readers, passedOver, close } = await sources.find(work.blob)
  try {
    if (readers.length === 0 && work.blob.lengthBytes > 0) {
      const why = passedOver.length === 0 ? '' : `: ${passedOver.join(', ')}; the blob has ${work.blob.lengthBytes}`
      const result = failure('FileNotFound', `There is no file for ${work.blob.filePath}${why}.`)
      return { ...done, result, isUnresolved: true }
    }
    let wasRead = true
    const result = await orStatus(context, async () => {
      const claimed =
        work.data === 'part' ? await claimPart(context, task, work) : await claimWhole(context, task, work, readers)
      if (!isSink(claimed.sink)) return claimed.sink
      const { sink, from = readers } = claimed
      if (claimed.work !== undefined) done.work = claimed.work
      if (from.length > 0)
        await readSlowly(from, sink, { hashFile: false, signal: context.signal, onDamage: () => (wasRead = false) })
      return await sink.finish(undefined)
    })
    return { ...done, result: withAttributes(result, done.work, attributes, step), isUnresolved: !wasRead }
  } finally {
    await close()
  }
}

interface Claimed {
  sink: BlobSink | BlobResult
  work?: RepairWork
  /** Only these have what belongs there. */
  from?: readonly RangeReader[]
}

async function claimWhole(
  context: ImportContext,
  task: BlobTask,
  work: RepairWork,
  readers: readonly RangeReader[],
): Promise<Claimed> {
  if (work.isComplete) return { sink: await claimSink(context, task) }
  // Pages that the log does not list: they are in the account, or have to be zero.
  const found = await head(context, task)
  const mark = found === undefined ? undefined : metadataValue(found.properties, incompleteMark)
  if (found !== undefined && mark !== undefined && context.isOurMark(mark, task)) {
    return { sink: await claimSink(context, withBase(task, found)) }
  }
  const from: RangeReader[] = []
  for (const reader of readers) if (await isZeroBetween(work, reader)) from.push(reader)
  if (from.length > 0) return { sink: await claimSink(context, task), from }
  const message = `The log has no hashes for all of ${task.blob.filePath}; the manifest of its drive has: give --drive.`
  return { sink: failure('Failed', message) }
}

async function claimPart(context: ImportContext, task: BlobTask, work: RepairWork): Promise<Claimed> {
  const { store, lane, signal } = context
  const { kind, lengthBytes, blobPath } = task.blob
  const place = placeOf(blobPath)
  const found = await head(context, task)
  const mark = found === undefined ? undefined : metadataValue(found.properties, incompleteMark)
  const isOurs = mark === undefined || context.isOurMark(mark, task)
  if (found === undefined || found.kind !== kind || !isOurs || (kind === 'page' && found.sizeBytes !== lengthBytes)) {
    const message = `${store.name} has no ${kind} blob ${blobPath} of which a part is missing. Is it the log of another account?`
    return { sink: failure('BlobUnexpectedChange', message) }
  }
  if (kind === 'page') {
    const { blob } = work
    const written = mark === undefined ? [] : await lane.run(() => store.listPageRanges(place, { signal }))
    // What the log does not list is there; without a mark nobody knows what an incomplete import wrote of the rest.
    const isThere = coveredRanges(blob, written).map((covered, range) => (work.isMissing[range] === 1 ? covered : 1))
    return { sink: new PageBlobSink(context, withBase(task, found), place, 'overwritten', isThere) }
  }
  const lists = await lane.run(() => store.listBlocks(place, { signal }))
  const complete = work.isComplete ? work : completeBlocks(work, lists.committed)
  if (complete === undefined) {
    const message = `The blocks that ${store.name} has of ${blobPath} and those that the log names do not make up its ${lengthBytes} bytes.`
    return { sink: failure('BlobUnexpectedChange', message) }
  }
  const whole = { ...withBase(task, found), blob: complete.blob }
  const ids = complete.blob.ids ?? contentIds(whole)
  const sizes = new Map([...lists.committed, ...lists.uncommitted].map(({ id, sizeBytes }) => [id, sizeBytes]))
  const named = contentIds(whole)
  const isThere = (id: string, range: number) =>
    sizes.get(id) === complete.blob.lengths[range] && (complete.isMissing[range] !== 1 || id === named[range])
  const present = new Set(ids.filter(isThere))
  return { sink: new BlockBlobSink(context, whole, place, 'overwritten', ids, present, true), work: complete }
}

/** Every byte that no range covers. */
async function isZeroBetween({ blob }: RepairWork, { read }: RangeReader): Promise<boolean> {
  const pieceBytes = 4 << 20
  const zeros = Buffer.alloc(pieceBytes)
  let at = 0
  for (let range = 0; range <= blob.offsets.length; range++) {
    const end = blob.offsets[range] ?? blob.lengthBytes
    for (; at < end; at += pieceBytes) {
      const bytes = Buffer.allocUnsafe(Math.min(pieceBytes, end - at))
      const isRead = await read(at, bytes).then(
        () => true,
        (error) => {
          if (error instanceof TransferError) return false
          throw error
        },
      )
      if (!isRead || !bytes.equals(zeros.subarray(0, bytes.length))) return false
    }
    at = end + (blob.lengths[range] ?? 0)
  }
  return true
}

async function applyAttributes(context: ImportContext, task: BlobTask, step: RepairBlob): Promise<BlobResult> {
  const { store, lane, signal } = context
  const found = await head(context, task)
  if (found === undefined) {
    return failure(
      'BlobUnexpectedChange',
      `${store.name} has no ${task.blob.blobPath}. Is it the log of another account?`,
    )
  }
  const problem = problemOf(task.attributes, step)
  if (problem !== undefined) return failure('CompletedWithErrors', problem)
  const properties = merged(found.properties, task.attributes.properties)
  await lane.run(() => store.setProperties(placeOf(task.blob.blobPath), properties, { signal }))
  return { outcome: 'overwritten' }
}

function head({ store, lane, signal }: ImportContext, { blob }: BlobTask): Promise<BlobFacts | undefined> {
  return lane.run(() => store.head(placeOf(blob.blobPath), { signal }))
}

/** What the blob carries already stays, but for the mark and the digest of what it was. */
function withBase(task: BlobTask, { properties: { contentMd5: _, ...old } }: BlobFacts): BlobTask {
  return { ...task, attributes: { ...task.attributes, properties: merged(old, task.attributes.properties) } }
}

function merged(old: BlobProperties, wanted: BlobProperties): BlobProperties {
  const isKept = ([name]: NamedValue) => name.toLowerCase() !== incompleteMark
  const metadata = wanted.metadata ?? (old.metadata ?? []).filter(isKept)
  return { ...old, ...wanted, metadata }
}

function withAttributes(
  result: BlobResult,
  { blob }: RepairWork,
  attributes: BlobAttributes,
  step: RepairBlob,
): BlobResult {
  if (!('outcome' in result) || result.outcome === 'skipped') return result
  const message = problemOf(attributes, step)
  if (message === undefined) return result
  const ranges = [{ status: 'Completed' as const, count: blob.offsets.length }]
  return { status: 'CompletedWithErrors', message, ranges }
}

function problemOf(attributes: BlobAttributes, { metadata, properties }: RepairBlob): string | undefined {
  const found = attributeProblem(attributes)
  if (found !== undefined) return found
  const unknown = [
    metadata !== undefined && attributes.metadataFile === undefined ? 'metadata' : undefined,
    properties !== undefined && attributes.propertiesFile === undefined ? 'properties' : undefined,
  ].filter((name) => name !== undefined)
  if (unknown.length === 0) return undefined
  return `The log does not say which file its ${unknown.join(' and ')} are; the manifest of its drive does: give --drive.`
}

async function orStatus(context: ImportContext, work: () => Promise<BlobResult>): Promise<BlobResult> {
  try {
    context.signal.throwIfAborted()
    return await work()
  } catch (error) {
    const status = blobStatusOf(error)
    if (status === undefined) throw error
    const { message } = error as TransferError
    const isAbsent = error instanceof TransferError && error.code === 'STORAGE_NOT_FOUND'
    return failure(status, isAbsent ? `${message} Is it the log of another account?` : message)
  }
}

function failure(status: BlobStatus, message: string): BlobResult {
  return { status, message, ranges: [] }
}

/** Equal ids of blocks mean equal content: the id is the content's digest. */
export function hasContentIds(task: Pick<BlobTask, 'number' | 'blob'>): boolean {
  const { kind, ids, offsets } = task.blob
  if (kind === 'page' || ids === undefined || offsets.length <= 1) return true
  return ids.every((id, range) => id === `MD5/${rangeMd5(task, range).toString('base64')}`)
}
