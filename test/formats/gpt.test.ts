import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { volumeBytesMin } from '../../src/drives/bitlocker-regions.js'
import {
  encodeGpt,
  type GptPartition,
  gptProbeBytes,
  gptSectorBytes,
  parseGpt,
  partitionTypes,
} from '../../src/formats/gpt.js'
import { decodeGuid, encodeGuid } from '../../src/formats/guid.js'
import { parseMbr } from '../../src/formats/mbr.js'
import { shippingPartitions } from '../../src/formats/shipping-partitions.js'
import { mutate, xorshift } from './mutate.js'

const mebibyte = 1 << 20
const diskGuid = '01234567-89AB-CDEF-0123-456789ABCDEF'
const guids = ['11111111-2222-3333-4444-555555555555', '21111111-2222-3333-4444-555555555555'] as const

/** A disk as it is shipped, with only its ends kept. */
function shippingDisk(diskBytes: number, sectorBytes: number) {
  const { reserved, data } = shippingPartitions(diskBytes, sectorBytes, 4096)
  const partitions: GptPartition[] = [reserved, data].map(({ typeGuid, name, firstSector, lastSector }, index) => ({
    typeGuid,
    name,
    firstSector,
    lastSector,
    uniqueGuid: guids[index] as string,
    attributes: 0n,
  }))
  const encoded = encodeGpt({ diskBytes, sectorBytes, diskGuid, partitions })
  const start = Buffer.alloc(gptProbeBytes)
  encoded.start.copy(start)
  const end = Buffer.alloc(gptProbeBytes)
  encoded.end.copy(end, gptProbeBytes - (diskBytes - encoded.endOffsetBytes))
  return { partitions, encoded, start, end, place: { diskBytes, sectorBytes } }
}

test('GUIDs have their first three groups in little-endian order', () => {
  // The bytes of the basic data type as every Windows disk has them.
  assert.equal(encodeGuid(partitionTypes.basicData).toString('hex'), 'a2a0d0ebe5b9334487c068b6b72699c7')
  assert.equal(decodeGuid(encodeGuid(diskGuid), 0), diskGuid)
  assert.throws(() => encodeGuid('0123'), RangeError)
})

for (const sectorBytes of [512, 4096]) {
  for (const diskBytes of [64 * mebibyte, 100 * mebibyte, 100 * mebibyte + 7 * 512, 12 * 1024 ** 4]) {
    test(`a disk of ${diskBytes} bytes with sectors of ${sectorBytes} has the same table at both ends`, () => {
      const { partitions, encoded, start, end, place } = shippingDisk(diskBytes, sectorBytes)
      assert.deepEqual(parseGpt(start, end, place), { diskGuid, partitions, source: 'primary', findings: [] })
      assert.equal(encoded.endOffsetBytes + encoded.end.length, Math.floor(diskBytes / sectorBytes) * sectorBytes)
      assert.equal(gptSectorBytes(start), sectorBytes)
      const mbr = parseMbr(start)
      assert.equal(mbr?.isProtective, true)
      assert.deepEqual(
        mbr?.partitions.map(({ type, firstSector, sectorCount }) => [type, firstSector, sectorCount]),
        [[0xee, 1, Math.min(Math.floor(diskBytes / sectorBytes) - 1, 0xffff_ffff)]],
      )
      const last = partitions[1] as GptPartition
      assert.ok((last.lastSector + 1) * sectorBytes <= encoded.endOffsetBytes)
    })
  }
}

test('the shipping layout is 16 MiB reserved at 1 MiB, then data on whole mebibytes to the end', () => {
  const { reserved, data } = shippingPartitions(1000 * mebibyte, 512, 4096)
  assert.deepEqual([reserved.offsetBytes, reserved.sizeBytes], [mebibyte, 16 * mebibyte])
  assert.deepEqual([data.offsetBytes, data.sizeBytes], [17 * mebibyte, 982 * mebibyte])
  assert.deepEqual([data.firstSector, data.lastSector], [34816, 34816 + 982 * 2048 - 1])
  assert.equal(shippingPartitions(1000 * mebibyte, 512, 2 * mebibyte).data.sizeBytes % (2 * mebibyte), 0)
  assert.throws(() => shippingPartitions(33 * mebibyte, 512, 4096), {
    code: 'DRIVE_UNFIT',
    message: /34603008|smallest/,
  })
})

