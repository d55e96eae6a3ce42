// Where files go in the storage account: `container/prefix/` for a folder, `container/name` for one file. The rules are Azure's
// for container and blob names, less what could not be kept on an NTFS drive or in a manifest.

import { TransferError } from '../errors.js'

export interface Destination {
  container: string
  /** '' or a path that ends with a slash. */
  prefix: string
}

export interface BlobPath {
  container: string
  blobName: string
}

export const maxBlobNameUnits = 1024
export const maxBlobNameSegments = 254

/**
 * `container/` or `container/prefix/`.
 * @throws TransferError DESTINATION_INVALID
 */
export function parseDestination(text: string): Destination {
  const { container, rest } = split(text)
  if (rest === undefined || (rest !== '' && !rest.endsWith('/'))) {
    throw invalid(text, 'the destination of a folder ends with a slash', `Write ${text}/`)
  }
  if (container === '$root' && rest !== '') throw invalid(text, 'the root container has no folders')
  const problem = rest === '' ? undefined : blobNameProblem(rest.slice(0, -1))
  if (problem !== undefined) throw invalid(text, problem)
  return { container, prefix: rest }
}

/**
 * `container/name` of one blob.
 * @throws TransferError DESTINATION_INVALID
 */
export function parseBlobPath(text: string): BlobPath {
  const { container, rest } = split(text)
  if (rest === undefined || rest === '') throw invalid(text, 'the name of the blob is missing behind the container')
  const problem = blobNameProblem(rest)
  if (problem !== undefined) throw invalid(text, problem)
  if (container === '$root' && rest.includes('/')) throw invalid(text, 'the root container has no folders')
  return { container, blobName: rest }
}

/** What is wrong with a container's name, as a clause; undefined when nothing is. */
export function containerNameProblem(name: string): string | undefined {
  if (name === '$root') return undefined
  if (name.length < 3 || name.length > 63)
    return `a container's name has 3 to 63 characters and this has ${name.length}`
  if (!/^[a-z0-9-]+$/.test(name)) return "a container's name has only lowercase letters, digits and hyphens"
  if (name.startsWith('-') || name.endsWith('-')) return "a container's name begins and ends with a letter or digit"
  if (name.includes('--')) return "a container's name has no two hyphens in a row"
  return undefined
}

/**
 * What is wrong with a blob's name (without its container), as a clause; undefined when nothing is. One pass over the
 * characters and no allocation: a plan asks this of every file.
 */
export function blobNameProblem(name: string): string | undefined {
  if (name.length === 0) return 'the name is empty'
  if (name.length > maxBlobNameUnits) return `the name has ${name.length} characters, ${maxBlobNameUnits} are allowed`
  let segments = 1
  let previous = 0x2f
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index)
    if (unit === 0x2f) {
      if (previous === 0x2f) return 'the name has an empty part'
      if (previous === 0x2e) return 'a part of the name ends with a dot'
      segments += 1
    } else if (unit < 0x20 || unit === 0x5c || unit >= 0x7f) {
      const problem = unitProblem(unit, name, index)
      if (problem !== undefined) return problem
      if (unit >= 0xd800 && unit < 0xdc00) index += 1
    }
    previous = unit
  }
  if (previous === 0x2f) return 'the name ends with a slash'
  if (previous === 0x2e) return 'a part of the name ends with a dot'
  if (segments > maxBlobNameSegments) return `the name has ${segments} parts, ${maxBlobNameSegments} are allowed`
  return undefined
}

// A backslash separates folders on the drive. Control characters, half surrogate pairs, U+FFFE and U+FFFF cannot stand in a
// manifest (XML 1.0); U+0080 to U+009F and U+007F could, but services and tools disagree about them.
function unitProblem(unit: number, name: string, index: number): string | undefined {
  if (unit === 0x5c) return 'the name has a backslash'
  const isControl = unit < 0x20 || (unit >= 0x7f && unit < 0xa0)
  const isHalfPair =
    unit >= 0xd800 && unit < 0xe000 && !(unit < 0xdc00 && (name.charCodeAt(index + 1) & 0xfc00) === 0xdc00)
  if (!isControl && !isHalfPair && unit < 0xfffe) return undefined
  const codePoint = unit.toString(16).toUpperCase().padStart(4, '0')
  return `the name has the character U+${codePoint} at position ${index + 1}, which a manifest cannot hold`
}

function split(text: string): { container: string; rest: string | undefined } {
  const slash = text.indexOf('/')
  const container = slash === -1 ? text : text.slice(0, slash)
  if (slash === 0) throw invalid(text, 'a destination begins with its container, not with a slash')
  const problem = containerNameProblem(container)
  if (problem !== undefined) throw invalid(text, problem)
  return { container, rest: slash === -1 ? undefined : text.slice(slash + 1) }
}

function invalid(text: string, problem: string, hint?: string): TransferError {
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
  const message = `The destination ${shown} is not usable: ${problem}.`
  return new TransferError('DESTINATION_INVALID', message, hint === undefined ? {} : { hint })
}
