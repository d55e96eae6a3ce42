// Partition tables on image files: written, read back, judged by independent programs, and damaged in every way.

import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { type FoundTable, readPartitions, writePartitionTable } from '../../src/drives/partition-disk.js'
import { numbers } from '../plan/make-tree.js'
import { afterwards, attachLoop, loopUnavailable, run, temporaryFolder } from './loop-device.js'

const mebibyte = 1 << 20
const diskGuid = '5A1D0C1E-9B37-4E2A-8C55-0123456789AB'

async function open(context: TestContext, path: string, logicalSectorBytes: 512 | 4096 = 512): Promise<Device> {
  const device = await Device.open(path, { access: 'write', logicalSectorBytes })
  afterwards(context, () => void device.close())
  return device
}

async function partition(path: string, clusterBytes: number, logicalSectorBytes: 512 | 4096 = 512): Promise<void> {
  const device = await Device.open(path, { access: 'write', logicalSectorBytes })
  await writePartitionTable(device, clusterBytes, diskGuid)
  await device.flush()
  await device.close()
}

function image(context: TestContext, sizeBytes: number, content?: Buffer): string {
  const path = join(temporaryFolder(context), 'disk.img')
  writeFileSync(path, content ?? '')
  truncateSync(path, sizeBytes)
  return path
}

for (const sectorBytes of [512, 4096] as const) {
  test(`a table for sectors of ${sectorBytes} bytes reads back as the shipping layout`, async (context) => {
    const device = await open(context, image(context, 200 * mebibyte + 12_288), sectorBytes)
    await writePartitionTable(device, 4096, diskGuid)
    const table = await readPartitions(device)
    assert.deepEqual(table.findings, [])
    assert.equal(table.kind, 'gpt')
    assert.equal(table.diskGuid, diskGuid)
    assert.deepEqual(
      table.partitions.map(({ number, isBasicData, name, offsetBytes, sizeBytes }) => {
        return [number, isBasicData, name, offsetBytes / mebibyte, sizeBytes / mebibyte]
      }),
      [
        [1, false, 'Microsoft reserved partition', 1, 16],
        [2, true, 'Basic data partition', 17, 182],
      ],
    )
  })
}

test('the same disk GUID gives the same bytes', async (context) => {
  const paths = [image(context, 64 * mebibyte), image(context, 64 * mebibyte)]
  for (const path of paths) await partition(path, 4096)
  const [first, second] = paths.map((path) => readFileSync(path))
  assert.ok(first?.equals(second as Buffer))
})

test('nothing of an old table or file system is left around the data partition', async (context) => {
  const path = image(context, 64 * mebibyte, Buffer.alloc(64 * mebibyte, 0xa5))
  await partition(path, 4096)
  const disk = readFileSync(path)
  const table = [disk.subarray(0, 34 * 512), disk.subarray(disk.length - 33 * 512)]
  assert.ok(table.every((part) => !part.includes(Buffer.alloc(16, 0xa5))))
  assert.ok(disk.subarray(34 * 512, 17 * mebibyte).every((byte) => byte === 0))
  assert.ok(disk.subarray(63 * mebibyte, disk.length - 33 * 512).every((byte) => byte === 0))
  assert.ok(
    disk.subarray(17 * mebibyte, 63 * mebibyte).every((byte) => byte === 0xa5),
    'the data partition is not touched',
  )
})

test('util-linux reads our table', { skip: loopUnavailable() ?? false }, async (context) => {
  for (const sectorBytes of [512, 4096] as const) {
    const { device: path } = attachLoop(context, 128 * mebibyte, '--sector-size', String(sectorBytes))
    await partition(path, 65536)
    // partx counts in sectors of 512 bytes whatever the device has.
    const words = ['--raw', '--noheadings', '--output', 'NR,START,SECTORS,TYPE,SCHEME', path]
    assert.deepEqual(
      run('partx', ...words)
        .trim()
        .split('\n'),
      [
        `1 ${mebibyte / 512} ${(16 * mebibyte) / 512} e3c9e316-0b5c-4db8-817d-f92df00215ae gpt`,
        `2 ${(17 * mebibyte) / 512} ${(110 * mebibyte) / 512} ebd0a0a2-b9e5-4433-87c0-68b6b72699c7 gpt`,
      ],
    )
  }
})

