// A copy log while it is written: the counts stand before the blobs in a log, so the blobs are spooled beside it.

import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { BlobStatus, DriveStatus } from '../formats/copy-log-codes.js'
import {
  type CopyLogBlob,
  type CopyLogRange,
  encodeCopyLogBlob,
  encodeCopyLogHead,
  encodeCopyLogTail,
} from '../formats/copy-log-writer.js'

export class CopyLogFile {
  readonly #counts: Partial<Record<BlobStatus, number>> = {}

  private constructor(
    readonly kind: 'error' | 'verbose',
    readonly path: string,
    /** Of the blob it becomes. */
    readonly name: string,
    private readonly spool: FileHandle,
  ) {}

  static async open(kind: 'error' | 'verbose', path: string, name: string): Promise<CopyLogFile> {
    return new CopyLogFile(kind, path, name, await open(`${path}.spool`, 'w+', 0o600))
  }

  count(status: BlobStatus): void {
    this.#counts[status] = (this.#counts[status] ?? 0) + 1
  }

  async add(blob: CopyLogBlob): Promise<void> {
    this.count(blob.status)
    const ranges = this.kind === 'error' ? failedOnly(blob.ranges) : blob.ranges
    for (const piece of encodeCopyLogBlob({ ...blob, ranges })) await this.spool.write(piece)
  }

  async finish(driveId: string, status: DriveStatus): Promise<void> {
    const validationErrors = { None: Object.values(this.#counts).reduce((sum, count) => sum + count, 0) }
    const file = await open(this.path, 'w', 0o600)
    try {
      await file.write(encodeCopyLogHead({ driveId, validationErrors, copyErrors: this.#counts }))
      for await (const piece of createReadStream(`${this.path}.spool`)) await file.write(piece as Buffer)
      await file.write(encodeCopyLogTail(status))
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async close(): Promise<void> {
    await this.spool.close()
    await rm(`${this.path}.spool`, { force: true })
  }
}

function* failedOnly(ranges: Iterable<CopyLogRange>): Generator<CopyLogRange> {
  for (const range of ranges) if (range.status !== 'Completed') yield range
}
