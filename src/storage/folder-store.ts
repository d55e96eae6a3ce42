// Blobs in a folder: `<root>/<container>/<blob name>` as ordinary files, with what files cannot hold beside them in a hidden
// folder (folder-records.ts). For a staging disk, a file server, and for looking at what an import would bring. One process
// at a time may write to it.

import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { syncFolder } from '../sync-folder.js'
import type {
  BlobFacts,
  BlobPlace,
  BlobProperties,
  BlobStore,
  BlockLists,
  ByteRange,
  SignalOption,
  WriteOptions,
  WriteResult,
} from './blob-store.js'
import { FolderCalls } from './folder-calls.js'
import { type NewBlob, removeBlob, storeBlob, writePages, writeRecord } from './folder-changes.js'
import {
  anyBlockId,
  type BlockPiece,
  blockFileName,
  copyPiece,
  listBlockFiles,
  notedPages,
  readExactly,
  writeAll,
} from './folder-content.js'
import { folderError } from './folder-errors.js'
import { blockPieces, openContent, recordNames } from './folder-lookup.js'
import { isThere } from './folder-paths.js'
import { type BlobRecord, readRecord, writeDurably } from './folder-records.js'
import {
  blobNotFound,
  clipRange,
  compareNames,
  replacedProperties,
  requireIdLength,
  requireKind,
  requireMd5,
  requirePagesInside,
  shown,
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

const readBytes = 1 << 20

export class FolderStore implements BlobStore {
  readonly name: string
  readonly #calls: FolderCalls

  private constructor(root: string) {
    this.name = root
    this.#calls = new FolderCalls(root)
  }

  /** Makes the folder when it is not there. */
  static async open(root: string): Promise<FolderStore> {
    const path = resolve(root)
    try {
      await mkdir(path, { recursive: true })
      await readdir(path)
    } catch (error) {
      throw folderError(error, `Folder ${path}`)
    }
    return new FolderStore(path)
  }

  async createContainer(container: string, options: SignalOption = {}): Promise<boolean> {
    checkContainer(container)
    throwIfAborted(options.signal)
    const paths = this.#calls.paths(container)
    return await this.#calls.guard(`Container ${container}`, async () => {
      if (await isThere(paths.hidden)) return false
      for (const folder of ['records', 'content', 'blocks']) {
        await mkdir(join(paths.hidden, folder), { recursive: true })
      }
      await syncFolder(paths.hidden)
      await syncFolder(paths.container)
      await syncFolder(this.name)
      return true
    })
  }

  async putBlob(
    place: BlobPlace,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    checkBlob(bytes, md5)
    return await this.#calls.change(place, options, async (paths, old) => {
      if (options.ifAbsent && old !== undefined) return 'exists'
      requireMd5(place, bytes, md5)
      const properties = storedProperties({ contentMd5: md5, ...options.properties })
      const blob: NewBlob = { kind: 'block', sizeBytes: bytes.length, properties, blocks: [] }
      await storeBlob(paths, place.name, old, blob, (file) => writeAll(file, bytes))
      return 'written'
    })
  }

  async putBlock(
    place: BlobPlace,
    id: string,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    checkBlock(id, bytes, md5)
    await this.#calls.changeBlock(place, id, options, async (paths, old) => {
      requireKind(place, old?.kind, 'block')
      requireMd5(place, bytes, md5)
      requireIdLength(place, id, (await anyBlockId(paths.blocks(place.name))) ?? old?.blocks[0]?.id)
      await writeDurably(join(paths.blocks(place.name), blockFileName(id)), (file) => writeAll(file, bytes))
    })
  }

  async listBlocks(place: BlobPlace, options: SignalOption = {}): Promise<BlockLists> {
    return await this.#calls.change(place, options, async (paths, old) => {
      requireKind(place, old?.kind, 'block')
      const uncommitted = (await listBlockFiles(paths.blocks(place.name))).map(({ id, sizeBytes }) => ({
        id,
        sizeBytes,
      }))
      return {
        committed: old?.blocks ?? [],
        uncommitted: uncommitted.sort((left, right) => compareNames(left.id, right.id)),
      }
    })
  }

  async commitBlocks(place: BlobPlace, ids: readonly string[], options: WriteOptions = {}): Promise<WriteResult> {
    checkBlockIds(ids)
    return await this.#calls.change(place, options, async (paths, old) => {
      if (options.ifAbsent && old !== undefined) return 'exists'
      requireKind(place, old?.kind, 'block')
      const pieces = await blockPieces(place, paths, old, ids)
      const blocks = ids.map((id, index) => ({ id, sizeBytes: (pieces[index] as BlockPiece).lengthBytes }))
      const sizeBytes = blocks.reduce((sum, block) => sum + block.sizeBytes, 0)
      const blob: NewBlob = { kind: 'block', sizeBytes, properties: storedProperties(options.properties), blocks }
      await storeBlob(paths, place.name, old, blob, async (file) => {
        for (const piece of pieces) {
          throwIfAborted(options.signal)
          await copyPiece(piece, file)
        }
      })
      return 'written'
    })
  }

  async createPageBlob(place: BlobPlace, sizeBytes: number, options: WriteOptions = {}): Promise<WriteResult> {
    checkPageBlob(sizeBytes)
    return await this.#calls.change(place, options, async (paths, old) => {
      if (options.ifAbsent && old !== undefined) return 'exists'
      const blob: NewBlob = { kind: 'page', sizeBytes, properties: storedProperties(options.properties), blocks: [] }
      await storeBlob(paths, place.name, old, blob, (file) => file.truncate(sizeBytes))
      return 'written'
    })
  }

  async putPages(
    place: BlobPlace,
    offsetBytes: number,
    bytes: Uint8Array,
    md5: Uint8Array,
    options: SignalOption = {},
  ): Promise<void> {
    checkPages(offsetBytes, bytes, md5)
    await this.#calls.change(place, options, async (paths, record) => {
      if (record === undefined) throw blobNotFound(place)
      requireKind(place, record.kind, 'page')
      requirePagesInside(place, record.sizeBytes, { offsetBytes, lengthBytes: bytes.length })
      requireMd5(place, bytes, md5)
      await writePages(paths, record, offsetBytes, bytes)
    })
  }

  async listPageRanges(place: BlobPlace, options: SignalOption = {}): Promise<ByteRange[]> {
    return await this.#calls.change(place, options, async (paths, record) => {
      if (record === undefined) throw blobNotFound(place)
      requireKind(place, record.kind, 'page')
      return await notedPages(paths.pages(record.content))
    })
  }

  async setProperties(place: BlobPlace, properties: BlobProperties, options: SignalOption = {}): Promise<void> {
    await this.#calls.change(place, options, async (paths, record) => {
      if (record === undefined) throw blobNotFound(place)
      const changed = {
        ...record,
        properties: replacedProperties(record.properties, properties),
        modifiedMs: Date.now(),
      }
      await writeRecord(paths, changed)
    })
  }

  async head(place: BlobPlace, options: SignalOption = {}): Promise<BlobFacts | undefined> {
    checkPlace(place)
    throwIfAborted(options.signal)
    const path = this.#calls.paths(place.container).record(place.name)
    const record = await this.#calls.guard(shown(place), () => readRecord(path))
    return record === undefined ? undefined : factsOf(record)
  }

  async *read(place: BlobPlace, range?: ByteRange, options: SignalOption = {}): AsyncIterable<Uint8Array> {
    checkRange(range)
    // Under the lock, so that record and content belong together; an open file stays what it was.
    const { file, record } = await this.#calls.change(place, options, async (paths, found) => {
      if (found === undefined) throw blobNotFound(place)
      return { record: found, file: await openContent(paths, found, 'r') }
    })
    try {
      const { offsetBytes, lengthBytes } = clipRange(range, record.sizeBytes)
      const endBytes = offsetBytes + lengthBytes
      for (let at = offsetBytes; at < endBytes; at += readBytes) {
        throwIfAborted(options.signal)
        const wanted = Math.min(readBytes, endBytes - at)
        yield await this.#calls.guard(shown(place), () => readExactly(file, at, wanted))
      }
    } finally {
      await file.close()
    }
  }

  async *list(container: string, prefix: string, options: SignalOption = {}): AsyncIterable<BlobFacts> {
    checkContainer(container)
    throwIfAborted(options.signal)
    const paths = this.#calls.paths(container)
    const subject = `Container ${container}`
    const found = await this.#calls.guard(subject, () => recordNames(paths, prefix, options.signal))
    found.sort((left, right) => compareNames(left.name, right.name))
    for (const { path } of found) {
      throwIfAborted(options.signal)
      const record = await this.#calls.guard(subject, () => readRecord(path))
      if (record !== undefined) yield factsOf(record)
    }
  }

  async remove(place: BlobPlace, options: SignalOption = {}): Promise<boolean> {
    checkPlace(place)
    throwIfAborted(options.signal)
    const paths = this.#calls.paths(place.container)
    if (!(await isThere(paths.hidden))) return false
    return await this.#calls.change(place, options, async (_, record) => {
      if (record === undefined) return false
      await removeBlob(paths, place.name, record)
      return true
    })
  }

  async close(): Promise<void> {}
}

function factsOf({ name, kind, sizeBytes, modifiedMs, properties }: BlobRecord): BlobFacts {
  return { name, kind, sizeBytes, modifiedMs, properties }
}
