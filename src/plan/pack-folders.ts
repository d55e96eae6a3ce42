// One attempt at putting a tree onto a given set of drives. Folders are placed whole, the largest first; a folder that fits
// nowhere is opened and its parts are placed instead. What is small against a drive (crumbs: the small files and folders of an
// opened folder) stays together where it fits and otherwise fills what is left, in order, like sand.

import type { DriveLoad } from './drive-load.js'
import { fitByLeastSlack, fitExactly } from './fit-exactly.js'
import { type Item, type Packing, PlacedItems } from './placed-items.js'
import type { SpanTree } from './span-weights.js'

export interface PackStrategy {
  /** Search for a way to keep every folder whole that fits a drive; gives up rather than opening one. */
  wholeFolders?: boolean
  /** Files of at least so many bytes are placed on their own before any folder. */
  filesFirstBytes?: number
  /** Search for places for those files instead of taking the fullest drive that fits. */
  searchFiles?: boolean
}

const itemsSearchedMax = 400

/** Undefined when the strategy does not apply: it found nothing, or has nothing to do. */
export function packFolders(span: SpanTree, loads: readonly DriveLoad[], strategy: PackStrategy): Packing | undefined {
  const items = new PlacedItems(span, loads)
  const packer = new Packer(span.files, loads, items)
  if (
    strategy.filesFirstBytes !== undefined &&
    !packer.placeFilesFirst(strategy.filesFirstBytes, strategy.searchFiles)
  ) {
    return undefined
  }
  items.weigh()
  if (strategy.wholeFolders) {
    if (!packer.placeWhole()) return undefined
  } else packer.placeFolders()
  return items.finish()
}

class Packer {
  readonly #files: Uint32Array
  readonly #loads: readonly DriveLoad[]
  readonly #items: PlacedItems

  constructor(files: Uint32Array, loads: readonly DriveLoad[], items: PlacedItems) {
    this.#files = files
    this.#loads = loads
    this.#items = items
  }

  /** False when there is no such file, or no place for one of them. */
  placeFilesFirst(bytesMin: number, search = false): boolean {
    const weights = this.#items.fileWeights
    const files = Array.from(this.#files.filter((file) => (weights[file] as number) >= bytesMin))
    if (files.length === 0) return false
    files.sort((left, right) => (weights[right] as number) - (weights[left] as number) || left - right)
    const items = files.map((id): Item => ({ kind: 'file', id, weight: weights[id] as number }))
    if (search) return this.#placeBySearch(items)
    for (const item of items) {
      const load = this.#tightest(item)
      if (load === undefined) return false
      this.#items.place(item, load)
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
      if (this.#loads.some((load) => this.#items.fits(item as Item, load))) items.push(item)
      else if (item.kind === 'folder') this.#open(item.id, queue)
      else return false
    }
    items.sort((left, right) => right.weight - left.weight || left.id - right.id)
    return this.#placeBySearch(items)
  }

  #placeBySearch(items: readonly Item[]): boolean {
    if (items.length > itemsSearchedMax) return false
    const needs = items.map((item) => this.#loads.map((load) => this.#items.need(item, load)))
    const free = this.#loads.map((load) => load.freeBytes)
    const drives = fitExactly(needs, free) ?? fitByLeastSlack(needs, free)
    drives?.forEach((drive, index) => {
      this.#items.place(items[index] as Item, this.#loads[drive] as DriveLoad)
    })
    return drives !== undefined
  }

  placeFolders(): void {
    const queue: Item[] = []
    this.#open(0, queue)
    const crumbs: Item[] = []
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const load = this.#loads.find((candidate) => this.#items.fits(item as Item, candidate))
      if (load !== undefined) this.#items.place(item, load)
      else if (item.kind === 'folder') this.#open(item.id, queue)
      else if (item.kind === 'crumbs') crumbs.push(item)
      else this.#items.leaveOver(item.id)
    }
    for (const item of crumbs) this.#fill(item.id)
  }

  /** Puts the parts of a folder into the queue, which is kept with the heaviest first. */
  #open(directory: number, queue: Item[]): void {
    this.#items.open(directory)
    const { fileWeights, folderWeights, crumbBytes } = this.#items
    let crumbs = 0
    let hasCrumbs = false
    this.#items.eachChild(directory, (child) => {
      const weight = folderWeights[child] as number
      if (weight >= crumbBytes) insert(queue, { kind: 'folder', id: child, weight })
      else {
        crumbs += weight
        hasCrumbs = true
      }
    })
    this.#items.eachOwnFile(directory, (file) => {
      const weight = fileWeights[file] as number
      if (weight >= crumbBytes) insert(queue, { kind: 'file', id: file, weight })
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
      if (!this.#items.fits(item, current)) {
        const emptiest = this.#emptiest()
        const load = this.#items.fits(item, emptiest)
          ? emptiest
          : this.#loads.find((other) => this.#items.fits(item, other))
        if (load === undefined) return false
        current = load
      }
      this.#items.place(item, current)
      return true
    }
    const putFolder = (folder: number): void => {
      if (put({ kind: 'folder', id: folder, weight: 0 })) return
      this.#items.open(folder)
      this.#items.eachChild(folder, putFolder)
      this.#items.eachOwnFile(folder, putFile)
    }
    const putFile = (file: number): void => {
      if (!put({ kind: 'file', id: file, weight: 0 })) this.#items.leaveOver(file)
    }
    this.#items.eachCrumb(directory, putFolder, putFile)
  }

  /** The fullest drive that the item still fits. */
  #tightest(item: Item): DriveLoad | undefined {
    let best: DriveLoad | undefined
    for (const load of this.#loads) {
      if ((best === undefined || load.freeBytes < best.freeBytes) && this.#items.fits(item, load)) best = load
    }
    return best
  }

  #emptiest(): DriveLoad {
    return this.#loads.reduce((best, load) => (load.freeBytes > best.freeBytes ? load : best))
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
