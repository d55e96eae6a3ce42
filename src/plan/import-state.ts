// What the journal of an import says happened, as plain data: per drive, which blobs are in the account and under what name,
// which failed and why, and which were begun and may or may not be there. Blobs are numbered in the order of the manifest.

import { TransferError } from '../errors.js'
import type { BlobStatus, RangeStatus } from '../formats/copy-log-codes.js'
import type { JournalRecord, RecordDraft } from '../formats/journal.js'
import { encodeNumberRanges, parseNumberRanges } from '../formats/number-ranges.js'

/** How a blob that is done came to be there. `skipped`: one of that name was there and stays. */
export const blobOutcomes = ['created', 'overwritten', 'renamed', 'skipped'] as const
export type BlobOutcome = (typeof blobOutcomes)[number]

export interface BlobFailure {
  status: BlobStatus
  message: string
  /** Of each block or range in turn; empty when none was looked at. */
  ranges: RangeRun[]
}

export interface PageProgress {
  /** So many ranges, from the first on, are in the account. */
  ranges: number
  outcome: BlobOutcome
}

/** So many blocks or ranges with one status. */
export interface RangeRun {
  status: RangeStatus
  count: number
}

export interface ImportDriveState {
  readonly driveId: string
  readonly manifestHash: string
  readonly blobs: number
  isComplete: boolean
  /** Bytes that this and earlier runs brought into the account. */
  bytesImported: number
  readonly outcomes: OutcomeColumn
  readonly failures: Map<number, BlobFailure>
  /** The blob's name in its container, where it is not the manifest's. */
  readonly renamed: Map<number, string>
  /** Page blobs that were made and are being filled. */
  readonly pages: Map<number, PageProgress>
  /** Begun by a run that is over. From the first up to the second, in order, with others between them. */
  readonly begun: [from: number, to: number][]
}

export interface ImportState {
  /** Where to; undefined for a new journal. */
  store: string | undefined
  readonly drives: Map<string, ImportDriveState>
}

/** One byte a blob. */
export class OutcomeColumn {
  #codes = new Uint8Array(1024)
  readonly counts: Record<BlobOutcome, number> = { created: 0, overwritten: 0, renamed: 0, skipped: 0 }

  get(blob: number): BlobOutcome | undefined {
    const code = this.#codes[blob] ?? 0
    return code === 0 ? undefined : blobOutcomes[code - 1]
  }

