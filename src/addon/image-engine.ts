// Images of whole devices: capturing one, and sending the content of an image to devices, to a comparison, or nowhere
// (which checks it). All the data stays in the native module; what crosses is marks, troubles and the result.

import type { TransferError } from '../errors.js'
import { addon, type ImageHandle } from './binding.js'
import type { Device } from './device.js'
import { type EngineRun, eventKinds, type IoEngine, ioEngineNumber, nativeError, startRun } from './engine-run.js'

/** Every block of an image holds as much of the device; only the last may hold less. */
export const imageBlockBytes = 4 << 20

/** Places on a device, by offset, without overlap. */
export interface Ranges {
  offsetBytes: Float64Array
  lengthBytes: Float64Array
}

export const imageHashes = ['md5', 'sha1', 'sha256'] as const
export type ImageHash = (typeof imageHashes)[number]
export type ImageDigests = Partial<Record<ImageHash, Buffer>>

export interface ImageProgress {
  /** Of the device's content. */
  bytesDone: number
  bytesTotal: number
  /** Capture: length of the image so far. Transfer: bytes read back from all targets. */
  otherBytes: number
  /** Capture: bytes of the existing part that were checked again; transfer: bytes to read back in all. */
  otherTotal: number
}

const levels = ['fast', 'default', 'hc'] as const

export interface CaptureImageInput {
  /** `undefined`: nothing is there to be read; everything that `resume` has not is recorded as unreadable. */
  source: Device | undefined
  /** Of the device, from its start; whole sectors. */
  sizeBytes: number
  /** Not read, zeros in the image. */
  skip: Ranges
  /** Created or, without `resume`, emptied. One capture at a time writes it. */
  path: string
  /** `lz4`: one frame with its end mark. `raw`: the content, with holes for zeros. */
  container: 'lz4' | 'raw'
  level: (typeof levels)[number]
  hashes: readonly ImageHash[]
  /** Read around what cannot be read; a sector that fails is tried `retries` times more. */
  rescue?: { retries: number }
  limitBytesPerSecond?: number
  /** Of a mark, and the unreadable ranges told so far. What is there is decoded, which checks it. */
  resume?: { blocks: number; imageBytes: number; unreadable: Ranges }
  memoryBytes?: number
  durableEveryBytes?: number
  durableEveryMs?: number
  ioEngine?: IoEngine
}

export type CaptureEvent =
  /** The first `blocks` blocks are on stable storage, in the first `imageBytes` of the file. */
  | { kind: 'mark'; blocks: number; imageBytes: number }
  /** Ascending; comes before any mark that covers the range, and again on resume when none did. */
  | { kind: 'unreadable'; offsetBytes: number; lengthBytes: number }

export interface CapturedImage {
  /** The content of the index frame: see docs/image-format.md. */
  index: Buffer
  /** Length of the file: flushed, ready for the trailer. */
  imageBytes: number
  digests: ImageDigests
  zeroBlocks: number
  skippedBlocks: number
  /** In this run; bytes that no reading brought. */
  unreadableBytes: number
  seconds: number
  ioEngine: string
}

/**
 * Captures a device.
 * `finished` rejects with DEVICE_READ_FAILED (the first unreadable sector, without `rescue`), DEVICE_WRITE_FAILED,
 * DEVICE_FULL, DEVICE_FLUSH_FAILED, DEVICE_IN_USE, IMAGE_DAMAGED (what is to be resumed), DEVICE_RANGE (the device is
 * smaller than sizeBytes), INTERRUPTED; what was marked before stays good.
 */
