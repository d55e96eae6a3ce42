// What of a tree is where while it is packed: files, whole folders and crumbs that have a drive, and what those that have none
// would take on each. Where they go is decided in pack-folders.ts.

import type { DriveLoad } from './drive-load.js'
import { type SpanTree, type SpanWeights, type SubtreeWeights, subtreeWeights } from './span-weights.js'

export const unassigned = 0xffff

export interface Packing {
  /** Drive index (DriveLoad.drive) of each file, `unassigned` for files not chosen or left over. */
  assignments: Uint16Array
  leftOver: number[]
}

export interface Item {
  kind: 'folder' | 'crumbs' | 'file'
  /** Directory or file. */
  id: number
  /** For the order only. */
  weight: number
}

/** A part of a drive's content: where its entries go, and how much it is on drives of a kind. */
interface Part {
  directory: number
  bytes: number
  entries: number
}

/** A drive holds at least so many crumbs of the largest size. */
const crumbsPerDrive = 256

export class PlacedItems {
  /** What weighs less is small. */
  readonly crumbBytes: number
  readonly #span: SpanTree
  readonly #loads: readonly DriveLoad[]
  readonly #fileDrive: Uint16Array
  /** Folders placed whole, crumbs placed whole, and folders that were opened. */
  readonly #folderDrive: Uint16Array
  readonly #crumbsDrive: Uint16Array
  readonly #isOpen: Uint8Array
  readonly #sums = new Map<SpanWeights, SubtreeWeights>()
  readonly #crumbParts = new Map<SpanWeights, Map<number, Part>>()
  readonly #leftOver: number[] = []

  constructor(span: SpanTree, loads: readonly DriveLoad[]) {
    const directories = span.tree.directoryParent.length
    this.#span = span
    this.#loads = loads
    const capacity = loads.reduce((sum, load) => sum + load.capacityBytes, 0)
    this.crumbBytes = capacity / loads.length / crumbsPerDrive
    this.#fileDrive = new Uint16Array(span.tree.fileDirectory.length).fill(unassigned)
    this.#folderDrive = new Uint16Array(directories).fill(unassigned)
    this.#crumbsDrive = new Uint16Array(directories).fill(unassigned)
    this.#isOpen = new Uint8Array(directories)
  }

