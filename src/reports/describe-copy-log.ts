// A copy log for people: which drive, each blob that failed with what failed where and what to do next, then the counts and one
// plain sentence. And the same as objects for programs. Both are streams: logs of millions of blobs are shown as they are read.

import { attachmentMeanings, finalMeanings, itemMeanings, meaningOf, rangeMeanings } from '../formats/copy-log-codes.js'
import { failedRuns, type RangeRun } from '../formats/copy-log-ranges.js'
import type {
  CopyLogBlobPart,
  CopyLogCount,
  CopyLogErrorPart,
  CopyLogPart,
  CopyLogSummaryPart,
  ReadAttachment,
} from '../formats/copy-log-reader.js'
import { formatBytes } from './format-bytes.js'
import { counted, grouped, printable } from './printable.js'

export interface CopyLogViewOptions {
  /** Also what completed; otherwise that is only counted. */
  all?: boolean
}

const runsShown = 8
const runsInJson = 1000

/** Texts without a line end at their end, each of one line or more. */
export async function* describeCopyLog(
  parts: AsyncIterable<CopyLogPart>,
  { all = false }: CopyLogViewOptions = {},
): AsyncGenerator<string, void, undefined> {
  const tally = new Tally()
  let summary: CopyLogSummaryPart | undefined
  let driveId: string | undefined
  for await (const part of parts) {
    tally.add(part)
    if (part.kind === 'header') {
      driveId = part.driveId
      yield `${driveTitle(driveId)}, copy log of format ${part.generation}${part.version === undefined ? ' (it names no version)' : ''}`
    } else if (part.kind === 'blob') {
      if (all || needsAttention(part)) yield describeBlob(part)
    } else if (part.kind === 'error') yield describeError(part)
    else if (part.kind === 'summary') summary = part
    else {
      if (part.driveId !== undefined && part.driveId !== driveId) yield driveTitle(part.driveId)
      yield tally.sentence()
      if (summary !== undefined) yield* describeSummary(summary)
      if (part.itemsTotal !== undefined) {
        yield `The log counts ${grouped(part.itemsTotal)} files and blobs, ${grouped(part.itemsFailed ?? 0)} of them failed.`
      }
      yield finalSentence(part.status)
    }
  }
}

/** One object for each header, blob (those that completed only with `all`), error, summary and end. docs/json.md has the fields. */
export async function* copyLogToJson(
  parts: AsyncIterable<CopyLogPart>,
  { all = false }: CopyLogViewOptions = {},
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const tally = new Tally()
  for await (const part of parts) {
    tally.add(part)
    if (part.kind === 'header') {
      yield { event: 'log', generation: part.generation, version: part.version, driveId: part.driveId }
    } else if (part.kind === 'blob') {
      if (all || needsAttention(part)) yield blobToJson(part)
    } else if (part.kind === 'error') {
      const { kind: _, ...facts } = part
      yield { event: 'log-error', ...facts, outcome: meaningOf(part.category, itemMeanings).outcome }
    } else if (part.kind === 'summary') {
      yield { event: 'log-summary', validationErrors: part.validationErrors, copyErrors: part.copyErrors }
    } else {
      const { kind: _, ...facts } = part
      yield { event: 'log-end', ...facts, ...tally.counts() }
    }
  }
}

type Outcome = 'done' | 'renamed' | 'skipped' | 'failed'

function outcomeOf(blob: CopyLogBlobPart): Outcome {
  const { outcome } = meaningOf(blob.status, itemMeanings)
  if (outcome === 'failed' || hasFailed(blob.metadata) || hasFailed(blob.properties)) return 'failed'
  if (blob.ranges !== undefined && failedRuns(blob.ranges).next().done !== true) return 'failed'
  if (outcome === 'elsewhere' || blob.disposition?.status === 'Renamed') return 'renamed'
  return blob.disposition?.status === 'Skipped' ? 'skipped' : 'done'
}

function hasFailed(attachment: ReadAttachment | undefined): boolean {
  return attachment !== undefined && meaningOf(attachment.status, attachmentMeanings).outcome === 'failed'
}

function needsAttention(blob: CopyLogBlobPart): boolean {
  const outcome = outcomeOf(blob)
  return outcome === 'failed' || outcome === 'renamed'
}

class Tally {
  readonly #counts: Record<Outcome, number> = { done: 0, renamed: 0, skipped: 0, failed: 0 }
  #errors = 0
  #notes = 0

  add(part: CopyLogPart): void {
    if (part.kind === 'blob') this.#counts[outcomeOf(part)] += 1
    else if (part.kind === 'error') {
      if (meaningOf(part.category, itemMeanings).outcome === 'failed') this.#errors += 1
      else this.#notes += 1
    }
  }

  counts() {
    const { done, renamed, skipped, failed } = this.#counts
    return {
      blobs: done + renamed + skipped + failed,
      renamed,
      skipped,
      failed,
      errors: this.#errors,
      notes: this.#notes,
    }
  }

  sentence(): string {
    const { blobs, renamed, skipped, failed, errors, notes } = this.counts()
    const parts = [`${grouped(blobs - failed)} completed`]
    if (renamed > 0) parts.push(`${grouped(renamed)} of them under another name`)
    if (skipped > 0) parts.push(`${grouped(skipped)} of them skipped because the blob was there`)
    parts.push(`${grouped(failed)} failed`)
    const listed =
      blobs > 0 || errors + notes === 0 ? [`In this log: ${counted(blobs, 'blob')}, ${parts.join(', ')}.`] : []
    if (errors > 0) listed.push(`${counted(errors, 'error')}.`)
    if (notes > 0) listed.push(`${counted(notes, 'change')} of a name.`)
    return listed.join(' ')
  }
}

