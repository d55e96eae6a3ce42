// Sets of whole numbers as text: `0-17,19,25-30`. A journal names thousands of blobs in one line of it.

import { TransferError } from '../errors.js'

/** Sorted as needed; repeated numbers count once. */
export function encodeNumberRanges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((left, right) => left - right)
  const ranges: [number, number][] = []
  for (const number of sorted) {
    const last = ranges.at(-1)
    if (last !== undefined && number <= last[1] + 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}

/** @throws TransferError JOURNAL_INVALID */
export function* parseNumberRanges(text: string): Generator<[from: number, to: number]> {
  if (text === '') return
  for (const range of text.split(',')) {
    const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(range)
    const from = Number(match?.[1])
    const to = Number(match?.[2] ?? match?.[1])
    if (match === null || to < from) {
      throw new TransferError('JOURNAL_INVALID', `${JSON.stringify(range.slice(0, 40))} is no range of numbers.`)
    }
    yield [from, to]
  }
}
