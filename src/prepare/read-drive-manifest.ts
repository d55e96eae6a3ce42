// The manifest of an opened drive, read into what the verify engine needs: for each file where it lies and the digest that
// each of its blocks must have, in the order in which the files lie on the drive.

import { createHash } from 'node:crypto'
import { fileAccess, type NtfsTree, type NtfsVolume } from '../addon/ntfs.js'
import { TransferError } from '../errors.js'
import { type ExtentTable, filePath } from '../file-tree.js'
import { type ReadManifestBlob, type ReadManifestHeader, readManifest } from '../formats/manifest-reader.js'
import { type HashedPath, zeroDigest } from '../formats/manifest-writer.js'
import { selectExtents, uniformBlockBytes } from '../plan/content-columns.js'
import { listFilesFolder, manifestName } from '../plan/drive-manifest.js'
import { FileIndex } from '../plan/file-index.js'
import type { CheckFinding } from './check-finding.js'

export interface ExpectedBlocks {
  driveId: string
  /** MD5 of the manifest, 32 upper-case hex digits. */
  manifestHash: string
  files: number
  bytes: number
  /** Blocks that were compared while the manifest was read; not among those below. */
  blocksCompared: number
  fileSizeBytes: Float64Array
  fileBlockBytes: Float64Array
  extents: ExtentTable
  /** 16 bytes a block. */
  expected: Buffer
  /** A byte a block: 1 for those that are not to be looked at. */
  skip: Uint8Array
  /** Path on the drive of file `index` of these columns. */
  filePath(index: number): string
  /** What is wrong already: files that are missing, of another length, or not in the manifest. */
  findings: CheckFinding[]
}

const pieceBytes = 4 << 20
const digestBytes = 16

/** @throws TransferError MANIFEST_MISSING, and those of readManifest. */
export async function readExpectedBlocks(ntfs: NtfsVolume, tree: NtfsTree): Promise<ExpectedBlocks> {
  const index = new FileIndex(tree)
  const manifestFile = index.find(manifestName)
  if (manifestFile === undefined) {
    throw new TransferError('MANIFEST_MISSING', `The drive has no \\${manifestName}.`, {
      hint: 'Was the drive prepared to the end? Run the prepare command again.',
    })
  }
  const hash = createHash('md5')
  const collected = new Collected(ntfs, tree, index)
  collected.seen[manifestFile] = 1
  for await (const part of readManifest(fileBytes(ntfs, tree, manifestFile, hash))) {
    if (part.kind === 'header') collected.begin(part)
    else await collected.add(part)
  }
  collected.reportStrangers()
  return collected.finish(hash.digest('hex').toUpperCase())
}

async function* fileBytes(ntfs: NtfsVolume, tree: NtfsTree, file: number, hash: ReturnType<typeof createHash>) {
  const size = tree.fileSizeBytes[file] as number
  for (let offset = 0; offset < size; offset += pieceBytes) {
    const length = Math.min(pieceBytes, size - offset)
    const piece = await ntfs.readFile(tree.fileRecord[file] as number, offset, length)
    hash.update(piece)
    yield piece
  }
}

class Collected {
  driveId = ''
  isOurs = false
  readonly seen: Uint8Array
  readonly #findings: CheckFinding[] = []
  readonly #digests = new GrowingBytes()
  /** A byte for each digest: 1 for a block that is not to be looked at. */
  readonly #skip = new GrowingBytes()
  /** By file of the tree: where its digests start (in digests), and its block size; NaN for files not to be compared. */
  readonly #firstDigest: Float64Array
  readonly #blockBytes: Float64Array
  readonly #lists = new Set<HashedPath>()
  /** Compared already, through the file system. */
  readonly #slow = { files: 0, bytes: 0, blocks: 0 }

  constructor(
    private readonly ntfs: NtfsVolume,
    private readonly tree: NtfsTree,
    private readonly index: FileIndex,
  ) {
    const count = tree.fileDirectory.length
    this.seen = new Uint8Array(count)
    this.#firstDigest = new Float64Array(count).fill(Number.NaN)
    this.#blockBytes = new Float64Array(count)
  }

  begin({ driveId, clientCreator }: ReadManifestHeader): void {
    this.driveId = driveId
    this.isOurs = clientCreator?.startsWith('diskferry ') === true
  }

  async add(blob: ReadManifestBlob): Promise<void> {
    for (const list of [blob.list.metadata, blob.list.properties, blob.metadata, blob.properties]) {
      if (list !== undefined && !this.#lists.has(list)) await this.#checkListFile(list)
    }
    const file = this.index.find(blob.filePath)
    if (file === undefined)
      return this.#damage('FILE_MISSING', blob.filePath, 'is in the manifest but not on the drive.')
    if (this.seen[file] === 1) {
      return this.#damage('MANIFEST_TWICE', blob.filePath, 'is in the manifest more than once.')
    }
    this.seen[file] = 1
    const size = this.tree.fileSizeBytes[file] as number
    if (size !== blob.lengthBytes) {
      return this.#damage('FILE_LENGTH', blob.filePath, `has ${size} bytes, the manifest says ${blob.lengthBytes}.`)
    }
    // Only whole clusters can be read past the file system, which is quickest.
    const isRaw = this.tree.fileAccess[file] === fileAccess.extents
    const blockBytes = isRaw ? uniformBlockBytes(blob) : undefined
    if (blockBytes === undefined) return await this.#unlessUnreadable(blob.filePath, this.#compareSlowly(file, blob))
    this.#blockBytes[file] = blockBytes
    this.#firstDigest[file] = this.#digests.length / digestBytes
    this.#addDigests(blob, blockBytes)
  }

  // Ranges that a page blob leaves out are zeros on a drive of ours; what others have there is their business.
  #addDigests(blob: ReadManifestBlob, blockBytes: number): void {
    const blocks = Math.ceil(blob.lengthBytes / blockBytes)
    let next = 0
    for (let block = 0; block < blocks; block++) {
      const offset = block * blockBytes
      if (blob.offsets[next] === offset) {
        this.#digests.push(blob.digests.subarray(next * digestBytes, (next + 1) * digestBytes))
        this.#skip.push(wanted)
        next++
      } else {
        this.#digests.push(zeroDigest(Math.min(blockBytes, blob.lengthBytes - offset)))
        this.#skip.push(this.isOurs ? wanted : unwanted)
      }
    }
  }

