// What is to be done for one blob of a copy log, in the shape of a blob of a manifest, so that what imports blobs repairs them
// too. With the manifest of its drive everything is known; a log alone may leave out too much to be sure, which is then said.

import type { Disposition } from '../formats/blob-limits.js'
import type { ReadAttachment } from '../formats/copy-log-parts.js'
import type { ReadRanges } from '../formats/copy-log-ranges.js'
import { BlockCollector } from '../formats/manifest-blocks.js'
import { drivePathProblem } from '../formats/manifest-paths.js'
import type { ReadManifestBlob } from '../formats/manifest-reader.js'
import type { HashedPath } from '../formats/manifest-writer.js'
import { renamedBlob } from './renamed-blob.js'
import type { RepairBlob, RepairRanges } from './repair-plan.js'

export interface RepairWork {
  /** Its name in the account, its blocks or ranges with their hashes, and what to do where the name is taken. */
  blob: ReadManifestBlob
  /** 1 for each range that the log says is missing. */
  isMissing: Uint8Array
  data: 'whole' | 'part' | 'none'
  /**
   * False: the ranges are those of an error log. Blocks that are not among them are in the account; pages that are not among them
   * are there, or were zero.
   */
  isComplete: boolean
}

export interface RepairRefusal {
  /** A sentence. */
  refused: string
}

/** @param found the blob of the same file in the manifest of the drive. */
export function workFromManifest(step: RepairBlob, found: ReadManifestBlob): RepairWork | RepairRefusal {
  const { blobPath, lengthBytes, blobKind, data } = step
  if (!isNameOf(blobPath, found.blobPath)) {
    return { refused: `The log says ${blobPath}, the manifest of the drive has ${found.blobPath} for that file.` }
  }
  if (lengthBytes !== undefined && lengthBytes !== found.lengthBytes) {
    return { refused: `The log says ${lengthBytes} bytes, the manifest of the drive ${found.lengthBytes}.` }
  }
  if (blobKind !== undefined && blobKind !== found.kind) {
    return { refused: `The log says it is a ${blobKind} blob, the manifest of the drive a ${found.kind} blob.` }
  }
  const ranges = step.logged.kind === 'blob' ? step.logged.ranges : undefined
  if (ranges !== undefined && !agree(ranges, found)) {
    return { refused: 'The log has other hashes than the manifest of the drive.' }
  }
  const isMissing = typeof data === 'string' ? filled(found, data === 'whole') : overlapping(found, data)
  const blob = { ...found, blobPath, disposition: dispositionOf(step) }
  return { blob, isMissing, data: typeof data === 'string' ? data : 'part', isComplete: true }
}

export function workFromLog(step: RepairBlob): RepairWork | RepairRefusal {
  const { logged, lengthBytes, blobKind, data } = step
  if (logged.kind !== 'blob' || (data !== 'none' && (lengthBytes === undefined || blobKind === undefined))) {
    return { refused: 'The log does not say of what blocks it is made; the manifest of its drive does: give --drive.' }
  }
  const kind = blobKind ?? 'block'
  const length = lengthBytes ?? 0
  const ranges = data === 'none' ? undefined : data === 'whole' ? inOrder(logged.ranges) : data
  const columns = readColumns(ranges, kind, length, data === 'whole')
  if (typeof columns === 'string') {
    return {
      refused: `From the log alone it cannot be repaired: ${columns}. The manifest of its drive may help: --drive.`,
    }
  }
  // Where the blob is there, what it carries beside its content is too, but for what failed.
  const attachments = data === 'whole' ? logged : step
  const blob: ReadManifestBlob = {
    kind,
    blobPath: step.blobPath,
    filePath: step.filePath,
    lengthBytes: length,
    disposition: dispositionOf(step),
    snapshot: undefined,
    metadata: hashedPath(attachments.metadata),
    properties: hashedPath(attachments.properties),
    list: { id: undefined, metadata: undefined, properties: undefined },
    line: step.line,
    ...columns,
  }
  const listed = columns.lengths.reduce((sum, bytes) => sum + bytes, 0)
  return {
    blob,
    isMissing: filled(blob, true),
    data: typeof data === 'string' ? data : 'part',
    isComplete: data === 'none' || listed === length,
  }
}

/**
 * The whole list of a block blob, from the blocks that are missing and those that are in the account: both in their order,
 * without a gap. Undefined where they do not fit together.
 */
export function completeBlocks(
  { blob, data }: RepairWork,
  committed: readonly { id: string; sizeBytes: number }[],
): RepairWork | undefined {
  const blocks: { offset: number; length: number; id: string; missing: number | undefined }[] = []
  const missingIds = new Set(blob.ids)
  const others = committed.filter(({ id }) => !missingIds.has(id))
  let missing = 0
  let other = 0
  for (let offset = 0; offset < blob.lengthBytes; ) {
    const isMissing = blob.offsets[missing] === offset
    const found = others[other]
    const length = isMissing ? (blob.lengths[missing] as number) : found?.sizeBytes
    const id = isMissing ? blob.ids?.[missing] : found?.id
    if (length === undefined || length === 0 || id === undefined) return undefined
    blocks.push({ offset, length, id, missing: isMissing ? missing : undefined })
    offset += length
    if (isMissing) missing++
    else other++
  }
  const last = blocks.at(-1)
  const end = last === undefined ? 0 : last.offset + last.length
  if (end !== blob.lengthBytes || missing !== blob.offsets.length || other !== others.length) return undefined
  const digests = Buffer.alloc(blocks.length * 16)
  for (const [index, { missing: from }] of blocks.entries()) {
    if (from !== undefined) blob.digests.copy(digests, index * 16, from * 16, from * 16 + 16)
  }
  const complete: ReadManifestBlob = {
    ...blob,
    offsets: Float64Array.from(blocks, ({ offset }) => offset),
    lengths: Float64Array.from(blocks, ({ length }) => length),
    ids: blocks.map(({ id }) => id),
    digests,
  }
  const isMissing = Uint8Array.from(blocks, (block) => (block.missing === undefined ? 0 : 1))
  return { blob: complete, isMissing, data, isComplete: true }
}

