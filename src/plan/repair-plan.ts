// What a copy log says is missing, blob by blob: the whole blob, some of its blocks or pages, its metadata or properties. Nothing is
// kept between blobs, so a log of any size is planned in the memory of one. Where the log leaves a doubt, the whole blob is
// sent again.

import { type Disposition, dispositions, pageBytes } from '../formats/blob-limits.js'
import { attachmentMeanings, itemMeanings, meaningOf } from '../formats/copy-log-codes.js'
import { failedRangeIndexes, type ReadRanges } from '../formats/copy-log-ranges.js'
import type { CopyLogBlobPart, CopyLogErrorPart, CopyLogPart, ReadAttachment } from '../formats/copy-log-reader.js'
import { blobPathProblem, drivePathProblem } from '../formats/manifest-paths.js'

/** Blocks or pages in the order of their offsets; they do not overlap. */
export interface RepairRanges {
  count: number
  offsets: Float64Array
  lengths: Float64Array
  /** Base64, for block blobs; undefined for pages. */
  ids: readonly string[] | undefined
  /** MD5 of each, 16 bytes after 16 bytes; undefined where the log does not have all. */
  digests: Buffer | undefined
  /** Sum of the lengths. */
  bytes: number
}

export interface RepairBlob {
  kind: 'blob'
  /** Undefined where the log does not say: then the whole blob is missing. */
  blobKind: 'block' | 'page' | undefined
  /** `container/name` in the storage; the new name where it was renamed. */
  blobPath: string
  /** `\container\name` on the drive. */
  filePath: string
  lengthBytes: number | undefined
  /** Code of the log. */
  status: string
  /** None: only metadata or properties are missing. */
  data: 'whole' | 'none' | RepairRanges
  /**
   * What is still to be decided where a blob of that name is there. Undefined: it was decided, the blob is the one of this
   * import, and is written over.
   */
  disposition: Disposition | undefined
  /** Where they failed. */
  metadata: ReadAttachment | undefined
  properties: ReadAttachment | undefined
  /** All that the log says of it. */
  logged: CopyLogBlobPart | CopyLogErrorPart
  /** 1-based, in the log. */
  line: number
}

/** Something that failed and cannot be repaired from its log. */
export interface RepairImpossible {
  kind: 'impossible'
  /** As the log names it. */
  path: string
  status: string
  /** A clause. */
  reason: string
  logged: CopyLogBlobPart | CopyLogErrorPart
  line: number
}

export interface RepairEnd {
  kind: 'end'
  driveId: string | undefined
  /** Of the drive: where it failed as a whole the log has no blobs, and the drive is to be imported again. */
  status: string | undefined
  /** Blobs of the log that need nothing. */
  sound: number
  whole: number
  inPart: number
  /** Metadata or properties alone. */
  attachmentsOnly: number
  impossible: number
  /** At least these are to be sent; lengths that the log does not have are not in it. */
  bytes: number
}

export type RepairStep = RepairBlob | RepairImpossible | RepairEnd

/** Each blob that needs something, in the order of the log; the end once and last. */
export async function* planRepair(parts: AsyncIterable<CopyLogPart>): AsyncGenerator<RepairStep, void, undefined> {
  const end: RepairEnd = {
    kind: 'end',
    driveId: undefined,
    status: undefined,
    sound: 0,
    whole: 0,
    inPart: 0,
    attachmentsOnly: 0,
    impossible: 0,
    bytes: 0,
  }
  for await (const part of parts) {
    if (part.kind === 'end') {
      end.driveId = part.driveId
      end.status = part.status
    } else if (part.kind === 'blob' || part.kind === 'error') {
      const step = part.kind === 'blob' ? stepOfBlob(part) : stepOfError(part)
      count(end, step)
      if (step !== undefined) yield step
    }
  }
  yield end
}

function count(end: RepairEnd, step: RepairBlob | RepairImpossible | undefined): void {
  if (step === undefined) end.sound += 1
  else if (step.kind === 'impossible') end.impossible += 1
  else if (step.data === 'none') end.attachmentsOnly += 1
  else if (step.data === 'whole') {
    end.whole += 1
    end.bytes += step.lengthBytes ?? 0
  } else {
    end.inPart += 1
    end.bytes += step.data.bytes
  }
}

function stepOfBlob(blob: CopyLogBlobPart): RepairBlob | RepairImpossible | undefined {
  // A blob that was there and was left alone got neither data nor metadata: that is what was wanted.
  if (blob.disposition?.status === 'Skipped') return undefined
  const metadata = failedAttachment(blob.metadata)
  const properties = failedAttachment(blob.properties)
  const data = missingData(blob, metadata !== undefined || properties !== undefined)
  if (data === 'none' && metadata === undefined && properties === undefined) return undefined
  const { blobKind, blobPath, filePath, lengthBytes, status, line } = blob
  const reason = blobKind === 'file' ? 'it is a file of a share' : pathProblem(blobPath, filePath)
  if (reason !== undefined || blobKind === 'file' || blobPath === undefined || filePath === undefined) {
    return { kind: 'impossible', path: blobPath ?? filePath ?? '', status, reason: reason ?? '', logged: blob, line }
  }
  const disposition = dispositionLeft(blob, data)
  // Before it is decided which blob it becomes, there is nothing to mend a part of.
  const dataNow = disposition !== undefined && data !== 'none' ? 'whole' : data
  return {
    kind: 'blob',
    blobKind,
    blobPath,
    filePath,
    lengthBytes,
    status,
    data: dataNow,
    disposition,
    metadata,
    properties,
    logged: blob,
    line,
  }
}

