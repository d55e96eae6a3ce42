// What may never be written: the rules against described machines, then against real loop devices.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type BlockDevice, type BlockFacts, readBlockFacts } from '../../src/drives/block-facts.js'
import { parseMounts, parseSwaps } from '../../src/drives/mount-tables.js'
import { checkDriveIsSafe, deviceNumber, refuseDevice, refuseFile } from '../../src/drives/refuse-unsafe.js'
import { TransferError } from '../../src/errors.js'
import { encodeGpt, partitionTypes } from '../../src/formats/gpt.js'
import { numbers } from '../plan/make-tree.js'
import { afterwards, attachFile, attachLoop, loopUnavailable, run, temporaryFolder } from './loop-device.js'

function device(name: string, number: string, more: Partial<BlockDevice> = {}): BlockDevice {
  return { name, number, sizeBytes: 1e9, isReadOnly: false, holders: [], ...more }
}

/** sda: the system on LVM in LUKS; sdb: a data disk; sdc: empty; sdd: md member; sde: a card reader; sr0: read-only. */
const machine: BlockFacts = {
  devices: [
    device('sda', '8:0'),
    device('sda1', '8:1', { disk: 'sda' }),
    device('sda2', '8:2', { disk: 'sda', holders: ['dm-0'] }),
    device('dm-0', '253:0', { mapperName: 'sda2_crypt', holders: ['dm-1', 'dm-2'] }),
    device('dm-1', '253:1', { mapperName: 'vg-root' }),
    device('dm-2', '253:2', { mapperName: 'vg-swap' }),
    device('sdb', '8:16'),
    device('sdb1', '8:17', { disk: 'sdb' }),
    device('sdc', '8:32'),
    device('sdc1', '8:33', { disk: 'sdc' }),
    device('sdd', '8:48', { holders: ['md0'] }),
    device('md0', '9:0'),
    device('sde', '8:64', { sizeBytes: 0 }),
    device('sdf', '8:80', { isReadOnly: true }),
    device('sdg', '8:96'),
    device('sdg1', '8:97', { disk: 'sdg' }),
    device('sdh', '8:112'),
    device('sdi', '8:128'),
    device('sdi1', '8:129', { disk: 'sdi' }),
    device('loop0', '7:0', { backingFile: '/data/disk one.img' }),
  ],
  mounts: parseMounts(
    [
      '22 1 253:1 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw',
      '23 22 8:1 / /boot rw,relatime shared:2 - ext4 /dev/sda1 rw',
      '24 22 8:17 / /media/my\\040disk rw,relatime - ext4 /dev/sdb1 rw',
      '25 22 0:45 /sub /srv rw,relatime - btrfs /dev/sdg1 rw,subvolid=5',
      '26 22 0:21 / /proc rw - proc proc rw',
      '27 22 8:129 / /usr rw - xfs /dev/sdi1 rw',
    ].join('\n'),
  ),
  swaps: ['/dev/dm-2', '/dev/sdh', '/data/swapfile'],
}

const devices = new Map(machine.devices.map((one) => [one.name, one]))

