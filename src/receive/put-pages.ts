// A page blob: made at its full size, all zeros, then filled range by range; ranges that the manifest leaves out stay zero. It
// is visible while it is filled, so it carries a mark in its metadata until every range is there.

import type { RangeStatus } from '../formats/copy-log-codes.js'
import { coveredRanges } from '../plan/covered-ranges.js'
import type { BlobOutcome } from '../plan/import-state.js'
import type { BlobFacts, BlobPlace, BlobProperties } from '../storage/blob-store.js'
import {
  type BlobResult,
  type BlobSink,
  type BlobTask,
  RangeStatuses,
  rangeMd5,
  refusedResult,
  send,
} from './blob-sink.js'
import { busyResult, changedResult, claimName, takenResult } from './claim-name.js'
import type { ImportContext } from './import-context.js'

/** Name of the metadata that says a page blob is not complete; its value says which of which drive it is. */
export const incompleteMark = 'diskferry_incomplete'

export function markOf(driveId: string, number: number): string {
  return `${driveId}/${number}`
}

/** How often progress is recorded, in ranges: a gibibyte. */
const recordEveryRanges = 256

export class PageBlobSink implements BlobSink {
  readonly #statuses: RangeStatuses
  readonly #isThere: Uint8Array
  #prefix = 0
  #recorded = 0

  /** @param isThere 1 for each range that is in the account. */
  constructor(
    private readonly context: ImportContext,
    readonly task: BlobTask,
    private readonly place: BlobPlace,
    private readonly outcome: BlobOutcome,
    isThere: Uint8Array,
  ) {
    this.#statuses = new RangeStatuses(task)
    this.#isThere = isThere
    for (const [range, there] of isThere.entries()) if (there === 1) this.#statuses.done(range)
  }

  static async claim(context: ImportContext, task: BlobTask): Promise<PageBlobSink | BlobResult> {
    const { store, journal, signal, lane } = context
    const { number, blob, attributes } = task
    const known = journal.state.pages.get(number)
    const isDoubtful = context.isDoubtful(task)
    const isOurs = (found: BlobFacts) => {
      // The mark goes when all ranges are there, which is recorded before.
      const isFull = known?.ranges === blob.offsets.length
      const isMarked = context.isOurMark(metadataValue(found.properties, incompleteMark) ?? '', task)
      return isDoubtful && found.kind === 'page' && found.sizeBytes === blob.lengthBytes && (isFull || isMarked)
    }
    const claimed = await claimName(context, task, async (_, found) => isOurs(found))
    if (claimed.kind === 'skipped') return { outcome: 'skipped' }
    if (claimed.kind === 'taken') return takenResult(task)
    if (claimed.kind === 'busy') return busyResult(task)
    const { place } = claimed
    const goOn = async () => {
      // Made empty by us, and only verified ranges were put: what was written is what belongs there.
      const isThere = coveredRanges(blob, await lane.run(() => store.listPageRanges(place, { signal })))
      return new PageBlobSink(context, task, place, known?.outcome ?? claimed.outcome, isThere)
    }
    if (claimed.kind === 'ours') return await goOn()
    const metadata = [
      ...(attributes.properties.metadata ?? []),
      [incompleteMark, markOf(journal.state.driveId, number)] as const,
    ]
    const options = {
      properties: { ...attributes.properties, metadata },
      ifAbsent: claimed.outcome !== 'overwritten',
      signal,
    }
    const made = await lane.run(() => store.createPageBlob(place, blob.lengthBytes, options))
    if (made === 'exists') {
      // The last request of a run that was killed may get there after this run looked.
      const late = isDoubtful ? await lane.run(() => store.head(place, { signal })) : undefined
      if (late !== undefined && isOurs(late)) return await goOn()
      return changedResult(place)
    }
    await journal.pages(number, { ranges: 0, outcome: claimed.outcome })
    return new PageBlobSink(context, task, place, claimed.outcome, new Uint8Array(blob.offsets.length))
  }

  isWanted(range: number): boolean {
    return this.context.contentMd5 || this.#isThere[range] !== 1
  }

  async put(range: number, bytes: Uint8Array): Promise<void> {
    if (this.#isThere[range] === 1) return
    const { store, signal } = this.context
    const offset = this.task.blob.offsets[range] as number
    try {
      await send(this.context, bytes.length, () =>
        store.putPages(this.place, offset, bytes, rangeMd5(this.task, range), { signal }),
      )
      this.#statuses.done(range)
      this.#isThere[range] = 1
      await this.#record()
    } catch (error) {
      this.#statuses.refuse(range, error)
    }
  }

  async #record(): Promise<void> {
    while (this.#isThere[this.#prefix] === 1) this.#prefix++
    if (this.#prefix - this.#recorded < recordEveryRanges) return
    this.#recorded = this.#prefix
    await this.context.journal.pages(this.task.number, { ranges: this.#prefix, outcome: this.outcome })
  }

  fail(range: number, status: RangeStatus, message?: string): void {
    this.#statuses.fail(range, status, message)
  }

  async finish(fileMd5: Uint8Array | undefined): Promise<BlobResult> {
    if (this.#statuses.failed > 0) return this.#statuses.result()
    const { store, lane, signal } = this.context
    const { properties: wanted } = this.task.attributes
    // What the manifest leaves out is zero in the blob, whatever the file has there: then nobody knows the blob's digest.
    const hasAll = this.task.blob.lengths.reduce((sum, length) => sum + length, 0) === this.task.blob.lengthBytes
    const digest = fileMd5 === undefined || !hasAll ? {} : { contentMd5: fileMd5 }
    const properties = { ...digest, ...wanted, metadata: wanted.metadata ?? [] }
    const { outcome } = this
    await this.context.journal.pages(this.task.number, { ranges: this.task.blob.offsets.length, outcome })
    try {
      await lane.run(() => store.setProperties(this.place, properties, { signal }))
      return { outcome }
    } catch (error) {
      return refusedResult(error, this.#statuses.runs())
    }
  }
}

export function metadataValue({ metadata = [] }: BlobProperties, name: string): string | undefined {
  return metadata.find(([found]) => found.toLowerCase() === name)?.[1]
}
