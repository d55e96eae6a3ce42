// Images for people: what one holds, and what became of capturing, restoring, checking and mending one.

import { type ByteRange, totalBytes } from '../formats/byte-ranges.js'
import type { ImageDescription, ImageDigests } from '../formats/image-description.js'
import type { BlockKind } from '../formats/image-index.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { formatBytes, formatDuration, formatRate, table } from './format-bytes.js'
import { printable } from './printable.js'

export interface ImageInfo {
  path: string
  /** `unfinished`: its capture can go on. `cut`: its end is missing. `plain`: without an index. */
  state: 'complete' | 'repaired' | 'unfinished' | 'cut' | 'plain'
  container: ImageContainer
  fileBytes: number
  contentBytes?: number
  /** Of an unfinished capture: so much of the device is in it, on stable storage. */
  readBytes?: number
  blocks?: Record<BlockKind, number>
  /** Of each block, in order, as the index has it; for maps. */
  kinds?: Uint8Array
  /** Bytes that the blocks take in the file. */
  storedBytes?: number
  description?: ImageDescription
}

const stateWords: Readonly<Record<ImageInfo['state'], string>> = {
  complete: 'complete',
  repaired: 'repaired: parts of the device are missing',
  unfinished: 'not finished: image capture --resume goes on with it',
  cut: 'its end is missing: image repair saves what is there',
  plain: 'without an index: damage cannot be told by block',
}

export function describeImageInfo(info: ImageInfo): string {
  const { path, container, fileBytes, contentBytes, readBytes, description, blocks } = info
  const size = contentBytes === undefined ? '' : `, device ${formatBytes(contentBytes)} (${contentBytes} bytes)`
  const ratio = contentBytes === undefined || container !== 'lz4' ? '' : `, ${percent(fileBytes, contentBytes)} of it`
  const lines = [
    `${path}: ${container} image, ${formatBytes(fileBytes)}${size}${ratio}`,
    `State: ${stateWords[info.state]}`,
    ...(readBytes === undefined ? [] : [`Read so far: ${formatBytes(readBytes)}`]),
  ]
  if (blocks !== undefined) {
    const { data, zeros, skipped, partly } = blocks
    lines.push(`Blocks of 4 MiB: ${data} data, ${zeros} zeros, ${skipped} left out, ${partly} with unreadable parts`)
  }
  if (description !== undefined) lines.push(...descriptionLines(description))
  return lines.join('\n')
}

function descriptionLines(description: ImageDescription): string[] {
  const { source, digests, skipped, unreadable, notes, partitions, resumedAt } = description
  const identity = [source.path, source.model, source.serial && `serial ${source.serial}`].filter(Boolean).join(', ')
  const resumed = resumedAt.length === 0 ? '' : `, resumed ${resumedAt.length} times`
  return [
    `Source: ${printable(identity)}, sectors of ${source.logicalSectorBytes} bytes`,
    `Made by ${printable(description.madeBy)}, ${description.startedAt} to ${description.finishedAt || 'now'}${resumed}`,
    ...digestLines(digests),
    ...(skipped.length === 0
      ? []
      : [`Left out as unused: ${formatBytes(totalBytes(skipped))} in ${skipped.length} places`]),
    ...unreadableLines(unreadable),
    ...notes.map((note) => `Note: ${printable(note)}`),
    ...(partitions.length === 0 ? [] : ['', partitionTable(description)]),
  ]
}

function partitionTable({ partitions }: ImageDescription): string {
  const rows = partitions.map(({ number, type, offsetBytes, sizeBytes, fileSystem }) => [
    number === 0 ? 'all' : String(number),
    String(offsetBytes),
    formatBytes(sizeBytes),
    printable(type),
    fileSystem === undefined ? '' : printable(`${fileSystem.kind}${fileSystem.label ? ` "${fileSystem.label}"` : ''}`),
    fileSystem?.usedBytes === undefined ? '' : formatBytes(fileSystem.usedBytes),
    fileSystem === undefined ? '' : printable(fileSystem.state),
  ])
  return table(['part', 'offset', 'size', 'type', 'file system', 'used', 'state'], rows)
}

function digestLines(digests: ImageDigests): string[] {
  return Object.entries(digests).map(([name, digest]) => `${name.toUpperCase().replace('SHA', 'SHA-')}: ${digest}`)
}

const rangesShown = 10

