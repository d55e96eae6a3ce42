// Blobs in a folder: `<root>/<container>/<blob name>` as ordinary files, with what files cannot hold beside them in a hidden
// folder (folder-records.ts). For a staging disk, a file server, and for looking at what an import would bring. One process
// at a time may write to it.

import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
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
import {
  anyBlockId,
  type BlockPiece,
  blockFileName,
  copyPiece,
  listBlockFiles,
  notedPages,
  notePages,
  readExactly,
  writeAll,
} from './folder-content.js'
import { folderError } from './folder-errors.js'
import { blockPieces, openContent, recordNames } from './folder-lookup.js'
import { isThere, removePath, reservePath } from './folder-paths.js'
import { type BlobRecord, encodeRecord, RecordPaths, readRecord, writeDurably } from './folder-records.js'
import {
  blobNotFound,
  clipRange,
  compareNames,
  containerNotFound,
  replacedProperties,
  requireIdLength,
  requireKind,
  requireMd5,
  requirePagesInside,
  shown,
  storedProperties,
  throwIfAborted,
} from './local-rules.js'
import { NamedLocks } from './named-locks.js'
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

type NewBlob = Pick<BlobRecord, 'kind' | 'sizeBytes' | 'properties' | 'blocks'>

export class FolderStore implements BlobStore {
  readonly name: string
  readonly #locks = new NamedLocks()

