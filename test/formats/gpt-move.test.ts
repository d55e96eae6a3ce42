import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeGpt, gptProbeBytes, parseGpt, partitionTypes } from '../../src/formats/gpt.js'
import { moveBackupGpt } from '../../src/formats/gpt-move.js'
import { parseMbr } from '../../src/formats/mbr.js'
import { mutate, xorshift } from './mutate.js'

const mebibyte = 1 << 20
const diskGuid = '01234567-89AB-CDEF-0123-456789ABCDEF'
const partitions = [1, 2].map((number) => ({
  typeGuid: partitionTypes.linuxFilesystem,
  uniqueGuid: `${number}1111111-2222-3333-4444-555555555555`,
  firstSector: number * 512,
  lastSector: number * 512 + 400,
  name: `part ${number}`,
  attributes: 4n,
}))

/** A disk of `diskBytes`, held whole, with the table of a smaller one. */
function grownDisk(oldBytes: number, diskBytes: number, sectorBytes: number): Buffer {
  const table = encodeGpt({ diskBytes: oldBytes, sectorBytes, diskGuid, partitions })
  const disk = Buffer.alloc(diskBytes)
  table.start.copy(disk)
  table.end.copy(disk, table.endOffsetBytes)
  return disk
}

const ends = (disk: Buffer) => [disk.subarray(0, gptProbeBytes), disk.subarray(-gptProbeBytes)] as const

for (const sectorBytes of [512, 4096]) {
  test(`on a larger disk with sectors of ${sectorBytes} bytes the backup moves to the end, and nothing else changes`, () => {
    const disk = grownDisk(16 * mebibyte, 40 * mebibyte, sectorBytes)
    const place = { diskBytes: disk.length, sectorBytes }
    assert.deepEqual(
      parseGpt(...ends(disk), place)?.findings.map(({ code }) => code),
      ['GPT_BACKUP'],
    )
    const writes = moveBackupGpt(disk.subarray(0, gptProbeBytes), place) ?? assert.fail('no table')
    assert.deepEqual(
      writes.map(({ offsetBytes }) => offsetBytes < mebibyte),
      [false, true, true],
    )
    for (const [index, { offsetBytes, bytes }] of writes.entries()) {
      bytes.copy(disk, offsetBytes)
      // Whoever stops here still has a valid primary table.
      const codes = parseGpt(...ends(disk), place)?.findings.map(({ code }) => code)
      assert.deepEqual(codes, index === 0 ? ['GPT_COPIES_DIFFER'] : [])
    }
    const table = parseGpt(...ends(disk), place)
    assert.deepEqual([table?.diskGuid, table?.partitions], [diskGuid, partitions])
    assert.equal(parseMbr(disk)?.partitions[0]?.sectorCount, disk.length / sectorBytes - 1)
  })
}

test('on the same disk nothing changes', () => {
  const disk = grownDisk(16 * mebibyte, 16 * mebibyte, 512)
  const before = Buffer.from(disk)
  for (const { offsetBytes, bytes } of moveBackupGpt(disk, { diskBytes: disk.length, sectorBytes: 512 }) ?? []) {
    bytes.copy(disk, offsetBytes)
  }
  assert.ok(disk.equals(before))
})

test('a smaller disk, one without a table and one with a damaged table are left alone', () => {
  const disk = grownDisk(16 * mebibyte, 16 * mebibyte, 512)
  assert.equal(moveBackupGpt(disk, { diskBytes: 1400 * 512, sectorBytes: 512 }), undefined)
  assert.equal(moveBackupGpt(Buffer.alloc(gptProbeBytes), { diskBytes: 16 * mebibyte, sectorBytes: 512 }), undefined)
  disk.writeUInt8(1, 1024 + 60)
  assert.equal(moveBackupGpt(disk, { diskBytes: 40 * mebibyte, sectorBytes: 512 }), undefined)
})

test('sfdisk finds nothing to complain about', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-move-'))
  try {
    const disk = grownDisk(16 * mebibyte, 40 * mebibyte, 512)
    for (const { offsetBytes, bytes } of moveBackupGpt(disk, { diskBytes: disk.length, sectorBytes: 512 }) ?? []) {
      bytes.copy(disk, offsetBytes)
    }
    writeFileSync(join(folder, 'disk.img'), disk)
    try {
      const said = execFileSync('/usr/sbin/sfdisk', ['--verify', join(folder, 'disk.img')], { encoding: 'utf8' })
      assert.match(said, /No errors detected/)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('sfdisk is not installed')
      throw error
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('whatever the table is, what is written lies on the disk and touches no partition of it', () => {
  const random = xorshift(93)
  const disk = grownDisk(16 * mebibyte, 20 * mebibyte, 512)
  const table = disk.subarray(0, 34 * 512)
  for (let round = 0; round < 3000; round++) {
    const start = Buffer.alloc(gptProbeBytes)
    mutate(table, random).copy(start)
    for (const { offsetBytes, bytes } of moveBackupGpt(start, { diskBytes: disk.length, sectorBytes: 512 }) ?? []) {
      const end = offsetBytes + bytes.length
      assert.ok(offsetBytes >= 0 && end <= disk.length)
      assert.ok(end <= 512 * 512 || offsetBytes > 1424 * 512)
    }
  }
})
