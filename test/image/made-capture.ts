// A device in a file for the tests of images, and ways to look at what came of it.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type CaptureOptions, type CaptureResult, captureImage } from '../../src/index.js'
import { deviceBytes, mebibyte } from '../addon/made-image.js'
import { temporaryFolder } from '../drives/loop-device.js'

export interface MadeDevice {
  folder: string
  device: string
  content: Buffer
  image: string
}

/** Text, noise, zeros, and an odd last block. */
export function makeDevice(context: TestContext, sizeBytes = 21 * mebibyte + 512, name = 'backup.img.lz4'): MadeDevice {
  const folder = temporaryFolder(context)
  const content = deviceBytes(sizeBytes)
  const device = join(folder, 'device.bin')
  writeFileSync(device, content)
  return { folder, device, content, image: join(folder, name) }
}

export function capture(made: MadeDevice, more: Partial<CaptureOptions> = {}): Promise<CaptureResult> {
  return captureImage({ source: made.device, image: made.image, ...more }).result
}

/** Until something of the image is on stable storage, so that a run that is stopped now has left something to go on from. */
export async function untilMarked({ image }: MadeDevice): Promise<void> {
  const journal = `${image}.capture`
  while (!existsSync(journal) || !readFileSync(journal, 'latin1').includes('Mark'))
    await new Promise((resolve) => setTimeout(resolve, 20))
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Why a test cannot run here; false when it can. */
export function needs(...programs: string[]): string | false {
  const absent = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  return absent.length > 0 && `needs ${absent.join(', ')}`
}

export function lz4(...words: string[]) {
  return spawnSync('lz4', words, { maxBuffer: 1 << 28 })
}
