// Reads the lines of a stored plan into columns. Nothing in the file is believed before it is checked: counts only end a
// section, they allocate nothing.

import { createHash } from 'node:crypto'
import { TransferError } from '../errors.js'
import { NameColumnBuilder } from '../file-tree.js'
import {
  type DrivePlan,
  type DrivePlanHeader,
  drivePlanFormat,
  drivePlanVersion,
  type PlanBlobList,
} from './drive-plan-columns.js'
import { GrowingColumn } from './growing-column.js'

const lineBytesMax = 16 << 20
const maxUint32 = 0xffff_ffff
/** 2^63 nanoseconds, rounded up. */
const secondsMax = 9_223_372_037

export class DrivePlanReader {
  readonly #hash = createHash('sha256')
  #carry: Buffer[] = []
  #carryBytes = 0
  #line = 0
  #header: DrivePlanHeader | undefined
  #blobLists = 0
  #counts = { directories: 0, sourceDirectories: 0, files: 0 }
  #digest: string | undefined

  readonly #directoryParent = new GrowingColumn(Uint32Array)
  readonly #directoryNames = new NameColumnBuilder()
  #sourceDirectoryCount = 0
  readonly #sourceDirectories = new NameColumnBuilder()
  readonly #fileDirectory = new GrowingColumn(Uint32Array)
  readonly #fileNames = new NameColumnBuilder()
  readonly #fileSizeBytes = new GrowingColumn(Float64Array)
  readonly #fileModifiedNs = new GrowingColumn(BigInt64Array)
  readonly #fileSourceDirectory = new GrowingColumn(Uint32Array)
  /** Made at the first name that differs. */
  #fileSourceNames: NameColumnBuilder | undefined
  readonly #fileBlobType = new GrowingColumn(Uint8Array)
  readonly #fileDisposition = new GrowingColumn(Uint8Array)
  readonly #fileList = new GrowingColumn(Uint16Array)
  readonly #fileBlockBytes = new GrowingColumn(Float64Array)

