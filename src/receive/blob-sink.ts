// Where the content of one blob goes. Whatever kind it is, the reader hands over verified ranges in any order, says which it
// could not, and asks for the end when there are no more.

import { createHash } from 'node:crypto'
import type { BlobStatus, RangeStatus } from '../formats/copy-log-codes.js'
import type { BlobOutcome, RangeRun } from '../plan/import-state.js'
import type { BlobAttributes } from './blob-attributes.js'
import { blobStatusOf, type ImportContext } from './import-context.js'
import type { NumberedBlob } from './manifest-source.js'

export interface BlobTask extends NumberedBlob {
  attributes: BlobAttributes
}

export type BlobResult = { outcome: BlobOutcome } | { status: BlobStatus; message: string; ranges: RangeRun[] }

export interface BlobSink {
  readonly task: BlobTask
  /** False when the account has this range already. */
  isWanted(range: number): boolean
  /** Settles when `bytes` may be used for something else. Throws only what ends the drive. */
  put(range: number, bytes: Uint8Array): Promise<void>
  /** @param message of the drive's reader. */
  fail(range: number, status: RangeStatus, message?: string): void
  /** Once, when every wanted range was put or has failed. @param fileMd5 of the whole content, where it is known. */
  finish(fileMd5: Uint8Array | undefined): Promise<BlobResult>
}

/** The statuses of a blob's ranges, and a message for the first that failed. */
export class RangeStatuses {
  readonly #statuses: RangeStatus[]
  message: string | undefined
  failed = 0

  constructor(private readonly task: BlobTask) {
    this.#statuses = new Array(task.blob.offsets.length).fill('Cancelled')
  }

  done(range: number, status: RangeStatus = 'Completed'): void {
    this.#statuses[range] = status
  }

  fail(range: number, status: RangeStatus, message?: string): void {
    this.#statuses[range] = status
    this.failed++
    const { filePath, offsets } = this.task.blob
    this.message ??=
      status === 'Corrupted' && message === undefined
        ? `${filePath}: block ${range} (at byte ${offsets[range]}) differs from the manifest.`
        : `${filePath}: block ${range} (at byte ${offsets[range]}): ${message ?? status}`
  }

  /** A request of the range was refused. @throws the error where it is no matter of this blob alone. */
  refuse(range: number, error: unknown): void {
    if (blobStatusOf(error) === undefined) throw error
    this.fail(range, 'BlobRequestFailed', (error as Error).message)
  }

  runs(): RangeRun[] {
    const runs: RangeRun[] = []
    for (const status of this.#statuses) {
      const last = runs.at(-1)
      if (last?.status === status) last.count++
      else runs.push({ status, count: 1 })
    }
    return runs
  }

  result(): BlobResult {
    const more = this.failed > 1 ? ` ${this.failed} blocks failed in all.` : ''
    return { status: 'CompletedWithErrors', message: `${this.message ?? ''}${more}`, ranges: this.runs() }
  }
}

/** What a refused request makes of a blob. @throws the error where it is no matter of this blob alone. */
export function refusedResult(error: unknown, ranges: RangeRun[]): BlobResult {
  const status = blobStatusOf(error)
  if (status === undefined) throw error
  return { status, message: (error as Error).message, ranges }
}

export function rangeMd5({ blob }: NumberedBlob, range: number): Buffer {
  return blob.digests.subarray(range * 16, range * 16 + 16)
}

/** One request that carries content: in turn with the other drives, within the rate. */
export async function send(
  context: ImportContext,
  lengthBytes: number,
  request: () => Promise<unknown>,
): Promise<void> {
  const { lane, rateLimit, signal, counters } = context
  await lane.run(async () => {
    signal.throwIfAborted()
    await rateLimit?.take(lengthBytes, signal)
    await request()
    counters.bytesSent += lengthBytes
  })
}

export const emptyMd5 = createHash('md5').digest()
export const namesTriedMax = 1000
