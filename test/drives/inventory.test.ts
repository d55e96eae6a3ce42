// Drives as lsblk and the kernel describe them, and which of them may be shipped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlockFacts } from '../../src/drives/block-facts.js'
import { type Drive, describeDevices, listDrives } from '../../src/drives/inventory.js'
import { type LsblkDevice, parseLsblk } from '../../src/drives/run-lsblk.js'
import { TransferError } from '../../src/errors.js'
import { numbers } from '../plan/make-tree.js'
import { attachLoop, loopUnavailable } from './loop-device.js'

function lsblk(name: string, more: Partial<LsblkDevice> = {}): LsblkDevice {
  return {
    name,
    path: `/dev/${name}`,
    type: 'disk',
    size: 8_001_563_222_016,
    'log-sec': 512,
    'phy-sec': 4096,
    model: 'WDC WD80EFAX-68LHPN0',
    vendor: 'ATA     ',
    serial: 'WD-WM AT V8299',
    tran: 'sata',
    ro: false,
    rm: false,
    hotplug: false,
    fstype: null,
    label: null,
    pttype: null,
    'maj:min': '8:16',
    ...more,
  }
}

const noFacts: BlockFacts = { devices: [], mounts: [], swaps: [] }
const only = (device: LsblkDevice, facts = noFacts) => describeDevices([device], facts)[0] as Drive

test('a bare SATA disk is fit, with its serial without blanks', () => {
  const drive = only(lsblk('sdb'))
  assert.equal(drive.serial, 'WD-WMATV8299')
  assert.equal(drive.model, 'WDC WD80EFAX-68LHPN0')
  assert.deepEqual(drive.fit, { ok: true, reasons: [], warnings: [] })
  assert.equal(drive.contents, 'nothing recognised')
})

const unfit: [title: string, device: LsblkDevice, reason: RegExp][] = [
  ['sectors of 4096 bytes', lsblk('sdb', { 'log-sec': 4096 }), /4096 bytes; the service takes only 512/],
  ['no serial number', lsblk('sdb', { serial: null }), /no serial number/],
  ['NVMe', lsblk('nvme0n1', { tran: 'nvme' }), /no SATA disk \(nvme\)/],
  ['a virtual disk', lsblk('vda', { tran: null, vendor: '0x1af4', model: null }), /no SATA disk \(unknown\)/],
  ['a loop device', lsblk('loop0', { type: 'loop', tran: null, serial: null, model: null }), /for tests/],
]

for (const [title, device, reason] of unfit) {
  test(`not fit for shipping: ${title}`, () => {
    const { fit } = only(device)
    assert.equal(fit.ok, false)
    assert.match(fit.reasons.join('; '), reason)
  })
}

test('a disk behind a USB bridge is fit, with a warning', () => {
  const { fit, model } = only(lsblk('sdc', { tran: 'usb', vendor: 'Seagate', model: 'Expansion', hotplug: true }))
  assert.equal(fit.ok, true)
  assert.match(fit.warnings[0] ?? '', /bare disk must be shipped/)
  assert.equal(model, 'Seagate Expansion')
})

test('a mounted disk shows where, and is not fit', () => {
  const facts: BlockFacts = {
    devices: [
      { name: 'sdb', number: '8:16', sizeBytes: 1, isReadOnly: false, holders: [] },
      { name: 'sdb1', number: '8:17', sizeBytes: 1, isReadOnly: false, holders: [], disk: 'sdb' },
    ],
    mounts: [{ number: '8:17', source: '/dev/sdb1', mountPoint: '/srv' }],
    swaps: [],
  }
  const child = lsblk('sdb1', { type: 'part', fstype: 'ext4', label: 'data', size: 5, 'maj:min': '8:17' })
  const drive = only(lsblk('sdb', { pttype: 'gpt', children: [child] }), facts)
  assert.deepEqual(drive.mountPoints, ['/srv'])
  assert.deepEqual(drive.partitions, [
    { path: '/dev/sdb1', sizeBytes: 5, mountPoints: ['/srv'], fileSystem: 'ext4', label: 'data' },
  ])
  assert.equal(drive.contents, 'gpt partition: ext4')
  assert.match(drive.fit.reasons[0] ?? '', /is mounted \(\/dev\/sdb1 at \/srv\)/)
})

test('optical drives, compressed memory and empty readers are not listed', () => {
  const devices = [lsblk('sr0', { type: 'rom' }), lsblk('zram0'), lsblk('sdd', { size: 0 })]
  assert.deepEqual(describeDevices(devices, noFacts), [])
})

test('numbers and flags of older versions are text', () => {
  const drive = only(lsblk('sdb', { size: '1000', 'log-sec': '512', ro: '1', rm: '0' }))
  assert.equal(drive.sizeBytes, 1000)
  assert.equal(drive.logicalSectorBytes, 512)
  assert.equal(drive.isReadOnly, true)
  assert.equal(drive.isRemovable, false)
})

test('whatever lsblk prints is a list or a TOOL_FAILED', () => {
  const next = numbers(31)
  const whole = JSON.stringify({ blockdevices: [lsblk('sdb', { children: [lsblk('sdb1')] })] })
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(whole)
    for (let change = 0; change <= next(4); change++) bytes[next(bytes.length)] = next(256)
    try {
      parseLsblk(bytes.toString('utf8', 0, 1 + next(bytes.length)))
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'TOOL_FAILED', String(error))
    }
  }
})

test('this machine lists its drives', async () => {
  for (const drive of await listDrives()) {
    assert.match(drive.path, /^\/dev\//)
    assert.ok(drive.sizeBytes > 0)
    assert.ok([512, 4096].includes(drive.logicalSectorBytes), drive.path)
    assert.equal(drive.fit.ok, drive.fit.reasons.length === 0)
  }
})

test('an attached loop device is listed with its file and sector size', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const { device, file } = attachLoop(context, 8 << 20, '--sector-size', '4096')
  const drive = (await listDrives()).find((one) => one.path === device)
  assert.equal(drive?.kind, 'loop')
  assert.equal(drive.sizeBytes, 8 << 20)
  assert.equal(drive.logicalSectorBytes, 4096)
  assert.equal(drive.backingFile, file)
  assert.ok(drive.contents.includes(file))
})
