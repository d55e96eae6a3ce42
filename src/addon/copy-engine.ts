// Copying files onto a drive and reading them back, on threads of the native module. JavaScript hears of durable marks, of
// files that were left out and of damaged blocks; nothing per block crosses otherwise.

import { type ErrorCode, TransferError } from '../errors.js'
import type { ExtentTable, NameColumn } from '../file-tree.js'
import { addon, type EngineEvent, type EngineRunHandle } from './binding.js'
import type { BitlockerVolume } from './bitlocker.js'

export type IoEngine = 'auto' | 'uring' | 'threads'

const ioEngines: readonly IoEngine[] = ['auto', 'uring', 'threads']

export interface CopyFilesInput {
  volume: BitlockerVolume
  /** Absolute paths of the source folders, and for each file its folder and its name there. */
  sourceDirectories: NameColumn
  fileSourceDirectory: Uint32Array
  fileSourceNames: NameColumn
  /** As planned: a file that has another size or time is not copied. */
  fileSizeBytes: Float64Array
  fileModifiedNs: BigInt64Array
  /** Bytes of a block that gets a digest, multiples of 4 MiB. */
  fileBlockBytes: Float64Array
  extents: ExtentTable
  /** Digest of block k (counted over all files) goes to byte 16 k of this open file. */
  hashSpoolFd: number
  /** Of the last mark; 0 at the beginning. */
  firstChunk: number
  memoryBytes: number
  /** A file that changed or cannot be read: end the run, or leave it out. */
  onChange: 'fail' | 'skip'
  durableEveryBytes?: number
  durableEveryMs?: number
  ioEngine?: IoEngine
}

export type CopyEvent =
  /** Data and digests of all chunks before `chunk` are on stable storage. */
  | { kind: 'mark'; chunk: number; bytesDone: number }
  /** Comes before any mark that covers the file. */
  | { kind: 'dropped'; file: number; code: ErrorCode; message: string }

export interface CopyResult {
  chunks: number
  bytes: number
  files: number
  seconds: number
  ioEngine: string
}

export interface EngineProgress {
  bytesDone: number
  bytesTotal: number
  filesDone: number
  filesTotal: number
}

/** A run that goes on by itself. */
export interface EngineRun<T> {
  /** Rejects with INTERRUPTED after abort(). */
  finished: Promise<T>
  abort(): void
  progress(): EngineProgress
}

const mebibyte = 1024 * 1024

/**
 * Copies all files of the columns.
 * `finished` rejects with SOURCE_CHANGED, SOURCE_READ_FAILED, DEVICE_WRITE_FAILED, DEVICE_FULL, DEVICE_FLUSH_FAILED,
 * SPOOL_WRITE_FAILED, INTERRUPTED; what was marked before stays good.
 */
export function copyFiles(input: CopyFilesInput, onEvent: (event: CopyEvent) => void): EngineRun<CopyResult> {
  const { volume, sourceDirectories, fileSourceNames, extents } = input
  return startRun<CopyResult>(
    (report) =>
      addon.engineCopy(
        volume.handle,
        sourceDirectories.bytes,
        sourceDirectories.ends,
        input.fileSourceDirectory,
        fileSourceNames.bytes,
        fileSourceNames.ends,
        input.fileSizeBytes,
        input.fileModifiedNs,
        input.fileBlockBytes,
        extents.firstExtent,
        extents.offsetBytes,
        extents.lengthBytes,
        input.hashSpoolFd,
        input.firstChunk,
        input.memoryBytes,
        input.onChange === 'skip',
        input.durableEveryBytes ?? 512 * mebibyte,
        input.durableEveryMs ?? 2000,
        ioEngines.indexOf(input.ioEngine ?? 'auto'),
        report,
      ),
    (kind, first, second, code, message) => {
      if (kind === eventKinds.mark) onEvent({ kind: 'mark', chunk: first, bytesDone: second })
      else if (kind === eventKinds.dropped) onEvent({ kind: 'dropped', file: first, code, message })
    },
  )
}

export interface VerifyBlocksInput {
  volume: BitlockerVolume
  fileSizeBytes: Float64Array
  fileBlockBytes: Float64Array
  extents: ExtentTable
  /** 16 bytes for each block of each file, in order. */
  expected: Buffer
  /** 1 for each block that is not to be looked at. */
  skip?: Uint8Array
  memoryBytes: number
  ioEngine?: IoEngine
}

/** `block` counts from 0 in its file. */
export type VerifyEvent =
  | { kind: 'mismatch'; file: number; block: number }
  | { kind: 'unreadable'; file: number; block: number; message: string }

export interface VerifyResult {
  blocks: number
  bytes: number
  mismatches: number
  unreadable: number
  seconds: number
}

/** Reads every block back and compares it. Damage is no failure of the run: it is reported block by block. */
export function verifyBlocks(input: VerifyBlocksInput, onEvent: (event: VerifyEvent) => void): EngineRun<VerifyResult> {
  const { volume, fileSizeBytes, fileBlockBytes, extents, expected, skip, memoryBytes, ioEngine } = input
  return startRun<VerifyResult>(
    (report) =>
      addon.engineVerify(
        volume.handle,
        fileSizeBytes,
        fileBlockBytes,
        extents.firstExtent,
        extents.offsetBytes,
        extents.lengthBytes,
        expected,
        skip ?? new Uint8Array(0),
        memoryBytes,
        ioEngines.indexOf(ioEngine ?? 'auto'),
        report,
      ),
    (kind, file, block, _code, message) => {
      if (kind === eventKinds.mismatch) onEvent({ kind: 'mismatch', file, block })
      else if (kind === eventKinds.unreadable) onEvent({ kind: 'unreadable', file, block, message })
    },
  )
}

// The order of native/addon/engine_binding.h.
export const eventKinds = { mark: 0, dropped: 1, mismatch: 2, unreadable: 3, finished: 4, chunk: 5 } as const

type RunEvent = (...event: [...Parameters<EngineEvent>, run: EngineRunHandle]) => void

export function startRun<T>(start: (report: EngineEvent) => EngineRunHandle, onEvent: RunEvent): EngineRun<T> {
  const { promise, resolve, reject } = withResolvers<T>()
  let thrown: { error: Error } | undefined
  const run = start((kind, first, second, code, message, summary) => {
    if (kind !== eventKinds.finished) {
      if (thrown !== undefined) return
      try {
        onEvent(kind, first, second, code, message, summary, run)
      } catch (error) {
        // A listener that fails to record something must not let the run go on: what it did would be lost.
        thrown = { error: error as Error }
        addon.engineAbort(run)
      }
    } else if (thrown !== undefined) reject(thrown.error)
    else if (message === '') resolve(summary as T)
    else reject(new TransferError(code, message, detailOf(summary)))
  })
  return {
    finished: promise,
    abort: () => addon.engineAbort(run),
    progress() {
      const [bytesDone = 0, bytesTotal = 0, filesDone = 0, filesTotal = 0] = addon.engineProgress(run)
      return { bytesDone, bytesTotal, filesDone, filesTotal }
    },
  }
}

function detailOf(summary: unknown): { systemError?: number } {
  const { systemError } = summary as { systemError?: number }
  return systemError === undefined ? {} : { systemError }
}

// Promise.withResolvers comes with Node 22.
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}