/** The manifest's name, or one that a blob takes when that is taken. */
function isNameOf(path: string, wanted: string): boolean {
  if (path === wanted) return true
  const slash = wanted.indexOf('/') + 1
  if (path.slice(0, slash) !== wanted.slice(0, slash)) return false
  const name = path.slice(slash)
  for (const [, copy] of name.matchAll(/ \((\d{1,9})\)/g)) {
    if (Number(copy) > 1 && renamedBlob(wanted.slice(slash), Number(copy)) === name) return true
  }
  return false
}

/** A blob that was decided to be the one of the import is written over. */
function dispositionOf({ disposition }: RepairBlob): Disposition {
  return disposition ?? 'overwrite'
}

function filled({ offsets }: { offsets: Float64Array }, isMissing: boolean): Uint8Array {
  return new Uint8Array(offsets.length).fill(isMissing ? 1 : 0)
}

function overlapping({ offsets, lengths }: ReadManifestBlob, missing: RepairRanges): Uint8Array {
  const isMissing = new Uint8Array(offsets.length)
  let next = 0
  for (const [range, offset] of offsets.entries()) {
    const end = offset + (lengths[range] as number)
    while (next < missing.count && (missing.offsets[next] as number) + (missing.lengths[next] as number) <= offset)
      next++
    if (next < missing.count && (missing.offsets[next] as number) < end) isMissing[range] = 1
  }
  return isMissing
}

function agree({ count, offsets, lengths, digests }: ReadRanges, found: ReadManifestBlob): boolean {
  if (digests === undefined) return true
  const indexes = new Map<number, number>()
  for (const [index, offset] of found.offsets.entries()) indexes.set(offset, index)
  for (let range = 0; range < count; range++) {
    const index = indexes.get(offsets[range] as number)
    if (index === undefined || found.lengths[index] !== lengths[range]) continue
    if (digests.compare(found.digests, index * 16, index * 16 + 16, range * 16, range * 16 + 16) !== 0) return false
  }
  return true
}

function inOrder(ranges: ReadRanges | undefined): Omit<RepairRanges, 'bytes'> | undefined {
  if (ranges === undefined) return undefined
  const { count, offsets, lengths, ids, digests } = ranges
  const order = Uint32Array.from({ length: count }, (_, index) => index).sort(
    (left, right) => (offsets[left] as number) - (offsets[right] as number),
  )
  const sorted = Buffer.alloc(digests === undefined ? 0 : count * 16)
  for (const [to, from] of order.entries()) digests?.copy(sorted, to * 16, from * 16, from * 16 + 16)
  return {
    count,
    offsets: Float64Array.from(order, (index) => offsets[index] as number),
    lengths: Float64Array.from(order, (index) => lengths[index] as number),
    ids: ids === undefined ? undefined : Array.from(order, (index) => ids[index] as string),
    digests: digests === undefined ? undefined : sorted,
  }
}

type Columns = Pick<ReadManifestBlob, 'offsets' | 'lengths' | 'digests' | 'ids'>

/** Checked by the rules that a manifest has. Returns a clause when something is wrong or missing. */
function readColumns(
  ranges: Omit<RepairRanges, 'bytes'> | undefined,
  kind: 'block' | 'page',
  lengthBytes: number,
  isWhole: boolean,
): Columns | string {
  const none = { offsets: new Float64Array(0), lengths: new Float64Array(0), digests: Buffer.alloc(0), ids: undefined }
  if (ranges === undefined || ranges.count === 0) {
    return isWhole && lengthBytes > 0 ? 'it lists none of its blocks' : none
  }
  if (ranges.digests === undefined) return 'it has no hashes to compare a file with'
  const collector = new BlockCollector(1 << 21)
  const isPage = kind === 'page'
  // Blocks of which only some are listed have gaps between; each is checked as if it stood alone.
  const hasGaps = !isPage && !isWhole
  const first = hasGaps ? undefined : collector.start(isPage, lengthBytes)
  if (first !== undefined) return first
  const hasIds = ranges.ids?.every((id) => id !== '') === true
  const { digests } = ranges
  for (let range = 0; range < ranges.count; range++) {
    const length = ranges.lengths[range] as number
    if (hasGaps) collector.start(false, lengthBytes)
    const problem = collector.add({
      offset: String(hasGaps ? 0 : ranges.offsets[range]),
      length: String(length),
      hash: digests.toString('hex', range * 16, range * 16 + 16),
      id: hasIds ? ranges.ids?.[range] : undefined,
    })
    if (problem !== undefined) return problem
  }
  const { offsets, lengths } = ranges
  if (hasGaps) return { offsets, lengths, digests, ids: hasIds ? [...(ranges.ids ?? [])] : undefined }
  return collector.finish()
}

/** Undefined where the log does not say enough to know the file when it is found. */
function hashedPath(attachment: ReadAttachment | undefined): HashedPath | undefined {
  const { path, hash } = attachment ?? {}
  if (path === undefined || hash === undefined || drivePathProblem(path) !== undefined) return undefined
  return { path, hash }
}
