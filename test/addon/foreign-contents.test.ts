// Contents that diskferry itself never writes, on volumes of mkntfs and ntfs-3g: compressed, with holes, in their records.

import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileAccess } from '../../src/addon/ntfs.js'
import { xorshift } from '../formats/mutate.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import {
  assertReadsAlike,
  damage,
  foreignUnavailable,
  formatForeign,
  mounted,
  setAttribute,
  withForeign,
} from './made-foreign.js'

const skip = foreignUnavailable('/usr/bin/setfattr')
const folder = temporaryFolder('contents')

/** Text that compresses well, with pieces that do not. */
function mixedContent(seed: number, sizeBytes: number): Buffer {
  const content = Buffer.alloc(sizeBytes, `line ${seed} of a log that repeats itself, as logs do\n`)
  for (let at = 150_000; at + 70_000 < sizeBytes; at += 300_000) contentOf(seed + at, 70_000).copy(content, at)
  return content
}

for (const clusterBytes of [512, 1024, 2048, 4096]) {
  test(`compressed files, in clusters of ${clusterBytes} bytes`, { skip }, async () => {
    const path = join(folder, `compressed-${clusterBytes}`)
    formatForeign(path, { clusterBytes })
    mounted(path, 'compression', (point) => {
      mkdirSync(join(point, 'packed'))
      setAttribute(join(point, 'packed'), 'system.ntfs_attrib_be', '0x00000800')
      const unit = 16 * clusterBytes
      const sizes = [1, 700, 4095, 4097, unit - 1, unit, unit + 1, 3 * unit - 5, 1_000_000, 6_000_001]
      for (const size of sizes) writeFileSync(join(point, 'packed', `text ${size}`), mixedContent(size, size))
      writeFileSync(join(point, 'packed/random'), contentOf(1, 500_000))
      writeFileSync(join(point, 'packed/zeros'), Buffer.alloc(1_000_000))
      const holes = openSync(join(point, 'packed/holes'), 'w')
      for (const place of [0, 700_000, 2_999_000]) writeSync(holes, mixedContent(place, 100_000), 0, 100_000, place)
      closeSync(holes)
    })
    await assertReadsAlike(path, {}, async ({ volume, tree, find }) => {
      const file = find('packed/text 6000001')
      assert.equal(tree.fileAccess[file], fileAccess.readFile)
      const content = mixedContent(6_000_001, 6_000_001)
      const random = xorshift(clusterBytes)
      for (let round = 0; round < 60; round++) {
        const offset = random(content.length)
        const length = Math.min(random(3) === 0 ? random(2_000_000) : random(3000), content.length - offset)
        const found = await volume.readFile(tree.fileRecord[file] as number, offset, length)
        assert.ok(found.equals(content.subarray(offset, offset + length)), `${length} bytes at ${offset}`)
      }
    })
  })
}

test('files with holes, with less written than they are long, in their records, and empty', { skip }, async () => {
  const path = join(folder, 'sparse')
  formatForeign(path)
  mounted(path, 'rw', (point) => {
    const holes = openSync(join(point, 'holes'), 'w')
    for (const place of [0, 100_001, 5_000_000]) writeSync(holes, contentOf(place, 9000), 0, 9000, place)
    ftruncateSync(holes, 20_000_000)
    closeSync(holes)
    writeFileSync(join(point, 'longer than the volume'), 'x')
    truncateSync(join(point, 'longer than the volume'), 200 * 2 ** 30)
    truncateSync(join(point, 'longer than the volume'), 3 * 2 ** 20)
    writeFileSync(join(point, 'grown'), contentOf(3, 5000))
    truncateSync(join(point, 'grown'), 9_999)
    writeFileSync(join(point, 'only a hole'), '')
    truncateSync(join(point, 'only a hole'), 1_000_000)
    for (const size of [0, 1, 100, 400, 600, 700, 800]) writeFileSync(join(point, `${size}`), contentOf(size, size))
  })
  await assertReadsAlike(path, {}, ({ tree, find }) => {
    const accessOf = (name: string) => tree.fileAccess[find(name)]
    assert.equal(accessOf('holes'), fileAccess.readFile)
    assert.equal(accessOf('100'), fileAccess.readFile)
    assert.equal(accessOf('0'), fileAccess.extents)
    assert.equal(accessOf('800'), fileAccess.extents)
  })
})

test('a sparse file of a terabyte on a small volume is listed with its size, and read where it has data', {
  skip,
}, async () => {
  const path = join(folder, 'giant')
  formatForeign(path)
  mounted(path, 'rw', (point) => {
    const file = openSync(join(point, 'giant'), 'w')
    writeSync(file, 'landmark', 2 ** 39)
    ftruncateSync(file, 2 ** 40)
    closeSync(file)
  })
  await withForeign(path, 512, async ({ volume, tree, find, findings }) => {
    const file = find('giant')
    assert.equal(tree.fileSizeBytes[file], 2 ** 40)
    assert.equal(tree.fileAccess[file], fileAccess.readFile)
    const record = tree.fileRecord[file] as number
    assert.equal((await volume.readFile(record, 2 ** 39 - 4, 16)).toString('latin1'), '\0\0\0\0landmark\0\0\0\0')
    assert.ok((await volume.readFile(record, 2 ** 40 - 5_000_001, 5_000_001)).every((byte) => byte === 0))
    assert.deepEqual(damage(findings), [])
  })
})
