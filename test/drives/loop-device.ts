// Loop devices for tests that need a real block device: attached to a file that the test made, detached afterwards.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'

export function run(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

const cleanUps = new WeakMap<TestContext, (() => void)[]>()

/** Runs `cleanUp` after the test, the last one first: a device is unmounted before its folder goes. */
export function afterwards(context: TestContext, cleanUp: () => void): void {
  const known = cleanUps.get(context)
  if (known !== undefined) {
    known.unshift(cleanUp)
    return
  }
  const list = [cleanUp]
  cleanUps.set(context, list)
  context.after(() => {
    for (const step of list) step()
  })
}

export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'diskferry-drives-'))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let reason: string | undefined

/** Why loop devices cannot be had here; undefined when they can. */
export function loopUnavailable(): string | undefined {
  if (reason !== undefined) return reason === '' ? undefined : reason
  reason = ''
  if (process.getuid?.() !== 0) reason = 'needs root to attach loop devices'
  else {
    try {
      run('losetup', '--find')
    } catch (error) {
      reason = `no loop devices here: ${(error as Error).message.split('\n').at(-1)}`
    }
  }
  return reason === '' ? undefined : reason
}

/** Attaches a sparse file of `sizeBytes`; gives the device and the file. */
export function attachLoop(
  context: TestContext,
  sizeBytes: number,
  ...options: string[]
): { device: string; file: string } {
  const file = join(temporaryFolder(context), 'disk.img')
  writeFileSync(file, '')
  truncateSync(file, sizeBytes)
  return { device: attachFile(context, file, ...options), file }
}

export function attachFile(context: TestContext, file: string, ...options: string[]): string {
  const device = run('losetup', '--find', '--show', ...options, file).trim()
  afterwards(context, () => detach(device))
  return device
}

const endedWithinMs = 60_000

/** A device that somebody else looks at, as udev does with each that was written to, is detached when he is done: its file is held till then. */
export function detach(device: string): void {
  run('losetup', '--detach', device)
  const file = `/sys/block/${basename(device)}/loop/backing_file`
  waitWhile(() => existsSync(file))
}

/** Unmounts an image. A program of user space that had it mounted still writes when umount has returned: its end is waited for. */
export function unmountImage(folder: string, image: string): void {
  run('umount', folder)
  waitWhile(() => readdirSync('/proc').some((name) => /^\d+$/.test(name) && wordsOf(name).includes(image)))
}

function wordsOf(processId: string): string[] {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function waitWhile(isSo: () => boolean): void {
  const until = performance.now() + endedWithinMs
  while (isSo() && performance.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
}
