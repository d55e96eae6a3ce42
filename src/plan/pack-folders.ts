// One attempt at putting a tree onto a given set of drives. Folders are placed whole, the largest first; a folder that fits
// nowhere is opened and its parts are placed instead. What is small against a drive (crumbs: the small files and folders of an
// opened folder) stays together where it fits and otherwise fills what is left, in order, like sand.

import type { DriveLoad } from './drive-load.js'
import { fitByLeastSlack, fitExactly } from './fit-exactly.js'
import { type SpanTree, type SpanWeights, type SubtreeWeights, subtreeWeights } from './span-weights.js'

export const unassigned = 0xffff

export interface PackStrategy {
  /** Search for a way to keep every folder whole that fits a drive; gives up rather than opening one. */
  wholeFolders?: boolean
  /** Files of at least so many bytes are placed on their own before any folder. */
  filesFirstBytes?: number
  /** Search for places for those files instead of taking the fullest drive that fits. */
  searchFiles?: boolean
}

export interface Packing {
  /** Drive index (DriveLoad.drive) of each file, `unassigned` for files not chosen or left over. */
  assignments: Uint16Array
  leftOver: number[]
}

interface Item {
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

const itemsSearchedMax = 400
/** A drive holds at least so many crumbs of the largest size. */
const crumbsPerDrive = 256

/** Undefined when the strategy does not apply: it found nothing, or has nothing to do. */
export function packFolders(span: SpanTree, loads: readonly DriveLoad[], strategy: PackStrategy): Packing | undefined {
  const packer = new Packer(span, loads)
  if (
    strategy.filesFirstBytes !== undefined &&
    !packer.placeFilesFirst(strategy.filesFirstBytes, strategy.searchFiles)
  ) {
    return undefined
  }
  packer.weigh()
  if (strategy.wholeFolders) {
    if (!packer.placeWhole()) return undefined
  } else packer.placeFolders()
  return packer.finish()
}

class Packer {
  readonly #span: SpanTree
  readonly #loads: readonly DriveLoad[]
  readonly #crumbBytes: number
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
    this.#crumbBytes = capacity / loads.length / crumbsPerDrive
    this.#fileDrive = new Uint16Array(span.tree.fileDirectory.length).fill(unassigned)
    this.#folderDrive = new Uint16Array(directories).fill(unassigned)
    this.#crumbsDrive = new Uint16Array(directories).fill(unassigned)
    this.#isOpen = new Uint8Array(directories)
  }

  /** Sums over folders, without the files that have a place already. */
  weigh(): void {
    for (const { weights } of this.#loads) {
      if (!this.#sums.has(weights))
        this.#sums.set(
          weights,
          subtreeWeights(weights, (file) => this.#isPlaced(file)),
        )
    }
  }

  /** False when there is no such file, or no place for one of them. */
  placeFilesFirst(bytesMin: number, search = false): boolean {
    const weights = (this.#loads[0] as DriveLoad).weights.files
    const files = Array.from(this.#span.files.filter((file) => (weights[file] as number) >= bytesMin))
    if (files.length === 0) return false
    files.sort((left, right) => (weights[right] as number) - (weights[left] as number) || left - right)
    const items = files.map((id): Item => ({ kind: 'file', id, weight: weights[id] as number }))
    if (search) return this.#placeBySearch(items)
    for (const item of items) {
      const load = this.#tightest(item)
      if (load === undefined) return false
      this.#place(item, load)
    }
    return true
  }

  /** Opens only folders that are larger than every drive, and searches places for the rest. */
  placeWhole(): boolean {
    const queue: Item[] = []
    this.#open(0, queue)
    const items: Item[] = []
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      if (items.length + queue.length > itemsSearchedMax) return false
      if (this.#loads.some((load) => this.#fits(item as Item, load))) items.push(item)
      else if (item.kind === 'folder') this.#open(item.id, queue)
      else return false
    }
    items.sort((left, right) => right.weight - left.weight || left.id - right.id)
    return this.#placeBySearch(items)
  }

  #placeBySearch(items: readonly Item[]): boolean {
    if (items.length > itemsSearchedMax) return false
    const needs = items.map((item) =>
      this.#loads.map((load) => {
        const part = this.#part(item, load)
        return load.need(part.directory, part.bytes, part.entries)
      }),
    )
    const free = this.#loads.map((load) => load.freeBytes)
    const drives = fitExactly(needs, free) ?? fitByLeastSlack(needs, free)
    drives?.forEach((drive, index) => {
      this.#place(items[index] as Item, this.#loads[drive] as DriveLoad)
    })
    return drives !== undefined
  }