export function captureImage(
  input: CaptureImageInput,
  onEvent: (event: CaptureEvent) => void,
): EngineRun<CapturedImage, ImageProgress> {
  const { source, skip, resume } = input
  return startRun(
    (report) =>
      addon.imageCapture(
        source?.handle,
        input.sizeBytes,
        skip.offsetBytes,
        skip.lengthBytes,
        input.path,
        input.container === 'raw',
        levels.indexOf(input.level),
        hashMask(input.hashes),
        input.rescue?.retries ?? -1,
        input.limitBytesPerSecond ?? 0,
        resume?.blocks ?? 0,
        resume?.imageBytes ?? 0,
        resume?.unreadable.offsetBytes ?? new Float64Array(0),
        resume?.unreadable.lengthBytes ?? new Float64Array(0),
        input.memoryBytes ?? 192 << 20,
        input.durableEveryBytes ?? 512 << 20,
        input.durableEveryMs ?? 2000,
        ioEngineNumber(input.ioEngine),
        report,
      ),
    (kind, first, second) => {
      if (kind === eventKinds.mark) onEvent({ kind: 'mark', blocks: first, imageBytes: second })
      if (kind === eventKinds.unreadable) onEvent({ kind: 'unreadable', offsetBytes: first, lengthBytes: second })
    },
    { toResult: (summary) => summary as CapturedImage, toProgress },
  )
}

/** Where content comes from. */
export type ImageContent =
  /** An LZ4 image of this program, by the index of its trailer; damage is found block by block. */
  | { kind: 'indexed'; path: string; index: Uint8Array; sizeBytes: number }
  /** Any LZ4 file: several frames, linked blocks, any block size. Read from its start. */
  | { kind: 'lz4'; path: string }
  /** A part of a file: a raw image, or a VHD without its footer. An index lets its blocks be checked. */
  | { kind: 'raw'; path: string; offsetBytes: number; lengthBytes: number; index?: Uint8Array }

/** An image that is open for reading. */
export class ImageSource {
  private constructor(
    readonly path: string,
    /** Of the content; -1 when only reading it to the end will tell. */
    readonly sizeBytes: number,
    readonly handle: ImageHandle,
  ) {}

  /** @throws TransferError FILE_NOT_FOUND, DEVICE_ACCESS_DENIED, IMAGE_INVALID (the index contradicts itself or the file) */
  static async open(content: ImageContent): Promise<ImageSource> {
    const { path } = content
    const index = content.kind === 'lz4' ? undefined : content.index
    const [offset, length] = content.kind === 'raw' ? [content.offsetBytes, content.lengthBytes] : [0, 0]
    const size = content.kind === 'indexed' ? content.sizeBytes : length
    const kind = ['indexed', 'lz4', 'raw'].indexOf(content.kind)
    const { handle, sizeBytes } = await addon.imageOpen(path, kind, index ?? new Uint8Array(0), offset, size)
    return new ImageSource(path, sizeBytes, handle)
  }

  /**
   * Any range, up to 64 MiB at a time; blocks are checked as they are decoded. Not for kind `lz4`.
   * @throws TransferError IMAGE_DAMAGED, DEVICE_RANGE, SOURCE_READ_FAILED
   */
  async read(offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(lengthBytes)
    await addon.imageRead(this.handle, offsetBytes, into)
    return into
  }

