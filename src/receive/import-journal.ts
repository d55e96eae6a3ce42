// The journal of an import, as one drive sees it: results are gathered for a moment and written together, because a drive may
// have millions of blobs, and nothing is called done that could still be sent again after a crash.

import type { RecordDraft } from '../formats/journal.js'
import type { JournalFile } from '../journal/journal-file.js'
import {
  type BlobFailure,
  type BlobOutcome,
  type ImportDriveState,
  importRecords,
  type PageProgress,
} from '../plan/import-state.js'

const gatherMs = 250
const gatherBlobs = 1000

export class ImportJournal {
  #done = new Map<number, BlobOutcome>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #failure: unknown

  constructor(
    private readonly file: JournalFile,
    readonly state: ImportDriveState,
  ) {}

  done(blob: number, outcome: BlobOutcome, bytes: number): void {
    const { state } = this
    state.outcomes.set(blob, outcome)
    state.failures.delete(blob)
    state.pages.delete(blob)
    state.bytesImported += bytes
    this.#done.set(blob, outcome)
    this.#bytes += bytes
    if (this.#done.size >= gatherBlobs) this.#write()
    else this.#timer ??= setTimeout(() => this.#write(), gatherMs)
  }

  failed(blob: number, failure: BlobFailure): Promise<void> {
    this.state.failures.set(blob, failure)
    return this.#append(importRecords.failed(this.state.driveId, blob, failure))
  }

  /** The name that the blob will have, before anything is written under it. */
  named(blob: number, name: string): Promise<void> {
    this.state.renamed.set(blob, name)
    return this.#append(importRecords.named(this.state.driveId, blob, name))
  }

  pages(blob: number, progress: PageProgress): Promise<void> {
    this.state.pages.set(blob, progress)
    return this.#append(importRecords.pages(this.state.driveId, blob, progress))
  }

  /** Blobs that are about to be sent. `state.begun` is what earlier runs began, and is left alone. */
  begun(from: number, to: number): Promise<void> {
    return this.#append(importRecords.begun(this.state.driveId, from, to))
  }

  async complete(): Promise<void> {
    await this.flush()
    await this.#append(importRecords.complete(this.state.driveId))
    this.state.isComplete = true
  }

  /** Everything that was told is on stable storage. @throws what writing it met, once. */
  async flush(): Promise<void> {
    await this.#write()
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  #append(draft: RecordDraft): Promise<void> {
    return this.file.append(draft)
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#done.size === 0) return
    const draft = importRecords.done(this.state.driveId, this.#done, this.#bytes)
    this.#done = new Map()
    this.#bytes = 0
    // The next flush tells; what could not be recorded is sent again by a later run, which is safe.
    await this.#append(draft).catch((error) => {
      this.#failure ??= error
    })
  }
}
