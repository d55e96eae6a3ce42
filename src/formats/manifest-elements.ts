// The grammar of the drive manifest as a state machine over the events of an XML parser: which element may stand where, which
// attributes it has, and what becomes of it. manifest-reader.ts feeds it and hands out what it has put together.

import { type Disposition, dispositions } from './blob-limits.js'
import { BlockCollector, type ReadBlocks, shown, wholeNumber } from './manifest-blocks.js'
import { type ElementRule, ruleOf } from './manifest-grammar.js'
import type { ManifestPart, ReadManifestHeader, ReadManifestList } from './manifest-parts.js'
import { blobPathProblem, drivePathProblem } from './manifest-paths.js'
import type { HashedPath } from './manifest-writer.js'

/** What kind of thing is wrong, for whoever decides by it. */
export type ManifestCode = 'MANIFEST_INVALID' | 'MANIFEST_PATH' | 'MANIFEST_BLOCKS' | 'MANIFEST_XML'

/** Reports a problem at the current element, or at the line and column given; MANIFEST_INVALID when no code is given. */
export type ManifestFailure = (
  problem: string,
  place?: { line: number; column: number } | undefined,
  code?: ManifestCode,
) => never

/** What is known of a blob while it is open. Plain fields: there are millions of them. */
class OpenBlob {
  blobPath: string | undefined
  filePath: string | undefined
  snapshot: string | undefined
  disposition: Disposition | undefined
  lengthBytes = -1
  kind: 'block' | 'page' | undefined
  blocks: ReadBlocks | undefined
  metadata: HashedPath | undefined
  properties: HashedPath | undefined

  constructor(
    readonly line: number,
    readonly column: number,
  ) {}
}

export class ManifestElements {
  #parts: ManifestPart[] = []
  readonly #stack: string[] = ['']
  #opaqueDepth = 0
  #text = ''
  #hash: string | undefined
  #version = ''
  readonly #driveTexts = new Map<string, string>()
  readonly #seenBits: number[] = [0]
  #lists = 0
  #blobs = 0
  #list: ReadManifestList = { id: undefined, metadata: undefined, properties: undefined }
  #listHasBlobs = false
  #blob: OpenBlob | undefined
  readonly #collector: BlockCollector

  constructor(
    readonly limits: { blobsMax: number; rangesMax: number; textMax: number },
    readonly fail: ManifestFailure,
    readonly place: () => { line: number; column: number },
  ) {
    this.#collector = new BlockCollector(limits.rangesMax)
  }

