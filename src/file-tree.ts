// Millions of files as columns: a tree of directories and files in typed arrays, about 40 bytes a file plus its name.
// JavaScript objects for the same files would take ten times that. The arrays cross into the native module as they are.

/** Names, one after the other in UTF-8. Name i is bytes[ends[i - 1] ?? 0, ends[i]). */
export interface NameColumn {
  readonly bytes: Buffer
  readonly ends: Uint32Array
}

/** Directory 0 is the root (empty name, parent 0); a directory's parent has a lower index. */
export interface FileTree {
  readonly directoryParent: Uint32Array
  readonly directoryNames: NameColumn
  readonly fileDirectory: Uint32Array
  readonly fileNames: NameColumn
  /** Whole numbers of bytes, up to 2^53. */
  readonly fileSizeBytes: Float64Array
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly fileModifiedNs: BigInt64Array
}

/** Where the bytes of each file lie on the volume, in file order: extents [firstExtent[i], firstExtent[i + 1]) are file i's. */
export interface ExtentTable {
  readonly firstExtent: Uint32Array
  /** Bytes from the start of the volume. */
  readonly offsetBytes: Float64Array
  /** Bytes; the extents of a file add up to its allocated size, so the last one may reach past its end. */
  readonly lengthBytes: Float64Array
}

export function nameAt(names: NameColumn, index: number): string {
  const start = index === 0 ? 0 : (names.ends[index - 1] as number)
  return names.bytes.toString('utf8', start, names.ends[index])
}

// The path that was asked for last: files come directory by directory, so most questions have the answer of before.
const lastPaths = new WeakMap<FileTree, { directory: number; separator: string; path: string }>()

/** Path parts below the root joined by `separator`; '' for the root. */
export function directoryPath(tree: FileTree, directory: number, separator = '/'): string {
  const last = lastPaths.get(tree)
  if (last?.directory === directory && last.separator === separator) return last.path
  const path = joinNames(tree, directory, separator)
  lastPaths.set(tree, { directory, separator, path })
  return path
}

function joinNames(tree: FileTree, directory: number, separator: string): string {
  const parts: string[] = []
  for (let index = directory; index !== 0; index = tree.directoryParent[index] as number) {
    parts.push(nameAt(tree.directoryNames, index))
  }
  return parts.reverse().join(separator)
}

export function filePath(tree: FileTree, file: number, separator = '/'): string {
  const directory = directoryPath(tree, tree.fileDirectory[file] as number, separator)
  const name = nameAt(tree.fileNames, file)
  return directory === '' ? name : `${directory}${separator}${name}`
}

/** Collects names into a column; grows by doubling. */
export class NameColumnBuilder {
  #bytes = Buffer.alloc(1024)
  #length = 0
  readonly #ends: number[] = []

  push(name: string | Uint8Array): void {
    const bytes = typeof name === 'string' ? Buffer.from(name, 'utf8') : name
    while (this.#length + bytes.length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)])
    }
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    this.#ends.push(this.#length)
  }

  finish(): NameColumn {
    return { bytes: this.#bytes.subarray(0, this.#length), ends: Uint32Array.from(this.#ends) }
  }
}

/** A column with more names behind it; the one given stays as it is. */
export function appendNames(names: NameColumn, added: readonly string[]): NameColumn {
  const builder = new NameColumnBuilder()
  for (const name of added) builder.push(name)
  const more = builder.finish()
  const ends = new Uint32Array(names.ends.length + added.length)
  ends.set(names.ends)
  more.ends.forEach((end, index) => {
    ends[names.ends.length + index] = names.bytes.length + end
  })
  return { bytes: Buffer.concat([names.bytes, more.bytes]), ends }
}