const deviceRules: [name: string, code: string | undefined, reason: RegExp][] = [
  ['sda', 'DRIVE_SYSTEM', /\/dev\/sda1 is \/boot|vg-root is \//],
  ['sda2', 'DRIVE_UNFIT', /partition of \/dev\/sda/],
  ['dm-0', 'DRIVE_SYSTEM', /\/dev\/mapper\/vg-root is \//],
  ['dm-2', 'DRIVE_MOUNTED', /swap \(itself\)/],
  ['sdb', 'DRIVE_MOUNTED', /\/dev\/sdb1 at \/media\/my disk/],
  ['sdb1', 'DRIVE_UNFIT', /partition of \/dev\/sdb/],
  ['sdc', undefined, /^$/],
  ['sdd', 'DEVICE_IN_USE', /in use by md0/],
  ['sde', 'DRIVE_UNFIT', /no medium/],
  ['sdf', 'DEVICE_READ_ONLY', /read-only/],
  ['sdg', 'DRIVE_MOUNTED', /\/dev\/sdg1 at \/srv/],
  ['sdh', 'DRIVE_MOUNTED', /swap/],
  ['sdi', 'DRIVE_SYSTEM', /\/dev\/sdi1 is \/usr/],
  ['loop0', undefined, /^$/],
]

for (const [name, code, reason] of deviceRules) {
  test(`/dev/${name} is ${code === undefined ? 'accepted' : `refused with ${code}`}`, () => {
    const refusal = refuseDevice(devices.get(name) as BlockDevice, machine)
    assert.equal(refusal?.code, code)
    assert.match(refusal?.reason ?? '', reason)
  })
}

test('the command that unmounts a drive can be pasted into a shell', () => {
  const refusal = refuseDevice(devices.get('sdb') as BlockDevice, machine)
  assert.equal(refusal?.hint, "Unmount it first: umount '/media/my disk'")
})

test('files behind a loop device or used for swap are refused, others are not', () => {
  assert.equal(refuseFile('/data/disk one.img', machine)?.code, 'DEVICE_IN_USE')
  assert.equal(refuseFile('/data/swapfile', machine)?.code, 'DRIVE_MOUNTED')
  assert.equal(refuseFile('/data/disk two.img', machine), undefined)
})

test('/proc/swaps lists paths below its heading', () => {
  const text = 'Filename\tType\tSize\tUsed\tPriority\n/dev/dm-2    partition\t1\t0\t-2\n/a\\040b   file\t1\t0\t-3\n'
  assert.deepEqual(parseSwaps(text), ['/dev/dm-2', '/a b'])
  assert.deepEqual(parseSwaps(''), [])
})

test('any text is a mount table or an empty one', () => {
  const next = numbers(4711)
  const whole = readFileSync('/proc/self/mountinfo', 'latin1')
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(whole, 'latin1')
    for (let change = 0; change < 8; change++) bytes[next(bytes.length)] = next(256)
    for (const mount of parseMounts(bytes.toString('latin1', next(50), next(bytes.length)))) {
      assert.equal(typeof mount.mountPoint, 'string')
    }
  }
})

test('a machine described in sysfs is read as it is', async (context) => {
  const root = temporaryFolder(context)
  const disk = join(root, 'sys/devices/pci/block/sdz')
  const write = (path: string, text: string) => {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
  }
  write(join(disk, 'dev'), '8:400\n')
  write(join(disk, 'size'), '2048\n')
  write(join(disk, 'ro'), '1\n')
  write(join(disk, 'sdz1/dev'), '8:401\n')
  write(join(disk, 'sdz1/size'), '1024\n')
  write(join(disk, 'sdz1/ro'), '0\n')
  write(join(disk, 'sdz1/partition'), '1\n')
  write(join(disk, 'sdz1/start'), '256\n')
  mkdirSync(join(disk, 'sdz1/holders/dm-9'), { recursive: true })
  mkdirSync(join(root, 'sys/class/block'), { recursive: true })
  symlinkSync(disk, join(root, 'sys/class/block/sdz'))
  symlinkSync(join(disk, 'sdz1'), join(root, 'sys/class/block/sdz1'))
  write(join(root, 'proc/self/mountinfo'), '22 1 8:401 / /mnt rw - ext4 /dev/sdz1 rw\n')
  const facts = await readBlockFacts(join(root, 'sys'), join(root, 'proc'))
  assert.deepEqual(facts, {
    devices: [
      { name: 'sdz', number: '8:400', sizeBytes: 1_048_576, isReadOnly: true, holders: [] },
      {
        name: 'sdz1',
        number: '8:401',
        sizeBytes: 524_288,
        isReadOnly: false,
        holders: ['dm-9'],
        disk: 'sdz',
        startBytes: 131_072,
      },
    ],
    mounts: [{ number: '8:401', source: '/dev/sdz1', mountPoint: '/mnt' }],
    swaps: [],
  })
})

test('a partition that goes away while the others are read is none', async (context) => {
  const root = temporaryFolder(context)
  const gone = join(root, 'sys/class/block/sdz1')
  mkdirSync(gone, { recursive: true })
  mkdirSync(join(root, 'proc/self'), { recursive: true })
  writeFileSync(join(root, 'proc/self/mountinfo'), '')
  // Read while it was there; by then its link into the tree of devices is not.
  writeFileSync(join(gone, 'dev'), '8:401\n')
  writeFileSync(join(gone, 'partition'), '1\n')
  assert.deepEqual((await readBlockFacts(join(root, 'sys'), join(root, 'proc'))).devices, [])
})

test('without sysfs no device is known, and without a mount table nothing is said', async (context) => {
  const root = temporaryFolder(context)
  assert.deepEqual((await readBlockFacts(join(root, 'sys'))).devices, [])
  await assert.rejects(readBlockFacts('/sys', join(root, 'proc')), { code: 'ENOENT' })
})

test('device numbers are those of the kernel, also above 255', () => {
  assert.equal(deviceNumber(0x0801), '8:1')
  assert.equal(deviceNumber(0x10_3_00 + 5), '259:5')
  assert.equal(deviceNumber(((300 & 0xff) | ((300 & ~0xff) << 12) | (7 << 8)) >>> 0), '7:300')
  assert.match(deviceNumber(statSync('/dev/null').rdev), /^1:3$/)
})

async function refusal(path: string): Promise<TransferError> {
  const error = await checkDriveIsSafe(path).then(
    () => assert.fail(`${path} was accepted`),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof TransferError, String(error))
  return error
}

test('the disk that holds / is refused', async (context) => {
  const facts = await readBlockFacts()
  const rootMount = facts.mounts.findLast((mount) => mount.mountPoint === '/')
  const root = facts.devices.find((one) => one.number === rootMount?.number || `/dev/${one.name}` === rootMount?.source)
  if (root === undefined) return context.skip('/ is on no block device here')
  const error = await refusal(`/dev/${root.disk ?? root.name}`)
  assert.equal(error.code, 'DRIVE_SYSTEM')
})

test('what is no drive at all is refused with what it is', async (context) => {
  const folder = temporaryFolder(context)
  assert.equal((await refusal(folder)).code, 'DEVICE_UNSUPPORTED')
  assert.equal((await refusal('/dev/null')).code, 'DEVICE_UNSUPPORTED')
  assert.equal((await refusal(join(folder, 'nothing'))).code, 'DEVICE_NOT_FOUND')
})

test('a regular file is a drive, also through a link', async (context) => {
  const folder = temporaryFolder(context)
  writeFileSync(join(folder, 'disk.img'), 'x')
  symlinkSync(join(folder, 'disk.img'), join(folder, 'link'))
  assert.deepEqual(await checkDriveIsSafe(join(folder, 'link')), { path: join(folder, 'disk.img'), kind: 'file' })
})

const needsLoop = { skip: loopUnavailable() ?? false }

test('a free loop device is accepted, and its file is in use', needsLoop, async (context) => {
  const { device: path, file } = attachLoop(context, 64 << 20)
  assert.deepEqual(await checkDriveIsSafe(path), { path, kind: 'block' })
  const error = await refusal(file)
  assert.equal(error.code, 'DEVICE_IN_USE')
  assert.ok(error.message.includes(path))
})

test('a mounted device is refused under every name it has', needsLoop, async (context) => {
  const { device: path } = attachLoop(context, 64 << 20)
  const folder = temporaryFolder(context)
  const mountPoint = join(folder, 'mount point')
  mkdirSync(mountPoint)
  run('mkfs.ext4', '-q', path)
  run('mount', path, mountPoint)
  afterwards(context, () => run('umount', mountPoint))
  symlinkSync(path, join(folder, 'by-id'))
  for (const name of [path, join(folder, 'by-id')]) {
    const error = await refusal(name)
    assert.equal(error.code, 'DRIVE_MOUNTED')
    assert.ok(error.message.includes(mountPoint), error.message)
  }
})

test('a disk whose partition is mounted is refused, and so is the partition itself', needsLoop, async (context) => {
  const folder = temporaryFolder(context)
  const mountPoint = join(folder, 'mount')
  mkdirSync(mountPoint)
  const file = join(folder, 'partitioned.img')
  writeFileSync(file, partitionedDisk(64 << 20))
  const path = attachFile(context, file, '--partscan')
  // A kernel that reads no partition tables can still be told.
  if (!existsSync(`${path}p1`)) run('partx', '--add', path)
  afterwards(context, () => run('partx', '--delete', path))
  run('mkfs.ext4', '-q', `${path}p1`)
  run('mount', `${path}p1`, mountPoint)
  afterwards(context, () => run('umount', mountPoint))
  assert.equal((await refusal(path)).code, 'DRIVE_MOUNTED')
  const error = await refusal(`${path}p1`)
  assert.equal(error.code, 'DRIVE_UNFIT')
  assert.ok(error.message.includes(`is a partition of ${path}`))
})

function partitionedDisk(diskBytes: number): Buffer {
  const partition = {
    typeGuid: partitionTypes.linuxFilesystem,
    uniqueGuid: '6B3F1B6E-7C0A-4B0E-8F57-2F6A3B1C9D01',
    firstSector: 2048,
    lastSector: diskBytes / 512 - 2049,
    name: '',
  }
  const diskGuid = '6B3F1B6E-7C0A-4B0E-8F57-2F6A3B1C9D00'
  const table = encodeGpt({ diskBytes, sectorBytes: 512, diskGuid, partitions: [partition] })
  const disk = Buffer.alloc(diskBytes)
  table.start.copy(disk)
  table.end.copy(disk, table.endOffsetBytes)
  return disk
}

test('a read-only device is refused', needsLoop, async (context) => {
  const { device: path } = attachLoop(context, 64 << 20, '--read-only')
  assert.equal((await refusal(path)).code, 'DEVICE_READ_ONLY')
})