function driveTitle(driveId: string | undefined): string {
  return driveId === undefined ? 'Drive not named' : `Drive ${printable(driveId)}`
}

function describeBlob(blob: CopyLogBlobPart): string {
  const { says, next, outcome } = meaningOf(blob.status, itemMeanings)
  const file = [blob.filePath, blob.lengthBytes === undefined ? undefined : formatBytes(blob.lengthBytes)]
  const facts = file.filter((fact) => fact !== undefined).map(printable)
  const lines = [
    `${printable(blob.status)}  ${printable(blob.blobPath ?? blob.filePath ?? '')}`,
    `  ${says}${facts.length === 0 ? '' : `; ${facts.join(', ')}`}`,
    ...describeDisposition(blob),
    ...describeRanges(blob),
    ...describeAttachment('metadata', blob.metadata),
    ...describeAttachment('properties', blob.properties),
  ]
  const isFailed = outcomeOf(blob) === 'failed'
  const advice = isFailed && outcome !== 'failed' ? meaningOf('CompletedWithErrors', itemMeanings).next : next
  if (advice !== undefined) lines.push(`  next: ${advice}`)
  return lines.join('\n')
}

function describeDisposition({ disposition }: CopyLogBlobPart): string[] {
  if (disposition?.status === 'Renamed') return ['  a blob of its name was there, so it has this new name']
  if (disposition?.status === 'Skipped') return ['  a blob of its name was there and was left as it is']
  if (disposition?.status === 'Overwritten') return ['  a blob of its name was there and was replaced']
  return []
}

function describeRanges({ ranges, blobKind }: CopyLogBlobPart): string[] {
  if (ranges === undefined) return []
  const lines: string[] = []
  let count = 0
  let more = 0
  for (const run of failedRuns(ranges)) {
    count += run.count
    if (lines.length < runsShown) lines.push(`    ${describeRun(run)}`)
    else more += 1
  }
  if (count === 0) return []
  if (more > 0) lines.push(`    and ${grouped(more)} more places (with --json up to ${grouped(runsInJson)})`)
  const noun = blobKind === 'block' ? 'block' : 'range'
  return [`  ${counted(count, noun)} of ${grouped(ranges.count)} in this log not imported:`, ...lines]
}

function describeRun({ offsetBytes, lengthBytes, status, count }: RangeRun): string {
  const last = offsetBytes + Math.max(lengthBytes, 1) - 1
  const many = count === 1 ? '' : ` (${grouped(count)})`
  return `bytes ${grouped(offsetBytes)} to ${grouped(last)}${many}: ${printable(status)}, ${meaningOf(status, rangeMeanings).says}`
}

function describeAttachment(name: string, attachment: ReadAttachment | undefined): string[] {
  if (attachment === undefined || !hasFailed(attachment)) return []
  const { says } = meaningOf(attachment.status, attachmentMeanings)
  const path = attachment.path === undefined ? '' : `; ${printable(attachment.path)}`
  return [`  ${name}: ${printable(attachment.status)}, ${says}${path}`]
}

function describeError({ path, category, errorCode, message, entityType }: CopyLogErrorPart): string {
  const { says, next } = meaningOf(category, itemMeanings)
  const code = errorCode === undefined ? '' : ` (${printable(errorCode)})`
  const what = entityType === undefined ? '' : ` [${printable(entityType)}]`
  const lines = [`${printable(category)}${code}  ${printable(path ?? 'no path')}${what}`, `  ${says}`]
  if (message !== undefined) lines.push(`  the service says: ${printable(message)}`)
  if (next !== undefined) lines.push(`  next: ${next}`)
  return lines.join('\n')
}

function* describeSummary({ validationErrors, copyErrors }: CopyLogSummaryPart): Generator<string, void, undefined> {
  const list = (counts: readonly CopyLogCount[]) =>
    counts.map(({ code, count }) => `${printable(code)} ${grouped(count)}`).join(', ')
  // "None" is the service's word for items without a finding.
  if (validationErrors.length > 0) yield `Validation before the copy: ${list(validationErrors)}`
  if (copyErrors.length > 0) yield `Copy: ${list(copyErrors)}`
}

function finalSentence(status: string | undefined): string {
  if (status === undefined) return 'The log has no final status: it lists what completed.'
  const { says, next } = meaningOf(status, finalMeanings)
  return `${printable(status)}: ${says}.${next === undefined ? '' : ` ${next}`}`
}

function blobToJson(blob: CopyLogBlobPart): Record<string, unknown> {
  const { kind: _, ranges, status, ...facts } = blob
  const runs: RangeRun[] = []
  let runsTotal = 0
  for (const run of ranges === undefined ? [] : failedRuns(ranges)) {
    runsTotal += 1
    if (runs.length < runsInJson) runs.push(run)
  }
  return {
    event: 'log-blob',
    status,
    outcome: outcomeOf(blob),
    ...facts,
    ranges: ranges?.count,
    failedRanges: runs,
    failedRangesLeftOut: runsTotal - runs.length,
    next: meaningOf(status, itemMeanings).next,
  }
}
