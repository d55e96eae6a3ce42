// A device in a file for the tests of images, and ways to look at what came of it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type CaptureOptions, type CaptureResult, captureImage, type ImageRun } from '../../src/index.js'
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

/** A block a second, each read when the one before it is on its way: of 64 MiB the first mark comes 14 seconds before the end. */
export function captureSlowly(made: MadeDevice): ImageRun<CaptureResult> {
  const pace = { limitBytesPerSecond: 4 * mebibyte, memoryBytes: 24 * mebibyte, durableEveryMs: 50 }
  return captureImage({ source: made.device, image: made.image, ...pace })
}

/** Waits for what is to happen before a run ends. */
export async function until(isSo: () => boolean, ended: Promise<unknown>): Promise<void> {
  let isOver = false
  const end = () => {
    isOver = true
  }
  ended.then(end, end)
  while (!isSo()) {
    assert.ok(!isOver, 'the run was over before')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Until something of the image is on stable storage, so that a run that is stopped now has left something to go on from. */
export function untilMarked({ image }: MadeDevice, ended: Promise<unknown>): Promise<void> {
  const journal = `${image}.capture`
  return until(() => existsSync(journal) && readFileSync(journal, 'latin1').includes('Mark'), ended)
}

/** A capture that was stopped when there was something to go on from. */
export async function captureInPart(made: MadeDevice): Promise<void> {
  const run = captureSlowly(made)
  await untilMarked(made, run.result)
  run.abort()
  await assert.rejects(run.result, { code: 'INTERRUPTED', hint: /--resume/ })
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
