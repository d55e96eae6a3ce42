// A copy in miniature for tests: source files in a folder, an image file or loop device with an attached BitLocker volume,
// and the columns that say where each file goes.

import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BitlockerVolume, createBitlocker, type RegionOffsets } from '../../src/addon/bitlocker.js'
import type { CopyFilesInput } from '../../src/addon/copy-engine.js'
import { Device } from '../../src/addon/device.js'
import { type ExtentTable, NameColumnBuilder } from '../../src/file-tree.js'

export const mebibyte = 1024 * 1024
export const chunkBytes = 4 * mebibyte
const volumeOffsetBytes = mebibyte
const firstFileBytes = 16 * mebibyte

export interface MadeFile {
  path: string
  content: Buffer
}

export async function makeFiles(folder: string, sizes: readonly number[]): Promise<MadeFile[]> {
  const files: MadeFile[] = []
  for (const [index, size] of sizes.entries()) {
    const path = join(folder, `folder-${index % 3}`, `file-${index}`)
    await mkdir(dirname(path), { recursive: true })
    const content = randomBytes(size)
    await writeFile(path, content)
    files.push({ path, content })
  }
  return files
}

/** Extents in file order; `fragmentBytes` cuts them into pieces with gaps between. */
export function layOut(sizes: readonly number[], clusterBytes = 4096, fragmentBytes = Number.POSITIVE_INFINITY) {
  const firstExtent = [0]
  const offsets: number[] = []
  const lengths: number[] = []
  let next = firstFileBytes
  for (const size of sizes) {
    for (let left = Math.ceil(size / clusterBytes) * clusterBytes; left > 0; ) {
      const length = Math.min(left, fragmentBytes)
      offsets.push(next)
      lengths.push(length)
      next += length + (fragmentBytes === Number.POSITIVE_INFINITY ? 0 : clusterBytes)
      left -= length
    }
    firstExtent.push(offsets.length)
  }
  const extents: ExtentTable = {
    firstExtent: Uint32Array.from(firstExtent),
    offsetBytes: Float64Array.from(offsets),
    lengthBytes: Float64Array.from(lengths),
  }
  return { extents, endBytes: next }
}

const regions: RegionOffsets = {
  metadata: [mebibyte, 2 * mebibyte, 3 * mebibyte],
  header: 4 * mebibyte,
  extra: 5 * mebibyte,
}

export interface MadeTarget {
  device: Device
  volume: BitlockerVolume
  close(): Promise<void>
}

/** A volume with fresh keys on `path`, which is a file or a device of the right size. */
export async function makeTarget(path: string, sectorBytes: 512 | 4096): Promise<MadeTarget> {
  const device = await Device.open(path, { access: 'write', logicalSectorBytes: sectorBytes })
  const volumeBytes = Math.floor((device.sizeBytes - volumeOffsetBytes) / 65536) * 65536
  const { metadata, recoveryPassword } = await createBitlocker({
    volumeBytes,
    sectorBytes,
    method: 'xts-128',
    regions,
    description: 'test',
  })
  const place = { offsetBytes: volumeOffsetBytes, sizeBytes: volumeBytes }
  const secret = { kind: 'recovery-password', password: recoveryPassword.toString() } as const
  const volume = await BitlockerVolume.attach(device, place, metadata, secret)
  return {
    device,
    volume,
    async close() {
      volume.close()
      await device.close()
    },
  }
}

export async function makeImage(path: string, sizeBytes: number): Promise<string> {
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  return path
}

export const imageBytes = (endBytes: number) => volumeOffsetBytes + Math.ceil(endBytes / mebibyte + 1) * mebibyte

/** The whole input of copyFiles for these files, as they are now. */
export async function copyInput(
  files: readonly { path: string }[],
  volume: BitlockerVolume,
  extents: ExtentTable,
  spool: FileHandle,
): Promise<CopyFilesInput> {
  const directories = new NameColumnBuilder()
  const directoryIndex = new Map<string, number>()
  const names = new NameColumnBuilder()
  const fileDirectory: number[] = []
  const sizes: number[] = []
  const times: bigint[] = []
  for (const { path } of files) {
    const folder = dirname(path)
    if (!directoryIndex.has(folder)) {
      directoryIndex.set(folder, directoryIndex.size)
      directories.push(folder)
    }
    fileDirectory.push(directoryIndex.get(folder) as number)
    names.push(path.slice(folder.length + 1))
    const { size, mtimeNs } = await stat(path, { bigint: true })
    sizes.push(Number(size))
    times.push(mtimeNs)
  }
  return {
    volume,
    sourceDirectories: directories.finish(),
    fileSourceDirectory: Uint32Array.from(fileDirectory),
    fileSourceNames: names.finish(),
    fileSizeBytes: Float64Array.from(sizes),
    fileModifiedNs: BigInt64Array.from(times),
    fileBlockBytes: new Float64Array(sizes.length).fill(chunkBytes),
    extents,
    hashSpoolFd: spool.fd,
    firstChunk: 0,
    memoryBytes: 64 * mebibyte,
    onChange: 'fail',
  }
}

/** The MD5 of each 4 MiB of each file, as the hash spool has them. */
export function digestsOf(files: readonly MadeFile[]): Buffer {
  const digests: Buffer[] = []
  for (const { content } of files) {
    for (let at = 0; at < content.length; at += chunkBytes) {
      digests.push(
        createHash('md5')
          .update(content.subarray(at, at + chunkBytes))
          .digest(),
      )
    }
  }
  return Buffer.concat(digests)
}

/** The decrypted bytes of a file's extents: its content and the zeros after it. */
export async function storedFile(volume: BitlockerVolume, extents: ExtentTable, file: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let extent = extents.firstExtent[file] as number; extent < (extents.firstExtent[file + 1] as number); extent++) {
    parts.push(await volume.read(extents.offsetBytes[extent] as number, extents.lengthBytes[extent] as number))
  }
  return Buffer.concat(parts)
}

export function openSpool(folder: string): Promise<FileHandle> {
  return open(join(folder, `spool-${randomBytes(4).toString('hex')}`), 'w+')
}
