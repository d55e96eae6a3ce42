// Reads a drive manifest of any size as a stream: the header, then one blob after the other, each checked against the rules of
// the format. The manifest lies on a drive that came by post: blobs and blocks have limits, as XML has them in guarded-xml.ts.

import { GuardedXml } from './guarded-xml.js'
import { ManifestElements } from './manifest-elements.js'
import type { ManifestPart } from './manifest-parts.js'

export type { ManifestPart, ReadManifestBlob, ReadManifestHeader, ReadManifestList } from './manifest-parts.js'

export interface ManifestReaderOptions {
  /** For messages. */
  fileName?: string
  blobsMax?: number
  /** Blocks or page ranges of one blob; 2^21 are an 8 TiB page blob in ranges of 4 MiB. */
  rangesMax?: number
  /** Characters of one text or attribute. */
  textMax?: number
  depthMax?: number
}

/**
 * Yields the header once, then every blob in the order of the file.
 * @param chunks the file's bytes, cut anywhere; a chunk may be reused after the next is asked for.
 * @throws TransferError with line and column, at the first thing that is wrong: MANIFEST_XML when it is no XML that is read
 * here, MANIFEST_PATH for a name that leads elsewhere, MANIFEST_BLOCKS for a list of blocks or ranges, else MANIFEST_INVALID.
 */
export async function* readManifest(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ManifestReaderOptions = {},
): AsyncGenerator<ManifestPart, void, undefined> {
  const { fileName = 'DriveManifest.xml', textMax = 65_536, depthMax = 32 } = options
  const limits = { blobsMax: options.blobsMax ?? 1_000_000_000, rangesMax: options.rangesMax ?? 1 << 21, textMax }
  const elements: ManifestElements = new ManifestElements(
    limits,
    (problem, place, code) => xml.fail(problem, place, code ?? 'MANIFEST_INVALID'),
    () => xml.tagPlace,
  )
  const xml: GuardedXml = new GuardedXml(elements, {
    fileName,
    code: 'MANIFEST_XML',
    document: 'manifest',
    textMax,
    depthMax,
  })
  for await (const chunk of chunks) {
    for (const _ of xml.parse(chunk)) yield* elements.takeParts()
  }
  xml.finish()
  yield* elements.takeParts()
}
