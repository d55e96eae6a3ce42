// What a folder store keeps about its blobs, in the hidden folder `.blobs` of each container:
//
//   records/ab/SHA256.json   a blob: its exact name, kind, size, properties, and where its content is; the file is the truth
//   content/ID               content that has no path of its own (yet); content/ID.pages the written ranges of a page blob
//   blocks/SHA256/ID         blocks that are not committed
//
// A blob changes when its record is replaced, by one rename; whatever no record names is rubbish of an interrupted call.

import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TransferError } from '../errors.js'
import { syncFolder } from '../sync-folder.js'
import type { BlobProperties, StoredBlock } from './blob-store.js'

export const hiddenFolder = '.blobs'
const recordVersion = 1

export interface BlobRecord {
  name: string
  kind: 'block' | 'page'
  sizeBytes: number
  modifiedMs: number
  properties: BlobProperties
  /** Committed blocks of a blob that has them. */
  blocks: StoredBlock[]
  /** Name below content/. The file is there until it has moved to `path`. */
  content: string
  /** Relative to the container, and taken by this blob alone; absent where no path can hold its name. */
  path?: string
}

/** File names of the hidden folder. */
export class RecordPaths {
  readonly hidden: string

  constructor(readonly container: string) {
    this.hidden = join(container, hiddenFolder)
  }

  get records(): string {
    return join(this.hidden, 'records')
  }

  record(name: string): string {
    const digest = nameDigest(name)
    return join(this.records, digest.slice(0, 2), `${digest}.json`)
  }

  content(id: string): string {
    return join(this.hidden, 'content', id)
  }

  pages(id: string): string {
    return join(this.hidden, 'content', `${id}.pages`)
  }

  blocks(name: string): string {
    return join(this.hidden, 'blocks', nameDigest(name))
  }
}

/** Of the UTF-16 units: names that UTF-8 cannot tell apart have different ones. */
function nameDigest(name: string): string {
  return createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex')
}

/** @throws TransferError STORAGE_REFUSED for a record that is none. */
export async function readRecord(path: string): Promise<BlobRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    const { version, properties, ...record } = JSON.parse(text)
    if (version === recordVersion) return { ...record, properties: decodeProperties(properties) }
  } catch {
    // Said below.
  }
  const hint = 'Put the blob again, or restore the file.'
  throw new TransferError('STORAGE_REFUSED', `${path} is no record of a blob (version ${recordVersion}).`, {
    hint,
    path,
  })
}

export function encodeRecord({ properties, ...record }: BlobRecord): Buffer {
  const { contentMd5, ...others } = properties
  const md5 = contentMd5 === undefined ? {} : { contentMd5: Buffer.from(contentMd5).toString('base64') }
  return Buffer.from(`${JSON.stringify({ version: recordVersion, ...record, properties: { ...others, ...md5 } })}\n`)
}

function decodeProperties(properties: BlobProperties & { contentMd5?: string }): BlobProperties {
  const { contentMd5, ...others } = properties
  return contentMd5 === undefined
    ? others
    : { ...others, contentMd5: Uint8Array.from(Buffer.from(contentMd5, 'base64')) }
}

/** The whole file or none, on stable storage when it returns. */
export async function writeDurably(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = `${path}.new-${process.pid}-${counter++}`
  await mkdir(dirname(path), { recursive: true })
  try {
    const file = await open(temporary, 'wx')
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(path))
}

let counter = 0
