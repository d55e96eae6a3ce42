// The copy log of what a repair could not mend, in the form of any copy log: the next repair takes it like the first one.

import { dispositions } from '../formats/blob-limits.js'
import {
  type AttachmentStatus,
  attachmentMeanings,
  type BlobStatus,
  blobMeanings,
  type DispositionStatus,
  dispositionStatuses,
  type RangeStatus,
  rangeMeanings,
} from '../formats/copy-log-codes.js'
import type { CopyLogBlobPart, ReadAttachment } from '../formats/copy-log-parts.js'
import type { CopyLogAttachment, CopyLogBlob, CopyLogRange } from '../formats/copy-log-writer.js'
import type { RangeRun } from '../plan/import-state.js'
import type { RepairBlob, RepairImpossible } from '../plan/repair-plan.js'
import type { RepairWork } from '../plan/repair-work.js'
import type { BlobAttributes } from './blob-attributes.js'

export interface Remaining {
  step: RepairBlob | RepairImpossible
  /** Undefined where it was not even begun. */
  work: RepairWork | undefined
  attributes: BlobAttributes | undefined
  status: BlobStatus
  /** Of each range of the work; empty when none was looked at. */
  ranges: readonly RangeRun[]
  /** The name it has in the account and how it came by it, where this repair made it in part. */
  made: { blobPath: string; status: DispositionStatus } | undefined
}

export function remainingBlob({ step, work, attributes, status, ranges, made }: Remaining): CopyLogBlob {
  const { logged } = step
  const told = logged.kind === 'blob' ? logged : undefined
  const { wanted, status: decided } = told?.disposition ?? {}
  const path = step.kind === 'blob' ? step.blobPath : step.path
  const isSent = ranges.length > 0 && ranges.every((run) => run.status === 'Completed')
  return {
    status,
    blobPath: made?.blobPath ?? path,
    filePath: told?.filePath ?? (step.kind === 'blob' ? step.filePath : ''),
    lengthBytes: work?.blob.lengthBytes ?? told?.lengthBytes,
    disposition: {
      wanted: dispositions.find((known) => known === (wanted ?? work?.blob.disposition)) ?? 'rename',
      // What is missing of a blob of which the content is there, is missing of that blob.
      status:
        made?.status ?? (isSent ? 'Created' : (dispositionStatuses.find((known) => known === decided) ?? 'Cancelled')),
    },
    kind: work?.blob.kind ?? kindOf(told),
    ranges: isSent ? [] : work === undefined ? loggedRanges(told) : rangesOf(work, ranges),
    metadata: attachment(told?.metadata, attributes?.metadataFile),
    properties: attachment(told?.properties, attributes?.propertiesFile),
  }
}

/** What a blob is called that failed before: some services have codes of their own. */
export function statusOf({ logged }: RepairBlob | RepairImpossible): BlobStatus {
  const status = logged.kind === 'blob' ? logged.status : logged.category
  if (!Object.hasOwn(blobMeanings, status)) return 'Failed'
  return blobMeanings[status as BlobStatus].outcome === 'failed' ? (status as BlobStatus) : 'CompletedWithErrors'
}

function kindOf(told: CopyLogBlobPart | undefined): 'block' | 'page' | undefined {
  return told?.blobKind === 'file' ? undefined : told?.blobKind
}

function* rangesOf({ blob, isMissing, data }: RepairWork, runs: readonly RangeRun[]): Generator<CopyLogRange> {
  let run = 0
  let left = runs[0]?.count ?? 0
  for (const [range, offsetBytes] of blob.offsets.entries()) {
    while (left === 0 && run < runs.length) left = runs[++run]?.count ?? 0
    const found = runs[run]?.status ?? 'Cancelled'
    left--
    const lengthBytes = blob.lengths[range] as number
    // Not missing before, and so not now: an error log leaves it out.
    const status = data !== 'whole' && isMissing[range] !== 1 ? 'Completed' : found
    const hash = blob.digests.toString('hex', range * 16, range * 16 + 16).toUpperCase()
    yield { offsetBytes, lengthBytes, id: blob.ids?.[range], hash, status }
  }
}

function* loggedRanges(told: CopyLogBlobPart | undefined): Generator<CopyLogRange> {
  const ranges = told?.ranges
  for (let index = 0; index < (ranges?.count ?? 0); index++) {
    if (ranges === undefined) return
    const { offsets, lengths, ids, digests, statuses, statusNames } = ranges
    yield {
      offsetBytes: offsets[index] as number,
      lengthBytes: lengths[index] as number,
      id: ids?.[index] === '' ? undefined : ids?.[index],
      hash: digests?.toString('hex', index * 16, index * 16 + 16),
      status: known(statusNames[statuses[index] as number] as string, rangeMeanings) as RangeStatus,
    }
  }
}

function attachment(
  told: ReadAttachment | undefined,
  found: CopyLogAttachment | undefined,
): CopyLogAttachment | undefined {
  if (found !== undefined) return found
  if (told === undefined) return undefined
  const { path = '', hash, isGlobal } = told
  return { path, hash, isGlobal, status: known(told.status, attachmentMeanings) as AttachmentStatus }
}

function known(status: string, table: Readonly<Record<string, unknown>>): string {
  return Object.hasOwn(table, status) ? status : 'Failed'
}
