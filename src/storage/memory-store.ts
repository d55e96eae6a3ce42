// Blobs in memory: for tests and for trying the library. It copies what it is given and gives out copies, as a service does.

import type {
  BlobFacts,
  BlobPlace,
  BlobProperties,
  BlobStore,
  BlockLists,
  ByteRange,
  SignalOption,
  StoredBlock,
  WriteOptions,
  WriteResult,
} from './blob-store.js'
import {
  blobNotFound,
  blockMissing,
  clipRange,
  compareNames,
  containerNotFound,
  joinRanges,
  replacedProperties,
  requireIdLength,
  requireKind,
  requireMd5,
  requirePagesInside,
  storedProperties,
  throwIfAborted,
} from './local-rules.js'
import {
  checkBlob,
  checkBlock,
  checkBlockIds,
  checkContainer,
  checkPageBlob,
  checkPages,
  checkPlace,
  checkRange,
} from './request-limits.js'

interface StoredBlob {
  kind: 'block' | 'page'
  bytes: Uint8Array
  properties: BlobProperties
  modifiedMs: number
  blocks: StoredBlock[]
  /** Written ranges of a page blob. */
  pages: ByteRange[]
}

interface Entry {
  blob?: StoredBlob
  uncommitted: Map<string, Uint8Array>
}

const readBytes = 1 << 20

export class MemoryStore implements BlobStore {
  readonly name = 'memory:'
  readonly #containers = new Map<string, Map<string, Entry>>()

  /** @param now milliseconds since 1970, for the times of blobs. */
  constructor(private readonly now: () => number = Date.now) {}

