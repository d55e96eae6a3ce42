// Devices that fail and places that are full: what was done stays good, what could not be read is recorded, and who is not
// concerned goes on.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { imageInfo, planRestore, restoreImage, verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { afterwards, attachFile, attachLoop, loopUnavailable, run } from '../drives/loop-device.js'
import { runCommand } from '../receive/run-command.js'
import { capture, lz4, makeDevice, needs, sha256, until } from './made-capture.js'

const skip = loopUnavailable() ?? false
const sizeBytes = 20 * mebibyte

/** A loop device whose file ends early: behind that every read fails, as on a disk that is broken. */
function brokenDevice(context: TestContext, goodBytes: number) {
  const made = makeDevice(context, sizeBytes)
  const device = attachFile(context, made.device)
  truncateSync(made.device, goodBytes)
  return { ...made, device }
}

test('the first sector that cannot be read ends a capture with its offset', { skip }, async (context) => {
  const made = brokenDevice(context, 10 * mebibyte)
  await assert.rejects(capture(made), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'DEVICE_READ_FAILED')
    assert.match(error.message, /offset 10485760 /)
    assert.match(error.hint, /--rescue/)
    return true
  })
  assert.equal(existsSync(made.image), false)
})

test('a capture that a bad sector ended goes on from there as a rescue', { skip }, async (context) => {
  const goodBytes = 10 * mebibyte
  const made = brokenDevice(context, goodBytes)
  await assert.rejects(capture(made), { code: 'DEVICE_READ_FAILED', hint: /--rescue.*--resume/ })
  const done = await runCommand(['image', 'capture', made.device, made.image, '--resume', '--rescue', '--retries', '0'])
  assert.equal(done.exitCode, 3, done.stderr)
  const { description } = await imageInfo(made.image)
  assert.deepEqual(description?.unreadable, [{ offsetBytes: goodBytes, lengthBytes: sizeBytes - goodBytes }])
  assert.equal(description?.options.rescue, true)
})

test('a rescue reads all that can be read, records the rest, and ends with exit code 3', { skip }, async (context) => {
  const goodBytes = 17 * mebibyte + 8192
  const made = brokenDevice(context, goodBytes)
  const map = join(made.folder, 'device.map')
  const words = [
    'image',
    'capture',
    made.device,
    made.image,
    '--rescue',
    '--retries',
    '0',
    '--rescue-map',
    map,
    '--json',
  ]
  const done = await runCommand(words)
  assert.equal(done.exitCode, 3, done.stderr)
  const { description, blocks } = await imageInfo(made.image)
  assert.deepEqual(description?.unreadable, [{ offsetBytes: goodBytes, lengthBytes: sizeBytes - goodBytes }])
  assert.equal(blocks?.partly, 1)
  const expected = Buffer.concat([made.content.subarray(0, goodBytes), Buffer.alloc(sizeBytes - goodBytes)])
  assert.equal(description?.digests.sha256, sha256(expected))
  if (needs('ddrescuelog') === false) {
    const bad = execFileSync('ddrescuelog', ['-b', '512', '--list-blocks=-', map], { encoding: 'utf8' })
    assert.equal(bad.trim().split('\n').length, (sizeBytes - goodBytes) / 512)
  }
  // Known to be bad: not even asked for.
  const again = await runCommand([...words.slice(0, -1), '--overwrite'])
  assert.equal(again.exitCode, 3, again.stderr)
  assert.doesNotMatch(again.stderr, /Unreadable:/)
})

test('a file of ddrescue and its map become an image that knows what is missing', async (context) => {
  const made = makeDevice(context, sizeBytes)
  const map = join(made.folder, 'a.map')
  writeFileSync(map, '0 + 1\n0 0x500000 +\n0x500000 0x1000 -\n0x501000 0x1000 /\n0x502000 0x13FE000 +\n')
  const { unreadable } = await capture(made, { rescue: { retries: 0 }, rescueMap: map })
  assert.deepEqual(unreadable, [{ offsetBytes: 0x500000, lengthBytes: 0x2000 }])
  writeFileSync(map, 'nonsense\n')
  const other = { ...made, image: `${made.image}.lz4` }
  await assert.rejects(capture(other, { rescue: { retries: 0 }, rescueMap: map }), { code: 'RESCUE_MAP_INVALID' })
})

/** A file system of this size, mounted. */
function smallPlace(context: TestContext, folder: string, megabytes: number): string {
  const place = join(folder, 'small')
  mkdirSync(place)
  run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', place)
  afterwards(context, () => run('umount', place))
  return place
}

test('a capture that fills its file system goes on when there is room', { skip }, async (context) => {
  const made = makeDevice(context, 60 * mebibyte)
  const place = smallPlace(context, made.folder, 12)
  const image = join(place, 'backup.lz4')
  await assert.rejects(capture({ ...made, image }, { durableEveryMs: 20, limitBytesPerSecond: 60e6 }), {
    code: 'DEVICE_FULL',
    hint: /--resume/,
  })
  assert.equal(existsSync(image), false)
  assert.equal((await imageInfo(image)).state, 'unfinished')
  run('mount', '-o', 'remount,size=100m', place)
  const result = await capture({ ...made, image }, { resume: true })
  assert.equal(result.digests.sha256, sha256(made.content))
  assert.ok(lz4('-dc', image).stdout.equals(made.content))
})

