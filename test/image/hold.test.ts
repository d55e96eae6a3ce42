// Who writes an image has it for himself: neither a conversion nor a repair takes its file away from a capture that runs.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { convertImage, repairImage, verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { afterwards, attachLoop, loopUnavailable, run as runProgram } from '../drives/loop-device.js'
import { capture, captureInPart, captureSlowly, makeDevice, sha256, untilMarked } from './made-capture.js'

test('nothing is converted or repaired into an image that a capture writes', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  const other = { ...made, image: join(made.folder, 'other.lz4') }
  await capture(other)
  const running = captureSlowly(made)
  await untilMarked(made, running.result)
  const to = made.image
  const inUse = { code: 'DEVICE_IN_USE', message: /by process \d+/ }
  await assert.rejects(convertImage({ image: made.device, to, overwrite: true }).result, inUse)
  await assert.rejects(convertImage({ image: other.image, to, format: 'raw', overwrite: true }).result, inUse)
  await assert.rejects(repairImage({ image: other.image, to, overwrite: true }).result, inUse)
  running.abort()
  await assert.rejects(running.result, { code: 'INTERRUPTED' })
  const whole = await capture(made, { resume: true })
  assert.ok(whole.resumedAtBytes > 0)
  assert.equal(whole.digests.sha256, sha256(made.content))
  assert.equal((await verifyImage({ image: to }).result).sound, true)
  assert.deepEqual(readdirSync(made.folder).sort(), ['backup.img.lz4', 'device.bin', 'other.lz4'])
})

test('an unfinished capture that another image takes the place of is not gone on with', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await captureInPart(made)
  await assert.rejects(convertImage({ image: made.device, to: made.image }).result, { code: 'FILE_EXISTS' })
  await convertImage({ image: made.device, to: made.image, overwrite: true }).result
  assert.equal(existsSync(`${made.image}.capture`), false)
})

test('a full file system is said to be full from the first file on, and nothing is left there', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const made = makeDevice(context)
  const { device } = attachLoop(context, 4 * mebibyte)
  runProgram('mkfs.ext4', '-q', '-m', '0', device)
  const folder = join(made.folder, 'full')
  mkdirSync(folder)
  runProgram('mount', device, folder)
  afterwards(context, () => runProgram('umount', folder))
  rmSync(join(folder, 'lost+found'), { recursive: true })
  assert.throws(() => writeFileSync(join(folder, 'fill'), Buffer.alloc(8 * mebibyte)), { code: 'ENOSPC' })
  const image = join(folder, 'x.lz4')
  await assert.rejects(capture({ ...made, image }), { code: 'DEVICE_FULL' })
  await assert.rejects(convertImage({ image: made.device, to: image }).result, { code: 'DEVICE_FULL' })
  assert.deepEqual(readdirSync(folder), ['fill'])
})
