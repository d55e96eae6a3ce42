// Copy logs: what became of every blob of a drive, Version 2018-10-01. In that version the counts stand before the blobs, so the
// caller spools the blobs while it imports, and puts head, spool and tail together at the end. docs/copy-log.md.

import { type Disposition, dispositions } from './blob-limits.js'
import {
  type AttachmentStatus,
  attachmentMeanings,
  type BlobStatus,
  blobMeanings,
  type DispositionStatus,
  type DriveStatus,
  dispositionStatuses,
  driveMeanings,
  type RangeStatus,
  rangeMeanings,
} from './copy-log-codes.js'
import { escapeXml } from './xml-text.js'

export const copyLogVersion = '2018-10-01'

/** One block or page range. */
export interface CopyLogRange {
  offsetBytes: number
  lengthBytes: number
  /** Base64, blocks only. */
  id?: string | undefined
  /** MD5, 32 hexadecimal digits. */
  hash?: string | undefined
  status: RangeStatus
}

/** The metadata or properties of a blob. */
export interface CopyLogAttachment {
  /** From the drive's root, with backslashes. */
  path: string
  /** MD5 of that file, 32 hexadecimal digits. */
  hash?: string | undefined
  status: AttachmentStatus
  /** True where it belongs to the whole list of blobs and not to this one alone. */
  isGlobal?: boolean
}

export interface CopyLogBlob {
  status: BlobStatus
  /** `container/name`; the new name where the disposition is Renamed. */
  blobPath: string
  /** `\container\name` */
  filePath: string
  /** Undefined where a log that this one follows did not say. */
  lengthBytes: number | undefined
  disposition: { wanted: Disposition; status: DispositionStatus }
  /** Undefined where nobody said: then there are no ranges either. */
  kind: 'block' | 'page' | undefined
  /** Gone through once. An error log has the failed ones alone. */
  ranges: Iterable<CopyLogRange>
  metadata?: CopyLogAttachment | undefined
  properties?: CopyLogAttachment | undefined
}

export interface CopyLogHeader {
  driveId: string
  /** Code to count; those of zero are left out. `None` counts what passed. */
  validationErrors: Readonly<Record<string, number>>
  /** How many blobs have each status; those of zero are left out. */
  copyErrors: Readonly<Partial<Record<BlobStatus, number>>>
}

