// Reads copy logs of all three generations as a stream, in one shape: 2014-11-01 and 2018-10-01 with one root, 2021-08-01 as
// elements side by side, where nothing but the elements says what it is. docs/copy-log.md.

import { CopyLogElements } from './copy-log-elements.js'
import type { CopyLogPart } from './copy-log-parts.js'
import { GuardedXml } from './guarded-xml.js'

export type * from './copy-log-parts.js'
export type { ReadRanges } from './copy-log-ranges.js'

export interface CopyLogReaderOptions {
  /** For messages. */
  fileName?: string
  /** Blobs, files and errors together. */
  itemsMax?: number
  /** Of one blob; 2^21 are an 8 TiB page blob in ranges of 4 MiB. Block lists have at most 50,000 whatever is said here. */
  rangesMax?: number
  /** Characters of one text or attribute. */
  textMax?: number
  depthMax?: number
}

/**
 * Yields the header once and first, then blobs, errors and summaries in the order of the log, then the end once.
 * Codes are passed on as they are: `meaningOf` says what they mean.
 * @param chunks the file's bytes, cut anywhere; a chunk may be reused after the next is asked for.
 * @throws TransferError COPY_LOG_INVALID with line and column, at the first thing that is wrong.
 */
export async function* readCopyLog(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: CopyLogReaderOptions = {},
): AsyncGenerator<CopyLogPart, void, undefined> {
  const { fileName = 'copy log', textMax = 65_536, depthMax = 16 } = options
  const limits = { itemsMax: options.itemsMax ?? 1_000_000_000, rangesMax: options.rangesMax ?? 1 << 21, textMax }
  const elements: CopyLogElements = new CopyLogElements(
    limits,
    (problem, place) => xml.fail(problem, place),
    () => xml.tagPlace,
  )
  const guard = {
    fileName,
    code: 'COPY_LOG_INVALID',
    document: 'copy log',
    textMax,
    depthMax,
    isFragment: true,
  } as const
  const xml: GuardedXml = new GuardedXml(elements, guard)
  for await (const chunk of chunks) {
    for (const _ of xml.parse(chunk)) yield* elements.takeParts()
  }
  xml.finish()
  elements.finish()
  yield* elements.takeParts()
}