/** 2021-08-01: it names the path alone. */
function stepOfError(error: CopyLogErrorPart): RepairBlob | RepairImpossible | undefined {
  const { path, category, entityType, line } = error
  if (meaningOf(category, itemMeanings).outcome !== 'failed') return undefined
  const blobPath = path?.replaceAll('\\', '/').replace(/^\/+/, '')
  const filePath = blobPath === undefined ? undefined : `\\${blobPath.replaceAll('/', '\\')}`
  const isContainer = entityType !== undefined && /^(container|share)$/i.test(entityType)
  const reason = isContainer ? `it is a ${entityType.toLowerCase()} as a whole` : pathProblem(blobPath, filePath)
  if (reason !== undefined || blobPath === undefined || filePath === undefined) {
    return { kind: 'impossible', path: path ?? '', status: category, reason: reason ?? '', logged: error, line }
  }
  return {
    kind: 'blob',
    blobKind: undefined,
    blobPath,
    filePath,
    lengthBytes: undefined,
    status: category,
    data: 'whole',
    disposition: 'rename',
    metadata: undefined,
    properties: undefined,
    logged: error,
    line,
  }
}

function failedAttachment(attachment: ReadAttachment | undefined): ReadAttachment | undefined {
  if (attachment === undefined) return undefined
  return meaningOf(attachment.status, attachmentMeanings).outcome === 'failed' ? attachment : undefined
}

function pathProblem(blobPath: string | undefined, filePath: string | undefined): string | undefined {
  if (blobPath === undefined) return 'the log does not name its blob'
  if (filePath === undefined) return 'the log does not name its file'
  const problem = blobPathProblem(blobPath)
  if (problem !== undefined) return `its blob cannot be named so: ${problem}`
  const fileProblem = drivePathProblem(filePath)
  return fileProblem === undefined ? undefined : `its file cannot be looked for: ${fileProblem}`
}

function missingData(blob: CopyLogBlobPart, hasFailedAttachment: boolean): RepairBlob['data'] {
  const { ranges, status } = blob
  const failed = ranges === undefined ? [] : [...failedRangeIndexes(ranges)]
  if (failed.length > 0) return missingRanges(blob, ranges as ReadRanges, failed)
  if (meaningOf(status, itemMeanings).outcome !== 'failed') return 'none'
  // "With errors" and nothing wrong with any range: it was the metadata or the properties, where those failed.
  return status === 'CompletedWithErrors' && hasFailedAttachment ? 'none' : 'whole'
}

function missingRanges(
  { blobKind, lengthBytes, status }: CopyLogBlobPart,
  ranges: ReadRanges,
  failed: readonly number[],
): RepairRanges | 'whole' {
  // Some other writer changed it, so what was sent before is worth nothing.
  if (status === 'BlobUnexpectedChange') return 'whole'
  const order = Uint32Array.from(failed).sort(
    (left, right) => (ranges.offsets[left] as number) - (ranges.offsets[right] as number),
  )
  const result: RepairRanges = {
    count: order.length,
    offsets: Float64Array.from(order, (index) => ranges.offsets[index] as number),
    lengths: Float64Array.from(order, (index) => ranges.lengths[index] as number),
    ids: ranges.ids === undefined ? undefined : Array.from(order, (index) => ranges.ids?.[index] as string),
    digests: digestsOf(ranges, order),
    bytes: 0,
  }
  result.bytes = result.lengths.reduce((sum, length) => sum + length, 0)
  const isUsable = blobKind === 'page' ? areWholePages(result) : blobKind === 'block' && haveIds(result)
  if (!isUsable || overlaps(result)) return 'whole'
  return result.bytes === lengthBytes ? 'whole' : result
}

function digestsOf({ digests }: ReadRanges, order: Uint32Array): Buffer | undefined {
  if (digests === undefined) return undefined
  const picked = Buffer.alloc(order.length * 16)
  for (const [target, index] of order.entries()) digests.copy(picked, target * 16, index * 16, index * 16 + 16)
  return picked
}

function areWholePages({ offsets, lengths }: RepairRanges): boolean {
  const isWhole = (bytes: number) => bytes % pageBytes === 0
  return offsets.every(isWhole) && lengths.every((length) => length > 0 && isWhole(length))
}

/** Without its id a block cannot be put into its place among the others. */
function haveIds({ ids, lengths }: RepairRanges): boolean {
  return ids?.every((id) => id !== '') === true && lengths.every((length) => length > 0)
}

function overlaps({ count, offsets, lengths }: RepairRanges): boolean {
  for (let index = 1; index < count; index++) {
    const endBefore = (offsets[index - 1] as number) + (lengths[index - 1] as number)
    if ((offsets[index] as number) < endBefore) return true
  }
  return false
}

function dispositionLeft({ disposition }: CopyLogBlobPart, data: RepairBlob['data']): Disposition | undefined {
  const status = disposition?.status
  if (status === 'Created' || status === 'Renamed' || status === 'Overwritten') return undefined
  // A log without dispositions: what is there in part, or lacks metadata alone, is of this import.
  if (disposition === undefined && data !== 'whole') return undefined
  return dispositions.find((known) => known === disposition?.wanted) ?? 'rename'
}
