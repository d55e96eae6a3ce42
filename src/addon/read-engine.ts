// Reading the files of a drive for somebody who wants their content: the verify engine, which also lends each decrypted
// and compared chunk. Buffers are fixed in number; what is not given back is not read into, which is the back-pressure.

import type { ExtentTable } from '../file-tree.js'
import { addon, type ReadBuffersHandle } from './binding.js'
import type { BitlockerVolume } from './bitlocker.js'
import type { VerifyResult } from './copy-engine.js'
import { type EngineRun, eventKinds, fileRun, startRun } from './engine-run.js'

/** What one buffer holds at most. */
export const chunkBytes = 4 << 20

const blockStates = ['open', 'sound', 'damaged', 'unreadable'] as const
/** `open`: the block goes on in a later chunk, and only then is known to be good. */
export type BlockState = (typeof blockStates)[number]

/** A part of one block of one file. */
export interface ContentPiece {
  /** In the columns of the input. */
  file: number
  /** In the file, from 0. */
  block: number
  fileOffsetBytes: number
  /** Decrypted; in the lent buffer. Empty for the end of a block that cannot be read. */
  bytes: Buffer
  state: BlockState
  /** MD5 of the whole file, with its last piece: where asked for, and every block was read. */
  fileMd5?: Buffer
}

export interface ContentChunk {
  pieces: ContentPiece[]
  /** Once. The pieces' bytes must not be looked at any more. */
  giveBack(): void
}

/** Memory for one run after the other: the next may start when everything lent by the last was given back. */
export class ReadBuffers {
  readonly handle: ReadBuffersHandle
  readonly #memory: ArrayBuffer

  /** @throws TransferError OUT_OF_MEMORY */
  constructor(readonly count: number) {
    const { handle, memory } = addon.engineBuffers(count)
    this.handle = handle
    this.#memory = memory
  }

  slice(buffer: number, offsetBytes: number, lengthBytes: number): Buffer {
    return Buffer.from(this.#memory, buffer * chunkBytes + offsetBytes, lengthBytes)
  }
}

export interface ReadContentInput {
  volume: BitlockerVolume
  fileSizeBytes: Float64Array
  /** Multiples of 4 MiB, or below that of 4 KiB. */
  fileBlockBytes: Float64Array
  extents: ExtentTable
  /** MD5, 16 bytes for each block of each file, in order. */
  expected: Uint8Array
  /** 1 for each block that is not wanted: neither read nor lent. */
  skip?: Uint8Array
  /** More of them than the longest block has chunks, or the run stands still. */
  buffers: ReadBuffers
  /** Also compute `fileMd5`. */
  hashFiles: boolean
}

/** Lends every chunk in the order of the columns. Damaged blocks are lent too, with their state; they are no failure. */
export function readContent(
  input: ReadContentInput,
  onChunk: (chunk: ContentChunk) => void,
  onUnreadable: (file: number, block: number, message: string) => void,
): EngineRun<VerifyResult> {
  const { volume, fileSizeBytes, fileBlockBytes, extents, expected, skip, buffers, hashFiles } = input
  return startRun(
    (report) =>
      addon.engineRead(
        volume.handle,
        fileSizeBytes,
        fileBlockBytes,
        extents.firstExtent,
        extents.offsetBytes,
        extents.lengthBytes,
        expected,
        skip ?? new Uint8Array(0),
        buffers.handle,
        hashFiles,
        report,
      ),
    (kind, first, second, _code, message, detail, run) => {
      if (kind === eventKinds.unreadable) onUnreadable(first, second, message)
      if (kind !== eventKinds.chunk) return
      const pieces = piecesOf(buffers, first, detail as LentPieces)
      onChunk({ pieces, giveBack: () => addon.engineGiveBack(run, first) })
    },
    fileRun<VerifyResult>(),
  )
}

interface LentPieces {
  numbers: Float64Array
  digests: Uint8Array
}

const numbersPerPiece = 7
const digestBytes = 16

function piecesOf(buffers: ReadBuffers, buffer: number, { numbers, digests }: LentPieces): ContentPiece[] {
  return Array.from({ length: numbers.length / numbersPerPiece }, (_, at) => {
    const start = at * numbersPerPiece
    const [file = 0, block = 0, fileOffsetBytes = 0, lengthBytes = 0, offsetBytes = 0, state = 0, hasMd5 = 0] =
      numbers.subarray(start, start + numbersPerPiece)
    const bytes = buffers.slice(buffer, offsetBytes, lengthBytes)
    const piece: ContentPiece = { file, block, fileOffsetBytes, bytes, state: blockStates[state] ?? 'damaged' }
    if (hasMd5 === 1) piece.fileMd5 = Buffer.from(digests.subarray(at * digestBytes, (at + 1) * digestBytes))
    return piece
  })
}
