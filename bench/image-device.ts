// The devices that are imaged: loop devices with an ext4 file system over all of it, half full of files of which half can be
// compressed. The free room of one was never written, as on a new disk; that of the other is full of files that were deleted, as
// on a disk that was in use for a while.

import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { attachLoop } from './measure.js'

const mebibyte = 1 << 20
const fileMebibytes = 64
const smallFiles = 2000

export interface ImagedDevice {
  /** Path of the loop device. */
  device: string
  /** The file behind it. */
  file: string
  bytes: number
}

/** Detached when the process ends. */
export function makeImagedDevice(folder: string, bytes: number, freeRoom: 'new' | 'deleted'): ImagedDevice {
  const file = join(folder, `imaged-${freeRoom}.raw`)
  const descriptor = openSync(file, 'w')
  ftruncateSync(descriptor, bytes)
  closeSync(descriptor)
  execFileSync('mkfs.ext4', ['-q', '-F', file])
  const mount = join(folder, 'imaged')
  mkdirSync(mount)
  execFileSync('mount', ['-o', 'loop', file, mount])
  try {
    const pool = mixedContent(fileMebibytes * mebibyte)
    fill(mount, pool, bytes / 2)
    if (freeRoom === 'deleted') fillAndDelete(mount, pool)
  } finally {
    execFileSync('umount', [mount])
    rmSync(mount, { recursive: true })
  }
  const loop = attachLoop(file)
  process.on('exit', () => loop.detach())
  return { device: loop.device, file, bytes }
}

function fill(folder: string, pool: Buffer, bytes: number): void {
  const small = pool.subarray(0, 16 * 1024)
  mkdirSync(join(folder, 'small'))
  for (let index = 0; index < smallFiles; index++) write(join(folder, 'small', `${index}.bin`), [small])
  const count = Math.floor((bytes - smallFiles * small.length) / pool.length)
  for (let index = 0; index < count; index++) writeTurned(join(folder, `large-${index}.bin`), pool, index)
}

function fillAndDelete(folder: string, pool: Buffer): void {
  const room = () => {
    const { bfree, bsize } = statfsSync(folder)
    return bfree * bsize
  }
  const deleted = join(folder, 'deleted')
  mkdirSync(deleted)
  for (let index = 0; room() > 2 * pool.length; index++) writeTurned(join(deleted, `${index}.bin`), pool, index)
  // What was not written yet would never be.
  execFileSync('sync', ['--file-system', folder])
  rmSync(deleted, { recursive: true })
}

/** No two files begin alike. */
function writeTurned(path: string, pool: Buffer, index: number): void {
  const turn = (index * 7 * mebibyte) % pool.length
  write(path, [pool.subarray(turn), pool.subarray(0, turn)])
}

function write(path: string, pieces: readonly Buffer[]): void {
  const file = openSync(path, 'w')
  for (const piece of pieces) writeSync(file, piece)
  closeSync(file)
}

/** Words and noise in turn, 256 KiB each: LZ4 makes about two thirds of it. */
function mixedContent(bytes: number): Buffer {
  const noise = randomFillSync(Buffer.alloc(bytes))
  const words = Array.from({ length: 4096 }, (_, index) => {
    const length = 3 + (noise.readUInt8(index) % 8)
    return `${noise.toString('base64url', index * 8, index * 8 + 8).slice(0, length)} `
  })
  let next = 0
  for (let at = 0; at < bytes; at += 512 * 1024) {
    const end = at + 256 * 1024
    for (let place = at; place < end; next += 2) {
      const word = words[noise.readUInt16LE((next * 2) % (bytes / 2)) % words.length] ?? ' '
      place += noise.write(word, place, Math.min(word.length, end - place), 'latin1')
    }
  }
  return noise
}