test('a table made for sectors of 4096 bytes is understood in a file that shows 512', async (context) => {
  const path = image(context, 64 * mebibyte)
  await partition(path, 4096, 4096)
  const table = await readPartitions(await open(context, path, 512))
  assert.equal(table.partitions[1]?.offsetBytes, 17 * mebibyte)
})

test('either copy of the table is enough, and the other one is named', async (context) => {
  const path = image(context, 64 * mebibyte)
  await partition(path, 4096)
  const whole = readFileSync(path)
  const cases: [offset: number, code: string][] = [
    [512 + 20, 'GPT_PRIMARY'],
    [1024 + 3, 'GPT_PRIMARY'],
    [whole.length - 512 + 60, 'GPT_BACKUP'],
    [whole.length - 33 * 512 + 200, 'GPT_BACKUP'],
  ]
  for (const [offset, code] of cases) {
    const table = await withByte(path, offset, readPartitions)
    assert.deepEqual(
      table.findings.map((finding) => finding.code),
      [code],
    )
    assert.equal(table.partitions.length, 2)
  }
})

async function withByte<T>(path: string, offset: number, work: (device: Device) => Promise<T>): Promise<T> {
  const before = Buffer.alloc(1)
  const file = openSync(path, 'r+')
  try {
    readSync(file, before, 0, 1, offset)
    writeSync(file, Buffer.of((before[0] as number) ^ 0xff), 0, 1, offset)
    const device = await Device.open(path, { access: 'read' })
    return await work(device).finally(() => device.close())
  } finally {
    writeSync(file, before, 0, 1, offset)
    closeSync(file)
  }
}

test('the old kind of table is read too, and a partition outside the disk is only named', async (context) => {
  const sector = Buffer.alloc(512)
  sector.writeUInt16LE(0xaa55, 510)
  sector.set([0, 0, 0, 0, 7], 446)
  sector.writeUInt32LE(2048, 454)
  sector.writeUInt32LE(20_000, 458)
  sector.set([0, 0, 0, 0, 0x83], 462)
  sector.writeUInt32LE(40_000, 470)
  sector.writeUInt32LE(0xffff_ffff, 474)
  const table = await readPartitions(await open(context, image(context, 32 * mebibyte, sector)))
  assert.equal(table.kind, 'mbr')
  assert.deepEqual(table.partitions, [
    {
      number: 1,
      isBasicData: true,
      isExtended: false,
      type: table.partitions[0]?.type,
      name: '',
      offsetBytes: mebibyte,
      sizeBytes: 10_240_000,
    },
  ])
  assert.deepEqual(
    table.findings.map((finding) => [finding.code, finding.structure]),
    [['PARTITION_OUTSIDE', 'partition 2']],
  )
})

test('an empty disk has no table, and a lost one is damage', async (context) => {
  const device = await open(context, image(context, 40 * mebibyte))
  assert.deepEqual(await readPartitions(device), { kind: 'none', partitions: [], findings: [] })
  await writePartitionTable(device, 4096, diskGuid)
  await device.write(512, Buffer.alloc(33 * 512))
  await device.write(40 * mebibyte - 33 * 512, Buffer.alloc(33 * 512))
  const table = await readPartitions(device)
  assert.equal(table.kind, 'none')
  assert.deepEqual(
    table.findings.map((finding) => finding.code),
    ['GPT_MISSING'],
  )
})

test('whatever the disk holds, a table is read without trusting it', async (context) => {
  const sizeBytes = 40 * mebibyte
  const path = image(context, sizeBytes)
  await partition(path, 4096)
  const device = await open(context, path)
  const start = await device.read(0, 34 * 512)
  const end = await device.read(sizeBytes - 33 * 512, 33 * 512)
  const next = numbers(8191)
  for (let round = 0; round < 400; round++) {
    const [head, tail] = [Buffer.from(start), Buffer.from(end)]
    for (let change = 0; change <= next(6); change++) {
      head[next(2) === 0 ? next(1200) : next(head.length)] = next(256)
      if (next(2) === 0) tail[next(tail.length)] = next(256)
    }
    await device.write(0, head)
    await device.write(sizeBytes - 33 * 512, tail)
    const table: FoundTable = await readPartitions(device)
    for (const partition of table.partitions) {
      assert.ok(partition.offsetBytes > 0 && partition.offsetBytes + partition.sizeBytes <= sizeBytes)
    }
  }
})