function unreadableLines(unreadable: readonly ByteRange[]): string[] {
  if (unreadable.length === 0) return []
  const places = unreadable
    .slice(0, rangesShown)
    .map(({ offsetBytes, lengthBytes }) => `  ${lengthBytes} bytes at ${offsetBytes}`)
  const more = unreadable.length > rangesShown ? [`  and ${unreadable.length - rangesShown} places more`] : []
  return [
    `Unreadable: ${totalBytes(unreadable)} bytes in ${unreadable.length} places, zeros in the image`,
    ...places,
    ...more,
  ]
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`
}

export interface CapturedFacts {
  image: string
  contentBytes: number
  imageBytes: number
  digests: ImageDigests
  skippedBytes: number
  unreadable: readonly ByteRange[]
  resumedAtBytes: number
  seconds: number
}

export function describeCapture(facts: CapturedFacts): string {
  const { image, contentBytes, imageBytes, digests, skippedBytes, unreadable, resumedAtBytes, seconds } = facts
  const rate = formatRate((contentBytes - resumedAtBytes) / Math.max(0.001, seconds))
  const skipped = skippedBytes === 0 ? '' : `, ${formatBytes(skippedBytes)} unused left out`
  return [
    `${image}: ${formatBytes(contentBytes)} in ${formatBytes(imageBytes)} (${percent(imageBytes, contentBytes)})${skipped}`,
    `${formatDuration(seconds)}, ${rate} of device${resumedAtBytes === 0 ? '' : `, resumed at ${formatBytes(resumedAtBytes)}`}`,
    ...digestLines(digests),
    ...unreadableLines(unreadable),
  ].join('\n')
}

export interface PlannedCapture {
  container: ImageContainer
  hashes: readonly string[]
  description: ImageDescription
}

export function describeCapturePlan(image: string, { container, hashes, description }: PlannedCapture): string {
  const { source, skipped } = description
  const read = source.sizeBytes - totalBytes(skipped)
  return [
    `${source.path} (${formatBytes(source.sizeBytes)}) would become ${image}, ${container}; ${formatBytes(read)} to read.`,
    `Digests of the whole: ${hashes.length === 0 ? 'none' : hashes.join(', ')}`,
    ...descriptionLines(description).filter((line) => !/^(Made by|Unreadable)/.test(line)),
  ].join('\n')
}

export interface RestoredFacts {
  image: string
  contentBytes: number
  targets: readonly { path: string; outcome: 'written' | 'verified' | 'failed'; error?: Error }[]
  seconds: number
}

const outcomes = { written: 'written, not read back', verified: 'written and read back', failed: 'failed' } as const

export function describeRestore({ image, contentBytes, targets, seconds }: RestoredFacts): string {
  const rate = formatRate(contentBytes / Math.max(0.001, seconds))
  const lines = targets.map(
    ({ path, outcome, error }) => `${path}: ${outcomes[outcome]}${error === undefined ? '' : `: ${error.message}`}`,
  )
  return [
    `${image}: ${formatBytes(contentBytes)} in ${formatDuration(seconds)}, ${rate} to each target`,
    ...lines,
  ].join('\n')
}

export interface VerifiedFacts {
  image: string
  sound: boolean
  findings: readonly { code: string; severity: string; message: string }[]
  damagedBlocks: number
  differingBlocks: number
  checked: readonly string[]
  notChecked: readonly string[]
  seconds: number
}

const findingsShown = 20

export function describeImageVerification(facts: VerifiedFacts): string {
  const { image, sound, findings, damagedBlocks, differingBlocks, checked, notChecked, seconds } = facts
  const counts = [
    damagedBlocks > 0 ? `${damagedBlocks} blocks damaged` : '',
    differingBlocks > 0 ? `${differingBlocks} blocks of the device differ` : '',
  ].filter((text) => text !== '')
  const whole = checked.length > 0 ? 'sound' : 'could be read; there is nothing to compare it with'
  // What differs is the device; the image may be the good one.
  const isOther = findings.every(({ code, severity }) => severity !== 'damage' || code === 'DEVICE_BLOCK')
  return [
    `${image}: ${sound ? whole : `${isOther ? 'NOT THE SAME' : 'NOT SOUND'}${counts.length > 0 ? `: ${counts.join(', ')}` : ''}`}`,
    ...checked.map((what) => `Compared: ${what}`),
    ...notChecked.map((what) => `Not compared: ${what}`),
    ...findings.slice(0, findingsShown).map(({ message }) => printable(message)),
    ...(findings.length > findingsShown ? [`and ${findings.length - findingsShown} findings more`] : []),
    `Took ${formatDuration(seconds)}.`,
  ].join('\n')
}