  /** What is finished since the last call. */
  takeParts(): ManifestPart[] {
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.#opaqueDepth > 0) {
      this.#opaqueDepth += 1
      return
    }
    const parent = this.#stack[this.#stack.length - 1] as string
    const bit = ruleOf.get(parent)?.childBits.get(name)
    if (bit === undefined) {
      this.fail(
        parent === ''
          ? `the root element is ${shown(name)}, expected DriveManifest`
          : `${parent} has no element ${shown(name)}`,
      )
    }
    const top = this.#seenBits.length - 1
    const seen = this.#seenBits[top] as number
    if ((seen & bit) !== 0) this.fail(`${parent} has a second ${name}`)
    this.#seenBits[top] = seen | bit
    const rule = ruleOf.get(name) as ElementRule
    for (const attribute in attributes) {
      if (!rule.attributes?.includes(attribute) && !attribute.startsWith('xmlns')) {
        this.fail(`${name} has no attribute ${shown(attribute)}`)
      }
      if ((attributes[attribute] as string).length > this.limits.textMax) {
        this.#refuse(
          'MANIFEST_XML',
          `the attribute ${shown(attribute)} is longer than ${this.limits.textMax} characters`,
        )
      }
    }
    this.#stack.push(name)
    this.#text = ''
    if (rule.isOpaque) this.#opaqueDepth = 1
    else if (name === 'Block' || name === 'PageRange') this.#addBlock(attributes)
    else this.#openStructure(name, attributes)
  }

  addText(value: string): void {
    if (this.#opaqueDepth > 0) return
    const name = this.#stack[this.#stack.length - 1] as string
    if (ruleOf.get(name)?.hasText) {
      this.#text += value
      if (this.#text.length > this.limits.textMax) {
        this.#refuse('MANIFEST_XML', `${name} is longer than ${this.limits.textMax} characters`)
      }
    } else if (/[^ \t\r\n]/.test(value)) this.fail(`${name} has text in it: ${shown(value.trim())}`)
  }

  close(): void {
    if (this.#opaqueDepth > 1) {
      this.#opaqueDepth -= 1
      return
    }
    this.#opaqueDepth = 0
    const name = this.#stack.pop() as string
    const rule = ruleOf.get(name) as ElementRule
    if (rule.children !== undefined) this.#seenBits.pop()
    if (rule.hasText) this.#closeText(name, this.#stack[this.#stack.length - 1] as string)
    else if (name === 'PageRangeList' || name === 'BlockList') this.#closeBlocks()
    else if (name === 'Blob') this.#closeBlob()
    else if (name === 'Drive' && this.#lists === 0) this.fail('the drive has no BlobList')
    else if (name === 'DriveManifest') {
      if (this.#lists === 0) this.fail('the manifest has no Drive')
    }
  }

  #openStructure(name: string, attributes: Readonly<Record<string, string>>): void {
    if (ruleOf.get(name)?.children !== undefined) this.#seenBits.push(0)
    if (name === 'DriveManifest') {
      const { Version: version } = attributes
      if (version === undefined || !/^\d{4}-[0-9M]{2}-[0-9D]{2}$/.test(version)) {
        this.fail(`Version is ${shown(version)}, expected a date such as 2014-11-01`)
      }
      this.#version = version
    } else if (name === 'BlobList') this.#openList(attributes.Id)
    else if (name === 'Blob') this.#openBlob()
    else if (name === 'PageRangeList' || name === 'BlockList') this.#openBlocks(name)
    else if (name === 'MetadataPath' || name === 'PropertiesPath') {
      if (this.#blob === undefined && this.#listHasBlobs) this.fail(`${name} of a list has to stand before its blobs`)
      this.#hash = attributes.Hash
      if (this.#hash === undefined || !/^[0-9A-Fa-f]{32}$/.test(this.#hash)) {
        this.fail(`Hash is ${shown(this.#hash)}, expected 32 hexadecimal digits`)
      }
    }
  }

  #openList(id: string | undefined): void {
    if (this.#lists === 0) this.#parts.push(this.#header())
    this.#lists += 1
    this.#list = { id, metadata: undefined, properties: undefined }
    this.#listHasBlobs = false
  }

  #header(): ReadManifestHeader {
    const driveId = this.#driveTexts.get('DriveId')
    if (driveId === undefined) this.fail('DriveId has to stand before the first BlobList')
    const storageAccountKey = this.#driveTexts.get('StorageAccountKey')
    const containerSas = this.#driveTexts.get('ContainerSas')
    if (storageAccountKey !== undefined && containerSas !== undefined) {
      this.fail('the drive has both a StorageAccountKey and a ContainerSas')
    }
    const credential =
      storageAccountKey !== undefined
        ? { storageAccountKey }
        : containerSas !== undefined
          ? { containerSas }
          : undefined
    const clientCreator = this.#driveTexts.get('ClientCreator')
    return { kind: 'header', version: this.#version, driveId, clientCreator, credential }
  }

  #openBlob(): void {
    this.#blobs += 1
    if (this.#blobs > this.limits.blobsMax) this.fail(`the manifest has more than ${this.limits.blobsMax} blobs`)
    this.#listHasBlobs = true
    const { line, column } = this.place()
    this.#blob = new OpenBlob(line, column)
  }

  #openBlocks(name: 'PageRangeList' | 'BlockList' | string): void {
    const blob = this.#blob as OpenBlob
    if (blob.kind !== undefined) this.fail('a blob has either a PageRangeList or a BlockList, not both')
    if (blob.lengthBytes < 0) this.fail(`Length has to stand before ${name}`)
    blob.kind = name === 'PageRangeList' ? 'page' : 'block'
    const problem = this.#collector.start(blob.kind === 'page', blob.lengthBytes)
    if (problem !== undefined) this.#refuse('MANIFEST_BLOCKS', problem)
  }

  #addBlock({ Offset: offset, Length: length, Hash: hash, Id: id }: Readonly<Record<string, string>>): void {
    const problem = this.#collector.add({ offset, length, hash, id })
    if (problem !== undefined) this.#refuse('MANIFEST_BLOCKS', problem)
  }

  #closeBlocks(): void {
    const blob = this.#blob as OpenBlob
    const blocks = this.#collector.finish()
    if (typeof blocks === 'string') this.fail(`${blob.blobPath ?? 'the blob'}: ${blocks}`, blob, 'MANIFEST_BLOCKS')
    else blob.blocks = blocks
  }

  #closeText(name: string, parent: string): void {
    const value = this.#text.trim()
    if (name === 'MetadataPath' || name === 'PropertiesPath') {
      this.#checkPath(value, name)
      const file = { path: value, hash: (this.#hash as string).toUpperCase() }
      const owner = parent === 'Blob' ? (this.#blob as OpenBlob) : this.#list
      if (name === 'MetadataPath') owner.metadata = file
      else owner.properties = file
      return
    }
    if (value === '' && name !== 'ClientCreator') this.fail(`${name} is empty`)
    if (parent === 'Drive') {
      if (this.#lists > 0) this.fail(`${name} has to stand before the first BlobList`)
      this.#driveTexts.set(name, value)
      return
    }
    this.#setBlobText(this.#blob as OpenBlob, name, value)
  }

  #setBlobText(blob: OpenBlob, name: string, value: string): void {
    if (name === 'FilePath') {
      this.#checkPath(value, name)
      blob.filePath = value
    } else if (name === 'BlobPath') {
      const problem = blobPathProblem(value)
      if (problem !== undefined) this.#refuse('MANIFEST_PATH', `BlobPath is ${shown(value)}: ${problem}`)
      blob.blobPath = value
    } else if (name === 'Length') {
      blob.lengthBytes = wholeNumber(value) ?? this.fail(`Length is ${shown(value)}, expected a number of bytes`)
    } else if (name === 'Snapshot') blob.snapshot = value
    else {
      blob.disposition = dispositions.find((known) => known === value)
      if (blob.disposition === undefined) {
        this.fail(`ImportDisposition is ${shown(value)}, expected rename, no-overwrite or overwrite`)
      }
    }
  }

  #checkPath(value: string, name: string): void {
    const problem = drivePathProblem(value)
    if (problem !== undefined) this.#refuse('MANIFEST_PATH', `${name} is ${shown(value)}: ${problem}`)
  }

  #refuse(code: ManifestCode, problem: string): never {
    return this.fail(problem, undefined, code)
  }

  #closeBlob(): void {
    const blob = this.#blob as OpenBlob
    this.#blob = undefined
    const { blobPath, filePath, kind, blocks, lengthBytes } = blob
    if (blobPath === undefined || filePath === undefined || lengthBytes < 0) {
      const missing = blobPath === undefined ? 'BlobPath' : filePath === undefined ? 'FilePath' : 'Length'
      this.fail(`the blob has no ${missing}`, blob)
    }
    if (kind === undefined || blocks === undefined) {
      this.fail(`${blobPath} has neither a PageRangeList nor a BlockList`, blob)
    }
    this.#parts.push({
      kind,
      blobPath,
      filePath,
      lengthBytes,
      disposition: blob.disposition,
      snapshot: blob.snapshot,
      metadata: blob.metadata,
      properties: blob.properties,
      list: this.#list,
      line: blob.line,
      offsets: blocks.offsets,
      lengths: blocks.lengths,
      digests: blocks.digests,
      ids: blocks.ids,
    })
  }
}