  private constructor(private readonly root: string) {
    this.name = root
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
    const paths = this.#paths(container)
    return await this.#guard(`Container ${container}`, async () => {
      if (await isThere(paths.hidden)) return false
      for (const folder of ['records', 'content', 'blocks']) {
        await mkdir(join(paths.hidden, folder), { recursive: true })
      }
      await syncFolder(paths.hidden)
      await syncFolder(paths.container)
      await syncFolder(this.root)
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
    return await this.#change(place, options, async (paths, old) => {
      if (options.ifAbsent && old !== undefined) return 'exists'
      requireMd5(place, bytes, md5)
      const properties = storedProperties({ contentMd5: md5, ...options.properties })
      const blob: NewBlob = { kind: 'block', sizeBytes: bytes.length, properties, blocks: [] }
      return await this.#store(paths, place.name, old, blob, (file) => writeAll(file, bytes))
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
    checkPlace(place)
    throwIfAborted(options.signal)
    const paths = this.#paths(place.container)
    // Blocks of one blob are written side by side: the lock is the block's, and replacing a file needs none of the blob's.
    await this.#guard(shown(place), () =>
      this.#locks.run(`${place.container}/${place.name}\n${id}`, async () => {
        await requireContainer(paths, place.container)
        const old = await readRecord(paths.record(place.name))
        requireKind(place, old?.kind, 'block')
        requireMd5(place, bytes, md5)
        requireIdLength(place, id, (await anyBlockId(paths.blocks(place.name))) ?? old?.blocks[0]?.id)
        await writeDurably(join(paths.blocks(place.name), blockFileName(id)), (file) => writeAll(file, bytes))
      }),
    )
  }

  async listBlocks(place: BlobPlace, options: SignalOption = {}): Promise<BlockLists> {
    return await this.#change(place, options, async (paths, old) => {
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
    return await this.#change(place, options, async (paths, old) => {
      if (options.ifAbsent && old !== undefined) return 'exists'
      requireKind(place, old?.kind, 'block')
      const pieces = await blockPieces(place, paths, old, ids)
      const blocks = ids.map((id, index) => ({ id, sizeBytes: (pieces[index] as BlockPiece).lengthBytes }))
      const sizeBytes = blocks.reduce((sum, block) => sum + block.sizeBytes, 0)
      const blob: NewBlob = { kind: 'block', sizeBytes, properties: storedProperties(options.properties), blocks }
      return await this.#store(paths, place.name, old, blob, async (file) => {
        for (const piece of pieces) {
          throwIfAborted(options.signal)
          await copyPiece(piece, file)
        }
      })
    })
  }

  async createPageBlob(place: BlobPlace, sizeBytes: number, options: WriteOptions = {}): Promise<WriteResult> {
    checkPageBlob(sizeBytes)
    return await this.#change(place, options, async (paths, old) => {
      if (options.ifAbsent && old !== undefined) return 'exists'
      const blob: NewBlob = { kind: 'page', sizeBytes, properties: storedProperties(options.properties), blocks: [] }
      return await this.#store(paths, place.name, old, blob, (file) => file.truncate(sizeBytes))
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
    await this.#change(place, options, async (paths, record) => {
      if (record === undefined) throw blobNotFound(place)
      requireKind(place, record.kind, 'page')
      requirePagesInside(place, record.sizeBytes, { offsetBytes, lengthBytes: bytes.length })
      requireMd5(place, bytes, md5)
      const file = await openContent(paths, record, 'r+')
      try {
        await writeAll(file, bytes, offsetBytes)
        await file.datasync()
      } finally {
        await file.close()
      }
      await notePages(paths.pages(record.content), offsetBytes, bytes.length)
    })
  }

  async listPageRanges(place: BlobPlace, options: SignalOption = {}): Promise<ByteRange[]> {
    return await this.#change(place, options, async (paths, record) => {
      if (record === undefined) throw blobNotFound(place)
      requireKind(place, record.kind, 'page')
      return await notedPages(paths.pages(record.content))
    })
  }

  async setProperties(place: BlobPlace, properties: BlobProperties, options: SignalOption = {}): Promise<void> {
    await this.#change(place, options, async (paths, record) => {
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
    const path = this.#paths(place.container).record(place.name)
    const record = await this.#guard(shown(place), () => readRecord(path))
    return record === undefined ? undefined : factsOf(record)
  }

  async *read(place: BlobPlace, range?: ByteRange, options: SignalOption = {}): AsyncIterable<Uint8Array> {
    checkRange(range)
    // Under the lock, so that record and content belong together; an open file stays what it was.
    const { file, record } = await this.#change(place, options, async (paths, found) => {
      if (found === undefined) throw blobNotFound(place)
      return { record: found, file: await openContent(paths, found, 'r') }
    })
    try {
      const { offsetBytes, lengthBytes } = clipRange(range, record.sizeBytes)
      const endBytes = offsetBytes + lengthBytes
      for (let at = offsetBytes; at < endBytes; at += readBytes) {
        throwIfAborted(options.signal)
        const wanted = Math.min(readBytes, endBytes - at)
        yield await this.#guard(shown(place), () => readExactly(file, at, wanted))
      }
    } finally {
      await file.close()
    }
  }

  async *list(container: string, prefix: string, options: SignalOption = {}): AsyncIterable<BlobFacts> {
    checkContainer(container)
    throwIfAborted(options.signal)
    const paths = this.#paths(container)
    const subject = `Container ${container}`
    const found = await this.#guard(subject, () => recordNames(paths, prefix, options.signal))
    found.sort((left, right) => compareNames(left.name, right.name))
    for (const { path } of found) {
      throwIfAborted(options.signal)
      const record = await this.#guard(subject, () => readRecord(path))
      if (record !== undefined) yield factsOf(record)
    }
  }

  async remove(place: BlobPlace, options: SignalOption = {}): Promise<boolean> {
    checkPlace(place)
    throwIfAborted(options.signal)
    const paths = this.#paths(place.container)
    if (!(await isThere(paths.hidden))) return false
    return await this.#change(place, options, async (_, record) => {
      if (record === undefined) return false
      await rm(paths.record(place.name))
      await syncFolder(dirname(paths.record(place.name)))
      await this.#discard(paths, record)
      await rm(paths.blocks(place.name), { recursive: true, force: true })
      if (record.path !== undefined) await removePath(paths.container, record.path)
      return true
    })
  }

  async close(): Promise<void> {}

  #paths(container: string): RecordPaths {
    return new RecordPaths(join(this.root, container))
  }

  async #guard<Result>(subject: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw folderError(error, subject)
    }
  }

  /** One call at a time for a blob, with its record. */
  async #change<Result>(
    place: BlobPlace,
    options: SignalOption,
    work: (paths: RecordPaths, record: BlobRecord | undefined) => Promise<Result>,
  ): Promise<Result> {
    checkPlace(place)
    throwIfAborted(options.signal)
    const paths = this.#paths(place.container)
    return await this.#guard(shown(place), () =>
      this.#locks.run(`${place.container}/${place.name}`, async () => {
        throwIfAborted(options.signal)
        await requireContainer(paths, place.container)
        return await work(paths, await readRecord(paths.record(place.name)))
      }),
    )
  }

  /** New content, then the record that names it, then its move to the blob's path: correct after a stop at any point. */
  async #store(
    paths: RecordPaths,
    name: string,
    old: BlobRecord | undefined,
    blob: NewBlob,
    write: (file: FileHandle) => Promise<void>,
  ): Promise<WriteResult> {
    const content = randomUUID()
    await writeDurably(paths.content(content), write)
    const path = old?.path ?? (await reservePath(paths.container, name))
    const record: BlobRecord = {
      ...blob,
      name,
      content,
      modifiedMs: Date.now(),
      ...(path === undefined ? {} : { path }),
    }
    await writeRecord(paths, record)
    if (path !== undefined) await rename(paths.content(content), join(paths.container, path))
    if (old !== undefined) await this.#discard(paths, old)
    await rm(paths.blocks(name), { recursive: true, force: true })
    return 'written'
  }

  async #discard(paths: RecordPaths, record: BlobRecord): Promise<void> {
    await rm(paths.content(record.content), { force: true })
    await rm(paths.pages(record.content), { force: true })
  }
}

function factsOf({ name, kind, sizeBytes, modifiedMs, properties }: BlobRecord): BlobFacts {
  return { name, kind, sizeBytes, modifiedMs, properties }
}

async function requireContainer(paths: RecordPaths, container: string): Promise<void> {
  if (!(await isThere(paths.hidden))) throw containerNotFound(container)
}

async function writeRecord(paths: RecordPaths, record: BlobRecord): Promise<void> {
  await writeDurably(paths.record(record.name), (file) => writeAll(file, encodeRecord(record)))
}
