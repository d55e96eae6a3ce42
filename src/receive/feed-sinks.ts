// Brings what the reader of content lends to the sinks of the blobs: whole blocks straight from its buffer, blocks longer than
// a buffer by way of memory of their own. A buffer goes back when everything in it was sent.

import type { ContentChunk, ContentPiece } from '../addon/read-engine.js'
import type { ContentColumns } from '../plan/content-columns.js'
import type { BlobSink } from './blob-sink.js'
import { ContentNameCheck } from './content-name-check.js'

export interface FeedEvents {
  /** Every wanted range of the blob was put or has failed. */
  ended(sink: BlobSink, fileMd5: Uint8Array | undefined): Promise<void>
  damaged(): void
  /** What ends the drive; told once. */
  fatal(error: unknown): void
}

interface OpenBlob {
  sink: BlobSink
  /** Blocks that are to come. */
  blocksLeft: number
  sending: Promise<void>[]
  fileMd5: Uint8Array | undefined
  nameCheck: ContentNameCheck | undefined
  /** A block that is longer than a buffer, so far. Its buffers are kept until it was sent, which bounds both. */
  block: { bytes: Buffer; sent: Promise<void>; settle(sending: Promise<void> | undefined): void } | undefined
}

export class SinkFeeder {
  readonly #blobs: OpenBlob[]
  readonly #ending = new Set<Promise<void>>()
  readonly #lent = new Set<Promise<unknown>>()
  #hasFailed = false
  /** Why a block cannot be read, which is told before its state: by `row:block`. */
  readonly unreadable = new Map<string, string>()

  /** @param sinks by row of the columns. */
  constructor(
    private readonly columns: ContentColumns,
    sinks: readonly BlobSink[],
    private readonly events: FeedEvents,
  ) {
    const { firstBlock, skip } = columns
    this.#blobs = sinks.map((sink, row) => ({
      sink,
      blocksLeft: skip
        .subarray(firstBlock[row], firstBlock[row + 1])
        .reduce((left, isSkipped) => left + 1 - isSkipped, 0),
      sending: [],
      fileMd5: undefined,
      nameCheck: ContentNameCheck.of(sink.task),
      block: undefined,
    }))
    for (const blob of this.#blobs) if (blob.blocksLeft === 0) this.#end(blob)
  }

  take(chunk: ContentChunk): void {
    const sending = chunk.pieces.map((piece) => this.#takePiece(piece)).filter((sent) => sent !== undefined)
    for (const sent of sending) sent.catch((error) => this.#fail(error))
    // Not before all of them, whatever becomes of one: the others are still being sent from the same buffer.
    const lent = Promise.allSettled(sending).then(() => {
      this.#lent.delete(lent)
      chunk.giveBack()
    })
    this.#lent.add(lent)
  }

  /** Once the reader has ended: when nothing is being sent any more and every blob that could has ended. */
  async settled(): Promise<void> {
    // A block whose end was not read, because the run was stopped.
    for (const { block } of this.#blobs) block?.settle(undefined)
    while (this.#ending.size + this.#lent.size > 0) await Promise.allSettled([...this.#ending, ...this.#lent])
  }

  #takePiece(piece: ContentPiece): Promise<void> | undefined {
    const blob = this.#blobs[piece.file] as OpenBlob
    if (piece.fileMd5 !== undefined) blob.fileMd5 = piece.fileMd5
    blob.nameCheck?.take(piece)
    const whole = this.#wholeBlock(blob, piece)
    if (piece.state === 'open') return blob.block?.sent
    const { block } = blob
    blob.block = undefined
    const range = this.#rangeOf(blob, piece)
    let sent: Promise<void> | undefined
    const wrongName =
      blob.blocksLeft === 1 ? blob.nameCheck?.problem(this.columns.fileSizeBytes[piece.file] as number) : undefined
    if (piece.state === 'sound' && wrongName !== undefined) {
      // Without its last block it does not come into being.
      blob.sink.fail(range, 'Corrupted', wrongName)
      this.events.damaged()
    } else if (piece.state === 'sound' && whole !== undefined) {
      sent = blob.sink.isWanted(range) ? blob.sink.put(range, whole) : undefined
    } else {
      const why = this.unreadable.get(`${piece.file}:${piece.block}`)
      this.unreadable.delete(`${piece.file}:${piece.block}`)
      blob.sink.fail(range, piece.state === 'unreadable' ? 'IOFailed' : 'Corrupted', why)
      this.events.damaged()
    }
    if (sent !== undefined) blob.sending.push(sent)
    block?.settle(sent)
    blob.blocksLeft--
    if (blob.blocksLeft === 0) this.#end(blob)
    return sent
  }

  /** The bytes of the block once this piece ends it. */
  #wholeBlock(blob: OpenBlob, piece: ContentPiece): Buffer | undefined {
    const blockBytes = this.columns.fileBlockBytes[piece.file] as number
    const start = piece.block * blockBytes
    const lengthBytes = Math.min(blockBytes, (this.columns.fileSizeBytes[piece.file] as number) - start)
    if (piece.bytes.length === lengthBytes) return piece.bytes
    blob.block ??= openBlock(lengthBytes)
    piece.bytes.copy(blob.block.bytes, piece.fileOffsetBytes - start)
    return blob.block.bytes
  }

  // Ranges of a page blob may have gaps between; blocks of a block blob have none.
  #rangeOf({ sink }: OpenBlob, piece: ContentPiece): number {
    const { offsets, kind } = sink.task.blob
    if (kind === 'block') return piece.block
    const offset = piece.block * (this.columns.fileBlockBytes[piece.file] as number)
    let low = 0
    let high = offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((offsets[middle] as number) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #end(blob: OpenBlob): void {
    const ending = this.#finish(blob)
      .catch((error) => this.#fail(error))
      .finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  async #finish(blob: OpenBlob): Promise<void> {
    await Promise.all(blob.sending)
    blob.sending = []
    if (!this.#hasFailed) await this.events.ended(blob.sink, blob.fileMd5)
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.events.fatal(error)
  }
}

function openBlock(lengthBytes: number): NonNullable<OpenBlob['block']> {
  let settle: (sending: Promise<void> | undefined) => void = () => {}
  const sent = new Promise<void>((resolve) => {
    settle = (sending) => resolve(sending)
  })
  // A block that fails to be sent is heard of where it was sent.
  sent.catch(() => {})
  return { bytes: Buffer.allocUnsafe(lengthBytes), sent, settle }
}
