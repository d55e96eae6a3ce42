// The native module, all of it: loads it and declares every export, in the order of native/addon/module.cc (a test
// compares the two). Nothing else loads it. Handles are opaque; the classes beside this file give them methods.

import { createRequire } from 'node:module'
import { type ErrorCode, TransferError } from '../errors.js'
import type { ExtentTable, FileTree } from '../file-tree.js'
import { packageRoot } from '../package.js'

/** Something with sectors: a device. Opaque. */
export interface SectorsHandle {
  readonly kind: unique symbol
}

/** One thing that a check found. */
export interface Finding {
  /** Stable; listed in docs/. */
  code: string
  /** `note`: nothing to do. `warning`: readable, but not fit to ship without a thought. `damage`: something is wrong. */
  severity: 'note' | 'warning' | 'damage'
  /** For example `metadata copy 2` or `MFT record 1042`. */
  structure: string
  /** A sentence with the place and the numbers. */
  message: string
}

/** A BitLocker volume as its metadata describes it. */
export interface CheckedVolume {
  kind: 'fixed' | 'encrypt-on-write' | 'to-go'
  state: 'encrypted' | 'decrypted' | 'converting'
  /** `xts-128`, `cbc-256-diffuser`, ..., or `unknown`. */
  method: string
  sectorBytes: number
  encryptedBytes: number
  volumeGuid: string
  description: string
  createdMs: number
  protectors: { kind: string; identifier: string }[]
  /** Offsets of the three metadata copies, the header block and the extra area (0: none). */
  regions: Float64Array
}

/** An unlocked BitLocker volume. Opaque. */
export interface VolumeHandle {
  readonly kind: unique symbol
}

export interface OpenedVolume {
  handle: VolumeHandle
  sectorBytes: number
  sizeBytes: number
}

/** The places of a tree's records, indexes and files on a volume. Opaque. */
export interface LayoutHandle {
  readonly kind: unique symbol
}

/** An NTFS volume that is read. Opaque. */
export interface NtfsVolumeHandle {
  readonly kind: unique symbol
}

export interface PlannedLayout {
  handle: LayoutHandle
  /** Cluster bytes, volume bytes, clusters free before, of metadata, of data, free after. */
  stats: Float64Array
  /** One after the other, in the order of the groups. */
  systemFileOffsets: Float64Array
}

/** Why there is no layout: NTFS_NAMES or NTFS_NO_SPACE. */
export interface RefusedLayout {
  code: ErrorCode
  message: string
  /** Five numbers a problem: is a directory, index, reason, other is a directory (-1: none), other index. */
  problems: Float64Array
  neededBytes: number
  freeBytes: number
}

/** A copy or a verification that is running, or was. Opaque. */
export interface EngineRunHandle {
  readonly kind: unique symbol
}

/** An image that is open for reading. Opaque. */
export interface ImageHandle {
  readonly kind: unique symbol
}

/** The memory of a reader of content. Opaque. */
export interface ReadBuffersHandle {
  readonly kind: unique symbol
}

/** `code` is meaningful where `message` is not empty; `summary` only with the last event. */
export type EngineEvent = (
  kind: number,
  first: number,
  second: number,
  code: ErrorCode,
  message: string,
  summary: unknown,
) => void

export interface OpenedDevice {
  handle: SectorsHandle
  sizeBytes: number
  logicalSectorBytes: number
  physicalSectorBytes: number
  isBlock: boolean
  directIo: boolean
}

export interface SkippedEntry {
  /** Below the root, with `/`; bytes that are not UTF-8 are shown as `\xNN`. */
  path: string
  /** `special`: a pipe, socket or device. `loop`: a link back to a directory that it lies in. */
  reason: 'symlink' | 'special' | 'unreadable' | 'invalid-utf8' | 'loop'
  /** Why, for people. */
  message: string
}

export interface ScannedTree extends FileTree {
  /** What was found and left out, by path. */
  skipped: SkippedEntry[]
}

/** How MD5 is computed: one message at a time, or up to 16 (AVX2) or 32 (AVX-512) side by side. */
export type HashPath = 'portable' | 'avx2' | 'avx512'

/** How sectors are encrypted: through OpenSSL, or with the CPU's AES instructions, 128 or 512 bits wide. */
export type CipherPath = 'evp' | 'aes-ni' | 'vaes'

export interface AvailablePaths {
  /** What this CPU can run, narrowest first; the last is the default. */
  hash: HashPath[]
  /** What this CPU can run, narrowest first; the last is the default. */
  cipher: CipherPath[]
}

/** What a file system says is in use. */
export interface UsedRanges {
  /** `ext4`, `ntfs`, `fat32`, `swap`, …; also of what is recognized only to be left alone (`luks`). Empty: nothing was. */
  fileSystem: string
  label: string
  /**
   * `clean`: may be believed. `dirty`: not unmounted, or errors are recorded in it. `needs-recovery`: its journal is newer
   * than its maps. `unknown`: not known, or it contradicts itself; then all of it counts as used.
   */
  state: 'clean' | 'dirty' | 'needs-recovery' | 'unknown'
  /** A sentence, for every state but `clean`. */
  reason: string
  /** In what it counts free room; 0 when that is not known. */
  unitBytes: number
  /** From the start of the range that was asked for: ascending, disjoint, within it. */
  offsetBytes: Float64Array
  lengthBytes: Float64Array
}

