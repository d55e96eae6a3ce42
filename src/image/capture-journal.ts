// The journal of one capture: what its file says, and what is added while the native module reads. A mark is recorded after the
// image is on stable storage; what could not be read is recorded together with the mark that covers it.

import { rm } from 'node:fs/promises'
import type { ByteRange } from '../formats/byte-ranges.js'
import { imageBlockBytes } from '../formats/lz4-frame.js'
import { JournalFile } from '../journal/journal-file.js'
import { type CapturePlan, type CaptureState, captureRecords, reduceCapture } from '../plan/capture-state.js'

export class CaptureJournal {
  #file: JournalFile
  #pending: ByteRange[] = []
  #failure: unknown
  #stop: (() => void) | undefined
  #isRemoved = false
  /** Undefined while no plan is recorded. */
  state: CaptureState | undefined

  private constructor(file: JournalFile) {
    this.#file = file
    this.state = reduceCapture(file.records, file.path)
  }

  /** @throws TransferError JOURNAL_IN_USE, JOURNAL_INVALID */
  static async open(path: string): Promise<CaptureJournal> {
    const file = await JournalFile.open(path)
    try {
      return new CaptureJournal(file)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  needState(): CaptureState {
    if (this.state === undefined) throw new Error('the capture has no plan yet')
    return this.state
  }

  /** So much of the device was in the image when this run began. */
  get resumedAtBytes(): number {
    const { blocks, plan } = this.needState()
    return Math.min(blocks * imageBlockBytes, plan.description.source.sizeBytes)
  }

  async begin(plan: CapturePlan): Promise<void> {
    await this.#file.append(captureRecords.plan(plan))
    this.state = { plan, blocks: 0, imageBytes: 0, unreadable: [], resumedAt: [] }
  }

  async resumed(): Promise<void> {
    const at = new Date().toISOString()
    await this.#file.append(captureRecords.resumed(at))
    this.needState().resumedAt.push(at)
  }

  unreadable(range: ByteRange): void {
    this.#pending.push(range)
    this.needState().unreadable.push(range)
  }

  mark(blocks: number, imageBytes: number): void {
    const drafts = [captureRecords.mark(blocks, imageBytes)]
    if (this.#pending.length > 0) drafts.unshift(captureRecords.unreadable(this.#pending))
    this.#pending = []
    Object.assign(this.needState(), { blocks, imageBytes })
    this.#file.append(...drafts).catch((error) => {
      this.#failure ??= error
      this.#stop?.()
    })
  }

  /** What stops the run when a mark cannot be recorded. */
  onFailure(stop: () => void): void {
    this.#stop = stop
  }

  /** @throws what recording a mark met. */
  async flush(): Promise<void> {
    await this.#file.append().catch(() => {})
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Forgets what is in it. */
  async clear(): Promise<void> {
    const { path } = this.#file
    await this.#file.close()
    await rm(path, { force: true })
    this.#file = await JournalFile.open(path)
    this.state = undefined
  }

  /** The capture is over, and so is its journal. */
  async remove(): Promise<void> {
    if (this.#isRemoved) return
    this.#isRemoved = true
    await rm(this.#file.path, { force: true })
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
