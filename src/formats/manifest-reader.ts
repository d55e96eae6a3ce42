// Reads a drive manifest of any size as a stream: the header, then one blob after the other, each checked against the rules of
// the format. The manifest lies on a drive that came by post: document types and entities are refused, and depth, text,
// blobs and blocks have limits, so that memory does not depend on what the file claims.

import { SaxesParser } from 'saxes'
import { TransferError } from '../errors.js'
import { ManifestElements, type ManifestPart } from './manifest-elements.js'

export type { ManifestPart, ReadManifestBlob, ReadManifestHeader, ReadManifestList } from './manifest-elements.js'

export interface ManifestReaderOptions {
  /** For messages. */
  fileName?: string
  blobsMax?: number
  /** Blocks or page ranges of one blob; 2^21 are an 8 TiB page blob in ranges of 4 MiB. */
  rangesMax?: number
  /** Characters of one text or attribute. */
  textMax?: number
  depthMax?: number
}

const sliceBytes = 64 * 1024
/** Bytes without any event of the parser: a comment or a tag that long is an attack. */
const quietBytesMax = 1 << 20

/**
 * Yields the header once, then every blob in the order of the file.
 * @param chunks the file's bytes, cut anywhere; a chunk may be reused after the next is asked for.
 * @throws TransferError MANIFEST_INVALID with line and column, at the first thing that is wrong.
 */
export async function* readManifest(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ManifestReaderOptions = {},
): AsyncGenerator<ManifestPart, void, undefined> {
  const parser = new ManifestParser(options)
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += sliceBytes) {
      yield* parser.write(chunk.subarray(start, start + sliceBytes))
    }
  }
  yield* parser.finish()
}

class ManifestParser {
  readonly #fileName: string
  readonly #parser = new SaxesParser({ xmlns: false, forceXMLVersion: true, defaultXMLVersion: '1.0' })
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #elements: ManifestElements
  readonly #limits: Required<Pick<ManifestReaderOptions, 'textMax' | 'depthMax'>>
  #tagPlace = { line: 1, column: 1 }
  #depth = 0
  #hadEvent = false
  #quietBytes = 0
  #bytesRead = 0

  constructor({ fileName, blobsMax, rangesMax, textMax, depthMax }: ManifestReaderOptions) {
    this.#fileName = fileName ?? 'DriveManifest.xml'
    this.#limits = { textMax: textMax ?? 65_536, depthMax: depthMax ?? 32 }
    const limits = {
      blobsMax: blobsMax ?? 1_000_000_000,
      rangesMax: rangesMax ?? 1 << 21,
      textMax: this.#limits.textMax,
    }
    const fail = (problem: string, place = this.#tagPlace) => this.#fail(problem, place)
    this.#elements = new ManifestElements(limits, fail, () => this.#tagPlace)
    this.#listen()
  }

  write(bytes: Uint8Array): ManifestPart[] {
    const isTail = this.#elements.isDone
    const text = this.#decode(bytes, true)
    this.#bytesRead += bytes.byteLength
    if (isTail) {
      // The writer may fill up behind the root element; none of it is kept.
      if (/[^ \t\r\n]/.test(text)) this.#fail('something follows the end of the manifest', this.#here())
      return []
    }
    this.#hadEvent = false
    this.#parser.write(text)
    this.#quietBytes = this.#hadEvent ? 0 : this.#quietBytes + bytes.byteLength
    if (this.#quietBytes > quietBytesMax) this.#fail(`a tag, text or comment is longer than ${quietBytesMax} bytes`)
    return this.#takeParts()
  }

  finish(): ManifestPart[] {
    const rest = this.#decode(new Uint8Array(0), false)
    this.#parser.write(rest).close()
    if (!this.#elements.isDone) this.#fail('the manifest is cut off here', this.#here())
    return this.#takeParts()
  }

  #takeParts(): ManifestPart[] {
    const { parts } = this.#elements
    this.#elements.parts = []
    return parts
  }

  #decode(bytes: Uint8Array, stream: boolean): string {
    try {
      return this.#decoder.decode(bytes, { stream })
    } catch {
      return this.#fail(`the text near byte ${this.#bytesRead} is not UTF-8`, this.#here())
    }
  }

  // Each `on` adds a property to the parser by its computed name, and with an eighth V8 turns the parser into a hash table
  // that is six times slower. So comments and attributes go without a handler: `quietBytesMax` bounds them.
  #listen(): void {
    const parser = this.#parser
    const { textMax, depthMax } = this.#limits
    parser.on('error', (error) =>
      this.#fail(error.message.replace(/^(\d+:\d+: )?/, '').replace(/\.$/, ''), this.#here()),
    )
    parser.on('doctype', () => this.#fail('a document type is not allowed in a manifest', this.#here()))
    parser.on('opentagstart', ({ name }) => {
      this.#hadEvent = true
      this.#depth += 1
      this.#tagPlace = { line: parser.line, column: Math.max(1, parser.column - name.length - 1) }
      if (this.#depth === 1) this.#checkEncoding(parser.xmlDecl.encoding)
      if (this.#depth > depthMax) this.#fail(`elements are nested more than ${depthMax} deep`)
    })
    parser.on('opentag', ({ name, attributes }) => this.#elements.open(name, attributes))
    parser.on('closetag', () => {
      this.#hadEvent = true
      this.#depth -= 1
      this.#elements.close()
    })
    const addText = (text: string) => {
      this.#hadEvent = true
      if (text.length > textMax) this.#fail(`a text is longer than ${textMax} characters`)
      this.#elements.addText(text)
    }
    parser.on('text', addText)
    parser.on('cdata', addText)
  }

  #checkEncoding(encoding: string | undefined): void {
    if (encoding === undefined || encoding.toLowerCase() === 'utf-8') return
    this.#fail(`the encoding is ${encoding}, expected UTF-8`, { line: 1, column: 1 })
  }

  #here(): { line: number; column: number } {
    return { line: this.#parser.line, column: this.#parser.column + 1 }
  }

  #fail(problem: string, { line, column } = this.#tagPlace): never {
    const message = `${this.#fileName}, line ${line}, column ${column}: ${problem}.`
    throw new TransferError('MANIFEST_INVALID', message, { path: this.#fileName, line, column })
  }
}
