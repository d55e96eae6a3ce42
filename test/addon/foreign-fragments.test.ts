// Foreign volumes in very many pieces: files and $MFT itself, with run lists that fill several records.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileAccess } from '../../src/addon/ntfs.js'
import { xorshift } from '../formats/mutate.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertReadsAlike, foreignUnavailable, formatForeign, mounted } from './made-foreign.js'

const skip = foreignUnavailable('/usr/bin/setfattr')
const folder = temporaryFolder('fragments')

/** Leaves the volume full but for about half of `count` places of `sizeBytes`, scattered all over it. */
function shatter(point: string, count: number, sizeBytes: number): void {
  mkdirSync(join(point, 'shards'), { recursive: true })
  for (let index = 0; index < count; index++)
    writeFileSync(join(point, 'shards', `${index}`), contentOf(index, sizeBytes))
  fillUp(join(point, 'filler'))
  // Neighbours in number are no neighbours on the volume: any half will do, if it is without order.
  const random = xorshift(count)
  for (let index = 0; index < count; index++) if (random(2) === 0) rmSync(join(point, 'shards', `${index}`))
}

/** Grows a file until nothing is free. */
function fillUp(path: string): void {
  const file = openSync(path, 'w')
  for (let pieceBytes = 1 << 20; pieceBytes >= 512; ) {
    try {
      writeSync(file, contentOf(pieceBytes, pieceBytes))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
      pieceBytes /= 2
    }
  }
  closeSync(file)
}

const extentsOf = (tree: { extents: { firstExtent: Uint32Array } }, file: number) =>
  (tree.extents.firstExtent[file + 1] as number) - (tree.extents.firstExtent[file] as number)

test('files in thousands of pieces, whose run lists fill several records', { skip }, async () => {
  const path = join(folder, 'fragmented')
  formatForeign(path, { sizeBytes: 40 << 20 })
  mounted(path, 'big_writes', (point) => {
    shatter(point, 6000, 2000)
    writeFileSync(join(point, 'one'), contentOf(1, 2700 * 4096 - 77))
  })
  await assertReadsAlike(path, {}, ({ tree, find }) => {
    assert.ok(extentsOf(tree, find('one')) > 1000, `${extentsOf(tree, find('one'))} extents`)
    assert.equal(tree.fileAccess[find('one')], fileAccess.extents)
  })
})

test('$MFT itself in hundreds of pieces, with an attribute list of its own', { skip }, async () => {
  const path = join(folder, 'fragmented-table')
  formatForeign(path, { sizeBytes: 24 << 20, clusterBytes: 2048 })
  mounted(path, 'big_writes', (point) => {
    shatter(point, 2500, 1500)
    // The first take the records that became free; then the table grows into the gaps.
    const isWritten = (index: number) => {
      try {
        writeFileSync(join(point, `${index}`), `content ${index}`)
        return true
      } catch {
        return false
      }
    }
    for (let index = 0; index < 3500; index++) if (!isWritten(index)) break
  })
  assert.match(execFileSync('ntfsinfo', ['--inode', '0', path], { encoding: 'utf8' }), /\$ATTRIBUTE_LIST/)
  await assertReadsAlike(path)
})
