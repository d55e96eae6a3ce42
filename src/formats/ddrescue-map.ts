// Map files of GNU ddrescue: which parts of a device were read and which could not be. Text, a line a part, offsets and lengths
// in hexadecimal, decimal or octal. Ours say `+` and `-`; the others are read too.

import { TransferError } from '../errors.js'
import { type ByteRange, invertRanges } from './byte-ranges.js'

/** `?` not tried, `*` failed and not trimmed, `/` failed and not scraped, `-` bad sectors, `+` read. */
export type RescueStatus = '?' | '*' | '/' | '-' | '+'

export interface RescuePart extends ByteRange {
  status: RescueStatus
}

const textBytesMax = 256 << 20
const numberWord = /^(0[xX][0-9a-fA-F]{1,16}|0[0-7]{0,22}|[1-9]\d{0,18})$/

/** @param made first comment lines: program and version, and when. */
export function encodeRescueMap(
  parts: readonly RescuePart[],
  made: { by: string; command: string; startedAt: string; finishedAt: string; isFinished: boolean },
): string {
  const hex = (number: number) => `0x${number.toString(16).toUpperCase().padStart(8, '0')}`
  const last = parts.at(-1)
  const end = last === undefined ? 0 : last.offsetBytes + last.lengthBytes
  const oneLine = (text: string) => text.replaceAll(/[\r\n]/g, ' ')
  const lines = [
    `# Mapfile. Created by ${oneLine(made.by)}`,
    `# Command line: ${oneLine(made.command)}`,
    `# Start time:   ${made.startedAt}`,
    `# Current time: ${made.finishedAt}`,
    ...(made.isFinished ? ['# Finished'] : []),
    '# current_pos  current_status  current_pass',
    `${hex(end)}     ${made.isFinished ? '+' : '?'}               1`,
    '#      pos        size  status',
    ...parts.map(({ offsetBytes, lengthBytes, status }) => `${hex(offsetBytes)}  ${hex(lengthBytes)}  ${status}`),
  ]
  return `${lines.join('\n')}\n`
}

/** A whole device of which these parts could not be read, and nothing behind `triedBytes` was tried. */
export function rescueParts(unreadable: readonly ByteRange[], sizeBytes: number, triedBytes = sizeBytes): RescuePart[] {
  const parts: RescuePart[] = [
    ...invertRanges(unreadable, triedBytes).map((range) => ({ ...range, status: '+' as const })),
    ...unreadable.map((range) => ({ ...range, status: '-' as const })),
  ]
  if (triedBytes < sizeBytes) {
    parts.push({ offsetBytes: triedBytes, lengthBytes: sizeBytes - triedBytes, status: '?' })
  }
  return parts.sort((left, right) => left.offsetBytes - right.offsetBytes)
}

/**
 * In order, from 0 on without gaps: what a map leaves out was not tried.
 * @throws TransferError RESCUE_MAP_INVALID with the line.
 */
export function parseRescueMap(text: string, fileName: string): RescuePart[] {
  if (text.length > textBytesMax) throw invalid(fileName, 1, `it has ${text.length} characters`)
  const parts: RescuePart[] = []
  let hasState = false
  let end = 0
  for (const [index, whole] of text.split('\n').entries()) {
    const words = (whole.split('#', 1)[0] as string).trim().split(/\s+/)
    if (words[0] === '') continue
    const number = index + 1
    if (!hasState) {
      checkState(words, fileName, number)
      hasState = true
      continue
    }
    const part = parsePart(words, fileName, number)
    if (part.offsetBytes < end) throw invalid(fileName, number, `the part at ${words[0]} overlaps the one before it`)
    if (part.offsetBytes > end) parts.push({ offsetBytes: end, lengthBytes: part.offsetBytes - end, status: '?' })
    parts.push(part)
    end = part.offsetBytes + part.lengthBytes
    if (!Number.isSafeInteger(end)) throw invalid(fileName, number, 'the part ends beyond 2^53')
  }
  if (!hasState) throw invalid(fileName, 1, 'it has no line with the current position and status')
  return parts
}

function checkState(words: readonly string[], fileName: string, line: number): void {
  const [position = '', status = '', pass] = words
  const isGood =
    words.length <= 3 && numberWord.test(position) && /^[?*/\-FG+]$/.test(status) && /^\d{1,9}$/.test(pass ?? '1')
  if (!isGood) throw invalid(fileName, line, 'expected current position, status and pass')
}

function parsePart(words: readonly string[], fileName: string, line: number): RescuePart {
  const [offset = '', length = '', status = ''] = words
  if (words.length !== 3 || !numberWord.test(offset) || !numberWord.test(length) || !/^[?*/\-+]$/.test(status)) {
    throw invalid(fileName, line, 'expected position, size and one of ? * / - +')
  }
  const part = { offsetBytes: numberOf(offset), lengthBytes: numberOf(length), status: status as RescueStatus }
  if (part.lengthBytes === 0) throw invalid(fileName, line, 'the part is empty')
  return part
}

function numberOf(word: string): number {
  return /^0[0-7]/.test(word) ? Number.parseInt(word, 8) : Number(word)
}

function invalid(fileName: string, line: number, problem: string): TransferError {
  const message = `${fileName}, line ${line}: ${problem}.`
  return new TransferError('RESCUE_MAP_INVALID', message, { path: fileName, line, column: 1 })
}

/** The parts of a device with one of these states. */
export function partsWith(parts: readonly RescuePart[], statuses: string, sizeBytes: number): ByteRange[] {
  return parts
    .filter(({ status, offsetBytes }) => statuses.includes(status) && offsetBytes < sizeBytes)
    .map(({ offsetBytes, lengthBytes }) => ({
      offsetBytes,
      lengthBytes: Math.min(lengthBytes, sizeBytes - offsetBytes),
    }))
}
