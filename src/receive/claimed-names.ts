// Names under which large blobs are being sent, over all drives of an import: a blob of many blocks is not in the account until
// its end, so that nobody who asks there sees that its name is taken.

import type { BlobPlace } from '../storage/blob-store.js'

export class ClaimedNames {
  readonly #names: Set<string>
  readonly #own = new Set<string>()

  private constructor(names: Set<string>) {
    this.#names = names
  }

  static create(): ClaimedNames {
    return new ClaimedNames(new Set())
  }

  /** For some blobs, whose names are free again after `end`. */
  lease(): ClaimedNames {
    return new ClaimedNames(this.#names)
  }

  /** False when another blob has it. */
  take({ container, name }: BlobPlace): boolean {
    const key = `${container}/${name}`
    if (this.#names.has(key)) return false
    this.#names.add(key)
    this.#own.add(key)
    return true
  }

  end(): void {
    for (const key of this.#own) this.#names.delete(key)
    this.#own.clear()
  }
}
