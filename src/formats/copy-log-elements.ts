// The elements of copy logs as a state machine over the events of an XML parser. It takes all three generations, elements in any
// order and elements that it does not know; what would be ambiguous or endless it refuses. copy-log-reader.ts feeds it.

import { bytesOf, filled, OpenBlob, type Texts } from './copy-log-blob.js'
import { type Scope, scopesOfChildren } from './copy-log-grammar.js'
import type { CopyLogEndPart, CopyLogGeneration, CopyLogPart, CopyLogSummaryPart } from './copy-log-parts.js'
import { RangeCollector } from './copy-log-ranges.js'
import { shown, wholeNumber } from './manifest-blocks.js'
import type { ManifestFailure } from './manifest-elements.js'

export interface CopyLogLimits {
  itemsMax: number
  rangesMax: number
  textMax: number
}

const countsMax = 1000

export class CopyLogElements {
  #parts: CopyLogPart[] = []
  readonly #scopes: Scope[] = ['document']
  readonly #names: string[] = []
  /** Of the open root element, error, summary or attachment, innermost last. */
  readonly #texts: Texts[] = []
  #text = ''
  #items = 0
  #rootName: string | undefined
  #hasHeader = false
  #blob: OpenBlob | undefined
  #errorLine = 0
  #summary: CopyLogSummaryPart | undefined
  #end: CopyLogEndPart = {
    kind: 'end',
    driveId: undefined,
    status: undefined,
    itemsTotal: undefined,
    itemsFailed: undefined,
  }
  #version: string | undefined
  readonly #collector: RangeCollector

  constructor(
    readonly limits: CopyLogLimits,
    readonly fail: ManifestFailure,
    readonly place: () => { line: number; column: number },
  ) {
    this.#collector = new RangeCollector(limits.rangesMax)
  }

  /** What is finished since the last call. */
  takeParts(): CopyLogPart[] {
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  finish(): void {
    this.#parts.push(this.#end)
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const parent = this.#scopes[this.#scopes.length - 1] as Scope
    if (parent === 'text') this.fail(`${this.#names[this.#names.length - 1]} has an element in it: ${shown(name)}`)
    const scope = parent === 'counts' ? 'count' : (scopesOfChildren[parent]?.get(name) ?? 'opaque')
    if (parent === 'document' && scope === 'opaque') {
      this.fail(`${shown(name)} is no element of a copy log, expected DriveLog, CopyLog, ErroredEntity or File`)
    }
    this.#scopes.push(scope)
    this.#names.push(name)
    if (scope === 'opaque') return
    for (const attribute in attributes) {
      if ((attributes[attribute] as string).length > this.limits.textMax) {
        this.fail(`the attribute ${shown(attribute)} is longer than ${this.limits.textMax} characters`)
      }
    }
    if (scope === 'range') {
      const problem = this.#collector.add(attributes)
      if (problem !== undefined) this.fail(problem)
    } else this.#openStructure(scope, name, attributes)
  }

  addText(value: string): void {
    const scope = this.#scopes[this.#scopes.length - 1]
    if (scope === 'text') {
      this.#text += value
      if (this.#text.length > this.limits.textMax) {
        this.fail(`${this.#names[this.#names.length - 1]} is longer than ${this.limits.textMax} characters`)
      }
    } else if (scope === 'document' && /[^ \t\r\n\uFEFF]/.test(value)) {
      this.fail(`there is text outside of all elements: ${shown(value.trim())}`)
    }
  }

  close(): void {
    const scope = this.#scopes.pop() as Scope
    const name = this.#names.pop() as string
    switch (scope) {
      case 'text':
        this.#closeText(name)
        break
      case 'ranges':
        this.#closeRanges()
        break
      case 'attachment':
        this.#closeAttachment(name)
        break
      case 'blob':
        this.#closeBlob()
        break
      case 'error':
        this.#closeError()
        break
      case 'summary':
        this.#closeSummary()
        break
      case 'copyLog':
        this.#closeCopyLog()
        break
      case 'driveLog':
        this.#closeDriveLog()
        break
    }
  }

  #openStructure(scope: Scope, name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.#scopes.length === 2) this.#openRoot(name, attributes)
    switch (scope) {
      case 'driveLog':
      case 'copyLog':
        this.#texts.push(new Map())
        break
      case 'verboseFile':
        this.#addVerboseFile(attributes)
        break
      case 'blob':
        this.#openBlob(name, attributes)
        break
      case 'error':
        this.#countItem()
        this.#errorLine = this.place().line
        this.#texts.push(new Map(attributes.Path === undefined ? [] : [['Path', attributes.Path]]))
        break
      case 'ranges':
        this.#openRanges(name)
        break
      case 'attachment':
        this.#texts.push(new Map([['@Status', this.#status(name, attributes)]]))
        break
      case 'summary':
        this.#openSummary()
        break
      case 'count':
        this.#addCount(name, attributes)
        break
      case 'text':
        this.#openText(name, attributes)
        break
    }
  }

  // One DriveLog, or any number of the others.
  #openRoot(name: string, { Version: version }: Readonly<Record<string, string>>): void {
    if (this.#rootName !== undefined && (name === 'DriveLog' || this.#rootName === 'DriveLog')) {
      this.fail(`${name} stands beside ${this.#rootName}, but a DriveLog stands alone`)
    }
    this.#rootName = name
    this.#version = version?.trim()
    if (name !== 'DriveLog') this.#addHeader('2021-08-01')
  }

  #addHeader(generation: CopyLogGeneration): void {
    if (this.#hasHeader) return
    this.#hasHeader = true
    const version = this.#version
    this.#parts.push({ kind: 'header', generation, version, driveId: this.#end.driveId })
  }

  #driveLogGeneration(): CopyLogGeneration {
    return this.#version !== undefined && this.#version >= '2018' ? '2018-10-01' : '2014-11-01'
  }

  #countItem(): void {
    this.#items += 1
    if (this.#items > this.limits.itemsMax) this.fail(`the log has more than ${this.limits.itemsMax} items`)
  }

  #addVerboseFile(attributes: Readonly<Record<string, string>>): void {
    this.#countItem()
    const { Path: path, CloudFormat: format, Size: size, crc64 } = attributes
    if (path === undefined || path.trim() === '') this.fail('the File has no Path')
    const kinds: Readonly<Record<string, 'block' | 'page' | 'file'>> = {
      BlockBlob: 'block',
      PageBlob: 'page',
      AzureFile: 'file',
    }
    this.#parts.push({
      ...nothingKnown,
      status: 'Completed',
      blobKind: format !== undefined && Object.hasOwn(kinds, format) ? kinds[format] : undefined,
      blobPath: path.trim().replaceAll('\\', '/'),
      lengthBytes: size === undefined ? undefined : bytesOf('Size', size, this.fail),
      crc64,
      line: this.place().line,
    })
  }

  #openBlob(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#countItem()
    this.#addHeader(this.#driveLogGeneration())
    this.#blob = new OpenBlob(this.#status(name, attributes), name === 'File', this.place().line)
    this.#texts.push(this.#blob.texts)
  }

  #openRanges(name: string): void {
    ;(this.#blob as OpenBlob).openRanges(name, this.fail)
    this.#collector.start(name === 'BlockList')
  }

  #openSummary(): void {
    if (this.#scopes[1] === 'driveLog') this.#addHeader('2018-10-01')
    if (this.#summary !== undefined) this.fail('the log has a second Summary')
    this.#summary = { kind: 'summary', validationErrors: [], copyErrors: [] }
  }

  #addCount(code: string, { Count, Description }: Readonly<Record<string, string>>): void {
    const count = wholeNumber(Count?.trim())
    if (count === undefined) this.fail(`Count is ${shown(Count)}, expected a number`)
    const summary = this.#summary as CopyLogSummaryPart
    const parent = this.#names[this.#names.length - 2]
    const list = parent === 'CopyErrors' ? summary.copyErrors : summary.validationErrors
    if (list.length === countsMax) this.fail(`${parent} has more than ${countsMax} counts`)
    list.push({ code, count, description: Description })
  }

  #openText(name: string, { Hash: hash, Status: status }: Readonly<Record<string, string>>): void {
    this.#text = ''
    const texts = this.#openTexts()
    if (hash !== undefined) texts.set(`${name}@Hash`, hash)
    if (status !== undefined) texts.set(`${name}@Status`, status.trim())
  }

  #closeText(name: string): void {
    const value = this.#text.trim()
    const texts = this.#openTexts()
    if (texts.has(name)) this.fail(`${this.#names[this.#names.length - 1]} has a second ${name}`)
    texts.set(name, value)
    if (name === 'DriveId' && value !== '') {
      this.#end = { ...this.#end, driveId: value }
      if (this.#names[0] === 'DriveLog') this.#addHeader(this.#driveLogGeneration())
    }
  }

  #openTexts(): Texts {
    return this.#texts[this.#texts.length - 1] as Texts
  }

  #closeRanges(): void {
    const blob = this.#blob as OpenBlob
    blob.ranges = this.#collector.finish()
    blob.endBytes = this.#collector.endBytes
  }

  #closeAttachment(name: string): void {
    const texts = this.#texts.pop() as Texts
    ;(this.#blob as OpenBlob).attach(name, texts, this.fail)
  }

  #closeBlob(): void {
    const blob = this.#blob as OpenBlob
    this.#blob = undefined
    this.#texts.pop()
    this.#parts.push(blob.finish(this.fail))
  }

  #closeError(): void {
    const texts = this.#texts.pop() as Texts
    this.#parts.push({
      kind: 'error',
      path: filled(texts, 'Path'),
      category: filled(texts, 'Category') ?? this.fail('the ErroredEntity has no Category'),
      errorCode: filled(texts, 'ErrorCode'),
      message: filled(texts, 'ErrorMessage'),
      entityType: filled(texts, 'Type'),
      line: this.#errorLine,
    })
  }

  #closeSummary(): void {
    this.#parts.push(this.#summary as CopyLogSummaryPart)
  }

  #closeCopyLog(): void {
    const texts = this.#texts.pop() as Texts
    if (this.#end.status !== undefined) this.fail('the log has a second CopyLog')
    const count = (name: string) => {
      const text = filled(texts, name)
      if (text === undefined) return undefined
      return wholeNumber(text) ?? this.fail(`${name} is ${shown(text)}, expected a number`)
    }
    this.#end = {
      ...this.#end,
      status: filled(texts, 'Status'),
      itemsTotal: count('TotalFiles_Blobs'),
      itemsFailed: count('FilesErrored'),
    }
  }

  #closeDriveLog(): void {
    this.#addHeader(this.#driveLogGeneration())
    this.#end = { ...this.#end, status: filled(this.#texts.pop() as Texts, 'Status') }
  }

  #status(name: string, { Status: status }: Readonly<Record<string, string>>): string {
    const trimmed = status?.trim()
    if (trimmed === undefined || trimmed === '') this.fail(`${name} has no Status`)
    return trimmed
  }
}

const nothingKnown = {
  kind: 'blob',
  filePath: undefined,
  disposition: undefined,
  ranges: undefined,
  metadata: undefined,
  properties: undefined,
  snapshot: undefined,
  lastModified: undefined,
} as const
