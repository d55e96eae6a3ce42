// The blocks or ranges of one blob while a copy log is read, collected into columns: a page blob may have two million of them.

import { maxBlocksPerBlob } from './blob-limits.js'
import { meaningOf, rangeMeanings } from './copy-log-codes.js'
import { shown, wholeNumber } from './manifest-blocks.js'

export interface ReadRanges {
  count: number
  /** Bytes from the start of the blob, in the order of the log. */
  offsets: Float64Array
  lengths: Float64Array
  /** Index in `statusNames` of each. */
  statuses: Uint8Array
  /** Codes in the order in which the log first had them; also codes that are not known here. */
  statusNames: readonly string[]
  /** Base64, `''` where one has none; undefined where none has. */
  ids: readonly string[] | undefined
  /** MD5, 32 upper-case digits, 16 bytes after 16 bytes; undefined unless all have one. */
  digests: Buffer | undefined
}

const idCharactersMax = 88
const statusNamesMax = 200
const statusCharactersMax = 100

export class RangeCollector {
  #offsets = new Float64Array(0)
  #lengths = new Float64Array(0)
  #statuses = new Uint8Array(0)
  #digests = Buffer.alloc(0)
  #digestCount = 0
  #ids: string[] = []
  #hasIds = false
  #isBlockList = false
  #count = 0
  #endBytes = 0
  readonly #statusNames: string[] = []
  readonly #statusIndex = new Map<string, number>()

  constructor(readonly rangesMax: number) {}

  /** Where the range that reaches furthest ends. */
  get endBytes(): number {
    return this.#endBytes
  }

  start(isBlockList: boolean): void {
    this.#isBlockList = isBlockList
    this.#count = 0
    this.#endBytes = 0
    this.#digestCount = 0
    this.#ids = []
    this.#hasIds = false
  }

  /** Returns what is wrong with it, as a clause. */
  add({ Offset, Length, Status, Hash, Id }: Readonly<Record<string, string>>): string | undefined {
    const offsetBytes = wholeNumber(Offset?.trim())
    const lengthBytes = wholeNumber(Length?.trim())
    const hash = Hash?.trim()
    const id = Id?.trim() ?? ''
    if (offsetBytes === undefined) return `Offset is ${shown(Offset)}, expected a number of bytes`
    if (lengthBytes === undefined) return `Length is ${shown(Length)}, expected a number of bytes`
    if (!Number.isSafeInteger(offsetBytes + lengthBytes)) return `the range at ${offsetBytes} reaches past any blob`
    if (hash !== undefined && hash !== '' && !/^[0-9A-Fa-f]{32}$/.test(hash)) {
      return `Hash is ${shown(Hash)}, expected 32 hexadecimal digits`
    }
    if (id.length > idCharactersMax) return `Id has ${id.length} characters, at most ${idCharactersMax} are allowed`
    const status = this.#indexOf(Status?.trim())
    if (typeof status === 'string') return status
    const limit = this.#isBlockList ? Math.min(maxBlocksPerBlob, this.rangesMax) : this.rangesMax
    if (this.#count === limit) return `the blob has more than ${limit} blocks or ranges`
    this.#store(offsetBytes, lengthBytes, status)
    if (hash !== undefined && hash !== '') this.#storeDigest(hash)
    // Only blocks have ids, and there are few of them: the memory for strings stays small.
    if (this.#isBlockList) this.#ids.push(id)
    this.#hasIds ||= id !== ''
    return undefined
  }

  finish(): ReadRanges {
    const count = this.#count
    return {
      count,
      offsets: this.#offsets.slice(0, count),
      lengths: this.#lengths.slice(0, count),
      statuses: this.#statuses.slice(0, count),
      statusNames: this.#statusNames,
      ids: this.#isBlockList && this.#hasIds ? this.#ids : undefined,
      digests:
        count > 0 && this.#digestCount === count ? Buffer.from(this.#digests.subarray(0, count * 16)) : undefined,
    }
  }

  #indexOf(status: string | undefined): number | string {
    if (status === undefined || status === '') return 'a block or range has no Status'
    const known = this.#statusIndex.get(status)
    if (known !== undefined) return known
    if (status.length > statusCharactersMax) return `Status is ${shown(status)}, longer than any code`
    const index = this.#statusNames.length
    if (index === statusNamesMax) return `the log has more than ${statusNamesMax} different codes for ranges`
    this.#statusNames.push(status)
    this.#statusIndex.set(status, index)
    return index
  }

  #store(offsetBytes: number, lengthBytes: number, status: number): void {
    const index = this.#count
    if (index === this.#offsets.length) this.#grow()
    this.#offsets[index] = offsetBytes
    this.#lengths[index] = lengthBytes
    this.#statuses[index] = status
    this.#count = index + 1
    this.#endBytes = Math.max(this.#endBytes, offsetBytes + lengthBytes)
  }

  #storeDigest(hash: string): void {
    const end = this.#count * 16
    if (this.#digests.length < end) {
      const larger = Buffer.alloc(Math.max(end, this.#digests.length * 2, 256))
      this.#digests.copy(larger)
      this.#digests = larger
    }
    this.#digests.write(hash, end - 16, 'hex')
    this.#digestCount += 1
  }

  #grow(): void {
    const size = Math.max(16, this.#offsets.length * 2)
    const [offsets, lengths, statuses] = [this.#offsets, this.#lengths, this.#statuses]
    this.#offsets = new Float64Array(size)
    this.#lengths = new Float64Array(size)
    this.#statuses = new Uint8Array(size)
    this.#offsets.set(offsets)
    this.#lengths.set(lengths)
    this.#statuses.set(statuses)
  }
}

/** Blocks or ranges side by side with the same code. */
export interface RangeRun {
  offsetBytes: number
  lengthBytes: number
  status: string
  /** How many blocks or ranges it is. */
  count: number
}

/** Indexes of those that are neither Completed nor Committed, in the order of the log. */
export function* failedRangeIndexes(ranges: ReadRanges): Generator<number, void, undefined> {
  const isFailed = ranges.statusNames.map((status) => meaningOf(status, rangeMeanings).outcome === 'failed')
  for (let index = 0; index < ranges.count; index++) {
    if (isFailed[ranges.statuses[index] as number]) yield index
  }
}

/** The same, with neighbours put together where their code is the same. */
export function* failedRuns(ranges: ReadRanges): Generator<RangeRun, void, undefined> {
  let run: RangeRun | undefined
  for (const index of failedRangeIndexes(ranges)) {
    const offsetBytes = ranges.offsets[index] as number
    const lengthBytes = ranges.lengths[index] as number
    const status = ranges.statusNames[ranges.statuses[index] as number] as string
    if (run !== undefined && run.status === status && run.offsetBytes + run.lengthBytes === offsetBytes) {
      run.lengthBytes += lengthBytes
      run.count += 1
    } else {
      if (run !== undefined) yield run
      run = { offsetBytes, lengthBytes, status, count: 1 }
    }
  }
  if (run !== undefined) yield run
}
