// Whole disks of other programs: partition tables of sfdisk, file systems in them, and mounts.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { readBlockFacts } from '../../src/drives/block-facts.js'
import { mountedRanges } from '../../src/drives/mounted-ranges.js'
import { readPartitions } from '../../src/drives/partition-disk.js'
import { readVolumes, tableDoubt } from '../../src/drives/read-volumes.js'
import { deviceNumber } from '../../src/drives/refuse-unsafe.js'
import { planSkipRanges } from '../../src/plan/skip-ranges.js'
import { runQuietly } from '../addon/made-volume.js'
import { lacks } from '../lacks.js'
import { afterwards, attachFile, detach, loopUnavailable, run, temporaryFolder } from './loop-device.js'

const mebibyte = 1 << 20
const skip = lacks('/usr/sbin/sfdisk', '/usr/sbin/mke2fs', '/usr/sbin/mkfs.fat', '/usr/sbin/mkswap')

function disk(context: TestContext, sizeMebibytes: number, script: string): string {
  const path = join(temporaryFolder(context), 'disk.img')
  writeFileSync(path, '')
  truncateSync(path, sizeMebibytes * mebibyte)
  runQuietly('/usr/sbin/sfdisk', ['-q', path], script)
  return path
}

function put(path: string, offsetBytes: number, sizeBytes: number, ...command: string[]): void {
  const part = `${path}.part`
  writeFileSync(part, '')
  truncateSync(part, sizeBytes)
  execFileSync(command[0] as string, [...command.slice(1), part], { stdio: 'pipe' })
  const file = openSync(path, 'r+')
  writeSync(file, readFileSync(part), 0, sizeBytes, offsetBytes)
  closeSync(file)
}

async function survey(path: string) {
  const device = await Device.open(path, { access: 'read' })
  try {
    const table = await readPartitions(device)
    const { rdev } = statSync(path)
    const target = rdev === 0 ? { path } : { number: deviceNumber(rdev) }
    const volumes = await readVolumes(device, table, mountedRanges(target, await readBlockFacts()))
    const doubt = tableDoubt(table)
    const plan = planSkipRanges({
      deviceBytes: device.sizeBytes,
      sectorBytes: 512,
      volumes,
      ...(doubt === undefined ? {} : { tableDoubt: doubt }),
    })
    return { table, volumes, plan }
  } finally {
    await device.close()
  }
}

const kindsOf = ({ volumes }: Awaited<ReturnType<typeof survey>>) =>
  volumes.map(({ number, found }) => `${number} ${found.fileSystem} ${found.state}`)

test('logical partitions are found where sfdisk put them, and their file systems are read', { skip }, async (t) => {
  const path = disk(
    t,
    80,
    'label: dos\n1: size=8M,type=83\n2: size=60M,type=5\n3: size=2M,type=82\n5: size=16M\n6: size=20M\n7: size=10M,type=c\n',
  )
  const listed = runQuietly('/usr/sbin/sfdisk', ['--dump', path])
    .split('\n')
    .flatMap((line) => {
      const match = /img(\d+) : start= *(\d+), size= *(\d+), type=(\w+)/.exec(line)
      return match === null ? [] : [[Number(match[1]), Number(match[2]) * 512, Number(match[3]) * 512]]
    })
  const { table } = await survey(path)
  assert.deepEqual(table.findings, [])
  assert.deepEqual(
    table.partitions.map(({ number, offsetBytes, sizeBytes }) => [number, offsetBytes, sizeBytes]),
    listed.sort((left, right) => (left[1] as number) - (right[1] as number)),
  )
  assert.deepEqual(
    table.partitions.filter(({ isExtended }) => isExtended).map(({ number }) => number),
    [2],
  )
  const at = (number: number) => table.partitions.find((partition) => partition.number === number) ?? assert.fail()
  put(path, at(3).offsetBytes, at(3).sizeBytes, '/usr/sbin/mkswap')
  put(path, at(5).offsetBytes, at(5).sizeBytes, '/usr/sbin/mke2fs', '-q', '-F', '-t', 'ext4')
  put(path, at(7).offsetBytes, at(7).sizeBytes, '/usr/sbin/mkfs.fat', '-F', '16')
  const found = await survey(path)
  assert.deepEqual(kindsOf(found), [
    '0  unknown',
    '1  unknown',
    '5 ext4 clean',
    '6  unknown',
    '7 fat16 clean',
    '3 swap clean',
  ])
  for (const { offsetBytes, lengthBytes } of found.plan.skipped) {
    const inside = [3, 5, 7].some((number) => {
      const part = at(number)
      return offsetBytes >= part.offsetBytes && offsetBytes + lengthBytes <= part.offsetBytes + part.sizeBytes
    })
    assert.ok(inside, `${offsetBytes} lies in a partition whose file system is known`)
  }
})

