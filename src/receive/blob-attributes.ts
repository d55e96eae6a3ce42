// What a blob carries beside its content: metadata and properties files on the drive, each with its hash in the manifest. One
// that cannot be used does not keep the content from the account; it is reported beside it.

import { createHash } from 'node:crypto'
import { TransferError } from '../errors.js'
import { type NamedValue, parseMetadata, parseProperties } from '../formats/blob-properties.js'
import type { AttachmentStatus } from '../formats/copy-log-codes.js'
import type { CopyLogAttachment } from '../formats/copy-log-writer.js'
import type { ReadManifestBlob } from '../formats/manifest-reader.js'
import type { HashedPath } from '../formats/manifest-writer.js'
import type { BlobProperties } from '../storage/blob-store.js'
import type { ShippedDrive } from './shipped-drive.js'

export interface BlobAttributes {
  properties: BlobProperties
  metadataFile: CopyLogAttachment | undefined
  propertiesFile: CopyLogAttachment | undefined
}

interface ReadFile {
  status: AttachmentStatus
  entries: NamedValue[]
}

export const attachmentBytesMax = 1 << 20
/** Files of lists are named by every blob; those of single blobs only once. */
const keptFilesMax = 1000

const propertyKeys = {
  'Content-Type': 'contentType',
  'Content-Encoding': 'contentEncoding',
  'Content-Language': 'contentLanguage',
  'Cache-Control': 'cacheControl',
} as const

/** The file's content, with the hash that it must have, or why it cannot be had. */
export type AttachmentSource = (file: HashedPath) => Promise<Buffer | AttachmentStatus>

export class AttributeReader {
  readonly #kept = new Map<string, Promise<ReadFile>>()

  /** @param sources each is asked until one has the file. */
  constructor(private readonly sources: readonly AttachmentSource[]) {}

  async of(blob: Pick<ReadManifestBlob, 'metadata' | 'properties' | 'list'>): Promise<BlobAttributes> {
    const metadata = await this.#file('metadata', blob.metadata, blob.list.metadata)
    const properties = await this.#file('properties', blob.properties, blob.list.properties)
    const found: BlobProperties = {}
    for (const [name, value] of properties.entries) {
      if (name === 'Content-MD5') found.contentMd5 = Buffer.from(value, 'base64')
      const key = propertyKeys[name as keyof typeof propertyKeys]
      if (key !== undefined) found[key] = value
    }
    if (metadata.entries.length > 0) found.metadata = metadata.entries
    return { properties: found, metadataFile: metadata.told, propertiesFile: properties.told }
  }

  /** A blob's own file, or else that of its list. */
  async #file(kind: 'metadata' | 'properties', own: HashedPath | undefined, list: HashedPath | undefined) {
    const wanted = own ?? list
    if (wanted === undefined) return { entries: [], told: undefined }
    const { status, entries } = await this.#read(kind, wanted)
    return { entries, told: { path: wanted.path, hash: wanted.hash, status, isGlobal: own === undefined } }
  }

  #read(kind: 'metadata' | 'properties', file: HashedPath): Promise<ReadFile> {
    const key = `${kind} ${file.hash} ${file.path}`
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    if (this.#kept.size >= keptFilesMax) this.#kept.clear()
    const reading = this.#readNow(kind, file)
    this.#kept.set(key, reading)
    return reading
  }

  async #readNow(kind: 'metadata' | 'properties', file: HashedPath): Promise<ReadFile> {
    let status: AttachmentStatus | undefined
    for (const source of this.sources) {
      const content = await source(file)
      if (typeof content !== 'string') return parseAttachment(kind, content, file.path)
      status ??= content
    }
    return { status: status ?? 'FileNotFound', entries: [] }
  }
}

function parseAttachment(kind: 'metadata' | 'properties', content: Buffer, path: string): ReadFile {
  try {
    const text = content.toString('utf8')
    const entries = kind === 'metadata' ? parseMetadata(text, path) : parseProperties(text, path, { isExport: true })
    return { status: 'Completed', entries }
  } catch (error) {
    if (error instanceof TransferError) return { status: 'XmlReadFailed', entries: [] }
    throw error
  }
}

export function attachmentOnDrive({ index, tree, ntfs }: ShippedDrive): AttachmentSource {
  return async (wanted) => {
    const file = index.find(wanted.path)
    if (file === undefined) return 'FileNotFound'
    const sizeBytes = tree.fileSizeBytes[file] as number
    if (sizeBytes > attachmentBytesMax) return 'XmlReadFailed'
    const content = await ntfs.readFile(tree.fileRecord[file] as number, 0, sizeBytes).catch(() => undefined)
    if (content === undefined) return 'IOFailed'
    return hasHash(content, wanted) ? content : 'Corrupted'
  }
}

export function hasHash(content: Buffer, { hash }: HashedPath): boolean {
  return createHash('md5').update(content).digest('hex').toUpperCase() === hash.toUpperCase()
}

/** What went wrong with them, as a sentence; undefined when nothing did. */
export function attributeProblem({ metadataFile, propertiesFile }: BlobAttributes): string | undefined {
  const bad = [metadataFile, propertiesFile].filter((file) => file !== undefined && file.status !== 'Completed')
  if (bad.length === 0) return undefined
  return `The content was imported; ${bad.map((file) => `${file?.path} was not applied (${file?.status})`).join(', ')}.`
}
