// Spreads the files of a dataset over drives: as few drives as can be, folders whole where that costs no extra drive, and
// always the same plan for the same input. docs/spanning.md explains the rules to users.

import { TransferError } from '../errors.js'
import { type FileTree, filePath } from '../file-tree.js'
import { driveBound } from './drive-bound.js'
import { DriveLoad } from './drive-load.js'
import { alignUp, driveNeed, entryBytes, recordNeed, rootIndexNeed, type VolumeShape } from './ntfs-need.js'
import { type PackStrategy, packFolders } from './pack-folders.js'
import { type Packing, unassigned } from './placed-items.js'
import { type EmptyPart, emptyParts, type SpanTree, SpanWeights, spanTree } from './span-weights.js'

export interface SpanDrive extends VolumeShape {
  driveId: string
  /** Bytes that the layout of an empty tree, with BitLocker's files, leaves free on the volume. */
  capacityBytes: number
}

export interface SpanInput {
  /** Every file of the dataset under its target path. */
  tree: FileTree
  drives: readonly SpanDrive[]
  /** Indexes of the files to place; all of them without it. Others are on drives already. */
  files?: ArrayLike<number>
  /** The drive's manifest: bytes without any blob, and the most that a file's entry takes. Nothing without it. */
  manifest?: { fixedBytes: number; fileBytes: (file: number) => number }
  /** Bytes of other generated files on every drive (metadata, properties), rounded up here. */
  generatedBytes?: readonly number[]
  /** Counts directories that hold no file on the first drive used, true by default. */
  emptyDirectories?: boolean
}

export interface DriveSpan {
  /** Index of the drive for each file; `unassigned` (0xffff) for files that were not to be placed or are left over. */
  assignments: Uint16Array
  /** Indexes of the drives that get something, ascending. Empty directories go to the first. */
  drives: number[]
  drivesUsed: number
  /** No arrangement uses fewer; `drives.length + 1` of the input when they provably do not suffice. */
  lowerBound: number
  /** Files that fit no more, ascending. Empty when the plan is complete. */
  leftOver: Uint32Array
  /** Room that the files left over would take, without folders. */
  leftOverBytes: number
  /** Upper bound of what each drive of the input will hold, in bytes; 0 for a drive that is not used. */
  needBytes: Float64Array
}

const drivesMax = 1000

/**
 * Drives are taken in the given order, unless the largest drives would do with fewer. When even all drives are too few,
 * what fits is planned and the rest is `leftOver`.
 * @throws TransferError FILE_TOO_LARGE for a file that fits no drive, naming it and both sizes.
 */
export function spanDrives(input: SpanInput): DriveSpan {
  const { drives } = input
  if (drives.length === 0 || drives.length > drivesMax) {
    throw new RangeError(`expected 1 to ${drivesMax} drives but received ${drives.length}`)
  }
  const spanning = new Spanning(input)
  spanning.refuseTooLarge()
  const lowerBound = spanning.bound(drives.map((_, index) => index))
  const order = drives.map((_, index) => index)
  const largestFirst = [...order].sort((left, right) => {
    return (drives[right] as SpanDrive).capacityBytes - (drives[left] as SpanDrive).capacityBytes || left - right
  })
  for (let count = Math.max(1, lowerBound); count <= drives.length; count++) {
    const given = order.slice(0, count)
    const largest = largestFirst.slice(0, count).sort((left, right) => left - right)
    const choices = sameNumbers(given, largest) ? [given] : [given, largest]
    for (const chosen of choices) {
      if (spanning.bound(chosen) > count) continue
      const found = spanning.pack(chosen)
      if (found !== undefined) return { ...found, lowerBound }
    }
  }
  return { ...spanning.packWhatFits(order), lowerBound }
}

type Found = Omit<DriveSpan, 'lowerBound'>

class Spanning {
  readonly #input: SpanInput
  readonly #span: SpanTree
  /** For each drive; drives of one shape share them. */
  readonly #weights: SpanWeights[]
  readonly #emptyParts = new Map<SpanWeights, EmptyPart[]>()
  /** What each file needs for certain, on whichever of the drives. */
  readonly #leastWeights: Float64Array
  readonly #directories: number