/** The whole native surface. Arguments are positional and already checked by the callers in this folder. */
export interface Addon {
  setErrorClass(errorClass: typeof TransferError): void

  deviceOpen(path: string, write: boolean, fileSectorBytes: number): Promise<OpenedDevice>
  deviceRead(device: SectorsHandle, offsetBytes: number, into: Uint8Array): Promise<void> // `into` is pinned until it settles
  deviceWrite(device: SectorsHandle, offsetBytes: number, from: Uint8Array): Promise<void>
  deviceFlush(device: SectorsHandle): Promise<void>
  deviceClose(device: SectorsHandle): Promise<void> // a second close does nothing

  scanTree(root: string, followSymlinks: boolean): Promise<ScannedTree>

  cryptoPaths(): AvailablePaths
  hashBlocks(data: Uint8Array, blockBytes: number, path: HashPath): Promise<Buffer>
  cipherSectors(
    method: string,
    key: Uint8Array,
    sectorBytes: number,
    offsetBytes: number,
    data: Uint8Array, // changed in place
    encrypt: boolean,
    path: CipherPath,
  ): Promise<void>

  // `regions`: offsets of the three metadata copies, the header block and the extra area.
  bitlockerCreate(
    volumeBytes: number,
    sectorBytes: number,
    method: number,
    regions: Float64Array,
    description: string,
    passphrase: Uint8Array | undefined,
  ): Promise<{ metadata: Buffer; recoveryPassword: Buffer }>
  // Secrets are copied before the call returns.
  bitlockerUnlock(
    device: SectorsHandle,
    offsetBytes: number,
    sizeBytes: number,
    secretKind: number,
    secret: Uint8Array,
  ): Promise<OpenedVolume>
  bitlockerAttach(
    device: SectorsHandle,
    offsetBytes: number,
    sizeBytes: number,
    metadata: Uint8Array,
    secretKind: number,
    secret: Uint8Array,
  ): Promise<OpenedVolume>
  bitlockerErase(device: SectorsHandle, offsetBytes: number, sizeBytes: number, regions: Float64Array): Promise<void>
  bitlockerCheck(
    device: SectorsHandle,
    offsetBytes: number,
    sizeBytes: number,
    secretKind: number | undefined,
    secret: Uint8Array | undefined,
  ): Promise<{ findings: Finding[]; info: CheckedVolume | undefined; opened: OpenedVolume | undefined }>
  bitlockerCheckPassword(text: Uint8Array): void
  volumeRead(volume: VolumeHandle, offsetBytes: number, into: Uint8Array): Promise<void>
  volumeWrite(volume: VolumeHandle, offsetBytes: number, from: Uint8Array): Promise<void>
  volumeFlush(volume: VolumeHandle): Promise<void>
  volumeCommit(volume: VolumeHandle, metadata: Uint8Array): Promise<void>
  volumeClose(volume: VolumeHandle): void // once; running calls finish

  // `target`: a device or an unlocked volume.
  ntfsCreateMemoryFile(sizeBytes: number): number // a file descriptor; the caller closes it
  ntfsReadSkeleton(descriptor: number): Promise<Buffer>
  ntfsPlan(
    skeleton: Uint8Array,
    directoryParent: Uint32Array,
    directoryNameBytes: Uint8Array,
    directoryNameEnds: Uint32Array,
    fileDirectory: Uint32Array,
    fileNameBytes: Uint8Array,
    fileNameEnds: Uint32Array,
    fileSizeBytes: Float64Array,
    fileModifiedNs: BigInt64Array,
    groupNotBeforeBytes: Float64Array,
    groupFileCounts: Uint32Array,
    systemFileNames: string, // joined by line feeds
    systemFileSizes: Float64Array,
  ): Promise<PlannedLayout | RefusedLayout>
  ntfsExtents(layout: LayoutHandle): ExtentTable
  ntfsWrite(
    layout: LayoutHandle,
    target: SectorsHandle | VolumeHandle,
    dropped: Uint32Array,
    resizedFiles: Uint32Array,
    actualSizes: Float64Array,
  ): Promise<{ offsetBytes: Float64Array; lengthBytes: Uint32Array; md5: Buffer; structures: string[] }>
  ntfsOpen(
    target: SectorsHandle | VolumeHandle,
  ): Promise<{ handle: NtfsVolumeHandle; label: string; clusterBytes: number }>
  ntfsCheck(volume: NtfsVolumeHandle): Promise<Finding[]>
  ntfsReadTree(
    volume: NtfsVolumeHandle,
  ): Promise<
    FileTree & { fileRecord: Uint32Array; fileAccess: Uint8Array; extents: ExtentTable; unreachableRecords: number }
  >
  ntfsReadFile(
    volume: NtfsVolumeHandle,
    recordNumber: number,
    offsetBytes: number,
    into: Uint8Array, // pinned until it settles
  ): Promise<number>