  constructor(
    readonly fileName: string,
    readonly filesMax: number,
  ) {}

  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      const rest = bytes.subarray(start, end + 1)
      const line = this.#carryBytes === 0 ? rest : Buffer.concat([...this.#carry, rest])
      this.#carry = []
      this.#carryBytes = 0
      this.#readLine(line)
      start = end + 1
    }
    if (start === bytes.length) return
    // A copy: the caller may use its buffer again.
    this.#carry.push(Buffer.from(bytes.subarray(start)))
    this.#carryBytes += bytes.length - start
    if (this.#carryBytes > lineBytesMax) throw this.#invalid(`the line is longer than ${lineBytesMax} bytes`, 1)
  }

  finish(): DrivePlan {
    if (this.#header === undefined || this.#digest === undefined || this.#carryBytes > 0) {
      throw this.#invalid('the plan is cut off here', 1)
    }
    const fileNames = this.#fileNames.finish()
    return {
      header: this.#header,
      tree: {
        directoryParent: this.#directoryParent.finish(),
        directoryNames: this.#directoryNames.finish(),
        fileDirectory: this.#fileDirectory.finish(),
        fileNames,
        fileSizeBytes: this.#fileSizeBytes.finish(),
        fileModifiedNs: this.#fileModifiedNs.finish(),
      },
      sourceDirectories: this.#sourceDirectories.finish(),
      fileSourceDirectory: this.#fileSourceDirectory.finish(),
      fileSourceNames: this.#fileSourceNames?.finish() ?? fileNames,
      fileBlobType: this.#fileBlobType.finish(),
      fileDisposition: this.#fileDisposition.finish(),
      fileList: this.#fileList.finish(),
      fileBlockBytes: this.#fileBlockBytes.finish(),
    }
  }

  #readLine(line: Buffer): void {
    this.#line += 1
    if (this.#digest !== undefined) throw this.#invalid('something follows the last line of the plan')
    const { directories, sourceDirectories, files } = this.#counts
    const isTrailer =
      this.#header !== undefined &&
      this.#directoryParent.length === directories &&
      this.#sourceDirectoryCount === sourceDirectories &&
      this.#fileDirectory.length === files
    if (!isTrailer) this.#hash.update(line)
    let value: unknown
    try {
      value = JSON.parse(line.toString('utf8'))
    } catch {
      throw this.#invalid('this is no JSON')
    }
    if (this.#header === undefined) this.#readHeader(value)
    else if (isTrailer) this.#readTrailer(value)
    else if (this.#directoryParent.length < directories) this.#readDirectory(value)
    else if (this.#sourceDirectoryCount < sourceDirectories) this.#readSourceDirectory(value)
    else this.#readFile(value)
  }

  #readHeader(value: unknown): void {
    if (!isObject(value) || value.format !== drivePlanFormat) throw this.#invalid('this is no drive plan')
    if (value.version !== drivePlanVersion) {
      throw this.#invalid(`version ${String(value.version)} of the plan is not known, expected ${drivePlanVersion}`)
    }
    const { format: _format, version: _version, directories, sourceDirectories, files, ...header } = value
    const isHeader =
      ['sessionId', 'driveId', 'createdBy', 'method', 'label', 'diskGuid'].every(
        (key) => typeof header[key] === 'string',
      ) &&
      isObject(header.volume) &&
      ['offsetBytes', 'sizeBytes', 'clusterBytes', 'sectorBytes'].every((key) =>
        isCount((header.volume as Record<string, unknown>)[key], Number.MAX_SAFE_INTEGER),
      ) &&
      Array.isArray(header.blobLists) &&
      header.blobLists.length <= 0xffff &&
      header.blobLists.every(isBlobList) &&
      (header.extra === undefined || isObject(header.extra))
    if (!isHeader) throw this.#invalid('a field of the header is missing or has another type')
    if (!isCount(directories, maxUint32) || directories === 0 || !isCount(sourceDirectories, maxUint32)) {
      throw this.#invalid('the counts of directories are missing or out of range')
    }
    if (!isCount(files, this.filesMax)) throw this.#invalid(`the count of files is missing or over ${this.filesMax}`)
    this.#counts = { directories, sourceDirectories, files }
    this.#header = header as unknown as DrivePlanHeader
    this.#blobLists = this.#header.blobLists.length
  }

  #readDirectory(value: unknown): void {
    const index = this.#directoryParent.length
    if (!Array.isArray(value) || value.length !== 2) throw this.#invalid('expected [parent, name] of a directory')
    const [parent, name] = value as [unknown, unknown]
    const isRoot = index === 0
    if (!isCount(parent, maxUint32) || (isRoot ? parent !== 0 : parent >= index)) {
      throw this.#invalid(`directory ${index} has the parent ${String(parent)}`)
    }
    if (isRoot && name !== '') throw this.#invalid('the first directory is not the root')
    this.#directoryParent.push(parent)
    this.#directoryNames.push(isRoot ? '' : this.#name(name))
  }

  #readSourceDirectory(value: unknown): void {
    const path = nameBytes(value)
    if (path === undefined) throw this.#invalid('expected the path of a source directory')
    this.#sourceDirectories.push(path)
    this.#sourceDirectoryCount += 1
  }

  #readFile(value: unknown): void {
    const index = this.#fileDirectory.length
    if (!Array.isArray(value) || value.length !== 11) throw this.#invalid('expected the 11 columns of a file')
    const [directory, name, sizeBytes, seconds, nanoseconds, sourceDirectory, sourceName, ...blob] = value as unknown[]
    const [blobType, disposition, list, blockBytes] = blob
    if (!isCount(directory, this.#counts.directories - 1)) throw this.#invalid(`file ${index} has no such directory`)
    if (!isCount(sizeBytes, Number.MAX_SAFE_INTEGER)) throw this.#invalid(`file ${index} has no size`)
    if (!Number.isInteger(seconds) || Math.abs(seconds as number) > secondsMax || !isCount(nanoseconds, 999_999_999)) {
      throw this.#invalid(`file ${index} has no time of modification`)
    }
    if (!isCount(blobType, 2) || !isCount(disposition, 2) || !isCount(blockBytes, Number.MAX_SAFE_INTEGER)) {
      throw this.#invalid(`file ${index} has an unknown blob type, disposition or block size`)
    }
    // Files that are no blobs are in no list, and may have no source.
    const listMax = blobType === 0 ? 0xffff : this.#blobLists - 1
    if (!isCount(list, listMax)) throw this.#invalid(`file ${index} is in no list of the plan`)
    const sourceMax = blobType === 0 ? maxUint32 : this.#counts.sourceDirectories - 1
    if (!isCount(sourceDirectory, sourceMax)) throw this.#invalid(`file ${index} has no such source directory`)
    const modifiedNs = BigInt(seconds as number) * 1_000_000_000n + BigInt(nanoseconds)
    if (BigInt.asIntN(64, modifiedNs) !== modifiedNs) throw this.#invalid(`file ${index} has a time beyond 64 bits`)
    const ownName = this.#name(name)
    this.#pushSourceName(ownName, sourceName)
    this.#fileDirectory.push(directory)
    this.#fileNames.push(ownName)
    this.#fileSizeBytes.push(sizeBytes)
    this.#fileModifiedNs.push(modifiedNs)
    this.#fileSourceDirectory.push(sourceDirectory)
    this.#fileBlobType.push(blobType)
    this.#fileDisposition.push(disposition)
    this.#fileList.push(list)
    this.#fileBlockBytes.push(blockBytes)
  }

  #pushSourceName(ownName: string | Buffer, value: unknown): void {
    if (value === 0) {
      this.#fileSourceNames?.push(ownName)
      return
    }
    if (this.#fileSourceNames === undefined) {
      this.#fileSourceNames = new NameColumnBuilder()
      const { bytes, ends } = this.#fileNames.finish()
      let start = 0
      for (const end of ends) {
        this.#fileSourceNames.push(bytes.subarray(start, end))
        start = end
      }
    }
    this.#fileSourceNames.push(this.#name(value))
  }

  #readTrailer(value: unknown): void {
    const digest = this.#hash.digest('hex')
    if (!isObject(value) || value.sha256 !== digest)
      throw this.#invalid(`the plan was changed: its SHA-256 is ${digest}`)
    this.#digest = digest
  }

  /** A single part of a path. */
  #name(value: unknown): string | Buffer {
    const name = nameBytes(value)
    if (name === undefined || name.length === 0) throw this.#invalid('a name is missing')
    if (name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
      throw this.#invalid(`${JSON.stringify(name.toString().slice(0, 100))} is no name of a file`)
    }
    return name
  }

  #invalid(problem: string, ahead = 0): TransferError {
    const line = this.#line + ahead
    const message = `${this.fileName}, line ${line}: ${problem}.`
    return new TransferError('PLAN_INVALID', message, { path: this.fileName, line })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function isBlobList(value: unknown): value is PlanBlobList {
  return isObject(value) && [value.metadata, value.properties].every((file) => file === undefined || isHashedPath(file))
}

function isHashedPath(value: unknown): boolean {
  return isObject(value) && typeof value.path === 'string' && typeof value.hash === 'string'
}

/** Text, or [Base64] of bytes that are no text. */
function nameBytes(value: unknown): string | Buffer | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value) || value.length !== 1 || typeof value[0] !== 'string') return undefined
  return Buffer.from(value[0], 'base64')
}