  /** Sums over folders, without the files that have a place already. Before any folder is asked for. */
  weigh(): void {
    for (const { weights } of this.#loads) {
      if (!this.#sums.has(weights))
        this.#sums.set(
          weights,
          subtreeWeights(weights, (file) => this.#isPlaced(file)),
        )
    }
  }

  /** Bytes that it would take. */
  need(item: Item, load: DriveLoad): number {
    const part = this.#part(item, load)
    return load.need(part.directory, part.bytes, part.entries)
  }

  fits(item: Item, load: DriveLoad): boolean {
    const part = this.#part(item, load)
    return load.fits(part.directory, part.bytes, part.entries)
  }

  place(item: Item, load: DriveLoad): void {
    const part = this.#part(item, load)
    load.add(part.directory, part.bytes, part.entries)
    if (item.kind === 'file') this.#fileDrive[item.id] = load.drive
    else if (item.kind === 'folder') this.#folderDrive[item.id] = load.drive
    else this.#crumbsDrive[item.id] = load.drive
  }

  /** Of a folder that is not placed whole. */
  open(directory: number): void {
    this.#isOpen[directory] = 1
  }

  /** A file that fits nowhere. */
  leaveOver(file: number): void {
    this.#leftOver.push(file)
  }

  /** What lies in a folder goes where the folder goes. */
  finish(): Packing {
    const { tree, files } = this.#span
    const folderDrive = this.#folderDrive
    for (let directory = 1; directory < folderDrive.length; directory++) {
      if (folderDrive[directory] !== unassigned || this.#isOpen[directory]) continue
      const parent = tree.directoryParent[directory] as number
      const inherited = folderDrive[parent] as number
      folderDrive[directory] = inherited !== unassigned ? inherited : (this.#crumbsDrive[parent] as number)
    }
    const leftOver = new Set(this.#leftOver)
    for (let at = 0; at < files.length; at++) {
      const file = files[at] as number
      if (this.#isPlaced(file) || (leftOver.size > 0 && leftOver.has(file))) continue
      const directory = tree.fileDirectory[file] as number
      const whole = folderDrive[directory] as number
      this.#fileDrive[file] = whole !== unassigned ? whole : (this.#crumbsDrive[directory] as number)
    }
    return { assignments: this.#fileDrive, leftOver: this.#leftOver.sort((left, right) => left - right) }
  }

  /** Of files and of folders with all below them, for the order in which they are tried: as on the first drive. */
  get fileWeights(): Float64Array {
    return (this.#loads[0] as DriveLoad).weights.files
  }

  get folderWeights(): Float64Array {
    return this.#firstSums().subtree
  }

  /** What is small in a folder. */
  eachCrumb(directory: number, onFolder: (child: number) => void, onFile: (file: number) => void): void {
    const { fileWeights, folderWeights } = this
    this.eachChild(directory, (child) => {
      if ((folderWeights[child] as number) < this.crumbBytes) onFolder(child)
    })
    this.eachOwnFile(directory, (file) => {
      if ((fileWeights[file] as number) < this.crumbBytes) onFile(file)
    })
  }

  /** Folders in a folder that have something to be placed. */
  eachChild(directory: number, visit: (child: number) => void): void {
    const { firstChild, children } = this.#span
    const { hasFiles } = this.#firstSums()
    const end = firstChild[directory + 1] as number
    for (let at = firstChild[directory] as number; at < end; at++) {
      const child = children[at] as number
      if (hasFiles[child]) visit(child)
    }
  }

  /** Files in a folder that have no place yet. */
  eachOwnFile(directory: number, visit: (file: number) => void): void {
    const { firstFile, ownFiles } = this.#span
    const end = firstFile[directory + 1] as number
    for (let at = firstFile[directory] as number; at < end; at++) {
      const file = ownFiles[at] as number
      if (!this.#isPlaced(file)) visit(file)
    }
  }

  #part(item: Item, load: DriveLoad): Part {
    const { tree, fileEntry, directoryEntry } = this.#span
    if (item.kind === 'file') {
      const bytes = load.weights.files[item.id] as number
      return { directory: tree.fileDirectory[item.id] as number, bytes, entries: fileEntry[item.id] as number }
    }
    const { subtree } = this.#sums.get(load.weights) as SubtreeWeights
    if (item.kind === 'folder') {
      const directory = tree.directoryParent[item.id] as number
      return { directory, bytes: subtree[item.id] as number, entries: directoryEntry[item.id] as number }
    }
    return this.#crumbsPart(item.id, load.weights)
  }

  #crumbsPart(directory: number, weights: SpanWeights): Part {
    const { fileEntry, directoryEntry } = this.#span
    const known = this.#crumbParts.get(weights)?.get(directory)
    if (known !== undefined) return known
    const { subtree } = this.#sums.get(weights) as SubtreeWeights
    const part = { directory, bytes: 0, entries: 0 }
    this.eachCrumb(
      directory,
      (child) => {
        part.bytes += subtree[child] as number
        part.entries += directoryEntry[child] as number
      },
      (file) => {
        part.bytes += weights.files[file] as number
        part.entries += fileEntry[file] as number
      },
    )
    const parts = this.#crumbParts.get(weights) ?? new Map<number, Part>()
    this.#crumbParts.set(weights, parts.set(directory, part))
    return part
  }

  #isPlaced(file: number): boolean {
    return this.#fileDrive[file] !== unassigned
  }

  #firstSums(): SubtreeWeights {
    return this.#sums.get((this.#loads[0] as DriveLoad).weights) as SubtreeWeights
  }
}
