// Small and large trees for the planning tests, and a seeded source of numbers.

import { type FileTree, NameColumnBuilder } from '../../src/file-tree.js'

/** Paths below the root with sizes; folders are made as needed. A path that ends in a slash is an empty folder. */
export function makeTree(files: readonly (readonly [path: string, sizeBytes: number])[]): FileTree {
  const parents = [0]
  const directoryNames = new NameColumnBuilder()
  directoryNames.push('')
  const known = new Map([['', 0]])
  const directory = (path: string): number => {
    const found = known.get(path)
    if (found !== undefined) return found
    const cut = path.lastIndexOf('/')
    const parent = directory(cut < 0 ? '' : path.slice(0, cut))
    const index = parents.length
    parents.push(parent)
    directoryNames.push(path.slice(cut + 1))
    known.set(path, index)
    return index
  }
  const fileNames = new NameColumnBuilder()
  const directories: number[] = []
  const sizes: number[] = []
  for (const [path, sizeBytes] of files) {
    const cut = path.lastIndexOf('/')
    const folder = directory(cut < 0 ? '' : path.slice(0, cut))
    if (path.endsWith('/')) continue
    directories.push(folder)
    fileNames.push(path.slice(cut + 1))
    sizes.push(sizeBytes)
  }
  return {
    directoryParent: Uint32Array.from(parents),
    directoryNames: directoryNames.finish(),
    fileDirectory: Uint32Array.from(directories),
    fileNames: fileNames.finish(),
    fileSizeBytes: Float64Array.from(sizes),
    fileModifiedNs: BigInt64Array.from(sizes, (_, index) => BigInt(index) * 1_000_000_000n),
  }
}

/** Whole numbers below `limit`, the same for the same seed (xorshift32). */
export function numbers(seed: number): (limit: number) => number {
  let state = seed >>> 0 || 1
  return (limit) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % limit
  }
}

/** A random tree: folders nested up to `depth`, names of all lengths, sizes around cluster borders. */
export function randomTree(next: (limit: number) => number, filesMax: number, sizeMaxBytes: number): FileTree {
  const folders = ['']
  const entries: [string, number][] = []
  const letters = ['a', 'Z', 'é', 'ğ', '中', '😀']
  const name = (index: number, unitsMax: number) => {
    const letter = letters[next(letters.length)] as string
    return `${index}`.padEnd(0) + letter.repeat(next(Math.floor((unitsMax - 8) / letter.length)))
  }
  for (let index = 0, count = next(8); index < count; index++) {
    const parent = folders[next(folders.length)] as string
    const path = `${parent}${parent === '' ? '' : '/'}d${name(index, next(4) === 0 ? 250 : 30)}`
    folders.push(path)
    if (next(3) === 0) entries.push([`${path}/`, 0])
  }
  for (let index = 0, count = 1 + next(filesMax); index < count; index++) {
    const folder = folders[next(folders.length)] as string
    const border = 4096 * (1 + next(4)) + next(3) - 1
    const sizeBytes = next(2) === 0 ? border : next(sizeMaxBytes)
    entries.push([`${folder}${folder === '' ? '' : '/'}f${name(index, next(4) === 0 ? 250 : 30)}`, sizeBytes])
  }
  return makeTree(entries)
}
