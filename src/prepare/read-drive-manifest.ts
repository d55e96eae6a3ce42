// The manifest of an opened drive, read into what the verify engine needs: for each file where it lies and the digest that
// each of its blocks must have, in the order in which the files lie on the drive.

import { createHash } from 'node:crypto'
import { fileAccess, type NtfsTree, type NtfsVolume } from '../addon/ntfs.js'
import { TransferError } from '../errors.js'
import { type ExtentTable, filePath } from '../file-tree.js'
import { type ReadManifestBlob, readManifest } from '../formats/manifest-reader.js'
import { type HashedPath, zeroDigest } from '../formats/manifest-writer.js'
import { listFilesFolder, manifestName } from '../plan/drive-manifest.js'
import { FileIndex } from '../plan/file-index.js'
import type { CheckFinding } from './check-finding.js'

export interface ExpectedBlocks {
  driveId: string
  /** MD5 of the manifest, 32 upper-case hex digits. */
  manifestHash: string
  files: number
  bytes: number
  fileSizeBytes: Float64Array
  fileBlockBytes: Float64Array
  extents: ExtentTable
  /** 16 bytes a block. */
  expected: Buffer
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
    if (part.kind === 'header') collected.driveId = part.driveId
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
  readonly seen: Uint8Array
  readonly #findings: CheckFinding[] = []
  readonly #digests = new GrowingBytes()
  /** By file of the tree: where its digests start (in digests), and its block size; NaN for files not to be compared. */
  readonly #firstDigest: Float64Array
  readonly #blockBytes: Float64Array
  readonly #lists = new Set<HashedPath>()

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

  // Ranges that a page blob leaves out must read as zeros: a drive of ours has zeros there.
  #addDigests(blob: ReadManifestBlob, blockBytes: number): void {
    const blocks = Math.ceil(blob.lengthBytes / blockBytes)
    let next = 0
    for (let block = 0; block < blocks; block++) {
      const offset = block * blockBytes
      if (blob.offsets[next] === offset) {
        this.#digests.push(blob.digests.subarray(next * digestBytes, (next + 1) * digestBytes))
        next++
      } else this.#digests.push(zeroDigest(Math.min(blockBytes, blob.lengthBytes - offset)))
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
    for (const [block, offset] of blob.offsets.entries()) {
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
      files: order.length,
      bytes: fileSizeBytes.reduce((sum, size) => sum + size, 0),
      fileSizeBytes,
      fileBlockBytes,
      extents: selectExtents(tree.extents, order),
      expected: this.#orderedDigests(order),
      filePath: (index) => `\\${filePath(tree, order[index] as number, '\\')}`,
      findings: this.#findings,
    }
  }

  #orderedDigests(order: Uint32Array): Buffer {
    const bytes = this.#digests.bytes()
    const ordered = Buffer.allocUnsafe(bytes.length)
    let at = 0
    for (const file of order) {
      const blocks = Math.ceil((this.tree.fileSizeBytes[file] as number) / (this.#blockBytes[file] as number))
      const start = (this.#firstDigest[file] as number) * digestBytes
      at += bytes.copy(ordered, at, start, start + blocks * digestBytes)
    }
    return ordered
  }
}

const fourMebibytes = 4 << 20

/** The one length of all blocks but the last; undefined when they differ. Page ranges may have gaps of whole blocks. */
function uniformBlockBytes(blob: ReadManifestBlob): number | undefined {
  const blockBytes = blob.kind === 'page' ? fourMebibytes : (blob.lengths[0] ?? fourMebibytes)
  if (blockBytes % 64 !== 0 && blob.offsets.length > 1) return undefined
  if (blockBytes > fourMebibytes && blockBytes % fourMebibytes !== 0 && blob.offsets.length > 1) return undefined
  for (const [index, offset] of blob.offsets.entries()) {
    const expected = Math.min(blockBytes, blob.lengthBytes - offset)
    if (offset % blockBytes !== 0 || blob.lengths[index] !== expected) return undefined
  }
  // One block that is the whole file may have any length; the engine wants a multiple of the hash's block.
  if (blob.kind === 'page' || blob.offsets.length > 1) return blockBytes
  return Math.max(fourMebibytes, Math.ceil(blob.lengthBytes / fourMebibytes) * fourMebibytes)
}

function selectExtents(extents: ExtentTable, files: Uint32Array): ExtentTable {
  const firstExtent = new Uint32Array(files.length + 1)
  files.forEach((file, at) => {
    const count = (extents.firstExtent[file + 1] as number) - (extents.firstExtent[file] as number)
    firstExtent[at + 1] = (firstExtent[at] as number) + count
  })
  const total = firstExtent[files.length] as number
  const offsetBytes = new Float64Array(total)
  const lengthBytes = new Float64Array(total)
  files.forEach((file, at) => {
    const from = extents.firstExtent[file] as number
    const to = extents.firstExtent[file + 1] as number
    offsetBytes.set(extents.offsetBytes.subarray(from, to), firstExtent[at])
    lengthBytes.set(extents.lengthBytes.subarray(from, to), firstExtent[at])
  })
  return { firstExtent, offsetBytes, lengthBytes }
}

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
