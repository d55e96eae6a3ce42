// A blob's properties as request headers, and back from the headers of an answer or from the client library's objects.

import type { BlobFacts, BlobPlace, BlobProperties } from './blob-store.js'

const headerNames = [
  ['contentType', 'content-type'],
  ['contentEncoding', 'content-encoding'],
  ['contentLanguage', 'content-language'],
  ['cacheControl', 'cache-control'],
] as const

/** Names in lower case, as the signature wants them; metadata keeps the case of its names. */
export function propertyHeaders(properties: BlobProperties): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [property, header] of headerNames) {
    const value = properties[property]
    if (value !== undefined) headers[`x-ms-blob-${header}`] = value
  }
  if (properties.contentMd5 !== undefined) headers['x-ms-blob-content-md5'] = base64(properties.contentMd5)
  for (const [name, value] of properties.metadata ?? []) headers[`x-ms-meta-${name}`] = value
  return headers
}

/** Facts from the answer to Get Blob Properties. */
export function factsFromHeaders(
  { name }: BlobPlace,
  headers: Readonly<Record<string, string | undefined>>,
  rawHeaders: readonly string[],
): BlobFacts {
  const properties: BlobProperties = {}
  for (const [property, header] of headerNames) {
    const value = headers[header]
    if (value !== undefined && value !== '') properties[property] = value
  }
  const md5 = headers['content-md5']
  if (md5 !== undefined) properties.contentMd5 = Uint8Array.from(Buffer.from(md5, 'base64'))
  const metadata: [string, string][] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] as string
    if (/^x-ms-meta-/i.test(header)) metadata.push([header.slice(10), rawHeaders[index + 1] as string])
  }
  if (metadata.length > 0) properties.metadata = metadata
  return {
    name,
    kind: kindOf(headers['x-ms-blob-type']),
    sizeBytes: Number(headers['content-length'] ?? 0),
    modifiedMs: Date.parse(headers['last-modified'] ?? ''),
    properties,
  }
}

export interface ListedProperties {
  blobType?: string | undefined
  contentLength?: number | undefined
  lastModified: Date
  contentType?: string | undefined
  contentEncoding?: string | undefined
  contentLanguage?: string | undefined
  cacheControl?: string | undefined
  contentMD5?: Uint8Array | undefined
}

export function factsFromListing(
  name: string,
  listed: ListedProperties,
  metadata: Readonly<Record<string, string>> = {},
): BlobFacts {
  const properties: BlobProperties = {}
  for (const [property] of headerNames) {
    const value = listed[property]
    if (value !== undefined && value !== '') properties[property] = value
  }
  if (listed.contentMD5 !== undefined && listed.contentMD5.length > 0) {
    properties.contentMd5 = Uint8Array.from(listed.contentMD5)
  }
  const entries = Object.entries(metadata)
  if (entries.length > 0) properties.metadata = entries
  const modifiedMs = listed.lastModified.getTime()
  return { name, kind: kindOf(listed.blobType), sizeBytes: listed.contentLength ?? 0, modifiedMs, properties }
}

/** As the client library takes them. */
export function clientHeaders(properties: BlobProperties): Record<string, string | Uint8Array> {
  const headers: Record<string, string | Uint8Array> = {}
  const { contentType, contentEncoding, contentLanguage, cacheControl, contentMd5 } = properties
  if (contentType !== undefined) headers.blobContentType = contentType
  if (contentEncoding !== undefined) headers.blobContentEncoding = contentEncoding
  if (contentLanguage !== undefined) headers.blobContentLanguage = contentLanguage
  if (cacheControl !== undefined) headers.blobCacheControl = cacheControl
  if (contentMd5 !== undefined) headers.blobContentMD5 = contentMd5
  return headers
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function kindOf(blobType: string | undefined): BlobFacts['kind'] {
  if (blobType === 'PageBlob') return 'page'
  return blobType === 'AppendBlob' ? 'append' : 'block'
}
