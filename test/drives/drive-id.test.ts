// The DriveId that manifest, journal and job agree on.

import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { diskId, driveIdOf, madeUpId } from '../../src/drives/drive-id.js'
import { TransferError } from '../../src/errors.js'
import { attachLoop, loopUnavailable, temporaryFolder } from './loop-device.js'

const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    if (error instanceof TransferError) return error.code
    throw error
  }
  return assert.fail('expected an error')
}

test('a disk has its serial number without blanks, whatever was typed', () => {
  assert.equal(diskId('/dev/sdb', '     WD-WMAT V8299238\0\0', undefined), 'WD-WMATV8299238')
  assert.equal(diskId('/dev/sdb', '9WM35C2V', '9WM35C2V'), '9WM35C2V')
  assert.equal(
    codeOf(() => diskId('/dev/sdb', '9WM35C2V', '9WM35C2W')),
    'SERIAL_MISMATCH',
  )
})

test('a disk that tells none, or one that no file could be named after, needs it given', () => {
  assert.equal(
    codeOf(() => diskId('/dev/vdb', '', undefined)),
    'DRIVE_UNFIT',
  )
  assert.equal(
    codeOf(() => diskId('/dev/vdb', '../x', undefined)),
    'DRIVE_UNFIT',
  )
  assert.equal(diskId('/dev/vdb', '', 'GIVEN1'), 'GIVEN1')
})

test('an image has the serial it was given, or a stable one that starts with IMG', async (context) => {
  const folder = realpathSync(temporaryFolder(context))
  const path = join(folder, 'disk.img')
  assert.equal(await driveIdOf(path, { serial: 'WX1' }), 'WX1')
  const before = await driveIdOf(path, {})
  assert.match(before, /^IMG[0-9A-F]{8}$/)
  writeFileSync(path, 'x')
  assert.equal(await driveIdOf(path, {}), before, 'the same before and after it is made')
  assert.notEqual(await driveIdOf(join(folder, 'other.img'), {}), before)
})

test('an image has one id under all its names', async (context) => {
  const folder = realpathSync(temporaryFolder(context))
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  const direct = await driveIdOf(join(folder, 'real/disk.img'), {})
  assert.equal(await driveIdOf(join(folder, 'link/disk.img'), {}), direct)
  assert.equal(direct, madeUpId(join(folder, 'real/disk.img')))
})

test('the made-up id is the start of a SHA-256 of the path', () => {
  // printf /a/disk.img | sha256sum
  assert.equal(madeUpId('/a/disk.img'), 'IMG8559794B')
})

test('a loop device has the id of its file', { skip: loopUnavailable() ?? false }, async (context) => {
  const { device, file } = attachLoop(context, 1 << 20)
  assert.equal(await driveIdOf(device, {}), await driveIdOf(file, {}))
  assert.equal(await driveIdOf(device, { serial: 'T1' }), 'T1')
})