/** The log up to its blobs. @throws RangeError for codes and counts that a log cannot have. */
export function encodeCopyLogHead({ driveId, validationErrors, copyErrors }: CopyLogHeader): string {
  const validation = nonZero(validationErrors).map(([code, count]) => {
    if (!/^[A-Za-z][A-Za-z0-9]{0,99}$/.test(code)) throw new RangeError(`expected a code but received ${code}`)
    return `<${code} Count="${count}"/>`
  })
  const copy = nonZero(copyErrors).map(([code, count]) => {
    const { says } = blobMeanings[known('status of a blob', code, blobMeanings)]
    return `<${code} Count="${count}" Description="${escapeXml(says)}"/>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<DriveLog Version="${copyLogVersion}">`,
    `<DriveId>${escapeXml(driveId)}</DriveId>`,
    `<Summary>${list('ValidationErrors', validation)}${list('CopyErrors', copy)}</Summary>`,
    '',
  ].join('\n')
}

const pieceCharacters = 1 << 16

/**
 * One blob, in pieces of about 64 KiB.
 * @throws RangeError for statuses, numbers and hashes that a log cannot have, and for text that XML cannot hold.
 */
export function* encodeCopyLogBlob(blob: CopyLogBlob): Generator<string, void, undefined> {
  const { kind, disposition } = blob
  let piece =
    `<Blob Status="${known('status of a blob', blob.status, blobMeanings)}">` +
    `<BlobPath>${escapeXml(blob.blobPath)}</BlobPath><FilePath>${escapeXml(blob.filePath)}</FilePath>` +
    (blob.lengthBytes === undefined ? '' : `<Length>${wholeBytes(blob.lengthBytes)}</Length>`) +
    dispositionElement(disposition)
  const listName = kind === 'page' ? 'PageRangeList' : 'BlockList'
  let count = 0
  for (const range of kind === undefined ? [] : blob.ranges) {
    piece += count === 0 ? `<${listName}>\n` : ''
    piece += rangeElement(kind ?? 'block', range)
    count += 1
    if (piece.length >= pieceCharacters) {
      yield piece
      piece = ''
    }
  }
  if (kind !== undefined) piece += count === 0 ? `<${listName}/>` : `</${listName}>`
  if (blob.metadata !== undefined) piece += attachmentElement('Metadata', blob.metadata)
  if (blob.properties !== undefined) piece += attachmentElement('Properties', blob.properties)
  yield `${piece}</Blob>\n`
}

/** What follows the last blob. */
export function encodeCopyLogTail(status: DriveStatus): string {
  return `<Status>${known('status of a drive', status, driveMeanings)}</Status>\n</DriveLog>\n`
}

/**
 * The name of a log, or of the copy of a manifest, as a blob: `waies/<job>_<drive>_<time>_error.xml`, the time in UTC. Job and
 * drive may come from elsewhere: what is neither letter, digit, dot nor hyphen becomes a hyphen.
 */
export function copyLogName({
  job,
  driveId,
  time,
  kind,
}: {
  job: string
  driveId: string
  time: Date
  kind: 'error' | 'verbose' | 'manifest'
}): string {
  const stamp = time.toISOString().replace(/^(\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z$/, '$1$2$3-$4$5$6-$7')
  return `waies/${namePart(job, 'job')}_${namePart(driveId, 'driveId')}_${stamp}_${kind}.xml`
}

function namePart(text: string, name: string): string {
  if (text === '') throw new RangeError(`expected a name for ${name} but received none`)
  return text.replaceAll(/[^\p{L}\p{N}.-]/gu, '-').slice(0, 100)
}

function nonZero(counts: Readonly<Record<string, number | undefined>>): [code: string, count: number][] {
  const entries: [string, number][] = []
  for (const [code, count = 0] of Object.entries(counts)) {
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`expected a count of ${code} but received ${count}`)
    if (count > 0) entries.push([code, count])
  }
  return entries
}

function list(name: string, elements: readonly string[]): string {
  return elements.length === 0 ? `<${name}/>` : `<${name}>${elements.join('')}</${name}>`
}

function rangeElement(kind: 'block' | 'page', { offsetBytes, lengthBytes, id, hash, status }: CopyLogRange): string {
  const name = kind === 'page' ? 'PageRange' : 'Block'
  const idAttribute = id === undefined || kind === 'page' ? '' : ` Id="${escapeXml(id)}"`
  const range = `Offset="${wholeBytes(offsetBytes)}" Length="${wholeBytes(lengthBytes)}"${idAttribute}`
  return `<${name} ${range}${hashAttribute(hash)} Status="${known('status of a range', status, rangeMeanings)}"/>\n`
}

function attachmentElement(name: string, { path, hash, status, isGlobal = false }: CopyLogAttachment): string {
  const place = isGlobal ? 'GlobalPath' : 'Path'
  const checked = known(`status of ${name}`, status, attachmentMeanings)
  return `<${name} Status="${checked}"><${place}${hashAttribute(hash)}>${escapeXml(path)}</${place}></${name}>`
}

function hashAttribute(hash: string | undefined): string {
  if (hash === undefined) return ''
  if (!/^[0-9A-Fa-f]{32}$/.test(hash)) throw new RangeError(`expected 32 hexadecimal digits but received ${hash}`)
  return ` Hash="${hash.toUpperCase()}"`
}

function wholeBytes(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`expected a number of bytes but received ${value}`)
  return value
}

function known<Code extends string>(what: string, code: string, table: Readonly<Record<Code, unknown>>): Code {
  if (!Object.hasOwn(table, code)) throw new RangeError(`expected a ${what} but received ${code}`)
  return code as Code
}

function dispositionElement({ wanted, status }: CopyLogBlob['disposition']): string {
  if (!dispositions.includes(wanted)) throw new RangeError(`expected a disposition but received ${wanted}`)
  if (!dispositionStatuses.includes(status)) throw new RangeError(`expected its status but received ${status}`)
  return `<ImportDisposition Status="${status}">${wanted}</ImportDisposition>`
}
