// Volumes of real formatters, filled with known files, and then the trial: everything that is said to be free is overwritten.
// What still checks clean and reads equal has lost nothing.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Device } from '../../src/addon/device.js'
import { readUsedRanges, type UsedRanges } from '../../src/addon/filesystems.js'
import { unmountImage } from '../drives/loop-device.js'
import { xorshift } from '../formats/mutate.js'

export function runQuietly(program: string, words: readonly string[], input?: string): string {
  return execFileSync(program, words, { encoding: 'utf8', input: input ?? '', stdio: ['pipe', 'pipe', 'pipe'] })
}

export function makeImage(path: string, sizeBytes: number): string {
  writeFileSync(path, '')
  truncateSync(path, sizeBytes)
  return path
}

export interface MadeFile {
  /** Relative, with at most one folder. */
  path: string
  content: Buffer
}

/** Small and large files, an empty one, some in folders. The same seed gives the same files. */
export function makeFiles(seed: number, count = 40, largestBytes = 1_500_000): MadeFile[] {
  const random = xorshift(seed)
  return Array.from({ length: count }, (_, index) => {
    const content = Buffer.alloc(index === 0 ? 0 : 1 + random(index % 5 === 0 ? largestBytes : 30_000))
    for (let at = 0; at + 4 <= content.length; at += 512) content.writeUInt32LE(random(0xffff_ffff), at)
    const folder = index % 4 === 3 ? `folder-${index % 3}/` : ''
    return { path: `${folder}file-${index}.bin`, content }
  })
}

/** Of the files that stay; the others are made and deleted, so that free room lies between them. */
export const isKept = (_: MadeFile, index: number) => index % 3 !== 1

export function writeFiles(folder: string, files: readonly MadeFile[]): void {
  for (const { path, content } of files) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

export function assertHoldsFiles(folder: string, files: readonly MadeFile[]): void {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !path.startsWith('lost+found') && statSync(join(folder, path)).isFile(),
  )
  assert.deepEqual(found.sort(), files.map(({ path }) => path).sort())
  for (const { path, content } of files) {
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    assert.equal(digest(readFileSync(join(folder, path))), digest(content), path)
  }
}

/** Mounts an image, by the kernel or by a program, works in the mount point, and unmounts whatever happens. */
export function inMount<T>(path: string, options: string, work: (folder: string) => T, words: string[] = []): T {
  const folder = `${path}.mount`
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', [...words, '-o', options, path, folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    return work(folder)
  } finally {
    unmountImage(folder, path)
  }
}

export async function usedOf(path: string, offsetBytes = 0, lengthBytes?: number): Promise<UsedRanges> {
  const device = await Device.open(path, { access: 'read' })
  try {
    return await readUsedRanges(device, offsetBytes, lengthBytes ?? device.sizeBytes - offsetBytes)
  } finally {
    await device.close()
  }
}

export function assertOrdered({ offsetBytes, lengthBytes }: UsedRanges, sizeBytes: number): number {
  let end = -1
  let total = 0
  for (const [index, offset] of offsetBytes.entries()) {
    const length = lengthBytes[index] as number
    assert.ok(offset > end && length > 0, `range ${index} at ${offset} is behind ${end} and not empty`)
    end = offset + length
    total += length
  }
  assert.ok(end <= sizeBytes, `${end} lies within ${sizeBytes}`)
  return total
}

/** A copy in which everything outside the used ranges is random. */
export function overwriteFree(path: string, used: UsedRanges): string {
  const copy = `${path}.overwritten`
  copyFileSync(path, copy)
  const noise = randomFillSync(Buffer.alloc(1 << 20))
  const file = openSync(copy, 'r+')
  const fill = (from: number, to: number) => {
    for (let at = from; at < to; at += noise.length) writeSync(file, noise, 0, Math.min(noise.length, to - at), at)
  }
  let free = 0
  for (const [index, offset] of used.offsetBytes.entries()) {
    fill(free, offset)
    free = offset + (used.lengthBytes[index] as number)
  }
  fill(free, statSync(path).size)
  closeSync(file)
  return copy
}

/** Reads what is used, believes it, and gives the path of the copy whose free room is overwritten. */
export async function overwriteFreeOf(path: string, fileSystem: string, atMost: number): Promise<string> {
  const used = await usedOf(path)
  assert.deepEqual([used.fileSystem, used.state, used.reason], [fileSystem, 'clean', ''])
  const total = assertOrdered(used, statSync(path).size)
  assert.ok(total < atMost * statSync(path).size, `${total} bytes of ${statSync(path).size} are in use`)
  return overwriteFree(path, used)
}
