// Memory is bounded whatever is imported: a file of 2 GiB and 20,000 small ones go into a folder, and the process stays below
// 400 MB. A smaller drive shows in the normal run that content is not held.

import assert from 'node:assert/strict'
import { closeSync, openSync, statfsSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FolderStore } from '../../src/storage/folder-store.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { assertArrived, makeDrives } from './made-import.js'
import { runCommand } from './run-command.js'

const isLong = process.env.DISKFERRY_LONG_TESTS === '1'
const [largeBytes, smallFiles, imageSize] = isLong ? [2 ** 31 - 4096, 20_000, '2500M'] : [450 * 2 ** 20, 1000, '600M']
const limitBytes = 400e6

function roomFor(bytes: number): string | false {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize > bytes ? false : `needs ${bytes} bytes free in ${tmpdir()}`
}

const options = { skip: roomFor(4 * largeBytes), timeout: 600_000 }
test(`a file of ${largeBytes} bytes and ${smallFiles} small ones take less than 400 MB`, options, async (context) => {
  const folder = temporaryFolder('receive-memory')
  const files: Record<string, Buffer> = { large: Buffer.alloc(1) }
  for (let index = 0; index < smallFiles; index++)
    files[`small/${index % 100}/${index}`] = contentOf(index, 100 + (index % 3000))
  const source = join(folder, 'source')
  writeTree(source, files)
  truncateSync(join(source, 'large'), largeBytes)
  const large = openSync(join(source, 'large'), 'r+')
  const piece = contentOf(1, 1 << 20)
  for (let at = 0; at < largeBytes; at += 64 << 20) writeSync(large, piece, 0, piece.length, at)
  closeSync(large)
  const made = await makeDrives(folder, {}, [imageSize])
  const target = join(folder, 'store')
  const words = ['receive', '--drive', join(folder, 'drive-0.img'), '--journal', join(folder, 'job.jrn')]
  const run = await runCommand([...words, '--to', `folder:${target}`, '--verbose-log', '--content-md5'])
  assert.equal(run.exitCode, 0, run.stderr)
  context.diagnostic(`${Math.round(run.peakBytes / 1e6)} MB at most`)
  assert.ok(run.peakBytes > 0 && run.peakBytes < limitBytes, `${run.peakBytes} bytes`)
  await assertArrived(made, await FolderStore.open(target))
})
