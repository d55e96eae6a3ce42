// Metadata and properties files: small XML documents on the drive that the service applies to blobs. Metadata is any name and
// value that a blob may have; properties are the HTTP headers that an import may set. docs/manifest.md has the rules.

import { type ErrorCode, TransferError } from '../errors.js'
import { parseXmlElements, type XmlElement, xmlProblem } from './xml-elements.js'
import { escapeXml } from './xml-text.js'

export type NamedValue = readonly [name: string, value: string]

/** What an import may set. */
export const importProperties = [
  'Content-Type',
  'Content-MD5',
  'Content-Encoding',
  'Content-Language',
  'Cache-Control',
] as const
/** What an export adds. */
export const exportProperties = ['Last-Modified', 'Etag', 'Content-Length'] as const

const code: ErrorCode = 'PROPERTIES_INVALID'
/** Names and values of all metadata of a blob together, as Azure Blob storage has it. */
const metadataBytesMax = 8192

/**
 * @param fileName for messages.
 * @throws TransferError PROPERTIES_INVALID with line and column.
 */
export function parseMetadata(text: string, fileName = 'metadata file'): NamedValue[] {
  const entries = readEntries(text, fileName, 'Metadata', metadataNameProblem)
  const problem = totalProblem(entries)
  if (problem !== undefined) throw xmlProblem({ fileName, code }, problem, { line: 1, column: 1 })
  return entries
}

/**
 * @param options.isExport also accepts what only the service writes.
 * @throws TransferError PROPERTIES_INVALID with line and column.
 */
export function parseProperties(
  text: string,
  fileName = 'properties file',
  options: { isExport?: boolean } = {},
): NamedValue[] {
  return readEntries(text, fileName, 'Properties', (name, value) =>
    propertyProblem(name, value, options.isExport ?? false),
  )
}

/** @throws TransferError PROPERTIES_INVALID for a name or value that no blob can have. */
export function encodeMetadata(entries: readonly NamedValue[]): string {
  const problem = totalProblem(entries)
  if (problem !== undefined) throw new TransferError(code, `The metadata is not usable: ${problem}.`)
  return encode('Metadata', entries, metadataNameProblem)
}

/** @throws TransferError PROPERTIES_INVALID for a property that an import does not set. */
export function encodeProperties(entries: readonly NamedValue[]): string {
  return encode('Properties', entries, (name, value) => propertyProblem(name, value, false))
}

type EntryProblem = (name: string, value: string) => string | undefined

function readEntries(text: string, fileName: string, rootName: string, entryProblem: EntryProblem): NamedValue[] {
  const root = parseXmlElements(text, fileName, code)
  const fail = (problem: string, element: XmlElement): never => {
    throw xmlProblem({ fileName, code }, problem, element)
  }
  if (root.name !== rootName) fail(`the root element is ${root.name}, expected ${rootName}`, root)
  if (root.text !== '') fail(`${rootName} has text between its elements`, root)
  const seen = new Set<string>()
  return root.children.map((element) => {
    const { name, text: value, children } = element
    if (children.length > 0) fail(`${name} has elements in it`, element)
    if (Object.keys(element.attributes).length > 0) fail(`${name} has attributes`, element)
    const problem = entryProblem(name, value) ?? valueProblem(value)
    if (problem !== undefined) fail(`${name}: ${problem}`, element)
    if (seen.has(name.toLowerCase())) fail(`${name} is there twice`, element)
    seen.add(name.toLowerCase())
    return [name, value] as const
  })
}

function encode(rootName: string, entries: readonly NamedValue[], entryProblem: EntryProblem): string {
  const seen = new Set<string>()
  const lines = entries.map(([name, value]) => {
    const isTwice = seen.has(name.toLowerCase())
    const problem = entryProblem(name, value) ?? valueProblem(value) ?? (isTwice ? 'it is there twice' : undefined)
    if (problem !== undefined)
      throw new TransferError(code, `${rootName} cannot have ${JSON.stringify(name)}: ${problem}.`)
    seen.add(name.toLowerCase())
    return `  <${name}>${escapeXml(value)}</${name}>\n`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${rootName}>\n${lines.join('')}</${rootName}>\n`
}

// A name is a C# identifier for the service, and a name in XML; of what both allow, HTTP headers carry the ASCII part.
function metadataNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return 'a metadata name has only letters, digits and underscores and does not begin with a digit'
  }
  return name.length > 1024 ? 'the name is longer than 1024 characters' : undefined
}

function propertyProblem(name: string, value: string, isExport: boolean): string | undefined {
  const isImport = (importProperties as readonly string[]).includes(name)
  if (!isImport && !(exportProperties as readonly string[]).includes(name)) {
    return `no such property; there are ${importProperties.join(', ')}`
  }
  if (!isImport && !isExport) return 'this property is set by the service, not by an import'
  if (name === 'Content-MD5' && !/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(value)) return 'expected Base64 of 16 bytes'
  return undefined
}

// Values travel as HTTP headers.
function valueProblem(value: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(value)) return 'the value has characters other than printable ASCII'
  if (value !== value.trim()) return 'the value begins or ends with a blank'
  return value.length > metadataBytesMax ? `the value is longer than ${metadataBytesMax} characters` : undefined
}

function totalProblem(entries: readonly NamedValue[]): string | undefined {
  const total = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  return total > metadataBytesMax ? `names and values have ${total} bytes, ${metadataBytesMax} are allowed` : undefined
}
