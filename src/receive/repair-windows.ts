// Works through the steps of a repair, some hundreds at a time: they are looked up in the manifest of the drive together, because
// a manifest is read from its first blob to its last, and a log may be as long.

import { setMaxListeners } from 'node:events'
import type { DriveProgress } from '../drives/drive-progress.js'
import type { DispositionStatus } from '../formats/copy-log-codes.js'
import type { CopyLogBlob } from '../formats/copy-log-writer.js'
import type { ReadManifestBlob } from '../formats/manifest-reader.js'
import { type BlobFailure, isInDoubt } from '../plan/import-state.js'
import type { RepairBlob, RepairImpossible, RepairStep } from '../plan/repair-plan.js'
import { type RepairRefusal, type RepairWork, workFromLog, workFromManifest } from '../plan/repair-work.js'
import type { AttributeReader } from './blob-attributes.js'
import { ClaimedNames } from './claimed-names.js'
import { eachLimited } from './each-limited.js'
import { Containers, type ImportContext, placeOf } from './import-context.js'
import type { ImportJournal } from './import-journal.js'
import type { ManifestSource } from './manifest-source.js'
import { MemoryGate } from './memory-gate.js'
import { NameSet } from './name-set.js'
import { markOf } from './put-pages.js'
import { remainingBlob, statusOf } from './remaining-log.js'
import type { RepairRequest } from './repair.js'
import { hasContentIds, type RepairedBlob, repairBlob } from './repair-blob.js'
import type { RepairSources } from './repair-sources.js'
import { UploadSlots } from './upload-slots.js'

type Step = RepairBlob | RepairImpossible

export interface RepairWindowsInput {
  request: RepairRequest
  /** Undefined: the log alone has to say everything. */
  manifest: ManifestSource | undefined
  sources: RepairSources
  attributes: AttributeReader
  journal: ImportJournal
  row: DriveProgress
  onLeft(record: CopyLogBlob, message: string, isUnresolved: boolean, filePath: string | undefined): Promise<void>
}

interface Numbered {
  number: number
  step: Step
}

const windowSteps = 1024
const windowRanges = 1 << 18
const blobsAtOnce = 8
const memoryMebibytes = 128
/** What a blob holds while it is read: a block that is compared and four that are sent. */
const blocksHeld = 5

export class RepairWindows {
  readonly counts = { repaired: 0, repairedBefore: 0, left: 0 }
  readonly #context: ImportContext
  readonly #gate = new MemoryGate(memoryMebibytes)
  readonly #names = new NameSet()
  #telling: Promise<void> = Promise.resolve()

