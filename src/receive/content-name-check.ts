// Files whose name is the SHA-256 of their content, as a backup's packs are. Whoever prepared the drive said so with a metadata value;
// then the name is compared as well as the manifest's hashes: it also tells of damage from before the drive was written.

import { createHash, type Hash } from 'node:crypto'
import type { ContentPiece } from '../addon/read-engine.js'
import { contentNameMetadata } from '../formats/content-name.js'
import type { BlobTask } from './blob-sink.js'

export class ContentNameCheck {
  readonly #hash: Hash = createHash('sha256')
  #nextBytes = 0

  private constructor(private readonly wanted: string) {}

  /** Undefined for a blob that does not say so. */
  static of({ blob, attributes }: BlobTask): ContentNameCheck | undefined {
    const wanted = /(?:^|\/)([0-9a-f]{64})$/.exec(blob.blobPath)?.[1]
    const { metadata = [] } = attributes.properties
    const [name, value] = contentNameMetadata
    const isTold = metadata.some(([found, says]) => found.toLowerCase() === name.toLowerCase() && says === value)
    return isTold && wanted !== undefined ? new ContentNameCheck(wanted) : undefined
  }

  /** Pieces of one file come in order; where some are not read, because they were sent before, nothing can be said. */
  take({ fileOffsetBytes, bytes }: ContentPiece): void {
    if (fileOffsetBytes !== this.#nextBytes) return
    this.#hash.update(bytes)
    this.#nextBytes += bytes.length
  }

  /** What is wrong with the whole content; undefined when nothing is, or not all of it was read. */
  problem(sizeBytes: number): string | undefined {
    if (this.#nextBytes !== sizeBytes) return undefined
    const found = this.#hash.copy().digest('hex')
    if (found === this.wanted) return undefined
    return `its name is to be the SHA-256 of its content, which is ${found}: it was damaged before it was put onto the drive`
  }
}
