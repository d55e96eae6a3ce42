// The description of an image: JSON that says what was captured, how, when, and what is missing from it. Its reader takes what
// it knows and leaves the rest alone, so that later versions may add fields.

import { TransferError } from '../errors.js'
import type { ByteRange } from './byte-ranges.js'
import { JsonValue } from './json-value.js'

export const hashNames = ['md5', 'sha1', 'sha256'] as const
export type HashName = (typeof hashNames)[number]
/** Lower-case hexadecimal, of the device's content as the image has it: what was left out or unreadable counts as zeros. */
export type ImageDigests = Partial<Record<HashName, string>>

export interface ImageSource {
  path: string
  kind: 'block' | 'file' | 'image'
  model?: string
  serial?: string
  sizeBytes: number
  logicalSectorBytes: number
  physicalSectorBytes: number
}

export interface ImageFileSystem {
  kind: string
  label?: string
  /** In words: `clean`, `dirty: …`, `mounted: …`. */
  state: string
  /** Of data and metadata; undefined where the used blocks are not known, and everything was read. */
  usedBytes?: number
}

export interface ImagePartition {
  /** From 1; 0 for a device without a partition table. */
  number: number
  type: string
  name?: string
  offsetBytes: number
  sizeBytes: number
  fileSystem?: ImageFileSystem
}

export interface ImageDescription {
  formatVersion: 1
  /** Program and version. */
  madeBy: string
  startedAt: string
  finishedAt: string
  /** When a later run went on with it. */
  resumedAt: string[]
  /** `repaired`: blocks were missing and are now zeros, recorded as unreadable. */
  state: 'complete' | 'repaired'
  source: ImageSource
  partitionTable: 'gpt' | 'mbr' | 'none' | 'unknown'
  partitions: ImagePartition[]
  options: { usedOnly: boolean; rescue: boolean; level?: string }
  digests: ImageDigests
  /** In order, apart from each other. */
  skipped: ByteRange[]
  unreadable: ByteRange[]
  /** What somebody should know: sentences. */
  notes: string[]
}

/** Of an image of which only the size is known: complete, nothing found in it, nothing left out. `at`: ISO 8601, UTC. */
export function blankDescription(source: ImageSource, madeBy: string, at: string): ImageDescription {
  return {
    formatVersion: 1,
    madeBy,
    startedAt: at,
    finishedAt: at,
    resumedAt: [],
    state: 'complete',
    source,
    partitionTable: 'unknown',
    partitions: [],
    options: { usedOnly: false, rescue: false },
    digests: {},
    skipped: [],
    unreadable: [],
    notes: [],
  }
}

const rangesMax = 2_000_000
const partitionsMax = 1024

/** UTF-8; one range is one pair of numbers. */
export function encodeDescription(description: ImageDescription): Buffer {
  const pairs = (ranges: readonly ByteRange[]) =>
    ranges.map(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes])
  const { skipped, unreadable } = description
  return Buffer.from(JSON.stringify({ ...description, skipped: pairs(skipped), unreadable: pairs(unreadable) }), 'utf8')
}

/** @throws TransferError IMAGE_DAMAGED, IMAGE_UNSUPPORTED */
export function parseDescription(bytes: Uint8Array, contentBytes: number): ImageDescription {
  const root = new JsonValue(parseJson(bytes), '', (problem, path): never => {
    throw damaged(`${path === '' ? 'it' : path} ${problem}`)
  })
  const formatVersion = root.need('formatVersion').number()
  if (formatVersion !== 1) {
    const message = `The image's description has version ${formatVersion}; this program reads version 1.`
    throw new TransferError('IMAGE_UNSUPPORTED', message, { hint: 'Use a newer version of the program.' })
  }
  const options = root.need('options')
  const level = options.get('level')?.text(64)
  const state = oneOf(root.need('state'), ['complete', 'repaired'] as const)
  return {
    formatVersion,
    madeBy: root.need('madeBy').text(256),
    startedAt: root.need('startedAt').text(64),
    finishedAt: root.need('finishedAt').text(64),
    resumedAt: root
      .need('resumedAt')
      .list(100_000)
      .map((time) => time.text(64)),
    state,
    source: parseSource(root.need('source'), contentBytes),
    partitionTable: oneOf(root.need('partitionTable'), ['gpt', 'mbr', 'none', 'unknown'] as const),
    partitions: root.need('partitions').list(partitionsMax).map(parsePartition),
    options: {
      usedOnly: options.need('usedOnly').boolean(),
      rescue: options.need('rescue').boolean(),
      ...(level === undefined ? {} : { level }),
    },
    digests: parseDigests(root.need('digests')),
    skipped: parseRanges(root.need('skipped'), contentBytes),
    unreadable: parseRanges(root.need('unreadable'), contentBytes),
    notes: root
      .need('notes')
      .list(10_000)
      .map((note) => note.text(10_000)),
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new TransferError('IMAGE_DAMAGED', `The image's description is no JSON: ${(cause as Error).message}.`, {
      cause,
    })
  }
}