  set(blob: number, outcome: BlobOutcome): void {
    while (blob >= this.#codes.length) {
      const larger = new Uint8Array(this.#codes.length * 2)
      larger.set(this.#codes)
      this.#codes = larger
    }
    const before = this.get(blob)
    if (before !== undefined) this.counts[before]--
    this.counts[outcome]++
    this.#codes[blob] = blobOutcomes.indexOf(outcome) + 1
  }
}

export function isInDoubt(state: ImportDriveState, blob: number): boolean {
  if (state.outcomes.get(blob) !== undefined) return false
  const { begun } = state
  let low = 0
  let high = begun.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((begun[middle]?.[1] as number) <= blob) low = middle + 1
    else high = middle
  }
  return (begun[low]?.[0] ?? Number.POSITIVE_INFINITY) <= blob
}

type Fields = readonly (readonly [string, string])[]

function record(activity: string, fields: Fields): RecordDraft {
  return { type: 'ActivityRecord', fields: [['ActivityId', activity], ...fields] }
}

const outcomeKeys = { created: 'Created', overwritten: 'Overwritten', renamed: 'Renamed', skipped: 'Skipped' } as const

export const importRecords = {
  import: (store: string, creator: string): RecordDraft =>
    record('Import', [
      ['Store', store],
      ['Creator', creator],
    ]),
  drive: (driveId: string, manifestHash: string, blobs: number): RecordDraft =>
    record('ImportDrive', [
      ['DriveId', driveId],
      ['ManifestHash', manifestHash],
      ['Blobs', String(blobs)],
    ]),
  complete: (driveId: string): RecordDraft => record('ImportComplete', [['DriveId', driveId]]),
  begun: (driveId: string, from: number, to: number): RecordDraft =>
    record('BlobsBegun', [
      ['DriveId', driveId],
      ['From', String(from)],
      ['To', String(to)],
    ]),
  done: (driveId: string, done: ReadonlyMap<number, BlobOutcome>, bytes: number): RecordDraft => {
    const of = (outcome: BlobOutcome) => [...done].filter(([, found]) => found === outcome).map(([blob]) => blob)
    const lists = blobOutcomes.map((outcome) => [outcomeKeys[outcome], encodeNumberRanges(of(outcome))] as const)
    const told = lists.filter(([, text]) => text !== '')
    return record('BlobsDone', [['DriveId', driveId], ['Bytes', String(bytes)], ...told])
  },
  named: (driveId: string, blob: number, name: string): RecordDraft =>
    record('BlobNamed', [
      ['DriveId', driveId],
      ['Blob', String(blob)],
      ['Name', name],
    ]),
  pages: (driveId: string, blob: number, { ranges, outcome }: PageProgress): RecordDraft =>
    record('PageBlob', [
      ['DriveId', driveId],
      ['Blob', String(blob)],
      ['Ranges', String(ranges)],
      ['Outcome', outcomeKeys[outcome]],
    ]),
  failed: (driveId: string, blob: number, { status, message, ranges }: BlobFailure): RecordDraft =>
    record('BlobFailed', [
      ['DriveId', driveId],
      ['Blob', String(blob)],
      ['Status', status],
      ['Message', message],
      ['Ranges', ranges.map((run) => `${run.status}*${run.count}`).join(' ')],
    ]),
}

/** @throws TransferError JOURNAL_INVALID for a record that cannot follow the ones before it. */
export function reduceImport(records: readonly JournalRecord[]): ImportState {
  const state: ImportState = { store: undefined, drives: new Map() }
  for (const { fields } of records) apply(state, new Map(fields))
  return state
}

type FieldMap = ReadonlyMap<string, string>

function apply(state: ImportState, fields: FieldMap): void {
  const activity = fields.get('ActivityId')
  if (activity === 'Import') state.store ??= text(fields, 'Store')
  else if (activity === 'ImportDrive') applyDrive(state, fields)
  else if (activity === 'ImportComplete') driveOf(state, fields).isComplete = true
  else if (activity === 'BlobsBegun')
    addBegun(driveOf(state, fields).begun, number(fields, 'From'), number(fields, 'To'))
  else if (activity === 'BlobsDone') applyDone(driveOf(state, fields), fields)
  else if (activity === 'BlobNamed') driveOf(state, fields).renamed.set(number(fields, 'Blob'), text(fields, 'Name'))
  else if (activity === 'PageBlob') applyPages(driveOf(state, fields), fields)
  else if (activity === 'BlobFailed') applyFailed(driveOf(state, fields), fields)
}

// A drive that was written anew has another manifest: what was known of the old one says nothing about it.
function applyDrive(state: ImportState, fields: FieldMap): void {
  const driveId = text(fields, 'DriveId')
  const manifestHash = text(fields, 'ManifestHash')
  const known = state.drives.get(driveId)
  if (known?.manifestHash === manifestHash) known.isComplete = false
  else state.drives.set(driveId, newDriveState(driveId, manifestHash, number(fields, 'Blobs')))
}

export function newDriveState(driveId: string, manifestHash: string, blobs: number): ImportDriveState {
  return {
    driveId,
    manifestHash,
    blobs,
    isComplete: false,
    bytesImported: 0,
    outcomes: new OutcomeColumn(),
    failures: new Map(),
    renamed: new Map(),
    pages: new Map(),
    begun: [],
  }
}

function applyDone(drive: ImportDriveState, fields: FieldMap): void {
  drive.bytesImported += number(fields, 'Bytes')
  for (const outcome of blobOutcomes) {
    for (const [from, to] of parseNumberRanges(fields.get(outcomeKeys[outcome]) ?? '')) {
      if (to >= drive.blobs) throw invalid(`blob ${to} of a drive with ${drive.blobs} blobs`)
      for (let blob = from; blob <= to; blob++) {
        drive.outcomes.set(blob, outcome)
        drive.failures.delete(blob)
        drive.pages.delete(blob)
      }
    }
  }
}

// Ranges that touch are joined: a drive of millions of blobs is begun some thousands at a time, and over again by each run.
function addBegun(begun: ImportDriveState['begun'], from: number, to: number): void {
  let first = begun.length
  while (first > 0 && (begun[first - 1]?.[1] as number) >= from) first--
  let last = first
  while (last < begun.length && (begun[last]?.[0] as number) <= to) last++
  const joined = begun.slice(first, last)
  const start = Math.min(from, ...joined.map(([start]) => start))
  const end = Math.max(to, ...joined.map(([, end]) => end))
  begun.splice(first, last - first, [start, end])
}

function applyPages(drive: ImportDriveState, fields: FieldMap): void {
  const outcome = blobOutcomes.find((known) => outcomeKeys[known] === fields.get('Outcome'))
  if (outcome === undefined) throw invalid(`Outcome ${JSON.stringify(fields.get('Outcome'))}`)
  drive.pages.set(number(fields, 'Blob'), { ranges: number(fields, 'Ranges'), outcome })
}

function applyFailed(drive: ImportDriveState, fields: FieldMap): void {
  const ranges = text(fields, 'Ranges')
    .split(' ')
    .filter((run) => run !== '')
    .map((run) => {
      const [status, count] = run.split('*')
      return { status: status as RangeStatus, count: Number(count) }
    })
  const status = text(fields, 'Status') as BlobStatus
  drive.failures.set(number(fields, 'Blob'), { status, message: text(fields, 'Message'), ranges })
}

function driveOf(state: ImportState, fields: FieldMap): ImportDriveState {
  const drive = state.drives.get(text(fields, 'DriveId'))
  if (drive === undefined) throw invalid(`drive ${fields.get('DriveId')}, which was not begun`)
  return drive
}

function text(fields: FieldMap, key: string): string {
  const value = fields.get(key)
  if (value === undefined) throw invalid(`no ${key}`)
  return value
}

function number(fields: FieldMap, key: string): number {
  const value = text(fields, key)
  if (!/^\d{1,16}$/.test(value)) throw invalid(`${key} ${JSON.stringify(value.slice(0, 40))}`)
  return Number(value)
}

function invalid(what: string): TransferError {
  return new TransferError('JOURNAL_INVALID', `The journal of the import has a record with ${what}.`)
}
