// A block blob of many blocks: each is uploaded under the manifest's id as it comes, and the blob exists only when its list is
// committed, with every block there. What an interrupted run uploaded is still with the service, and is not sent again.

import type { RangeStatus } from '../formats/copy-log-codes.js'
import type { BlobOutcome } from '../plan/import-state.js'
import type { BlobFacts, BlobPlace } from '../storage/blob-store.js'
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
import type { NumberedBlob } from './manifest-source.js'

export class BlockBlobSink implements BlobSink {
  readonly #statuses: RangeStatuses
  /** Uploads by id: equal blocks of a blob share one. */
  readonly #sent = new Map<string, Promise<unknown>>()

  /** @param present ids of blocks that are with the service, in a list or not. */
  constructor(
    private readonly context: ImportContext,
    readonly task: BlobTask,
    private readonly place: BlobPlace,
    private readonly outcome: BlobOutcome,
    private readonly ids: readonly string[],
    present: ReadonlySet<string>,
    private readonly isDoubtful: boolean,
  ) {
    this.#statuses = new RangeStatuses(task)
    for (const [range, id] of ids.entries()) {
      if (!present.has(id)) continue
      this.#sent.set(id, Promise.resolve())
      this.#statuses.done(range, 'Uncommitted')
    }
  }

  static async claim(context: ImportContext, task: BlobTask): Promise<BlockBlobSink | BlobResult> {
    const ids = task.blob.ids ?? contentIds(task)
    const isDoubtful = context.isDoubtful(task)
    const claimed = await claimName(context, task, async (place, found) => {
      return isDoubtful && (await isCommitted(context, task, place, found, ids))
    })
    if (claimed.kind === 'ours') return { outcome: claimed.outcome }
    if (claimed.kind === 'skipped') return { outcome: 'skipped' }
    if (claimed.kind === 'taken') return takenResult(task)
    if (claimed.kind === 'busy') return busyResult(task)
    const { place, outcome } = claimed
    const present = isDoubtful ? await uncommitted(context, task, place, ids) : new Set<string>()
    return new BlockBlobSink(context, task, place, outcome, ids, present, isDoubtful)
  }

  isWanted(range: number): boolean {
    // The digest of the whole content needs all of it.
    return this.context.contentMd5 || !this.#sent.has(this.ids[range] as string)
  }

  async put(range: number, bytes: Uint8Array): Promise<void> {
    const id = this.ids[range] as string
    let sending = this.#sent.get(id)
    if (sending === undefined) {
      const { store, signal } = this.context
      sending = send(this.context, bytes.length, () =>
        store.putBlock(this.place, id, bytes, rangeMd5(this.task, range), { signal }),
      )
      this.#sent.set(id, sending)
    }
    try {
      await sending
      this.#statuses.done(range, 'Uncommitted')
    } catch (error) {
      this.#statuses.refuse(range, error)
    }
  }

  fail(range: number, status: RangeStatus, message?: string): void {
    this.#statuses.fail(range, status, message)
  }

  async finish(fileMd5: Uint8Array | undefined): Promise<BlobResult> {
    if (this.#statuses.failed > 0) return this.#statuses.result()
    const { store, lane, signal } = this.context
    const { properties: wanted } = this.task.attributes
    const properties = fileMd5 === undefined ? wanted : { contentMd5: fileMd5, ...wanted }
    const options = { properties, ifAbsent: this.outcome !== 'overwritten', signal }
    try {
      const written = await lane.run(() => store.commitBlocks(this.place, this.ids, options))
      if (written === 'written' || (this.isDoubtful && (await this.#isOurs()))) return { outcome: this.outcome }
      return changedResult(this.place, this.#statuses.runs())
    } catch (error) {
      return refusedResult(error, this.#statuses.runs())
    }
  }

  // The last request of a run that was killed may get there after this run looked.
  async #isOurs(): Promise<boolean> {
    const { store, lane, signal } = this.context
    const found = await lane.run(() => store.head(this.place, { signal }))
    return found !== undefined && (await isCommitted(this.context, this.task, this.place, found, this.ids))
  }
}

/** The blob that is there consists of the blocks of this one. */
async function isCommitted(
  { store, lane, signal }: ImportContext,
  { blob }: BlobTask,
  place: BlobPlace,
  found: BlobFacts,
  ids: readonly string[],
): Promise<boolean> {
  if (found.sizeBytes !== blob.lengthBytes || found.kind !== 'block') return false
  const { committed } = await lane.run(() => store.listBlocks(place, { signal }))
  return committed.length === ids.length && committed.every(({ id }, index) => id === ids[index])
}

/** For blobs whose blocks have no ids: the same form that the manifests of Azure's tools have. */
export function contentIds(task: NumberedBlob): string[] {
  return Array.from(task.blob.offsets, (_, range) => `MD5/${rangeMd5(task, range).toString('base64')}`)
}

async function uncommitted(
  { store, lane, signal }: ImportContext,
  { blob }: BlobTask,
  place: BlobPlace,
  ids: readonly string[],
): Promise<Set<string>> {
  const lists = await lane.run(() => store.listBlocks(place, { signal }))
  const sizes = new Map(lists.uncommitted.map(({ id, sizeBytes }) => [id, sizeBytes]))
  return new Set(ids.filter((id, range) => sizes.get(id) === blob.lengths[range]))
}
