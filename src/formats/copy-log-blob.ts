// One blob or file of a copy log while its element is open: what was said about it so far, and what it is in the end.

import type { CopyLogBlobPart, ReadAttachment } from './copy-log-parts.js'
import type { ReadRanges } from './copy-log-ranges.js'
import { shown, wholeNumber } from './manifest-blocks.js'
import type { ManifestFailure } from './manifest-elements.js'

/** The texts of an element's children; attributes of those children under `Name@Attribute`. */
export type Texts = Map<string, string>

export class OpenBlob {
  readonly texts: Texts = new Map()
  ranges: ReadRanges | undefined
  endBytes = 0
  #rangesName: string | undefined
  #metadata: ReadAttachment | undefined
  #properties: ReadAttachment | undefined

  constructor(
    readonly status: string,
    readonly isFile: boolean,
    readonly line: number,
  ) {}

  openRanges(name: string, fail: ManifestFailure): void {
    if (this.#rangesName !== undefined) fail(`a blob with a ${this.#rangesName} has no second list of ranges`)
    this.#rangesName = name
  }

  /** @param texts of its element `Metadata` or `Properties`. */
  attach(name: string, texts: Texts, fail: ManifestFailure): void {
    if ((name === 'Metadata' ? this.#metadata : this.#properties) !== undefined) fail(`the blob has a second ${name}`)
    // Its own file counts where there are both.
    const isGlobal = !texts.has('Path') && texts.has('GlobalPath')
    const pathName = isGlobal ? 'GlobalPath' : 'Path'
    const hash = texts.get(`${pathName}@Hash`)?.trim().toUpperCase()
    if (hash !== undefined && hash !== '' && !/^[0-9A-F]{32}$/.test(hash)) {
      fail(`Hash is ${shown(hash)}, expected 32 hexadecimal digits`)
    }
    const status = texts.get('@Status') as string
    const attachment = { status, path: filled(texts, pathName), hash: hash || undefined, isGlobal }
    if (name === 'Metadata') this.#metadata = attachment
    else this.#properties = attachment
  }

  finish(fail: ManifestFailure): CopyLogBlobPart {
    const { texts } = this
    const blobPath = filled(texts, 'BlobPath') ?? filled(texts, 'FileStoragePath')
    const filePath = filled(texts, 'FilePath') ?? filled(texts, 'OriginalFilePath')
    if (blobPath === undefined && filePath === undefined) fail('the blob has neither a BlobPath nor a FilePath')
    const length = filled(texts, 'Length') ?? filled(texts, 'SizeInBytes')
    const lengthBytes = length === undefined ? undefined : bytesOf('Length', length, fail)
    if (lengthBytes !== undefined && this.endBytes > lengthBytes) {
      fail(`${shown(blobPath ?? filePath)} has ${lengthBytes} bytes, but a range that ends at ${this.endBytes}`)
    }
    const hasDisposition = texts.has('ImportDisposition') || texts.has('ImportDisposition@Status')
    return {
      kind: 'blob',
      status: this.status,
      blobKind: this.#kind(),
      blobPath: blobPath?.replaceAll('\\', '/'),
      filePath,
      lengthBytes,
      disposition: hasDisposition
        ? { wanted: filled(texts, 'ImportDisposition'), status: filled(texts, 'ImportDisposition@Status') }
        : undefined,
      ranges: this.ranges,
      metadata: this.#metadata,
      properties: this.#properties,
      snapshot: filled(texts, 'Snapshot'),
      lastModified: filled(texts, 'LastModified'),
      crc64: undefined,
      line: this.line,
    }
  }

  #kind(): CopyLogBlobPart['blobKind'] {
    if (this.isFile) return 'file'
    if (this.#rangesName === undefined) return undefined
    return this.#rangesName === 'BlockList' ? 'block' : 'page'
  }
}

export function filled(texts: Texts, name: string): string | undefined {
  return texts.get(name) || undefined
}

export function bytesOf(name: string, text: string, fail: ManifestFailure): number {
  return wholeNumber(text.trim()) ?? fail(`${name} is ${shown(text)}, expected a number of bytes`)
}
