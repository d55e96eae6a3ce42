// Copying files onto a drive and reading them back, on threads of the native module. JavaScript hears of durable marks, of
// files that were left out and of damaged blocks; nothing per block crosses otherwise.

import type { ErrorCode } from '../errors.js'
import type { ExtentTable, NameColumn } from '../file-tree.js'
import { addon } from './binding.js'
import type { BitlockerVolume } from './bitlocker.js'
import { type EngineRun, eventKinds, fileRun, type IoEngine, ioEngineNumber, startRun } from './engine-run.js'

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

const mebibyte = 1024 * 1024

/**
 * Copies all files of the columns.
 * `finished` rejects with SOURCE_CHANGED, SOURCE_READ_FAILED, DEVICE_WRITE_FAILED, DEVICE_FULL, DEVICE_FLUSH_FAILED,
 * SPOOL_WRITE_FAILED, INTERRUPTED; what was marked before stays good.
 */
export function copyFiles(input: CopyFilesInput, onEvent: (event: CopyEvent) => void): EngineRun<CopyResult> {
  const { volume, sourceDirectories, fileSourceNames, extents } = input
  return startRun(
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
        ioEngineNumber(input.ioEngine),
        report,
      ),
    (kind, first, second, code, message) => {
      if (kind === eventKinds.mark) onEvent({ kind: 'mark', chunk: first, bytesDone: second })
      else if (kind === eventKinds.dropped) onEvent({ kind: 'dropped', file: first, code, message })
    },
    fileRun<CopyResult>(),
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
  return startRun(
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
        ioEngineNumber(ioEngine),
        report,
      ),
    (kind, file, block, _code, message) => {
      if (kind === eventKinds.mismatch) onEvent({ kind: 'mismatch', file, block })
      else if (kind === eventKinds.unreadable) onEvent({ kind: 'unreadable', file, block, message })
    },
    fileRun<VerifyResult>(),
  )
}
