// How full one drive is while files are being spread. It knows which folders are already there in part, because the first
// file of a folder brings the folder's record and index, and the records and index entries of all folders above it.

import type { SpanWeights } from './span-weights.js'

interface PartialDirectory {
  entriesBytes: number
  indexBytes: number
}

export class DriveLoad {
  usedBytes: number
  readonly #directories = new Map<number, PartialDirectory>()

  constructor(
    /** Index among the drives given. */
    readonly drive: number,
    readonly capacityBytes: number,
    readonly weights: SpanWeights,
    fixedBytes: number,
  ) {
    this.usedBytes = fixedBytes
    this.#directories.set(0, { entriesBytes: 0, indexBytes: 0 })
  }

  get freeBytes(): number {
    return this.capacityBytes - this.usedBytes
  }

  /** Bytes that `contentBytes` in `directory` would take here, with `entriesBytes` of entries in its index. */
  need(directory: number, contentBytes: number, entriesBytes: number): number {
    const { span } = this.weights
    let need = contentBytes
    let entries = entriesBytes
    for (let at = directory; ; at = span.tree.directoryParent[at] as number) {
      const known = this.#directories.get(at)
      if (known !== undefined) {
        return need + this.weights.index(at, known.entriesBytes + entries) - known.indexBytes
      }
      need += this.weights.partialDirectory + this.weights.index(at, entries)
      entries = span.directoryEntry[at] as number
    }
  }

  fits(directory: number, contentBytes: number, entriesBytes: number): boolean {
    // The content alone rules most of them out, without the walk.
    return contentBytes <= this.freeBytes && this.need(directory, contentBytes, entriesBytes) <= this.freeBytes
  }

  add(directory: number, contentBytes: number, entriesBytes: number): void {
    const { span } = this.weights
    this.usedBytes += this.need(directory, contentBytes, entriesBytes)
    let entries = entriesBytes
    for (let at = directory; ; at = span.tree.directoryParent[at] as number) {
      const known = this.#directories.get(at)
      const sum = (known?.entriesBytes ?? 0) + entries
      const indexBytes = this.weights.index(at, sum)
      if (known !== undefined) {
        known.entriesBytes = sum
        known.indexBytes = indexBytes
        return
      }
      this.#directories.set(at, { entriesBytes: sum, indexBytes })
      entries = span.directoryEntry[at] as number
    }
  }
}