  /** A file that NTFS cannot give is a finding; the others are compared all the same. */
  async #unlessUnreadable(path: string, comparing: Promise<void>): Promise<void> {
    try {
      await comparing
    } catch (error) {
      if (!(error instanceof TransferError) || !error.code.startsWith('NTFS_')) throw error
      this.#damage('FILE_UNREADABLE', path, `cannot be read: ${error.message}.`)
    }
  }

  // Manifests with blocks of several lengths, and files that are not in whole clusters, both of which others may write:
  // block by block, one after the other.
  async #compareSlowly(file: number, blob: ReadManifestBlob): Promise<void> {
    this.#slow.files++
    this.#slow.bytes += blob.lengthBytes
    for (const [block, offset] of blob.offsets.entries()) {
      this.#slow.blocks++
      const record = this.tree.fileRecord[file] as number
      const hash = createHash('md5')
      const end = offset + (blob.lengths[block] as number)
      for (let at = offset; at < end; at += pieceBytes) {
        hash.update(await this.ntfs.readFile(record, at, Math.min(pieceBytes, end - at)))
      }
      const expected = blob.digests.subarray(block * digestBytes, (block + 1) * digestBytes)
      if (!hash.digest().equals(expected)) {
        this.#damage('FILE_BLOCK', blob.filePath, `block ${block} (at byte ${offset}) differs from the manifest.`)
      }
    }
  }

  async #checkListFile(list: HashedPath): Promise<void> {
    this.#lists.add(list)
    const file = this.index.find(list.path)
    if (file === undefined)
      return this.#damage('FILE_MISSING', list.path, 'is named by the manifest but not on the drive.')
    this.seen[file] = 1
    await this.#unlessUnreadable(list.path, this.#compareList(list, file))
  }

  async #compareList(list: HashedPath, file: number): Promise<void> {
    const size = this.tree.fileSizeBytes[file] as number
    const content = await this.ntfs.readFile(this.tree.fileRecord[file] as number, 0, size)
    const found = createHash('md5').update(content).digest('hex')
    if (found !== list.hash.toLowerCase()) {
      this.#damage('FILE_BLOCK', list.path, `has the MD5 ${found}, the manifest says ${list.hash}.`)
    }
  }

  reportStrangers(): void {
    for (let file = 0; file < this.seen.length; file++) {
      if (this.seen[file] === 1) continue
      const path = `\\${filePath(this.tree, file, '\\')}`
      if (path.startsWith(`\\${listFilesFolder}\\`)) continue
      const message = `${path} is on the drive but not in the manifest: it will not be imported.`
      this.#findings.push({ code: 'FILE_STRANGER', severity: 'warning', structure: path, message })
    }
  }

  #damage(code: string, structure: string, what: string): void {
    this.#findings.push({ code, severity: 'damage', structure, message: `${structure} ${what}` })
  }

  finish(manifestHash: string): ExpectedBlocks {
    const { tree } = this
    const compared = [...this.#firstDigest.keys()].filter((file) => !Number.isNaN(this.#firstDigest[file]))
    const startOf = (file: number) => tree.extents.offsetBytes[tree.extents.firstExtent[file] as number] ?? 0
    const order = Uint32Array.from(compared).sort((left, right) => startOf(left) - startOf(right))
    const fileSizeBytes = Float64Array.from(order, (file) => tree.fileSizeBytes[file] as number)
    const fileBlockBytes = Float64Array.from(order, (file) => this.#blockBytes[file] as number)
    return {
      driveId: this.driveId,
      manifestHash,
      files: order.length + this.#slow.files,
      bytes: fileSizeBytes.reduce((sum, size) => sum + size, this.#slow.bytes),
      blocksCompared: this.#slow.blocks,
      fileSizeBytes,
      fileBlockBytes,
      extents: selectExtents(tree.extents, order),
      expected: this.#ordered(this.#digests, digestBytes, order),
      skip: this.#ordered(this.#skip, 1, order),
      filePath: (index) => `\\${filePath(tree, order[index] as number, '\\')}`,
      findings: this.#findings,
    }
  }

  /** What was gathered for each block, in the order of the files. */
  #ordered(gathered: GrowingBytes, bytesEach: number, order: Uint32Array): Buffer {
    const bytes = gathered.bytes()
    const ordered = Buffer.allocUnsafe(bytes.length)
    let at = 0
    for (const file of order) {
      const blocks = Math.ceil((this.tree.fileSizeBytes[file] as number) / (this.#blockBytes[file] as number))
      const start = (this.#firstDigest[file] as number) * bytesEach
      at += bytes.copy(ordered, at, start, start + blocks * bytesEach)
    }
    return ordered
  }
}

const wanted = Buffer.of(0)
const unwanted = Buffer.of(1)

class GrowingBytes {
  #bytes = Buffer.allocUnsafe(1 << 16)
  length = 0

  push(bytes: Buffer): void {
    if (this.length + bytes.length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.allocUnsafe(this.#bytes.length)])
    }
    this.length += bytes.copy(this.#bytes, this.length)
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }
}