  readUsedRanges(device: SectorsHandle, offsetBytes: number, lengthBytes: number): Promise<UsedRanges>

  // All arrays are pinned until the last event. Chunk and spool positions as in src/addon/copy-engine.ts.
  engineCopy(
    volume: VolumeHandle,
    directoryBytes: Uint8Array,
    directoryEnds: Uint32Array,
    fileSourceDirectory: Uint32Array,
    fileNameBytes: Uint8Array,
    fileNameEnds: Uint32Array,
    fileSizeBytes: Float64Array,
    fileModifiedNs: BigInt64Array,
    fileBlockBytes: Float64Array,
    firstExtent: Uint32Array,
    extentOffsetBytes: Float64Array,
    extentLengthBytes: Float64Array,
    hashSpoolFd: number,
    firstChunk: number,
    memoryBytes: number,
    skipChanged: boolean,
    durableEveryBytes: number,
    durableEveryMs: number,
    ioEngine: number,
    onEvent: EngineEvent,
  ): EngineRunHandle
  engineVerify(
    volume: VolumeHandle,
    fileSizeBytes: Float64Array,
    fileBlockBytes: Float64Array,
    firstExtent: Uint32Array,
    extentOffsetBytes: Float64Array,
    extentLengthBytes: Float64Array,
    expected: Uint8Array,
    skippedBlocks: Uint8Array,
    memoryBytes: number,
    ioEngine: number,
    onEvent: EngineEvent,
  ): EngineRunHandle
  engineBuffers(count: number): { handle: ReadBuffersHandle; memory: ArrayBuffer } // 4 MiB each
  engineRead(
    volume: VolumeHandle,
    fileSizeBytes: Float64Array,
    fileBlockBytes: Float64Array,
    firstExtent: Uint32Array,
    extentOffsetBytes: Float64Array,
    extentLengthBytes: Float64Array,
    expected: Uint8Array,
    skippedBlocks: Uint8Array,
    buffers: ReadBuffersHandle,
    hashesFiles: boolean,
    onEvent: EngineEvent,
  ): EngineRunHandle
  engineGiveBack(run: EngineRunHandle, buffer: number): void
  engineProgress(run: EngineRunHandle): Float64Array // five numbers, as the kind of run counts
  engineAbort(run: EngineRunHandle): void

  // Arrays are copied before the call returns. Meanings as in src/addon/image-engine.ts.
  imageCapture(
    source: SectorsHandle | undefined,
    sizeBytes: number,
    skipOffsetBytes: Float64Array,
    skipLengthBytes: Float64Array,
    path: string,
    isRaw: boolean,
    level: number,
    hashes: number, // bit 0 MD5, 1 SHA-1, 2 SHA-256
    retries: number, // -1: no rescue
    limitBytesPerSecond: number, // 0: none
    resumeBlocks: number,
    resumeImageBytes: number,
    resumeUnreadableOffsetBytes: Float64Array,
    resumeUnreadableLengthBytes: Float64Array,
    memoryBytes: number,
    durableEveryBytes: number,
    durableEveryMs: number,
    ioEngine: number,
    onEvent: EngineEvent,
  ): EngineRunHandle
  imageOpen(
    path: string,
    kind: number,
    index: Uint8Array,
    offsetBytes: number,
    sizeBytes: number,
  ): Promise<{ handle: ImageHandle; sizeBytes: number }>
  imageRead(image: ImageHandle, offsetBytes: number, into: Uint8Array): Promise<void> // `into` is pinned until it settles
  imageClose(image: ImageHandle): void // once; running calls finish
  imageTransfer(
    image: ImageHandle,
    targets: SectorsHandle[],
    mode: number,
    zeros: number,
    readBack: boolean,
    resume: boolean,
    hashes: number,
    checkBlocks: boolean,
    blocks: Uint32Array, // none: all
    limitBytesPerSecond: number,
    memoryBytes: number,
    ioEngine: number,
    onEvent: EngineEvent,
  ): EngineRunHandle
  imageWalk(path: string, onEvent: EngineEvent): EngineRunHandle
}

let loaded: Addon | undefined

function load(): Addon {
  if (loaded !== undefined) return loaded
  const require = createRequire(packageRoot)
  try {
    loaded = require('./build/Release/diskferry.node') as Addon
  } catch (cause) {
    throw new TransferError('ADDON_MISSING', `the native module could not be loaded: ${(cause as Error).message}`, {
      cause,
      hint: 'Build it with: npm run build',
    })
  }
  loaded.setErrorClass(TransferError)
  return loaded
}

/** Loads the module at the first call of a function: help and the pure parts work without it. */
export const addon: Addon = new Proxy({} as Addon, { get: (_, name) => load()[name as keyof Addon] })