function damaged(what: string): TransferError {
  return new TransferError('IMAGE_DAMAGED', `The image's description is damaged: ${what}.`)
}

function parseSource(value: JsonValue, contentBytes: number): ImageSource {
  const model = value.get('model')?.text(256)
  const serial = value.get('serial')?.text(256)
  const sizeBytes = byteCount(value.need('sizeBytes'))
  if (sizeBytes !== contentBytes) throw damaged(`source.sizeBytes is ${sizeBytes}, the image has ${contentBytes}`)
  return {
    path: value.need('path').text(),
    kind: oneOf(value.need('kind'), ['block', 'file', 'image'] as const),
    ...(model === undefined ? {} : { model }),
    ...(serial === undefined ? {} : { serial }),
    sizeBytes,
    logicalSectorBytes: byteCount(value.need('logicalSectorBytes')),
    physicalSectorBytes: byteCount(value.need('physicalSectorBytes')),
  }
}

function parsePartition(value: JsonValue): ImagePartition {
  const name = value.get('name')?.text(256)
  const fileSystem = value.get('fileSystem')
  return {
    number: byteCount(value.need('number')),
    type: value.need('type').text(256),
    ...(name === undefined ? {} : { name }),
    offsetBytes: byteCount(value.need('offsetBytes')),
    sizeBytes: byteCount(value.need('sizeBytes')),
    ...(fileSystem === undefined ? {} : { fileSystem: parseFileSystem(fileSystem) }),
  }
}

function parseFileSystem(value: JsonValue): ImageFileSystem {
  const label = value.get('label')?.text(256)
  const usedBytes = value.get('usedBytes')
  return {
    kind: value.need('kind').text(64),
    ...(label === undefined ? {} : { label }),
    state: value.need('state').text(),
    ...(usedBytes === undefined ? {} : { usedBytes: byteCount(usedBytes) }),
  }
}

function parseDigests(value: JsonValue): ImageDigests {
  const digests: ImageDigests = {}
  for (const name of hashNames) {
    const digest = value.get(name)?.text(64)
    if (digest === undefined) continue
    const digits = { md5: 32, sha1: 40, sha256: 64 }[name]
    if (digest.length !== digits || !/^[0-9a-f]*$/.test(digest)) throw damaged(`digests.${name} is no such digest`)
    digests[name] = digest
  }
  return digests
}

function parseRanges(value: JsonValue, contentBytes: number): ByteRange[] {
  let end = -1
  return value.list(rangesMax).map((pair) => {
    const [offset, length, ...rest] = pair.list(3)
    if (offset === undefined || length === undefined || rest.length > 0) throw damaged(`${pair.path} is no pair`)
    const range = { offsetBytes: byteCount(offset), lengthBytes: byteCount(length) }
    if (range.offsetBytes <= end || range.lengthBytes === 0) throw damaged(`${pair.path} is out of order`)
    end = range.offsetBytes + range.lengthBytes
    if (end > contentBytes) throw damaged(`${pair.path} ends at ${end}, behind the device's ${contentBytes}`)
    return range
  })
}

function byteCount(value: JsonValue): number {
  const number = value.number()
  if (!Number.isSafeInteger(number) || number < 0) throw damaged(`${value.path} is ${number}, no whole number`)
  return number
}

function oneOf<const Word extends string>(value: JsonValue, words: readonly Word[]): Word {
  const text = value.text(64)
  const found = words.find((word) => word === text)
  if (found === undefined) throw damaged(`${value.path} is ${JSON.stringify(text)}, none of ${words.join(', ')}`)
  return found
}
