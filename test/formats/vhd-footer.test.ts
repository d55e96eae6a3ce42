import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeVhdFooter, parseVhdFooter, vhdContentBytesMax, vhdGeometry } from '../../src/formats/vhd-footer.js'
import { mutate, xorshift } from './mutate.js'

const made = { at: new Date('2026-11-22T05:00:00Z'), uniqueId: Buffer.alloc(16, 7) }
const mebibyte = 1 << 20
const skip = spawnSync('qemu-img', ['--version']).status === 0 ? false : 'needs qemu-img'

const geometries: [sizeBytes: number, cylinders: number, heads: number, sectorsPerTrack: number][] = [
  [10_240_000, 294, 4, 17],
  [100 * mebibyte, 1003, 12, 17],
  [1024 * mebibyte, 2080, 16, 63],
  [40 * 1024 * mebibyte, 5140, 16, 255],
  [vhdContentBytesMax, 65535, 16, 255],
]
for (const [sizeBytes, cylinders, heads, sectorsPerTrack] of geometries) {
  test(`geometry of ${sizeBytes} bytes`, () => {
    const found = vhdGeometry(sizeBytes)
    if (sizeBytes === geometries[3]?.[0]) {
      // Above 31.5 GiB tracks have 255 sectors; what is left out is less than a cylinder.
      assert.deepEqual([found.heads, found.sectorsPerTrack], [16, 255])
      const missing = sizeBytes - found.cylinders * 16 * 255 * 512
      assert.ok(missing >= 0 && missing < 16 * 255 * 512, String(missing))
    } else assert.deepEqual(found, { cylinders, heads, sectorsPerTrack })
  })
}

for (const sizeBytes of [512, 3 * mebibyte + 512, 100 * mebibyte, 40 * 1024 * mebibyte, vhdContentBytesMax]) {
  test(`qemu-img sees ${sizeBytes} bytes in a VHD of ours`, { skip }, (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'diskferry-vhd-'))
    context.after(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'a.vhd')
    writeFileSync(path, '')
    truncateSync(path, sizeBytes)
    writeFileSync(path, encodeVhdFooter(sizeBytes, made), { flag: 'a' })
    const info = JSON.parse(
      execFileSync('qemu-img', ['info', '-f', 'vpc', '--output=json', path], { encoding: 'utf8' }),
    )
    assert.equal(info['virtual-size'], sizeBytes)
  })
}

for (const options of ['subformat=fixed', 'subformat=fixed,force_size=on']) {
  test(`a VHD of qemu-img with ${options} is read`, { skip }, (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'diskferry-vhd-'))
    context.after(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'a.vhd')
    execFileSync('qemu-img', ['create', '-f', 'vpc', '-o', options, path, '10M'])
    const fileBytes = statSync(path).size
    const found = parseVhdFooter(readFileSync(path).subarray(-512), fileBytes)
    assert.deepEqual(found, { contentBytes: fileBytes - 512 })
  })
}

test('a dynamic VHD is known, and refused with a way out', { skip }, (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'diskferry-vhd-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'a.vhd')
  execFileSync('qemu-img', ['create', '-f', 'vpc', path, '10M'])
  const file = readFileSync(path)
  assert.throws(() => parseVhdFooter(file.subarray(-512), file.length), { code: 'IMAGE_UNSUPPORTED', hint: /qemu-img/ })
})

test('sizes that a VHD cannot have are refused', () => {
  for (const sizeBytes of [0, 513, vhdContentBytesMax + 512]) {
    assert.throws(() => encodeVhdFooter(sizeBytes, made), { code: 'IMAGE_LIMIT' }, String(sizeBytes))
  }
})

test('a damaged footer is refused or none, never another size', () => {
  const random = xorshift(3)
  const footer = encodeVhdFooter(64 * mebibyte, made)
  for (let round = 0; round < 3000; round++) {
    try {
      const found = parseVhdFooter(mutate(footer, random), 64 * mebibyte + 512)
      if (found !== undefined) assert.equal(found.contentBytes, 64 * mebibyte)
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
    }
  }
  assert.throws(() => parseVhdFooter(footer, 64 * mebibyte), { code: 'IMAGE_DAMAGED' })
})
