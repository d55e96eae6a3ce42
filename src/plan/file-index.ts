// Finds files of a tree by path: a hash table over the columns, eight bytes a file, where a Map of strings would take a
// hundred. Paths are compared exactly; NTFS would also take another case, but a manifest of ours has the right one.

import { directoryPath, type FileTree } from '../file-tree.js'

const empty = 0xffffffff

export class FileIndex {
  readonly #tree: FileTree
  readonly #directories = new Map<string, number>()
  readonly #slots: Uint32Array
  readonly #mask: number

  constructor(tree: FileTree) {
    this.#tree = tree
    for (let index = 0; index < tree.directoryParent.length; index++) {
      this.#directories.set(directoryPath(tree, index, '\\'), index)
    }
    const files = tree.fileDirectory.length
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * files)))
    this.#slots = new Uint32Array(size).fill(empty)
    this.#mask = size - 1
    for (let file = 0; file < files; file++) {
      let slot = this.#hash(tree.fileDirectory[file] as number, this.#nameBytes(file))
      while (this.#slots[slot] !== empty) slot = (slot + 1) & this.#mask
      this.#slots[slot] = file
    }
  }

  /** `\dir\name` or `dir\name`; undefined when there is no such file. */
  find(path: string): number | undefined {
    const clean = path.startsWith('\\') ? path.slice(1) : path
    const cut = clean.lastIndexOf('\\')
    const directory = this.#directories.get(cut < 0 ? '' : clean.slice(0, cut))
    if (directory === undefined) return undefined
    const name = Buffer.from(clean.slice(cut + 1), 'utf8')
    for (let slot = this.#hash(directory, name); ; slot = (slot + 1) & this.#mask) {
      const file = this.#slots[slot] as number
      if (file === empty) return undefined
      if (this.#tree.fileDirectory[file] === directory && this.#nameBytes(file).equals(name)) return file
    }
  }

  /** Names of the files that lie in the root. */
  rootFiles(): string[] {
    const files = [...this.#tree.fileDirectory.keys()].filter((file) => this.#tree.fileDirectory[file] === 0)
    return files.map((file) => this.#nameBytes(file).toString('utf8'))
  }

  #nameBytes(file: number): Buffer {
    const { bytes, ends } = this.#tree.fileNames
    return bytes.subarray(file === 0 ? 0 : ends[file - 1], ends[file])
  }

  // FNV-1a over the name, started with the directory.
  #hash(directory: number, name: Buffer): number {
    let hash = Math.imul(0x811c9dc5 ^ directory, 0x01000193)
    for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193)
    return ((hash ^ (hash >>> 15)) >>> 0) & this.#mask
  }
}
