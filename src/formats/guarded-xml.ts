// An XML parser for large files that came by post: a stream of elements and texts with their places, UTF-8 only. Document types
// and entities of their own are refused; depth, texts and everything the parser has to hold at once have limits, so that
// memory does not depend on what the file claims.

import { SaxesParser } from 'saxes'
import type { ErrorCode } from '../errors.js'
import { xmlProblem } from './xml-elements.js'

export interface Place {
  /** Both 1-based. */
  line: number
  column: number
}

export interface XmlEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void
  /** A piece of text, CDATA included. Outside of all elements it is blank. */
  addText(text: string): void
  close(): void
}

export interface GuardedXmlOptions {
  /** For messages. */
  fileName: string
  /** Of what is wrong with the XML itself. */
  code: ErrorCode
  /** What the file is, for messages: `manifest`. */
  document: string
  /** Characters of one text. */
  textMax: number
  depthMax: number
  /** Any number of elements side by side instead of one root; an XML declaration may stand before them. */
  isFragment?: boolean
}

const sliceBytes = 64 * 1024
/** Bytes without any event of the parser: a comment or a tag that long is an attack. */
const quietBytesMax = 1 << 20
const declarationMax = 1024

export class GuardedXml {
  /** Where the last tag begins. */
  tagPlace: Place = { line: 1, column: 1 }
  readonly #options: GuardedXmlOptions
  readonly #parser: SaxesParser<{ xmlns: false; fragment: boolean; forceXMLVersion: true; defaultXMLVersion: '1.0' }>
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #events: XmlEvents
  #depth = 0
  #hadRoot = false
  #hadEvent = false
  #quietBytes = 0
  #bytesRead = 0
  /** Of a fragment: its beginning, until it is known whether that is an XML declaration. */
  #head: string | undefined

  constructor(events: XmlEvents, options: GuardedXmlOptions) {
    const { isFragment = false } = options
    this.#events = events
    this.#options = options
    this.#head = isFragment ? '' : undefined
    this.#parser = new SaxesParser({
      xmlns: false,
      fragment: isFragment,
      forceXMLVersion: true,
      defaultXMLVersion: '1.0',
    })
    this.#listen()
  }

  /** Parses a chunk; after every 64 KiB of it the caller may take what it has put together from the events. */
  *parse(chunk: Uint8Array): Generator<void, void, undefined> {
    for (let start = 0; start < chunk.byteLength; start += sliceBytes) {
      this.#write(chunk.subarray(start, start + sliceBytes))
      yield
    }
  }

  /** The end of the file. */
  finish(): void {
    this.#writeText(this.#decode(new Uint8Array(0), false), true)
    // The parser starts anew when it is closed, so what is missing has to be seen before.
    if (this.#depth > 0 || !this.#hadRoot) this.fail(`the ${this.#options.document} is cut off here`, this.#here())
    this.#parser.close()
  }

  fail(problem: string, place: Place = this.tagPlace, code: ErrorCode = this.#options.code): never {
    throw xmlProblem({ fileName: this.#options.fileName, code }, problem, place)
  }

  #write(bytes: Uint8Array): void {
    const isTail = this.#options.isFragment !== true && this.#hadRoot && this.#depth === 0
    const text = this.#decode(bytes, true)
    this.#bytesRead += bytes.byteLength
    if (isTail) {
      // A writer may fill up behind the root element; none of it is kept.
      if (/[^ \t\r\n]/.test(text)) {
        this.fail(`something follows the end of the ${this.#options.document}`, this.#here())
      }
      return
    }
    this.#hadEvent = false
    this.#writeText(text, false)
    this.#quietBytes = this.#hadEvent ? 0 : this.#quietBytes + bytes.byteLength
    if (this.#quietBytes > quietBytesMax) this.fail(`a tag, text or comment is longer than ${quietBytesMax} bytes`)
  }

  #writeText(text: string, isEnd: boolean): void {
    if (this.#head === undefined) {
      this.#parser.write(text)
      return
    }
    this.#head += text
    if (!isEnd && this.#head.length < declarationMax && !this.#head.includes('?>')) return
    const head = this.#head
    this.#head = undefined
    this.#parser.write(this.#withoutDeclaration(head))
  }

  // A parser of fragments knows no declaration. Blanks instead of it keep every place.
  #withoutDeclaration(head: string): string {
    const declaration = /^<\?xml\s[^?]*\?>/.exec(head)?.[0]
    if (declaration === undefined) return head
    this.#checkEncoding(/\sencoding\s*=\s*["']([^"']*)["']/.exec(declaration)?.[1])
    return declaration.replaceAll(/[^\r\n]/g, ' ') + head.slice(declaration.length)
  }

  #decode(bytes: Uint8Array, stream: boolean): string {
    try {
      return this.#decoder.decode(bytes, { stream })
    } catch {
      return this.fail(`the text near byte ${this.#bytesRead} is not UTF-8`, this.#here())
    }
  }

  // Each `on` adds a property to the parser by its computed name, and with an eighth V8 turns the parser into a hash table
  // that is six times slower. So comments and attributes go without a handler: `quietBytesMax` bounds them.
  #listen(): void {
    const parser = this.#parser
    const { textMax, depthMax, document } = this.#options
    parser.on('error', (error) =>
      this.fail(error.message.replace(/^(\d+:\d+: )?/, '').replace(/\.$/, ''), this.#here()),
    )
    parser.on('doctype', () => this.fail(`a document type is not allowed in a ${document}`, this.#here()))
    parser.on('opentagstart', ({ name }) => {
      this.#hadEvent = true
      this.#hadRoot = true
      this.#depth += 1
      this.tagPlace = { line: parser.line, column: Math.max(1, parser.column - name.length - 1) }
      if (this.#depth === 1) this.#checkEncoding(parser.xmlDecl.encoding)
      if (this.#depth > depthMax) this.fail(`elements are nested more than ${depthMax} deep`)
    })
    parser.on('opentag', ({ name, attributes }) => this.#events.open(name, attributes))
    parser.on('closetag', () => {
      this.#hadEvent = true
      this.#depth -= 1
      this.#events.close()
    })
    const addText = (text: string) => {
      this.#hadEvent = true
      if (text.length > textMax) this.fail(`a text is longer than ${textMax} characters`)
      this.#events.addText(text)
    }
    parser.on('text', addText)
    parser.on('cdata', addText)
  }

  #checkEncoding(encoding: string | undefined): void {
    if (encoding === undefined || encoding.toLowerCase() === 'utf-8') return
    this.fail(`the encoding is ${encoding}, expected UTF-8`, { line: 1, column: 1 })
  }

  #here(): Place {
    return { line: this.#parser.line, column: this.#parser.column + 1 }
  }
}
