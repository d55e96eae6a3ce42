// What the journal of a capture says: the plan, which never changes, and how far it is. Pure; src/image keeps the file.

import { TransferError } from '../errors.js'
import { type ByteRange, encodeByteRanges, mergeRanges, parseByteRanges } from '../formats/byte-ranges.js'
import {
  encodeDescription,
  type HashName,
  hashNames,
  type ImageDescription,
  parseDescription,
} from '../formats/image-description.js'
import { containers, type ImageContainer } from '../formats/image-trailer.js'
import type { JournalRecord, RecordDraft } from '../formats/journal.js'
import { imageBlockBytes } from '../formats/lz4-frame.js'

export const captureLevels = ['fast', 'default', 'hc'] as const
export type CaptureLevel = (typeof captureLevels)[number]

export interface CapturePlan {
  container: ImageContainer
  level: CaptureLevel
  hashes: readonly HashName[]
  /** How often a sector that fails is tried again; undefined: the first one ends the capture. */
  retries?: number
  /** Changes when the start of the device or of a partition was written to, or a file was changed. */
  fingerprint: string
  /** Not read, and recorded as unreadable: a map said so. */
  knownBad: readonly ByteRange[]
  /** As it will be written, but for the end: digests, what could not be read, when it was finished. */
  description: ImageDescription
}

export interface CaptureState {
  plan: CapturePlan
  /** On stable storage. */
  blocks: number
  imageBytes: number
  /** Within those blocks. */
  unreadable: ByteRange[]
  resumedAt: string[]
}

function record(activity: string, fields: readonly (readonly [string, string])[]): RecordDraft {
  return { type: 'ActivityRecord', fields: [['ActivityId', activity], ...fields] }
}

export const captureRecords = {
  plan: ({ container, level, hashes, retries, fingerprint, knownBad, description }: CapturePlan): RecordDraft =>
    record('Capture', [
      ['Format', '1'],
      ['Container', container],
      ['Level', level],
      ['Hashes', hashes.join(' ')],
      ['Retries', retries === undefined ? '' : String(retries)],
      ['Fingerprint', fingerprint],
      ['KnownBad', encodeByteRanges(knownBad)],
      ['Plan', encodeDescription(description).toString('utf8')],
    ]),
  resumed: (at: string): RecordDraft => record('Resumed', [['At', at]]),
  unreadable: (ranges: readonly ByteRange[]): RecordDraft =>
    record('Unreadable', [['Ranges', encodeByteRanges(mergeRanges(ranges))]]),
  mark: (blocks: number, imageBytes: number): RecordDraft =>
    record('Mark', [
      ['Blocks', String(blocks)],
      ['ImageBytes', String(imageBytes)],
    ]),
}

/** Undefined for a journal in which no plan was written. @throws TransferError JOURNAL_INVALID */
export function reduceCapture(records: readonly JournalRecord[], path: string): CaptureState | undefined {
  let state: CaptureState | undefined
  const unreadable: ByteRange[] = []
  for (const { fields, line } of records) {
    const field = (name: string) => fields.find(([key]) => key === name)?.[1] ?? ''
    const invalid = (what: string) => {
      return new TransferError('JOURNAL_INVALID', `${path}, line ${line}: ${what}.`, { path, line })
    }
    const activity = field('ActivityId')
    if (activity === 'Capture') {
      if (state !== undefined) throw invalid('a second plan')
      state = { plan: readPlan(field, invalid), blocks: 0, imageBytes: 0, unreadable: [], resumedAt: [] }
    } else if (state === undefined) throw invalid(`${activity} before the plan`)
    else if (activity === 'Resumed') state.resumedAt.push(field('At'))
    else if (activity === 'Unreadable') unreadable.push(...readRanges(field('Ranges'), invalid))
    else if (activity === 'Mark') {
      const [blocks, imageBytes] = [Number(field('Blocks')), Number(field('ImageBytes'))]
      if (!Number.isSafeInteger(blocks) || !Number.isSafeInteger(imageBytes) || blocks < 0 || imageBytes < 0) {
        throw invalid('a mark without numbers')
      }
      state.blocks = blocks
      state.imageBytes = imageBytes
    }
  }
  // What was found behind the last mark is read again, and told again.
  const endBytes = (state?.blocks ?? 0) * imageBlockBytes
  state?.unreadable.push(...mergeRanges(unreadable).filter(({ offsetBytes }) => offsetBytes < endBytes))
  return state
}

function readPlan(field: (name: string) => string, invalid: (what: string) => TransferError): CapturePlan {
  const container = containers.find((word) => word === field('Container'))
  const level = captureLevels.find((word) => word === field('Level'))
  const words = field('Hashes').split(' ')
  const hashes = hashNames.filter((name) => words.includes(name))
  const retries = field('Retries')
  if (field('Format') !== '1' || container === undefined || level === undefined || !/^\d{0,4}$/.test(retries)) {
    throw invalid('a plan that is not understood')
  }
  return {
    container,
    level,
    hashes,
    ...(retries === '' ? {} : { retries: Number(retries) }),
    fingerprint: field('Fingerprint'),
    knownBad: readRanges(field('KnownBad'), invalid),
    description: readDescription(field('Plan'), invalid),
  }
}

function readRanges(text: string, invalid: (what: string) => TransferError): ByteRange[] {
  const ranges = parseByteRanges(text)
  if (ranges === undefined) throw invalid('ranges that are none')
  return ranges
}

function readDescription(text: string, invalid: (what: string) => TransferError): ImageDescription {
  try {
    const size = (JSON.parse(text) as { source?: { sizeBytes?: unknown } }).source?.sizeBytes
    return parseDescription(Buffer.from(text, 'utf8'), Number(size))
  } catch (cause) {
    throw invalid(`a plan that is not understood: ${(cause as Error).message}`)
  }
}
