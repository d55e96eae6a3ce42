// A store that keeps nothing and compares nothing: it takes the server out of the figure. Blocks have to be put before they are
// committed, so that an import that forgot some would fail.

import type { BlobPlace, WriteResult } from '../src/storage/blob-store.js'
import { MemoryStore } from '../src/storage/memory-store.js'

export class CountingStore extends MemoryStore {
  bytes = 0
  readonly #put = new Map<string, Set<string>>()

  override async putBlob(_place: BlobPlace, bytes: Uint8Array): Promise<WriteResult> {
    this.bytes += bytes.length
    return 'written'
  }

  override async putBlock({ name }: BlobPlace, id: string, bytes: Uint8Array): Promise<void> {
    const ids = this.#put.get(name) ?? new Set()
    this.#put.set(name, ids.add(id))
    this.bytes += bytes.length
  }

  override async commitBlocks({ name }: BlobPlace, ids: readonly string[]): Promise<WriteResult> {
    if (!ids.every((id) => this.#put.get(name)?.has(id))) throw new Error(`a block of ${name} was not put`)
    return 'written'
  }
}