  constructor(input: SpanInput) {
    const { manifest } = input
    this.#input = input
    this.#span = spanTree(input.tree, input.files)
    const byShape = new Map<string, SpanWeights>()
    this.#weights = input.drives.map((drive) => {
      const key = `${drive.clusterBytes} ${drive.recordBytes} ${drive.indexBytes}`
      const weights = byShape.get(key) ?? new SpanWeights(this.#span, drive, manifest?.fileBytes ?? (() => 0))
      byShape.set(key, weights)
      return weights
    })
    this.#leastWeights = leastWeights(this.#span.files, [...byShape.values()])
    this.#directories = Math.max(0, this.#span.hasFiles.reduce((sum, has) => sum + has, 0) - 1)
  }

  refuseTooLarge(): void {
    const { drives, tree } = this.#input
    const empty = drives.map((_, index) => this.#emptyLoad(index))
    const largest = empty.reduce((best, load) => (load.freeBytes > best.freeBytes ? load : best))
    const tooLarge = this.#span.files.filter((file) => {
      // A file of a quarter of the room fits whatever folders come with it.
      if ((tree.fileSizeBytes[file] as number) <= largest.freeBytes / 4) return false
      const directory = tree.fileDirectory[file] as number
      const entry = this.#span.fileEntry[file] as number
      return !empty.some((load) => load.fits(directory, load.weights.files[file] as number, entry))
    })
    const [file] = tooLarge
    if (file === undefined) return
    const path = filePath(tree, file)
    const room = Math.max(0, largest.freeBytes)
    const driveId = (drives[largest.drive] as SpanDrive).driveId
    const others = tooLarge.length === 1 ? '' : ` ${tooLarge.length - 1} more files are too large as well.`
    const sizes = `${tree.fileSizeBytes[file]} bytes; the largest drive, ${driveId}, has room for ${room}`
    throw new TransferError('FILE_TOO_LARGE', `${path} has ${sizes}.${others}`, {
      path,
      hint: 'A file cannot be split over drives: use a larger one, or leave the file out.',
    })
  }

  /** Least number of these drives that can hold the files, counting only what is needed for certain. */
  bound(chosen: readonly number[]): number {
    const { manifest, generatedBytes = [] } = this.#input
    const recordBytes = Math.min(...chosen.map((index) => (this.#weights[index] as SpanWeights).shape.recordBytes))
    const capacities = chosen.map((index) => {
      const drive = this.#input.drives[index] as SpanDrive
      const generated = generatedBytes.reduce((sum, bytes) => sum + alignUp(bytes, drive.clusterBytes), 0)
      return drive.capacityBytes - generated - (manifest?.fixedBytes ?? 0)
    })
    return driveBound(this.#leastWeights, capacities, this.#directories * recordBytes)
  }

  pack(chosen: readonly number[]): Found | undefined {
    const capacity = Math.max(...chosen.map((index) => (this.#input.drives[index] as SpanDrive).capacityBytes))
    for (const strategy of strategies(capacity)) {
      const loads = this.#loads(chosen)
      const packing = packFolders(this.#span, loads, strategy)
      if (packing?.leftOver.length === 0) return this.#found(packing, loads)
    }
    return undefined
  }

  packWhatFits(chosen: readonly number[]): Found {
    const loads = this.#loads(chosen)
    return this.#found(packFolders(this.#span, loads, {}) as Packing, loads)
  }

  #loads(chosen: readonly number[]): DriveLoad[] {
    const loads = chosen.map((index) => this.#emptyLoad(index))
    const [first] = loads
    if (first === undefined || this.#input.emptyDirectories === false) return loads
    const parts = this.#emptyParts.get(first.weights) ?? emptyParts(first.weights)
    this.#emptyParts.set(first.weights, parts)
    for (const part of parts) first.add(part.parent, part.bytes, part.entryBytes)
    return loads
  }

  #emptyLoad(index: number): DriveLoad {
    const { drives, manifest, generatedBytes = [] } = this.#input
    const drive = drives[index] as SpanDrive
    // Blob by blob the manifest is counted with the files; here its start, its last cluster and its record.
    const manifestBytes = manifest === undefined ? 0 : manifest.fixedBytes + drive.clusterBytes + recordNeed(drive)
    const generated = generatedBytes.map((bytes) => alignUp(bytes, drive.clusterBytes) + recordNeed(drive))
    const entries = rootIndexNeed(generatedBytes.length * entryBytes(255), drive)
    const fixed = generated.reduce((sum, bytes) => sum + bytes, driveNeed(drive) + manifestBytes + entries)
    return new DriveLoad(index, drive.capacityBytes, this.#weights[index] as SpanWeights, fixed)
  }

  #found(packing: Packing, loads: readonly DriveLoad[]): Found {
    const { drives, tree } = this.#input
    const isUsed = new Uint8Array(drives.length)
    for (let file = 0; file < packing.assignments.length; file++) {
      const drive = packing.assignments[file] as number
      if (drive !== unassigned) isUsed[drive] = 1
    }
    const needBytes = new Float64Array(drives.length)
    for (const load of loads) if (isUsed[load.drive]) needBytes[load.drive] = load.usedBytes
    const used = [...isUsed.keys()].filter((drive) => isUsed[drive])
    return {
      assignments: packing.assignments,
      drives: used,
      drivesUsed: used.length,
      leftOver: Uint32Array.from(packing.leftOver),
      leftOverBytes: packing.leftOver.reduce((sum, file) => sum + (tree.fileSizeBytes[file] as number), 0),
      needBytes,
    }
  }
}

function leastWeights(files: Uint32Array, kinds: readonly SpanWeights[]): Float64Array {
  const least = new Float64Array(files.length).fill(Infinity)
  for (const { files: weights } of kinds) {
    for (let at = 0; at < files.length; at++) {
      // The byte of the record bitmap is rounded up from a bit, so it does not count.
      least[at] = Math.min(least[at] as number, (weights[files[at] as number] as number) - 1)
    }
  }
  return least
}

/** Tried in this order; the first that places everything wins. Large files go first only when folders first did not do. */
function strategies(capacityBytes: number): PackStrategy[] {
  const shares = [2, 4, 8, 16, 64]
  return [
    { wholeFolders: true },
    {},
    ...shares.map((share) => ({ filesFirstBytes: capacityBytes / share })),
    ...shares.map((share) => ({ filesFirstBytes: capacityBytes / share, searchFiles: true })),
  ]
}

function sameNumbers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index])
}
