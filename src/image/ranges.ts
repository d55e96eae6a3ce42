// Ranges as the native module takes them: two columns.

import type { Ranges } from '../addon/image-engine.js'
import type { ByteRange } from '../formats/byte-ranges.js'

export function toRanges(ranges: readonly ByteRange[]): Ranges {
  return {
    offsetBytes: Float64Array.from(ranges, ({ offsetBytes }) => offsetBytes),
    lengthBytes: Float64Array.from(ranges, ({ lengthBytes }) => lengthBytes),
  }
}
