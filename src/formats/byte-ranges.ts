// Parts of a device: where they begin and how long they are. Lists are in order and do not overlap; offsets and lengths are
// whole bytes below 2^53.

export interface ByteRange {
  offsetBytes: number
  lengthBytes: number
}

/** In order, with neighbours and overlaps put together; empty ones go. */
export function mergeRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = ranges.filter(({ lengthBytes }) => lengthBytes > 0)
  sorted.sort((left, right) => left.offsetBytes - right.offsetBytes)
  const merged: ByteRange[] = []
  for (const { offsetBytes, lengthBytes } of sorted) {
    const last = merged.at(-1)
    if (last !== undefined && offsetBytes <= last.offsetBytes + last.lengthBytes) {
      last.lengthBytes = Math.max(last.lengthBytes, offsetBytes + lengthBytes - last.offsetBytes)
    } else merged.push({ offsetBytes, lengthBytes })
  }
  return merged
}

export function totalBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
}

/** What the ranges leave of the first `sizeBytes`. */
export function invertRanges(ranges: readonly ByteRange[], sizeBytes: number): ByteRange[] {
  const left: ByteRange[] = []
  let at = 0
  for (const { offsetBytes, lengthBytes } of ranges) {
    const end = Math.min(offsetBytes, sizeBytes)
    if (end > at) left.push({ offsetBytes: at, lengthBytes: end - at })
    at = Math.max(at, offsetBytes + lengthBytes)
  }
  if (at < sizeBytes) left.push({ offsetBytes: at, lengthBytes: sizeBytes - at })
  return left
}

/**
 * Of each block of `blockBytes`, how many of its bytes lie in the ranges.
 * @param visit is called only for blocks with any, in order.
 */
export function eachTouchedBlock(
  ranges: readonly ByteRange[],
  blockBytes: number,
  visit: (block: number, coveredBytes: number) => void,
): void {
  let current = -1
  let covered = 0
  for (const { offsetBytes, lengthBytes } of ranges) {
    const end = offsetBytes + lengthBytes
    for (let at = offsetBytes; at < end; ) {
      const block = Math.floor(at / blockBytes)
      const until = Math.min(end, (block + 1) * blockBytes)
      if (block !== current) {
        if (current >= 0) visit(current, covered)
        current = block
        covered = 0
      }
      covered += until - at
      at = until
    }
  }
  if (current >= 0) visit(current, covered)
}

const textRange = /^(\d{1,16})\+(\d{1,16})$/

/** `0+4096 1048576+512`: how journals keep them. */
export function encodeByteRanges(ranges: readonly ByteRange[]): string {
  return ranges.map(({ offsetBytes, lengthBytes }) => `${offsetBytes}+${lengthBytes}`).join(' ')
}

/** Undefined for anything else than what encodeByteRanges writes of ordered ranges. */
export function parseByteRanges(text: string): ByteRange[] | undefined {
  if (text === '') return []
  const ranges: ByteRange[] = []
  let end = 0
  for (const word of text.split(' ')) {
    const match = textRange.exec(word)
    const offsetBytes = Number(match?.[1])
    const lengthBytes = Number(match?.[2])
    if (match === null || offsetBytes < end || lengthBytes === 0) return undefined
    end = offsetBytes + lengthBytes
    if (!Number.isSafeInteger(end)) return undefined
    ranges.push({ offsetBytes, lengthBytes })
  }
  return ranges
}
