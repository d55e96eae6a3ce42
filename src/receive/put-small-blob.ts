// A blob of at most one block: one request, which either makes the whole blob or changes nothing.

import type { RangeStatus } from '../formats/copy-log-codes.js'
import { renamedBlob } from '../plan/renamed-blob.js'
import type { BlobFacts, BlobPlace, WriteResult } from '../storage/blob-store.js'
import {
  type BlobResult,
  type BlobSink,
  type BlobTask,
  emptyMd5,
  namesTriedMax,
  RangeStatuses,
  rangeMd5,
  refusedResult,
  send,
} from './blob-sink.js'
import { takenResult } from './claim-name.js'
import { type ImportContext, placeOf } from './import-context.js'

export class SmallBlobSink implements BlobSink {
  readonly #statuses: RangeStatuses
  readonly #isDoubtful: boolean
  #result: BlobResult | undefined

  constructor(
    private readonly context: ImportContext,
    readonly task: BlobTask,
  ) {
    this.#statuses = new RangeStatuses(task)
    this.#isDoubtful = context.isDoubtful(task)
  }

  isWanted(): boolean {
    return true
  }

  async put(range: number, bytes: Uint8Array): Promise<void> {
    try {
      this.#result = await this.#write(bytes, rangeMd5(this.task, range))
    } catch (error) {
      this.#result = refusedResult(error, [{ status: 'BlobRequestFailed', count: 1 }])
    }
  }

  fail(range: number, status: RangeStatus, message?: string): void {
    this.#statuses.fail(range, status, message)
  }

  async finish(): Promise<BlobResult> {
    if (this.#statuses.failed > 0) return this.#statuses.result()
    if (this.task.blob.lengthBytes === 0) await this.put(0, new Uint8Array(0))
    return this.#result ?? this.#statuses.result()
  }

  /** Tries names until one is free, or the blob of that name may stay or go. */
  async #write(bytes: Uint8Array, digest: Uint8Array): Promise<BlobResult> {
    const { blob } = this.task
    const md5 = blob.lengthBytes === 0 ? emptyMd5 : digest
    const { container, name } = placeOf(blob.blobPath)
    const disposition = blob.disposition ?? 'rename'
    for (let copy = 1; copy <= namesTriedMax; copy++) {
      const place = { container, name: copy === 1 ? name : renamedBlob(name, copy) }
      const outcome = copy === 1 ? 'created' : 'renamed'
      const found = await this.#look(place)
      if (found !== undefined && this.#isDoubtful && this.#isSame(found, md5)) return this.#done(place, copy, outcome)
      if (found === undefined) {
        if ((await this.#send(place, bytes, md5, true)) === 'written') return this.#done(place, copy, outcome)
        // The last request of a run that was killed may get there after the look at the name.
        const late = await this.#look(place)
        if (late !== undefined && this.#isDoubtful && this.#isSame(late, md5)) return this.#done(place, copy, outcome)
      }
      this.context.counters.hasMetExisting = true
      if (disposition === 'no-overwrite') return { outcome: 'skipped' }
      if (disposition === 'overwrite') {
        await this.#send(place, bytes, md5, false)
        return { outcome: 'overwritten' }
      }
    }
    return takenResult(this.task)
  }

  // Only where something may be there: in an account without blobs of these names it would be a request for nothing.
  async #look(place: BlobPlace): Promise<BlobFacts | undefined> {
    if (!this.#isDoubtful && !this.context.counters.hasMetExisting) return undefined
    return this.context.lane.run(() => this.context.store.head(place, { signal: this.context.signal }))
  }

  #isSame(found: BlobFacts, md5: Uint8Array): boolean {
    const { contentMd5 } = found.properties
    const { lengthBytes } = this.task.blob
    if (found.sizeBytes !== lengthBytes) return false
    // A properties file may give another one than that of the content.
    const possible = [md5, this.task.attributes.properties.contentMd5 ?? md5]
    return (
      lengthBytes === 0 ||
      possible.some((wanted) => contentMd5 !== undefined && Buffer.compare(contentMd5, wanted) === 0)
    )
  }

  async #done(place: BlobPlace, copy: number, outcome: 'created' | 'renamed'): Promise<BlobResult> {
    if (copy > 1) await this.context.journal.named(this.task.number, place.name)
    return { outcome }
  }

  async #send(place: BlobPlace, bytes: Uint8Array, md5: Uint8Array, ifAbsent: boolean): Promise<WriteResult> {
    const { store, signal, contentMd5 } = this.context
    const { properties: wanted } = this.task.attributes
    const properties = contentMd5 ? { contentMd5: md5, ...wanted } : wanted
    let result: WriteResult = 'exists'
    await send(this.context, bytes.length, async () => {
      const options = { properties, ifAbsent, signal }
      result =
        this.task.blob.kind === 'page'
          ? await store.createPageBlob(place, 0, options)
          : await store.putBlob(place, bytes, md5, options)
    })
    return result
  }
}
