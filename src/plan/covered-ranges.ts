// Which ranges of a page blob a service has, from what it says was written of it.

/** @param written in order, not overlapping, neighbours joined. @returns 1 for each range that lies within what was written. */
export function coveredRanges(
  { offsets, lengths }: { offsets: Float64Array; lengths: Float64Array },
  written: readonly { offsetBytes: number; lengthBytes: number }[],
): Uint8Array {
  const isCovered = new Uint8Array(offsets.length)
  let next = 0
  for (const [range, offset] of offsets.entries()) {
    const end = offset + (lengths[range] as number)
    const endOf = (index: number) => {
      const found = written[index]
      return found === undefined ? Number.POSITIVE_INFINITY : found.offsetBytes + found.lengthBytes
    }
    while (endOf(next) <= offset) next++
    const found = written[next]
    if (found !== undefined && found.offsetBytes <= offset && end <= endOf(next)) isCovered[range] = 1
  }
  return isCovered
}
