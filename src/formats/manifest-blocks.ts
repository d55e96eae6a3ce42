// The blocks or page ranges of one blob while a manifest is read: collected into columns and checked against the rules of
// the format, one by one and, at the end, all together.

import {
  blockBytesFor,
  maxBlocksPerBlob,
  maxBytesWithoutBlockIds,
  pageBytes,
  standardBlockBytes,
} from './blob-limits.js'

export interface ReadBlocks {
  /** Bytes from the start of the file. */
  offsets: Float64Array
  lengths: Float64Array
  /** MD5 of each, 16 bytes after 16 bytes. */
  digests: Buffer
  /** Base64, one for each block; undefined for page ranges and for blobs whose blocks have none. */
  ids: string[] | undefined
}

export interface BlockAttributes {
  offset: string | undefined
  length: string | undefined
  hash: string | undefined
  id: string | undefined
}

export class BlockCollector {
  #offsets = new Float64Array(16)
  #lengths = new Float64Array(16)
  #digests = Buffer.alloc(16 * 16)
  #ids: string[] = []
  #count = 0
  #end = 0
  #isPage = false
  #lengthBytes = 0
  #lengthMax = 0

  constructor(readonly rangesMax: number) {}

  /** Begins the list of a blob of this length. Returns what is wrong already. */
  start(isPage: boolean, lengthBytes: number): string | undefined {
    this.#isPage = isPage
    this.#lengthBytes = lengthBytes
    this.#ids = []
    this.#count = 0
    this.#end = 0
    if (isPage && lengthBytes % pageBytes !== 0) {
      return `a page blob of ${lengthBytes} bytes is not a whole number of ${pageBytes}-byte pages`
    }
    try {
      // Blocks above 4 MiB are only for files that would need more than 50,000 otherwise.
      this.#lengthMax = isPage ? standardBlockBytes : blockBytesFor(lengthBytes)
    } catch {
      return `the blob is said to have ${lengthBytes} bytes, more than a block blob holds`
    }
    return undefined
  }

  /** Returns what is wrong with it, as a clause. */
  add({ offset, length, hash, id }: BlockAttributes): string | undefined {
    const offsetBytes = wholeNumber(offset)
    const blockBytes = wholeNumber(length)
    if (offsetBytes === undefined) return `Offset is ${shown(offset)}, expected a number of bytes`
    if (blockBytes === undefined) return `Length is ${shown(length)}, expected a number of bytes`
    if (hash === undefined || !/^[0-9A-Fa-f]{32}$/.test(hash))
      return `Hash is ${shown(hash)}, expected 32 hexadecimal digits`
    const limit = this.#isPage ? this.rangesMax : Math.min(maxBlocksPerBlob, this.rangesMax)
    if (this.#count === limit) return `the blob has more than ${limit} blocks or page ranges`
    const problem = this.#isPage
      ? this.#pageProblem(offsetBytes, blockBytes)
      : this.#blockProblem(offsetBytes, blockBytes)
    if (problem !== undefined) return problem
    if (id !== undefined) {
      const idProblem = this.#idProblem(id)
      if (idProblem !== undefined) return idProblem
      this.#ids.push(id)
    } else if (this.#ids.length > 0) return 'this block has no Id and others before it have one'
    this.#store(offsetBytes, blockBytes, hash)
    return undefined
  }

  /** Copies of the columns, or what is wrong with the list as a whole. */
  finish(): ReadBlocks | string {
    const count = this.#count
    const hasIds = this.#ids.length > 0
    if (!this.#isPage) {
      if (this.#end !== this.#lengthBytes) return `its blocks end at byte ${this.#end} of ${this.#lengthBytes}`
      if (!hasIds && this.#lengthBytes > maxBytesWithoutBlockIds) {
        return `its blocks have no ids, which a blob over ${maxBytesWithoutBlockIds} bytes needs`
      }
      const problem = this.#sharedIdProblem()
      if (problem !== undefined) return problem
    }
    return {
      offsets: this.#offsets.slice(0, count),
      lengths: this.#lengths.slice(0, count),
      digests: Buffer.from(this.#digests.subarray(0, count * 16)),
      ids: hasIds ? this.#ids : undefined,
    }
  }

  #pageProblem(offset: number, length: number): string | undefined {
    if (offset % pageBytes !== 0 || length % pageBytes !== 0 || length === 0) {
      return `the range at ${offset} of ${length} bytes is not made of whole ${pageBytes}-byte pages`
    }
    if (length > this.#lengthMax)
      return `the range at ${offset} has ${length} bytes, at most ${this.#lengthMax} are allowed`
    if (offset < this.#end) return `the range at ${offset} begins before the end of the one before it, ${this.#end}`
    if (offset + length > this.#lengthBytes) {
      return `the range at ${offset} of ${length} bytes reaches past the end of the file, ${this.#lengthBytes}`
    }
    return undefined
  }

  #blockProblem(offset: number, length: number): string | undefined {
    if (length > this.#lengthMax)
      return `the block at ${offset} has ${length} bytes, at most ${this.#lengthMax} are allowed`
    if (offset !== this.#end) return `the block begins at ${offset}, but the one before it ends at ${this.#end}`
    if (length === 0 && this.#lengthBytes > 0) return `the block at ${offset} has no bytes`
    if (offset + length > this.#lengthBytes) {
      return `the block at ${offset} of ${length} bytes reaches past the end of the file, ${this.#lengthBytes}`
    }
    return undefined
  }

  // Put Block's rules: Base64 of at most 64 bytes, and the same length for all ids of a blob.
  #idProblem(id: string): string | undefined {
    if (this.#isPage) return 'a page range has no Id'
    if (this.#ids.length < this.#count) return 'this block has an Id and others before it have none'
    if (id.length === 0 || id.length > 88 || id.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(id)) {
      return `Id is ${shown(id)}, expected Base64 of 1 to 64 bytes`
    }
    const [first] = this.#ids
    if (first !== undefined && first.length !== id.length)
      return `Id ${id} has another length than the blob's first one`
    return undefined
  }

  // The same id twice is one block for the service, so its content has to be the same.
  #sharedIdProblem(): string | undefined {
    if (this.#ids.length < 2) return undefined
    const firstUse = new Map<string, number>()
    for (const [index, id] of this.#ids.entries()) {
      const first = firstUse.get(id)
      if (first === undefined) firstUse.set(id, index)
      else if (this.#digests.compare(this.#digests, first * 16, first * 16 + 16, index * 16, index * 16 + 16) !== 0) {
        return `its blocks ${first} and ${index} have the same id and different hashes`
      }
    }
    return undefined
  }

  #store(offset: number, length: number, hash: string): void {
    const index = this.#count
    if (index === this.#offsets.length) this.#grow()
    this.#offsets[index] = offset
    this.#lengths[index] = length
    this.#digests.write(hash, index * 16, 'hex')
    this.#count = index + 1
    this.#end = offset + length
  }

  #grow(): void {
    const grown = (column: Float64Array<ArrayBuffer>) => {
      const larger = new Float64Array(column.length * 2)
      larger.set(column)
      return larger
    }
    this.#offsets = grown(this.#offsets)
    this.#lengths = grown(this.#lengths)
    this.#digests = Buffer.concat([this.#digests, Buffer.alloc(this.#digests.length)])
  }
}

/** Decimal digits only, up to 2^53 - 1. */
export function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** A value from a file, for a message. */
export function shown(text: string | undefined): string {
  if (text === undefined) return 'missing'
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