  constructor(private readonly input: RepairWindowsInput) {
    const { request, journal, row } = input
    const { store, concurrency = 16, rateLimit } = request
    const { state } = journal
    const prefix = markOf(state.driveId, 0).slice(0, -1)
    const counters = { bytesDone: 0, damagedBlocks: 0, hasMetExisting: true }
    let bytesSent = 0
    this.#context = {
      store,
      journal,
      rateLimit,
      lane: new UploadSlots(concurrency).lane(),
      // A repair makes none: the import did, or it is another account.
      containers: new Containers(store),
      names: ClaimedNames.create(),
      signal: request.signal ?? new AbortController().signal,
      isDoubtful: (task) => isInDoubt(state, task.number) || hasContentIds(task),
      // The import numbered its blobs by the manifest, a repair by the log.
      isOurMark: (mark) => mark.startsWith(prefix) && /^\d+$/.test(mark.slice(prefix.length)),
      contentMd5: false,
      counters: {
        ...counters,
        get bytesSent() {
          return bytesSent
        },
        set bytesSent(bytes) {
          bytesSent = bytes
          row.bytesDone = bytes
        },
      },
    }
  }

  get bytesSent(): number {
    return this.#context.counters.bytesSent
  }

  /** @throws what ends the repair. */
  async work(steps: AsyncIterable<RepairStep>): Promise<void> {
    let window: Numbered[] = []
    let ranges = 0
    let number = 0
    for await (const step of steps) {
      if (step.kind === 'end') break
      window.push({ number: number++, step })
      ranges += step.logged.kind === 'blob' ? (step.logged.ranges?.count ?? 0) : 0
      if (window.length < windowSteps && ranges < windowRanges) continue
      await this.#workOn(window)
      window = []
      ranges = 0
    }
    await this.#workOn(window)
  }

  async #workOn(all: readonly Numbered[]): Promise<void> {
    const { journal } = this.input
    const { state } = journal
    const window = all.filter(({ number }) => state.outcomes.get(number) === undefined)
    this.counts.repairedBefore += all.length - window.length
    if (window.length === 0) return
    const found = await this.#findInManifest(window)
    await journal.begun(all[0]?.number ?? 0, (all.at(-1)?.number ?? 0) + 1)
    const stop = new AbortController()
    let failure: { error: unknown } | undefined
    // What ends the repair ends all of its requests.
    const fail = (error: unknown) => {
      failure ??= { error }
      stop.abort()
    }
    const signal = AbortSignal.any([this.#context.signal, stop.signal])
    // One listener a request.
    setMaxListeners(0, signal)
    const repairOne = (numbered: Numbered) => this.#repair(numbered, found.get(numbered.number), signal)
    await eachLimited(window, blobsAtOnce, repairOne, fail)
    await this.#telling
    await journal.flush()
    if (failure !== undefined) throw failure.error
  }

  /** The manifest's blob of each step, by the step's number. */
  async #findInManifest(window: readonly Numbered[]): Promise<Map<number, ReadManifestBlob>> {
    const found = new Map<number, ReadManifestBlob>()
    const { manifest } = this.input
    if (manifest === undefined) return found
    const wanted = new Map<string, number[]>()
    let left = 0
    for (const { number, step } of window) {
      if (step.kind === 'impossible') continue
      wanted.set(keyOf(step), [...(wanted.get(keyOf(step)) ?? []), number])
      left++
    }
    for await (const { blob } of manifest.blobs()) {
      for (const key of [`file ${blob.filePath.toLowerCase()}`, `blob ${blob.blobPath}`]) {
        for (const number of wanted.get(key) ?? []) found.set(number, blob)
      }
      if (found.size === left) break
    }
    return found
  }

  async #repair({ number, step }: Numbered, found: ReadManifestBlob | undefined, signal: AbortSignal): Promise<void> {
    const { attributes, sources, journal } = this.input
    signal.throwIfAborted()
    if (step.kind === 'impossible') return await this.#refuse(step, `It cannot be repaired: ${step.reason}.`)
    if (!this.#names.add(step.blobPath))
      return await this.#refuse(step, 'The log names it twice; the first one counts.')
    const work = this.#workOf(step, found)
    if ('refused' in work) return await this.#refuse(step, work.refused)
    const blockBytes = work.blob.lengths.reduce((most, bytes) => Math.max(most, bytes), 0)
    const held = Math.ceil((blockBytes * blocksHeld) / (1 << 20))
    const names = this.#context.names.lease()
    const run = { context: { ...this.#context, signal, names }, sources, attributes }
    const repaired = await this.#gate.hold(held, () => repairBlob(run, number, step, work)).finally(() => names.end())
    const { result } = repaired
    if ('outcome' in result) {
      this.counts.repaired++
      journal.done(number, result.outcome, 0)
    } else await this.#leave(number, step, repaired, result)
  }

  #workOf(step: RepairBlob, found: ReadManifestBlob | undefined): RepairWork | RepairRefusal {
    if (this.input.manifest === undefined) return workFromLog(step)
    if (found === undefined) return { refused: `The manifest of the drive has no ${step.filePath}.` }
    return workFromManifest(step, found)
  }

  #refuse(step: Step, message: string): Promise<void> {
    const told = { step, work: undefined, attributes: undefined, status: statusOf(step), ranges: [], made: undefined }
    return this.#tell(told, message, false)
  }

  async #leave(number: number, step: RepairBlob, repaired: RepairedBlob, failure: BlobFailure): Promise<void> {
    const { work, attributes, isUnresolved } = repaired
    const { status, ranges, message } = failure
    await this.input.journal.failed(number, { status, message, ranges: [...ranges] })
    const made = this.#madeOf(number, work)
    await this.#tell({ step, work, attributes, status, ranges, made }, message, isUnresolved)
  }

  /** A page blob that failed in part is in the account, under the name that it got. */
  #madeOf(number: number, { blob, data }: RepairWork): { blobPath: string; status: DispositionStatus } | undefined {
    const { state } = this.input.journal
    const outcome = state.pages.get(number)?.outcome
    if (outcome === undefined || outcome === 'skipped' || data !== 'whole') return undefined
    const status = ({ created: 'Created', renamed: 'Renamed', overwritten: 'Overwritten' } as const)[outcome]
    const { container, name } = placeOf(blob.blobPath)
    return { blobPath: `${container}/${state.renamed.get(number) ?? name}`, status }
  }

  // One after the other: they are written into one file.
  #tell(told: Parameters<typeof remainingBlob>[0], message: string, isUnresolved: boolean): Promise<void> {
    this.counts.left++
    const { step } = told
    const filePath = step.kind === 'blob' ? step.filePath : undefined
    const telling = this.#telling.then(() => this.input.onLeft(remainingBlob(told), message, isUnresolved, filePath))
    this.#telling = telling.catch(() => {})
    return telling
  }
}

/** Logs of 2021-08-01 name blobs alone. */
function keyOf(step: RepairBlob): string {
  return step.logged.kind === 'error' ? `blob ${step.blobPath}` : `file ${step.filePath.toLowerCase()}`
}
