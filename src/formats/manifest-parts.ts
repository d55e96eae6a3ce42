// What a drive manifest consists of, as its reader hands it out.

import type { Disposition } from './blob-limits.js'
import type { ReadBlocks } from './manifest-blocks.js'
import type { HashedPath } from './manifest-writer.js'

export interface ReadManifestHeader {
  kind: 'header'
  /** `2014-11-01` on import drives, `2011-10-01` on export drives. */
  version: string
  driveId: string
  clientCreator: string | undefined
  /** Present on drives of the old format. Never print it. */
  credential: { storageAccountKey: string } | { containerSas: string } | undefined
}

export interface ReadManifestList {
  id: string | undefined
  metadata: HashedPath | undefined
  properties: HashedPath | undefined
}

export interface ReadManifestBlob extends ReadBlocks {
  kind: 'block' | 'page'
  /** `container/name` */
  blobPath: string
  /** From the drive's root, with backslashes; no part of it leads elsewhere. */
  filePath: string
  lengthBytes: number
  /** Undefined on export drives; the service takes `rename` where an import manifest says nothing. */
  disposition: Disposition | undefined
  /** DateTime, export only. */
  snapshot: string | undefined
  /** Of this blob; otherwise its list's apply. */
  metadata: HashedPath | undefined
  properties: HashedPath | undefined
  /** The same object for all blobs of a list. */
  list: ReadManifestList
  /** 1-based line of its element. */
  line: number
}

export type ManifestPart = ReadManifestHeader | ReadManifestBlob