test('a chain that leads back to itself ends, with a finding', { skip }, async (t) => {
  const path = disk(t, 40, 'label: dos\n1: size=30M,type=5\n5: size=4M\n6: size=4M\n')
  const { table } = await survey(path)
  const second = table.partitions.find(({ number }) => number === 6) ?? assert.fail()
  const file = openSync(path, 'r+')
  const entry = Buffer.alloc(16)
  entry.writeUInt8(5, 4)
  entry.writeUInt32LE(second.offsetBytes / 512 - 2048 - 2048, 8)
  entry.writeUInt32LE(10_000, 12)
  writeSync(file, entry, 0, 16, second.offsetBytes - mebibyte + 462)
  closeSync(file)
  const looped = await survey(path)
  assert.deepEqual(
    looped.table.findings.map(({ code }) => code),
    ['MBR_CHAIN'],
  )
  assert.match(looped.plan.notes.join(), /chain of logical partitions.*read whole/)
})

test('a file system over a whole device that still has an old table is read whole', { skip }, async (t) => {
  const path = disk(t, 64, 'label: dos\n,60M,83\n')
  put(path, mebibyte, 60 * mebibyte, '/usr/sbin/mke2fs', '-q', '-F')
  const before = await survey(path)
  assert.ok(before.plan.skipped.length > 0)
  const file = openSync(path, 'r+')
  const table = readFileSync(path).subarray(0, 1024)
  execFileSync('/usr/sbin/mke2fs', ['-q', '-F', path], { stdio: 'pipe' })
  writeSync(file, table, 0, 1024, 0)
  closeSync(file)
  const after = await survey(path)
  assert.deepEqual(kindsOf(after)[0], '0 ext2 clean')
  assert.deepEqual(after.plan.skipped, [])
})

test('only the partition that is mounted is read whole', { skip: skip || loopUnavailable() }, async (t) => {
  const path = disk(t, 80, 'label: gpt\nsize=20M\nsize=20M\n')
  put(path, mebibyte, 20 * mebibyte, '/usr/sbin/mke2fs', '-q', '-F')
  put(path, 21 * mebibyte, 20 * mebibyte, '/usr/sbin/mke2fs', '-q', '-F')
  const loop = attachFile(t, path, '--partscan')
  const mounted = `${path}.mount`
  mkdirSync(mounted)
  // The kernel's devices of partitions may have no names here: an offset does as well.
  const part = run(
    'losetup',
    '--find',
    '--show',
    '--read-only',
    '--offset',
    `${21 * mebibyte}`,
    '--sizelimit',
    `${20 * mebibyte}`,
    path,
  ).trim()
  afterwards(t, () => detach(part))
  run('mount', '-o', 'ro', part, mounted)
  afterwards(t, () => run('umount', mounted))
  const { plan } = await survey(path)
  assert.deepEqual(
    plan.volumes.map(({ number, state, usedBytes }) => [number, state, usedBytes !== undefined]),
    [
      [1, 'clean', true],
      [2, `mounted: at ${mounted}`, false],
    ],
  )
  assert.match(plan.notes.join(), /Partition 2 \(ext2\) is mounted at/)
  const facts = await readBlockFacts()
  const number = deviceNumber(statSync(loop).rdev)
  const parts = facts.devices.filter(({ disk: name }) => `/dev/${name}` === loop)
  if (parts.length === 0) return
  const made = { ...facts, mounts: [{ number: parts[1]?.number ?? '', source: '', mountPoint: '/x' }] }
  assert.deepEqual(mountedRanges({ number }, made), [
    { offsetBytes: 21 * mebibyte, lengthBytes: 20 * mebibyte, mountPoint: '/x' },
  ])
})