  /** Idempotent. Runs that use it go on. */
  close(): void {
    if (!this.#closed) addon.imageClose(this.handle)
    this.#closed = true
  }
  #closed = false
}

export interface TransferImageInput {
  source: ImageSource
  /** Opened for writing, or for `compare` for reading. At least as large as the content. */
  targets: readonly Device[]
  /** `check`: no targets; every block is decoded and checked. */
  mode: 'write' | 'compare' | 'check'
  /**
   * Blocks of zeros: `write` has the device or the file system zero them where it does that itself, and sends zeros elsewhere;
   * `discard` also gives their room back; `skip` leaves them alone. Holes of a file stay holes with any of them.
   */
  zeros: 'write' | 'discard' | 'skip'
  /** Afterwards read every target back, past the cache, and compare the MD5 of each block. */
  readBack: boolean
  /** Compare what is on the targets already, and write what differs. */
  resume: boolean
  hashes: readonly ImageHash[]
  /** Also compare the MD5 of each block with the index; each block's own checksum is compared in any case. */
  checkBlocks: boolean
  /** Only these, ascending: for `check` and `compare` of an indexed or raw source. No `hashes` then. */
  blocks?: Uint32Array
  limitBytesPerSecond?: number
  memoryBytes?: number
  ioEngine?: IoEngine
}

export type TransferEvent =
  /** The run goes on without this target. */
  | { kind: 'targetFailed'; target: number; error: TransferError }
  /** Of the image. While targets are written the run ends with IMAGE_DAMAGED instead. */
  | { kind: 'damaged'; block: number; offsetBytes: number; message: string }
  /** The target holds something else: compared, or read back. */
  | { kind: 'mismatch'; target: number; block: number }

export interface TransferredImage {
  sizeBytes: number
  blocks: number
  zeroBlocks: number
  damagedBlocks: number
  mismatches: number
  /** Targets that failed. */
  failedTargets: number
  digests: ImageDigests
  seconds: number
}

/**
 * Sends the content of an image to all targets with one reading and one decompression. The first block of a target (its
 * partition table) is zeros from the first write on, and written last, so that nothing takes a half-written one for whole.
 * `finished` rejects with IMAGE_DAMAGED, SOURCE_READ_FAILED, OUT_OF_MEMORY, INTERRUPTED, or with the error of the last
 * target when all of them failed. Damage and mismatches without a target being written are no failure: they are counted.
 */
export function transferImage(
  input: TransferImageInput,
  onEvent: (event: TransferEvent) => void,
): EngineRun<TransferredImage, ImageProgress> {
  return startRun(
    (report) =>
      addon.imageTransfer(
        input.source.handle,
        input.targets.map(({ handle }) => handle),
        ['write', 'compare', 'check'].indexOf(input.mode),
        ['write', 'discard', 'skip'].indexOf(input.zeros),
        input.readBack,
        input.resume,
        hashMask(input.hashes),
        input.checkBlocks,
        input.blocks ?? new Uint32Array(0),
        input.limitBytesPerSecond ?? 0,
        input.memoryBytes ?? 192 << 20,
        ioEngineNumber(input.ioEngine),
        report,
      ),
    (kind, first, second, code, message, detail) => {
      if (kind === eventKinds.dropped) {
        onEvent({ kind: 'targetFailed', target: first, error: nativeError(code, message, detail) })
      } else if (kind === eventKinds.damaged) {
        onEvent({ kind: 'damaged', block: first, offsetBytes: second, message })
      } else if (kind === eventKinds.mismatch) onEvent({ kind: 'mismatch', target: first, block: second })
    },
    { toResult: (summary) => summary as TransferredImage, toProgress },
  )
}

export interface WalkedImage {
  /** Content size that the frame's header tells. */
  sizeBytes: number
  /** Whole blocks that are there and decode. */
  blocks: number
  /** Where the last of them ends: what `resume` of captureImage wants. */
  imageBytes: number
  /** All blocks and the end mark are there. */
  complete: boolean
  /** Why the walk ended before: a sentence; empty when complete. */
  reason: string
}

/**
 * Walks the blocks of an LZ4 image without its trailer, up to the first that is not there whole.
 * `finished` rejects with IMAGE_INVALID when it is not an image of this program from its first bytes on.
 */
export function walkImage(path: string): EngineRun<WalkedImage, ImageProgress> {
  return startRun(
    (report) => addon.imageWalk(path, report),
    () => {},
    { toResult: (summary) => summary as WalkedImage, toProgress },
  )
}

function toProgress([bytesDone = 0, bytesTotal = 0, otherBytes = 0, otherTotal = 0]: Float64Array): ImageProgress {
  return { bytesDone, bytesTotal, otherBytes, otherTotal }
}

function hashMask(hashes: readonly ImageHash[]): number {
  return hashes.reduce((mask, hash) => mask | (1 << imageHashes.indexOf(hash)), 0)
}
