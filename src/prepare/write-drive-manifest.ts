// The manifest of a drive, written into the extents that were planned for it: every blob of the plan with the digests that
// the engine spooled, less the files that were dropped.

import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
import type { BitlockerVolume } from '../addon/bitlocker.js'
import type { ExtentTable } from '../file-tree.js'
import type { DrivePlan } from '../formats/drive-plan.js'
import { blockCount, writeManifest } from '../formats/manifest-writer.js'
import { manifestBlobOf, manifestHeaderOf } from '../plan/drive-manifest.js'
import type { DriveFiles } from './session-files.js'

const digestBytes = 16
const windowBytes = 1 << 20
const writeBytes = 4 << 20

export interface ManifestRequest {
  volume: BitlockerVolume
  plan: DrivePlan
  extents: ExtentTable
  files: DriveFiles
  dropped: ReadonlyMap<number, string>
}

/** Length in bytes and MD5 (32 upper-case hex digits) of what was written. */
export async function writeDriveManifest(request: ManifestRequest): Promise<{ lengthBytes: number; md5: string }> {
  const { volume, plan, extents, files } = request
  const spool = await files.openHashSpool()
  try {
    const digests = new DigestWindow(spool.fd)
    const order = blobOrder(plan, request.dropped)
    const firstBlock = firstBlocks(plan)
    const blobs = function* () {
      for (const file of order) yield manifestBlobOf(plan, file)
    }
    const digestsOf = (index: number) => {
      const file = order[index] as number
      const count = blockCount(plan.tree.fileSizeBytes[file] as number, plan.fileBlockBytes[file] as number)
      return digests.read(firstBlock[file] as number, count)
    }
    const writer = new ExtentWriter(volume, extents, plan.tree.fileDirectory.length - 1)
    const hash = createHash('md5')
    for (const piece of writeManifest(manifestHeaderOf(plan.header), blobs(), digestsOf)) {
      hash.update(piece)
      await writer.write(piece)
    }
    await writer.finish()
    return { lengthBytes: writer.totalBytes, md5: hash.digest('hex').toUpperCase() }
  } finally {
    await spool.close()
  }
}

/** Files that are blobs, list by list as the manifest's grammar wants them, each list in file order. */
export function blobOrder(plan: DrivePlan, dropped: ReadonlyMap<number, string>): number[] {
  const order: number[] = []
  for (let list = 0; list < plan.header.blobLists.length; list++) {
    for (let file = 0; file < plan.fileList.length; file++) {
      if (plan.fileBlobType[file] !== 0 && plan.fileList[file] === list && !dropped.has(file)) order.push(file)
    }
  }
  return order
}

/** Index in the spool of each file's first block; files that are no blobs have blocks too. */
function firstBlocks(plan: DrivePlan): Float64Array {
  const first = new Float64Array(plan.fileBlockBytes.length)
  let next = 0
  for (let file = 0; file < first.length; file++) {
    first[file] = next
    next += blockCount(plan.tree.fileSizeBytes[file] as number, plan.fileBlockBytes[file] as number)
  }
  return first
}

/** Digests from the spool through one window, since files are asked for in order and mostly have few blocks. */
class DigestWindow {
  #window = Buffer.alloc(0)
  #startBytes = 0

  constructor(private readonly descriptor: number) {}

  read(firstBlock: number, count: number): Buffer {
    const start = firstBlock * digestBytes
    const length = count * digestBytes
    if (start < this.#startBytes || start + length > this.#startBytes + this.#window.length) {
      const window = Buffer.alloc(Math.max(length, windowBytes))
      let filled = 0
      while (filled < window.length) {
        const got = readSync(this.descriptor, window, filled, window.length - filled, start + filled)
        if (got === 0) break
        filled += got
      }
      this.#window = window.subarray(0, filled)
      this.#startBytes = start
    }
    const from = start - this.#startBytes
    return this.#window.subarray(from, from + length)
  }
}

/** Writes a file's bytes into its extents in large pieces, the last one padded with zeros to the end of its cluster. */
class ExtentWriter {
  totalBytes = 0
  #pending: Buffer[] = []
  #pendingBytes = 0
  #extent: number
  #inExtentBytes = 0

  constructor(
    private readonly volume: BitlockerVolume,
    private readonly extents: ExtentTable,
    private readonly file: number,
  ) {
    this.#extent = extents.firstExtent[file] as number
  }

  async write(piece: Buffer): Promise<void> {
    this.#pending.push(piece)
    this.#pendingBytes += piece.length
    this.totalBytes += piece.length
    if (this.#pendingBytes >= writeBytes) await this.#flush(false)
  }

  finish(): Promise<void> {
    return this.#flush(true)
  }

  async #flush(isLast: boolean): Promise<void> {
    const all = Buffer.concat(this.#pending)
    const sector = this.volume.sectorBytes
    const whole = isLast ? all.length : all.length - (all.length % writeBytes)
    const padded = isLast ? Buffer.concat([all, Buffer.alloc((sector - (all.length % sector)) % sector)]) : all
    let done = 0
    const end = isLast ? padded.length : whole
    while (done < end) {
      const room = (this.extents.lengthBytes[this.#extent] as number) - this.#inExtentBytes
      const length = Math.min(room, end - done)
      const offset = (this.extents.offsetBytes[this.#extent] as number) + this.#inExtentBytes
      await this.volume.write(offset, padded.subarray(done, done + length))
      done += length
      this.#inExtentBytes += length
      if (this.#inExtentBytes === this.extents.lengthBytes[this.#extent]) {
        this.#extent++
        this.#inExtentBytes = 0
      }
    }
    const rest = all.subarray(whole)
    this.#pending = rest.length > 0 ? [rest] : []
    this.#pendingBytes = rest.length
    if (isLast) await this.#zeroRest()
  }

  // The manifest may be shorter than planned; what is left of its clusters is zeroed, so that reading back can be exact.
  async #zeroRest(): Promise<void> {
    const lastExtent = (this.extents.firstExtent[this.file + 1] as number) - 1
    for (; this.#extent <= lastExtent; this.#extent++, this.#inExtentBytes = 0) {
      const total = this.extents.lengthBytes[this.#extent] as number
      while (this.#inExtentBytes < total) {
        const length = Math.min(writeBytes, total - this.#inExtentBytes)
        const offset = (this.extents.offsetBytes[this.#extent] as number) + this.#inExtentBytes
        await this.volume.write(offset, Buffer.alloc(length))
        this.#inExtentBytes += length
      }
    }
  }
}
