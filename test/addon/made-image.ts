// A device in a file, its image, and everything that the tests of the image engine ask of both.

import { createHash } from 'node:crypto'
import { copyFile, open, truncate, writeFile } from 'node:fs/promises'
import { Device } from '../../src/addon/device.js'
import {
  type CapturedImage,
  type CaptureEvent,
  type CaptureImageInput,
  captureImage,
  ImageSource,
  imageBlockBytes,
  type Ranges,
  type TransferEvent,
  type TransferImageInput,
  transferImage,
} from '../../src/addon/image-engine.js'

export const mebibyte = 1 << 20

export const noRanges: Ranges = { offsetBytes: new Float64Array(0), lengthBytes: new Float64Array(0) }

export function ranges(...pairs: readonly (readonly [number, number])[]): Ranges {
  return {
    offsetBytes: Float64Array.from(pairs, ([offset]) => offset),
    lengthBytes: Float64Array.from(pairs, ([, length]) => length),
  }
}

/** Content with blocks of every kind: text that packs, noise that does not, zeros, and an odd last block. */
export function deviceBytes(sizeBytes: number, seed = 1): Buffer {
  const content = Buffer.alloc(sizeBytes)
  for (let block = 0; block * imageBlockBytes < sizeBytes; block++) {
    const part = content.subarray(block * imageBlockBytes, (block + 1) * imageBlockBytes)
    if (block % 3 === 1) noise(part, seed * 1000 + block)
    if (block % 3 === 0) part.fill(`block ${block} of device ${seed}: words that are there again and again. `)
  }
  return content
}

function noise(into: Buffer, seed: number): void {
  let state = seed + 0x9e3779b9
  for (let at = 0; at + 4 <= into.length; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    into.writeInt32LE(state, at)
  }
}

export const digest = (hash: string, content: Uint8Array) => createHash(hash).update(content).digest('hex')

export interface CaptureOptions extends Partial<Omit<CaptureImageInput, 'source' | 'path'>> {
  /** Comes between the opening of the device and the reading of it. */
  opened?: () => Promise<void>
}

export async function capture(devicePath: string, path: string, { opened, ...options }: CaptureOptions = {}) {
  const source = await Device.open(devicePath, { access: 'read' })
  const events: CaptureEvent[] = []
  try {
    await opened?.()
    const input: CaptureImageInput = {
      source,
      sizeBytes: source.sizeBytes,
      skip: noRanges,
      path,
      container: 'lz4',
      level: 'default',
      hashes: ['sha256'],
      memoryBytes: 48 * mebibyte,
      ...options,
    }
    const result = await captureImage(input, (event) => events.push(event)).finished
    return { result, events }
  } finally {
    await source.close()
  }
}

export type TransferOptions = Partial<Omit<TransferImageInput, 'source' | 'targets'>>

/** Into files that are there. */
export async function transfer(source: ImageSource, paths: readonly string[], options: TransferOptions = {}) {
  const access = options.mode === 'compare' ? 'read' : 'write'
  const targets = await Promise.all(paths.map((path) => Device.open(path, { access })))
  const events: TransferEvent[] = []
  try {
    const input: TransferImageInput = {
      source,
      targets,
      mode: 'write',
      zeros: 'write',
      readBack: false,
      resume: false,
      hashes: [],
      checkBlocks: false,
      memoryBytes: 64 * mebibyte,
      ...options,
    }
    const result = await transferImage(input, (event) => events.push(event)).finished
    return { result, events }
  } finally {
    await Promise.all(targets.map((target) => target.close()))
  }
}

export function openIndexed(path: string, sizeBytes: number, { index }: Pick<CapturedImage, 'index'>) {
  return ImageSource.open({ kind: 'indexed', path, index, sizeBytes })
}

/** A file of that many bytes: holes, or `fill`. */
export async function emptyTarget(path: string, sizeBytes: number, fill?: number): Promise<string> {
  await writeFile(path, fill === undefined ? '' : Buffer.alloc(sizeBytes, fill))
  await truncate(path, sizeBytes)
  return path
}

/** A copy of a file with one bit turned. */
export async function withFlippedBit(from: string, to: string, bit: number): Promise<void> {
  await copyFile(from, to)
  const file = await open(to, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, Math.floor(bit / 8))
  byte[0] = (byte[0] as number) ^ (1 << (bit % 8))
  await file.write(byte, 0, 1, Math.floor(bit / 8))
  await file.close()
}
