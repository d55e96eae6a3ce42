// Finding what belongs to a blob of a folder store: its content, the bytes of its blocks, and the records of a container.

import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobPlace } from './blob-store.js'
import { type BlockPiece, listBlockFiles } from './folder-content.js'
import { isThere } from './folder-paths.js'
import { type BlobRecord, type RecordPaths, readRecord } from './folder-records.js'
import { blockMissing, throwIfAborted } from './local-rules.js'

export async function openContent(paths: RecordPaths, record: BlobRecord, flags: 'r' | 'r+'): Promise<FileHandle> {
  try {
    return await open(paths.content(record.content), flags)
  } catch (error) {
    if (record.path === undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return await open(join(paths.container, record.path), flags)
  }
}

/** Where the bytes of the blocks are: the newest of each id, so uncommitted ones first. */
export async function blockPieces(
  place: BlobPlace,
  paths: RecordPaths,
  old: BlobRecord | undefined,
  ids: readonly string[],
): Promise<BlockPiece[]> {
  const uncommitted = new Map((await listBlockFiles(paths.blocks(place.name))).map((block) => [block.id, block]))
  const committed = new Map<string, Omit<BlockPiece, 'open'>>()
  let offsetBytes = 0
  for (const { id, sizeBytes } of old?.blocks ?? []) {
    committed.set(id, { offsetBytes, lengthBytes: sizeBytes })
    offsetBytes += sizeBytes
  }
  return ids.map((id) => {
    const block = uncommitted.get(id)
    if (block !== undefined) return { open: () => open(block.path), offsetBytes: 0, lengthBytes: block.sizeBytes }
    const piece = committed.get(id)
    if (old === undefined || piece === undefined) throw blockMissing(place, id)
    return { ...piece, open: () => openContent(paths, old, 'r') }
  })
}

/** Without what never became a record or its content. */
export async function recordNames(
  paths: RecordPaths,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<{ name: string; path: string }[]> {
  const found: { name: string; path: string }[] = []
  const folders = (await isThere(paths.records)) ? await readdir(paths.records) : []
  for (const folder of folders) {
    throwIfAborted(signal)
    const files = (await readdir(join(paths.records, folder))).filter((file) => file.endsWith('.json'))
    for (const file of files) {
      const path = join(paths.records, folder, file)
      const record = await readRecord(path)
      if (record?.name.startsWith(prefix)) found.push({ name: record.name, path })
    }
  }
  return found
}