test('no room for the trailer leaves a capture that can go on', { skip }, async (context) => {
  const made = makeDevice(context, 8 * mebibyte)
  await capture(made)
  const place = smallPlace(context, made.folder, 16)
  const image = join(place, 'backup.lz4')
  const { fileBytes } = await imageInfo(made.image)
  // All but the last pages are taken.
  const rest = 16 * mebibyte - Math.ceil(fileBytes / 4096) * 4096 - 4096
  writeFileSync(join(place, 'filler'), Buffer.alloc(rest))
  await assert.rejects(capture({ ...made, image }), { name: 'TransferError' })
  truncateSync(join(place, 'filler'), 0)
  assert.equal((await capture({ ...made, image }, { resume: true })).digests.sha256, sha256(made.content))
})

test('of three targets the one that fails is dropped, the others are verified', { skip }, async (context) => {
  const made = makeDevice(context, sizeBytes)
  await capture(made)
  const good = attachLoop(context, sizeBytes)
  const bad = attachLoop(context, sizeBytes)
  // Its file system is too small for what is written to it.
  const place = smallPlace(context, made.folder, 6)
  const sparse = join(place, 'bad.img')
  writeFileSync(sparse, '')
  truncateSync(sparse, sizeBytes)
  const failing = attachFile(context, sparse)
  const file = join(made.folder, 'copy.img')
  const words = ['image', 'restore', made.image, good.device, failing, file, bad.device, '--yes', '--verify', '--json']
  const done = await runCommand(words)
  assert.equal(done.exitCode, 3, done.stderr)
  const result = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '')
  const outcomes = result.targets.map(({ outcome }: { outcome: string }) => outcome)
  assert.deepEqual(outcomes, ['verified', 'failed', 'verified', 'verified'])
  for (const path of [good.device, file, bad.device]) assert.ok(readFileSync(path).equals(made.content), path)
})

test('a restore refuses what is smaller, mounted, given twice, there already, or the image itself', {
  skip,
}, async (context) => {
  const made = makeDevice(context, sizeBytes)
  await capture(made)
  const small = attachLoop(context, sizeBytes - 4096)
  const plan = (...targets: string[]) => planRestore({ image: made.image, targets })
  await assert.rejects(plan(small.device), { code: 'TARGET_TOO_SMALL', message: /4096 too few/ })
  await assert.rejects(plan(join(made.folder, 'a'), join(made.folder, 'a')), { code: 'DRIVE_SPEC_INVALID' })
  await assert.rejects(plan(made.device), { code: 'FILE_EXISTS' })
  await assert.rejects(planRestore({ image: made.image, targets: [made.image], overwrite: true }), {
    name: 'TransferError',
  })
  const larger = attachLoop(context, sizeBytes, '--sector-size', '4096')
  assert.match((await plan(larger.device)).notes.join(), /has sectors of 4096 bytes/)
  await assert.rejects(plan('/dev/no-such-device'), { code: 'DEVICE_NOT_FOUND' })
  const { device } = attachLoop(context, 32 * mebibyte)
  run('mkfs.ext4', '-q', device)
  const folder = join(made.folder, 'mount')
  mkdirSync(folder)
  run('mount', device, folder)
  try {
    await assert.rejects(plan(device), { code: 'DRIVE_MOUNTED' })
  } finally {
    run('umount', folder)
  }
  const asked = await runCommand(['image', 'restore', made.image, device, '--json'])
  assert.equal(asked.exitCode, 8)
  assert.match(asked.stdout, /CONFIRMATION_MISSING/)
})

function byteOf(path: string, offsetBytes: number): number {
  const byte = Buffer.alloc(1)
  const file = openSync(path, 'r')
  readSync(file, byte, 0, 1, offsetBytes)
  closeSync(file)
  return byte[0] as number
}

test('a restore that was stopped goes on by comparing, and a larger target keeps its rest', {
  skip,
}, async (context) => {
  const made = makeDevice(context, sizeBytes)
  await capture(made)
  const target = join(made.folder, 'target.img')
  writeFileSync(target, Buffer.alloc(sizeBytes + mebibyte, 0xaa))
  // Its second block goes out a second after its first, and the last one three seconds later.
  const pace = { limitBytesPerSecond: 4 * mebibyte }
  const run = restoreImage(await planRestore({ image: made.image, targets: [target], overwrite: true }), pace)
  await until(() => byteOf(target, 4 * mebibyte) !== 0xaa, run.result)
  run.abort()
  await assert.rejects(run.result, { code: 'INTERRUPTED', hint: /--resume/ })
  const plan = await planRestore({ image: made.image, targets: [target], resume: true })
  const { targets } = await restoreImage(plan, { verify: true }).result
  assert.equal(targets[0]?.outcome, 'verified')
  const found = readFileSync(target)
  assert.ok(found.subarray(0, sizeBytes).equals(made.content))
  assert.ok(found.subarray(sizeBytes).equals(Buffer.alloc(mebibyte, 0xaa)))
  assert.equal((await verifyImage({ image: made.image, against: target }).result).sound, true)
})