  async createContainer(container: string, options: SignalOption = {}): Promise<boolean> {
    throwIfAborted(options.signal)
    checkContainer(container)
    if (this.#containers.has(container)) return false
    this.#containers.set(container, new Map())
    return true
  }

  async putBlob(
    place: BlobPlace,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    checkBlob(bytes, md5)
    const entry = this.#entry(place, options)
    if (options.ifAbsent && entry.blob !== undefined) return 'exists'
    requireMd5(place, bytes, md5)
    const properties = storedProperties({ contentMd5: md5, ...options.properties })
    return this.#store(place, { kind: 'block', bytes: Uint8Array.from(bytes), properties })
  }

  async putBlock(
    place: BlobPlace,
    id: string,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    checkBlock(id, bytes, md5)
    const entry = this.#entry(place, options)
    requireKind(place, entry.blob?.kind, 'block')
    requireIdLength(place, id, entry.uncommitted.keys().next().value ?? entry.blob?.blocks[0]?.id)
    requireMd5(place, bytes, md5)
    entry.uncommitted.set(id, Uint8Array.from(bytes))
    this.#container(place.container).set(place.name, entry)
  }

  async listBlocks(place: BlobPlace, options: SignalOption = {}): Promise<BlockLists> {
    const entry = this.#entry(place, options)
    requireKind(place, entry.blob?.kind, 'block')
    const uncommitted = [...entry.uncommitted].map(([id, bytes]) => ({ id, sizeBytes: bytes.length }))
    return {
      committed: (entry.blob?.blocks ?? []).map((block) => ({ ...block })),
      uncommitted: uncommitted.sort((left, right) => compareNames(left.id, right.id)),
    }
  }

  async commitBlocks(place: BlobPlace, ids: readonly string[], options: WriteOptions = {}): Promise<WriteResult> {
    checkBlockIds(ids)
    const entry = this.#entry(place, options)
    if (options.ifAbsent && entry.blob !== undefined) return 'exists'
    requireKind(place, entry.blob?.kind, 'block')
    const pieces = ids.map((id) => {
      const bytes = entry.uncommitted.get(id) ?? committedBlock(entry.blob, id)
      if (bytes === undefined) throw blockMissing(place, id)
      return bytes
    })
    const blocks = ids.map((id, index) => ({ id, sizeBytes: (pieces[index] as Uint8Array).length }))
    const properties = storedProperties(options.properties)
    return this.#store(place, { kind: 'block', bytes: Buffer.concat(pieces), properties, blocks })
  }

  async createPageBlob(place: BlobPlace, sizeBytes: number, options: WriteOptions = {}): Promise<WriteResult> {
    checkPageBlob(sizeBytes)
    const entry = this.#entry(place, options)
    if (options.ifAbsent && entry.blob !== undefined) return 'exists'
    const properties = storedProperties(options.properties)
    return this.#store(place, { kind: 'page', bytes: new Uint8Array(sizeBytes), properties })
  }

  async putPages(
    place: BlobPlace,
    offsetBytes: number,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    checkPages(offsetBytes, bytes, md5)
    const blob = this.#blob(place, options)
    requireKind(place, blob.kind, 'page')
    const range = { offsetBytes, lengthBytes: bytes.length }
    requirePagesInside(place, blob.bytes.length, range)
    requireMd5(place, bytes, md5)
    blob.bytes.set(bytes, offsetBytes)
    blob.pages = joinRanges([...blob.pages, range])
    blob.modifiedMs = this.now()
  }

  async listPageRanges(place: BlobPlace, options: SignalOption = {}): Promise<ByteRange[]> {
    const blob = this.#blob(place, options)
    requireKind(place, blob.kind, 'page')
    return blob.pages.map((range) => ({ ...range }))
  }

  async setProperties(place: BlobPlace, properties: BlobProperties, options: SignalOption = {}): Promise<void> {
    const blob = this.#blob(place, options)
    blob.properties = replacedProperties(blob.properties, properties)
    blob.modifiedMs = this.now()
  }

  async head(place: BlobPlace, options: SignalOption = {}): Promise<BlobFacts | undefined> {
    throwIfAborted(options.signal)
    checkPlace(place)
    const blob = this.#containers.get(place.container)?.get(place.name)?.blob
    return blob === undefined ? undefined : factsOf(place.name, blob)
  }

  async *read(place: BlobPlace, range?: ByteRange, options: SignalOption = {}): AsyncIterable<Uint8Array> {
    checkRange(range)
    const { bytes } = this.#blob(place, options)
    const { offsetBytes, lengthBytes } = clipRange(range, bytes.length)
    const endBytes = offsetBytes + lengthBytes
    for (let at = offsetBytes; at < endBytes; at += readBytes) {
      throwIfAborted(options.signal)
      yield bytes.slice(at, Math.min(at + readBytes, endBytes))
    }
  }

  async *list(container: string, prefix: string, options: SignalOption = {}): AsyncIterable<BlobFacts> {
    throwIfAborted(options.signal)
    checkContainer(container)
    const entries = this.#containers.get(container) ?? new Map<string, Entry>()
    const names = [...entries.keys()].filter((name) => name.startsWith(prefix)).sort(compareNames)
    for (const name of names) {
      throwIfAborted(options.signal)
      const blob = entries.get(name)?.blob
      if (blob !== undefined) yield factsOf(name, blob)
    }
  }

  async remove(place: BlobPlace, options: SignalOption = {}): Promise<boolean> {
    throwIfAborted(options.signal)
    checkPlace(place)
    const entries = this.#containers.get(place.container)
    if (entries?.get(place.name)?.blob === undefined) return false
    return entries.delete(place.name)
  }

  async close(): Promise<void> {}

  #container(container: string): Map<string, Entry> {
    const entries = this.#containers.get(container)
    if (entries === undefined) throw containerNotFound(container)
    return entries
  }

  #entry(place: BlobPlace, options: SignalOption): Entry {
    throwIfAborted(options.signal)
    checkPlace(place)
    return this.#container(place.container).get(place.name) ?? { uncommitted: new Map() }
  }

  #blob(place: BlobPlace, options: SignalOption): StoredBlob {
    const { blob } = this.#entry(place, options)
    if (blob === undefined) throw blobNotFound(place)
    return blob
  }

  #store(place: BlobPlace, blob: Pick<StoredBlob, 'kind' | 'bytes' | 'properties'> & Partial<StoredBlob>): WriteResult {
    const complete = { blocks: [], pages: [], modifiedMs: this.now(), ...blob }
    this.#container(place.container).set(place.name, { blob: complete, uncommitted: new Map() })
    return 'written'
  }
}

function factsOf(name: string, blob: StoredBlob): BlobFacts {
  const { kind, bytes, modifiedMs, properties } = blob
  return { name, kind, sizeBytes: bytes.length, modifiedMs, properties: storedProperties(properties) }
}

function committedBlock(blob: StoredBlob | undefined, id: string): Uint8Array | undefined {
  let offsetBytes = 0
  for (const block of blob?.blocks ?? []) {
    if (block.id === id) return blob?.bytes.subarray(offsetBytes, offsetBytes + block.sizeBytes)
    offsetBytes += block.sizeBytes
  }
  return undefined
}
