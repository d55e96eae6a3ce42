// Images of used blocks: what a restored device has, and what is left out.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { captureImage } from '../../src/image/capture-image.js'
import { assertHoldsFiles, isKept, makeFiles, makeImage, runQuietly, writeFiles } from '../addon/made-volume.js'
import { temporaryFolder } from '../drives/loop-device.js'
import { lacks, needsRoot } from '../lacks.js'

const mebibyte = 1 << 20
const skip = lacks('/usr/sbin/sfdisk', '/usr/sbin/mke2fs', '/usr/sbin/debugfs', '/usr/bin/lz4')
const partOffset = 2 * mebibyte

/** A disk of 96 MiB: ext4 in its only partition, deleted text in the free room, and a mark outside of partitions. */
function madeDisk(t: TestContext) {
  const folder = temporaryFolder(t)
  const part = makeImage(join(folder, 'part.img'), 90 * mebibyte)
  runQuietly('/usr/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'Trial', part])
  const files = makeFiles(5)
  writeFiles(join(folder, 'source'), files)
  const folders = ['folder-0', 'folder-1', 'folder-2'].map((name) => `mkdir ${name}`)
  const writes = files.map(({ path }) => `write ${join(folder, 'source', path)} ${path}`)
  const removes = files.filter((file, index) => !isKept(file, index)).map(({ path }) => `rm ${path}`)
  runQuietly('/usr/sbin/debugfs', ['-w', '-f', '-', part], [...folders, ...writes, ...removes, ''].join('\n'))
  const disk = makeImage(join(folder, 'disk.img'), 96 * mebibyte)
  runQuietly('/usr/sbin/sfdisk', ['-q', disk], 'label: gpt\nstart=4096, size=90M\n')
  const file = openSync(disk, 'r+')
  writeSync(file, readFileSync(part), 0, 90 * mebibyte, partOffset)
  writeSync(file, Buffer.from('outside of partitions'), 0, 21, 94 * mebibyte)
  closeSync(file)
  return { folder, disk, files: files.filter(isKept) }
}

function unpack(image: string, path: string): void {
  execFileSync('/usr/bin/lz4', ['-d', '-q', image, path])
}

function partOf(path: string): string {
  const part = `${path}.part`
  writeFileSync(part, readFileSync(path).subarray(partOffset, partOffset + 90 * mebibyte))
  return part
}

test('what lz4 unpacks from an image of used blocks checks clean and has every file', { skip }, async (t) => {
  const { folder, disk, files } = madeDisk(t)
  const image = join(folder, 'disk.img.lz4')
  const result = await captureImage({ source: disk, image, usedOnly: true }).result
  assert.ok(result.skippedBytes > 40 * mebibyte, `${result.skippedBytes} bytes are left out`)
  assert.deepEqual(result.notes, [])
  const restored = join(folder, 'restored.img')
  unpack(image, restored)
  assert.equal(statSync(restored).size, 96 * mebibyte)
  const part = partOf(restored)
  runQuietly('/usr/sbin/e2fsck', ['-f', '-n', part])
  const out = join(folder, 'out')
  mkdirSync(out)
  runQuietly('/usr/sbin/debugfs', ['-R', `rdump / ${out}`, part])
  assertHoldsFiles(out, files)
  const bytes = readFileSync(restored)
  assert.equal(bytes.toString('latin1', 94 * mebibyte, 94 * mebibyte + 21), 'outside of partitions')
  const original = readFileSync(disk)
  assert.ok(original.subarray(0, partOffset).equals(bytes.subarray(0, partOffset)))
  assert.ok(original.subarray(-mebibyte).equals(bytes.subarray(-mebibyte)))
})

test('a mounted file system is captured whole and said so, unless it is to be trusted', {
  skip: skip || needsRoot,
}, async (t) => {
  const { folder, disk } = madeDisk(t)
  const part = partOf(disk)
  await inMountAsync(part, async () => {
    const capture = (name: string, trustUnclean: boolean) =>
      captureImage({ source: part, image: join(folder, name), usedOnly: true, allowMounted: true, trustUnclean }).result
    const careful = await capture('careful.img.lz4', false)
    assert.equal(careful.skippedBytes, 0)
    assert.match(careful.notes.join('\n'), /is mounted at .* It is read whole\./)
    const trusting = await capture('trusting.img.lz4', true)
    assert.ok(trusting.skippedBytes > 40 * mebibyte)
    assert.match(trusting.notes.join('\n'), /left out all the same, as was asked/)
  })
})

async function inMountAsync(path: string, work: () => Promise<void>): Promise<void> {
  const folder = `${path}.mount`
  mkdirSync(folder)
  runQuietly('mount', ['-o', 'loop,ro', path, folder])
  try {
    await work()
  } finally {
    runQuietly('umount', [folder])
  }
}
