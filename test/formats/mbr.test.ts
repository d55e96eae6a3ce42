import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isExtended, parseExtendedRecord, parseMbr } from '../../src/formats/mbr.js'
import { mutate, xorshift } from './mutate.js'

const extended = { firstSector: 4096, sectorCount: 100_000 }

function record(...entries: [type: number, first: number, count: number][]): Buffer {
  const sector = Buffer.alloc(512)
  sector.writeUInt16LE(0xaa55, 510)
  for (const [index, [type, first, count]] of entries.entries()) {
    sector.writeUInt8(type, 446 + index * 16 + 4)
    sector.writeUInt32LE(first, 446 + index * 16 + 8)
    sector.writeUInt32LE(count, 446 + index * 16 + 12)
  }
  return sector
}

test('a logical partition counts from its record, the next record from the extended partition', () => {
  const found = parseExtendedRecord(record([0x83, 63, 1000], [5, 20_000, 3000]), 10_000, extended, 6)
  assert.deepEqual(found, {
    partition: {
      number: 6,
      type: 0x83,
      typeName: 'Linux',
      firstSector: 10_063,
      sectorCount: 1000,
      isActive: false,
    },
    nextSector: 24_096,
  })
  assert.deepEqual(Object.keys(parseExtendedRecord(record([0x83, 63, 1000]), 10_000, extended, 5) ?? {}), ['partition'])
  assert.deepEqual(parseExtendedRecord(record([0, 0, 0], [15, 63, 1000]), 4096, extended, 5), { nextSector: 4159 })
})

const broken: readonly (readonly [what: string, sector: Buffer])[] = [
  ['no end mark', record([0x83, 63, 1000]).fill(0, 510)],
  ['a partition over its own record', record([0x83, 0, 1000])],
  ['an empty partition', record([0x83, 63, 0])],
  ['a partition that leaves the extended one', record([0x83, 63, 100_000])],
  ['an extended partition as a logical one', record([5, 63, 1000])],
  ['a next record that is no extended one', record([0x83, 63, 1000], [0x83, 9000, 10])],
  ['a next record at the start, which would begin anew', record([0x83, 63, 1000], [5, 0, 10])],
  ['a next record outside', record([0x83, 63, 1000], [5, 0xffff_ffff, 10])],
  ['a status that no table has', record([0x83, 63, 1000]).fill(0x42, 446, 447)],
  ['too few bytes', record([0x83, 63, 1000]).subarray(0, 511)],
]
for (const [what, sector] of broken) {
  test(`${what} is no record of a chain`, () => {
    assert.equal(parseExtendedRecord(sector, 10_000, extended, 5), undefined)
  })
}

test('types of extended partitions are known', () => {
  assert.deepEqual(
    [5, 15, 133, 7, 0x83, 0xee].map((type) => isExtended({ type })),
    [true, true, true, false, false, false],
  )
})

test('whatever is in a record, what it gives lies within the extended partition', () => {
  const random = xorshift(512)
  const good = record([0x83, 63, 1000], [5, 20_000, 3000])
  let accepted = 0
  for (let round = 0; round < 5000; round++) {
    const sector = Buffer.alloc(512)
    mutate(good, random).copy(sector)
    if (random(4) > 0) sector.writeUInt16LE(0xaa55, 510)
    parseMbr(sector)
    const found = parseExtendedRecord(sector, 10_000, extended, 5)
    if (found === undefined) continue
    accepted++
    const end = extended.firstSector + extended.sectorCount
    if (found.partition !== undefined) {
      assert.ok(found.partition.firstSector > 10_000)
      assert.ok(found.partition.firstSector + found.partition.sectorCount <= end)
    }
    if (found.nextSector !== undefined) assert.ok(found.nextSector > extended.firstSector && found.nextSector < end)
  }
  assert.ok(accepted > 100 && accepted < 5000)
})
