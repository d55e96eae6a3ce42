// How a blob of a folder store changes: in an order that is correct after a stop at any point. Bytes are on stable storage before
// anything says that they are there.

import { randomUUID } from 'node:crypto'
import { type FileHandle, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../sync-folder.js'
import { notePages, writeAll } from './folder-content.js'
import { openContent } from './folder-lookup.js'
import { removePath, reservePath } from './folder-paths.js'
import { type BlobRecord, encodeRecord, type RecordPaths, writeDurably } from './folder-records.js'

export type NewBlob = Pick<BlobRecord, 'kind' | 'sizeBytes' | 'properties' | 'blocks'>

/** New content, then the record that names it, then its move to the blob's path; what was there before goes last. */
export async function storeBlob(
  paths: RecordPaths,
  name: string,
  old: BlobRecord | undefined,
  blob: NewBlob,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
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
  if (old !== undefined) await discardContent(paths, old)
  await rm(paths.blocks(name), { recursive: true, force: true })
}

export async function writeRecord(paths: RecordPaths, record: BlobRecord): Promise<void> {
  await writeDurably(paths.record(record.name), (file) => writeAll(file, encodeRecord(record)))
}

/** Into a page blob, in place. */
export async function writePages(
  paths: RecordPaths,
  record: BlobRecord,
  offsetBytes: number,
  bytes: Uint8Array,
): Promise<void> {
  const file = await openContent(paths, record, 'r+')
  try {
    await writeAll(file, bytes, offsetBytes)
    await file.datasync()
  } finally {
    await file.close()
  }
  await notePages(paths.pages(record.content), offsetBytes, bytes.length)
}

/** The record first: without it the blob is gone, whatever is left of it. */
export async function removeBlob(paths: RecordPaths, name: string, record: BlobRecord): Promise<void> {
  await rm(paths.record(name))
  await syncFolder(dirname(paths.record(name)))
  await discardContent(paths, record)
  await rm(paths.blocks(name), { recursive: true, force: true })
  if (record.path !== undefined) await removePath(paths.container, record.path)
}

async function discardContent(paths: RecordPaths, record: BlobRecord): Promise<void> {
  await rm(paths.content(record.content), { force: true })
  await rm(paths.pages(record.content), { force: true })
}