  placeFolders(): void {
    const queue: Item[] = []
    this.#open(0, queue)
    const crumbs: Item[] = []
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const load = this.#loads.find((candidate) => this.#fits(item as Item, candidate))
      if (load !== undefined) this.#place(item, load)
      else if (item.kind === 'folder') this.#open(item.id, queue)
      else if (item.kind === 'crumbs') crumbs.push(item)
      else this.#leftOver.push(item.id)
    }
    for (const item of crumbs) this.#fill(item.id)
  }

  /** Puts the parts of a folder into the queue, which is kept with the heaviest first. */
  #open(directory: number, queue: Item[]): void {
    this.#isOpen[directory] = 1
    const { subtree } = this.#firstSums()
    const weights = (this.#loads[0] as DriveLoad).weights.files
    let crumbs = 0
    let hasCrumbs = false
    this.#eachChild(directory, (child) => {
      const weight = subtree[child] as number
      if (weight >= this.#crumbBytes) insert(queue, { kind: 'folder', id: child, weight })
      else {
        crumbs += weight
        hasCrumbs = true
      }
    })
    this.#eachOwnFile(directory, (file) => {
      const weight = weights[file] as number
      if (weight >= this.#crumbBytes) insert(queue, { kind: 'file', id: file, weight })
      else {
        crumbs += weight
        hasCrumbs = true
      }
    })
    if (hasCrumbs) insert(queue, { kind: 'crumbs', id: directory, weight: crumbs })
  }

  /** Spreads the crumbs of a folder over the drives, in order, each time onto the emptiest until it is full. */
  #fill(directory: number): void {
    let current = this.#emptiest()
    const put = (item: Item): boolean => {
      if (!this.#fits(item, current)) {
        const emptiest = this.#emptiest()
        const load = this.#fits(item, emptiest) ? emptiest : this.#loads.find((other) => this.#fits(item, other))
        if (load === undefined) return false
        current = load
      }
      this.#place(item, current)
      return true
    }
    const putFolder = (folder: number): void => {
      if (put({ kind: 'folder', id: folder, weight: 0 })) return
      this.#isOpen[folder] = 1
      this.#eachChild(folder, putFolder)
      this.#eachOwnFile(folder, putFile)
    }
    const putFile = (file: number): void => {
      if (!put({ kind: 'file', id: file, weight: 0 })) this.#leftOver.push(file)
    }
    this.#eachCrumb(directory, putFolder, putFile)
  }

  #eachCrumb(directory: number, onFolder: (child: number) => void, onFile: (file: number) => void): void {
    const { subtree } = this.#firstSums()
    const weights = (this.#loads[0] as DriveLoad).weights.files
    this.#eachChild(directory, (child) => {
      if ((subtree[child] as number) < this.#crumbBytes) onFolder(child)
    })
    this.#eachOwnFile(directory, (file) => {
      if ((weights[file] as number) < this.#crumbBytes) onFile(file)
    })
  }

  #eachChild(directory: number, visit: (child: number) => void): void {
    const { firstChild, children } = this.#span
    const { hasFiles } = this.#firstSums()
    const end = firstChild[directory + 1] as number
    for (let at = firstChild[directory] as number; at < end; at++) {
      const child = children[at] as number
      if (hasFiles[child]) visit(child)
    }
  }

  #eachOwnFile(directory: number, visit: (file: number) => void): void {
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
    this.#eachCrumb(
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

  #fits(item: Item, load: DriveLoad): boolean {
    const part = this.#part(item, load)
    return load.fits(part.directory, part.bytes, part.entries)
  }

  #place(item: Item, load: DriveLoad): void {
    const part = this.#part(item, load)
    load.add(part.directory, part.bytes, part.entries)
    if (item.kind === 'file') this.#fileDrive[item.id] = load.drive
    else if (item.kind === 'folder') this.#folderDrive[item.id] = load.drive
    else this.#crumbsDrive[item.id] = load.drive
  }

  /** The fullest drive that the item still fits. */
  #tightest(item: Item): DriveLoad | undefined {
    let best: DriveLoad | undefined
    for (const load of this.#loads) {
      if ((best === undefined || load.freeBytes < best.freeBytes) && this.#fits(item, load)) best = load
    }
    return best
  }

  #emptiest(): DriveLoad {
    return this.#loads.reduce((best, load) => (load.freeBytes > best.freeBytes ? load : best))
  }

  #isPlaced(file: number): boolean {
    return this.#fileDrive[file] !== unassigned
  }

  #firstSums(): SubtreeWeights {
    return this.#sums.get((this.#loads[0] as DriveLoad).weights) as SubtreeWeights
  }

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
}

/** Into a list with the heaviest first; equals keep the order in which they came. */
function insert(queue: Item[], item: Item): void {
  let low = 0
  let high = queue.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((queue[middle] as Item).weight >= item.weight) low = middle + 1
    else high = middle
  }
  queue.splice(low, 0, item)
}
