// An import that failed in part, and its repair: drives with damaged files, a store that counts what it is sent.

import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { filePath } from '../../src/file-tree.js'
import { openDrive } from '../../src/index.js'
import { type RepairRequest, type RepairResult, repairImport } from '../../src/receive/repair.js'
import type { BlobPlace, BlobStore, SignalOption, WriteOptions, WriteResult } from '../../src/storage/blob-store.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import type { MadeDrives } from './made-import.js'

/** Flips one bit of each of these places of files on the first drive. */
export async function damage({ drives }: MadeDrives, places: readonly [path: string, offset: number][]): Promise<void> {
  const [drive] = drives
  assert.ok(drive !== undefined)
  const opened = await openDrive(drive.path, drive.secret)
  const tree = await opened.ntfs.readTree()
  const files = new Map([...tree.fileDirectory.keys()].map((file) => [filePath(tree, file), file]))
  const found = places.map(([path, offset]) => {
    const file = files.get(path)
    assert.ok(file !== undefined, path)
    const { firstExtent, offsetBytes } = tree.extents
    return opened.place.offsetBytes + (offsetBytes[firstExtent[file] as number] as number) + offset
  })
  await opened.close()
  const image = await open(drive.path, 'r+')
  for (const at of found) {
    const byte = Buffer.alloc(1)
    await image.read(byte, 0, 1, at)
    byte[0] = (byte[0] as number) ^ 0x10
    await image.write(byte, 0, 1, at)
  }
  await image.close()
}

/** The error log of an import, beside its journal. */
export async function errorLog({ folder }: MadeDrives): Promise<string> {
  const { readdir } = await import('node:fs/promises')
  const logs = (await readdir(join(folder, 'import.jrn.d'))).filter((name) => name.endsWith('_error.xml'))
  assert.equal(logs.length, 1)
  return join(folder, 'import.jrn.d', logs[0] as string)
}

export function repair(logPath: string, store: BlobStore, changes: Partial<RepairRequest> = {}): Promise<RepairResult> {
  return repairImport({ logPath, store, ...changes })
}

/** Says what content it was sent: `name bytes`, with the offset of pages. */
export class CountingStore extends MemoryStore {
  #sent: string[] = []
  /** Called before each. */
  before: () => void = () => {}

  override putBlob(place: BlobPlace, bytes: Uint8Array, md5: Uint8Array, options?: WriteOptions): Promise<WriteResult> {
    return this.#noted(place, `${bytes.length}`, () => super.putBlob(place, bytes, md5, options))
  }

  override putBlock(place: BlobPlace, id: string, bytes: Uint8Array, md5: Uint8Array, options?: SignalOption) {
    return this.#noted(place, `${bytes.length}`, () => super.putBlock(place, id, bytes, md5, options))
  }

  override putPages(place: BlobPlace, offset: number, bytes: Uint8Array, md5: Uint8Array, options?: SignalOption) {
    return this.#noted(place, `${bytes.length} at ${offset}`, () => super.putPages(place, offset, bytes, md5, options))
  }

  /** What was sent since the last call, but for logs. */
  takeSent(): string[] {
    const sent = this.#sent.filter((text) => !text.startsWith('waies/')).sort()
    this.#sent = []
    return sent
  }

  async #noted<T>({ name }: BlobPlace, what: string, request: () => Promise<T>): Promise<T> {
    this.before()
    const result = await request()
    this.#sent.push(`${name} ${what}`)
    return result
  }
}