test('the size that is told as the smallest is one that BitLocker takes', () => {
  const smallest = (() => {
    try {
      shippingPartitions(mebibyte, 512, 4096)
    } catch (error) {
      return Number(/smallest that can be prepared has (\d+)/.exec(String(error))?.[1])
    }
    return Number.NaN
  })()
  assert.equal(shippingPartitions(smallest, 512, 4096).data.sizeBytes, volumeBytesMin)
})

test('util-linux reads the same partitions', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-'))
  try {
    const path = join(folder, 'disk.img')
    const { encoded, place } = shippingDisk(100 * mebibyte, 512)
    const file = openSync(path, 'w')
    ftruncateSync(file, place.diskBytes)
    writeSync(file, encoded.start, 0, encoded.start.length, 0)
    writeSync(file, encoded.end, 0, encoded.end.length, encoded.endOffsetBytes)
    closeSync(file)
    let output: string
    try {
      output = execFileSync('partx', ['--raw', '--noheadings', '-o', 'START,END,UUID,NAME', path], {
        encoding: 'utf8',
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('partx is not installed')
      throw error
    }
    assert.deepEqual(output.trim().split('\n'), [
      `2048 34815 ${guids[0]} Microsoft\\x20reserved\\x20partition`,
      `34816 202751 ${guids[1]} Basic\\x20data\\x20partition`,
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const damages: readonly (readonly [
  what: string,
  side: 'start' | 'end',
  sector: number,
  code: string,
  source: string,
])[] = [
  ['primary header', 'start', 1, 'GPT_PRIMARY', 'backup'],
  ['primary entries', 'start', 2, 'GPT_PRIMARY', 'backup'],
  ['backup header', 'end', -1, 'GPT_BACKUP', 'primary'],
  ['backup entries', 'end', -33, 'GPT_BACKUP', 'primary'],
]
for (const [what, side, sector, code, source] of damages) {
  test(`a flipped bit in the ${what} is found, and the other copy is used`, () => {
    for (const byte of [0, 20, 40, 60]) {
      const disk = shippingDisk(100 * mebibyte, 512)
      const bytes = disk[side]
      const offset = (sector < 0 ? bytes.length : 0) + sector * 512 + byte
      bytes[offset] = (bytes[offset] as number) ^ 1
      const table = parseGpt(disk.start, disk.end, disk.place)
      assert.deepEqual(
        [table?.findings.map((finding) => finding.code), table?.source],
        [[code], source],
        `byte ${byte}`,
      )
      assert.deepEqual(table?.partitions, disk.partitions)
    }
  })
}

test('two valid copies that differ are found', () => {
  const disk = shippingDisk(100 * mebibyte, 512)
  const other = encodeGpt({ ...disk.place, diskGuid: guids[0], partitions: disk.partitions })
  other.end.copy(disk.end, disk.end.length - other.end.length)
  const table = parseGpt(disk.start, disk.end, disk.place)
  assert.deepEqual([table?.diskGuid, table?.findings.map(({ code }) => code)], [diskGuid, ['GPT_COPIES_DIFFER']])
})

test('two bad copies give findings and no partitions; no copy gives nothing', () => {
  const disk = shippingDisk(100 * mebibyte, 512)
  disk.start[512 + 30] = 1
  disk.end[disk.end.length - 512 + 30] = 1
  const table = parseGpt(disk.start, disk.end, disk.place)
  assert.deepEqual([table?.partitions, table?.findings.map(({ code }) => code)], [[], ['GPT_PRIMARY', 'GPT_BACKUP']])
  assert.equal(parseGpt(Buffer.alloc(gptProbeBytes), Buffer.alloc(gptProbeBytes), disk.place), undefined)
  assert.equal(parseGpt(Buffer.alloc(0), Buffer.alloc(0), disk.place), undefined)
})

test('a disk that grew or was copied to a larger one has no backup in its last sector', () => {
  const disk = shippingDisk(100 * mebibyte, 512)
  const table = parseGpt(disk.start, Buffer.alloc(gptProbeBytes), { diskBytes: 200 * mebibyte, sectorBytes: 512 })
  assert.deepEqual(
    table?.findings.map(({ message }) => message),
    ['The backup partition table is not valid: there is none in the last sector (409599).'],
  )
})

test('partitions that overlap behind valid checksums are found', () => {
  const disk = shippingDisk(100 * mebibyte, 512)
  // The data partition's first sector, moved into the reserved one, with both checksums made right again.
  disk.start.writeBigUInt64LE(3000n, 1024 + 128 + 32)
  disk.start.writeUInt32LE(crc32(disk.start.subarray(1024, 1024 + 16384)), 512 + 88)
  disk.start.writeUInt32LE(0, 512 + 16)
  disk.start.writeUInt32LE(crc32(disk.start.subarray(512, 512 + 92)), 512 + 16)
  const codes = parseGpt(disk.start, disk.end, disk.place)?.findings.map(({ code }) => code)
  assert.deepEqual(codes, ['GPT_COPIES_DIFFER', 'GPT_PARTITIONS'])
})

test('what does not fit is refused when a table is made', () => {
  const { partitions, place } = shippingDisk(100 * mebibyte, 512)
  const [reserved, data] = partitions as [GptPartition, GptPartition]
  const encode = (...list: GptPartition[]) => encodeGpt({ ...place, diskGuid, partitions: list })
  assert.throws(() => encode(reserved, { ...data, firstSector: reserved.lastSector }), RangeError)
  assert.throws(() => encode({ ...data, lastSector: 204_799 }), RangeError)
  assert.throws(() => encode({ ...reserved, firstSector: 1 }), RangeError)
  assert.throws(() => encode({ ...data, name: 'x'.repeat(37) }), RangeError)
  assert.throws(() => encode({ ...data, uniqueGuid: 'x' }), RangeError)
  assert.throws(() => encodeGpt({ diskBytes: 10_000, sectorBytes: 512, diskGuid, partitions: [] }), RangeError)
  assert.throws(() => encodeGpt({ ...place, sectorBytes: 520, diskGuid, partitions: [] }), RangeError)
})

test('a drive with an MBR shows its partitions by type; a bare volume or noise shows none', () => {
  const mbr = Buffer.alloc(512)
  mbr.writeUInt16LE(0xaa55, 510)
  mbr.set([0x80, 0, 0, 0, 0x07, 0, 0, 0, 0, 8, 0, 0, 0, 0, 16, 0], 446)
  mbr.set([0x00, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 16, 0, 0, 0, 1, 0], 462)
  mbr.set([0x00, 0, 0, 0, 0x99, 0, 0, 0, 0, 8, 32, 0, 0, 0, 1, 0], 494)
  assert.deepEqual(parseMbr(mbr), {
    isProtective: false,
    partitions: [
      {
        number: 1,
        type: 7,
        typeName: 'NTFS, exFAT or BitLocker',
        firstSector: 2048,
        sectorCount: 0x100000,
        isActive: true,
      },
      { number: 2, type: 0x83, typeName: 'Linux', firstSector: 0x100800, sectorCount: 65536, isActive: false },
      { number: 4, type: 0x99, typeName: 'type 0x99', firstSector: 0x200800, sectorCount: 65536, isActive: false },
    ],
  })
  mbr[446] = 0x12
  assert.equal(parseMbr(mbr), undefined)
  assert.equal(parseMbr(Buffer.alloc(512)), undefined)
  assert.equal(parseMbr(Buffer.alloc(100)), undefined)
})

test('damage of any kind never throws, and one whole copy is enough', () => {
  const random = xorshift(128)
  const disk = shippingDisk(100 * mebibyte, 512)
  const table = 34 * 512
  for (let round = 0; round < 3000; round++) {
    const start = Buffer.alloc(gptProbeBytes)
    mutate(disk.start.subarray(0, table), random).copy(start)
    const found = parseGpt(start, disk.end, disk.place)
    assert.deepEqual(found?.diskGuid, diskGuid)
    assert.deepEqual(found?.partitions, disk.partitions)
    parseGpt(start, start, disk.place)
    parseGpt(start.subarray(0, random(table)), start.subarray(random(table)), disk.place)
    parseMbr(start)
  }
})
