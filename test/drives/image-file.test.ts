// Image files: sparse, and never resized behind their owner's back.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createImageFile } from '../../src/drives/image-file.js'
import { TransferError } from '../../src/errors.js'
import { attachLoop, loopUnavailable, temporaryFolder } from './loop-device.js'

async function codeOf(call: Promise<void>): Promise<TransferError> {
  const error = await call.then(
    () => assert.fail('expected an error'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof TransferError, String(error))
  return error
}

test('a new image has the size asked for and takes no room', async (context) => {
  const path = join(temporaryFolder(context), 'disk.img')
  await createImageFile(path, 10 * 2 ** 30)
  assert.equal(statSync(path).size, 10 * 2 ** 30)
  assert.ok(statSync(path).blocks * 512 < 1 << 20)
})

test('an image of that size is kept with its content', async (context) => {
  const path = join(temporaryFolder(context), 'disk.img')
  writeFileSync(path, 'content!')
  await createImageFile(path, 8)
  assert.equal(readFileSync(path, 'utf8'), 'content!')
})

test('an image of another size is refused with both sizes, and kept', async (context) => {
  const path = join(temporaryFolder(context), 'disk.img')
  writeFileSync(path, 'content!')
  const error = await codeOf(createImageFile(path, 4096))
  assert.equal(error.code, 'DRIVE_SPEC_INVALID')
  assert.match(error.message, /has 8 bytes, but 4096 were asked for/)
  assert.equal(readFileSync(path, 'utf8'), 'content!')
})

test('an empty file becomes the image', async (context) => {
  const path = join(temporaryFolder(context), 'disk.img')
  writeFileSync(path, '')
  await createImageFile(path, 4096)
  assert.equal(statSync(path).size, 4096)
})

test('a size that no file can have leaves nothing behind', async (context) => {
  const path = join(temporaryFolder(context), 'disk.img')
  // 8 PiB: more than ext4 and tmpfs hold. A file system that holds it makes the file, which is right too.
  const size = 2 ** 53 - 4096
  const error = await createImageFile(path, size).catch((cause: unknown) => cause)
  if (error === undefined) return context.skip('this file system holds files of 8 PiB')
  assert.ok(error instanceof TransferError)
  assert.equal(error.code, 'DEVICE_FULL')
  assert.equal(existsSync(path), false)
})

test('a folder that is not there, a folder in place of the file, and no size are told apart', async (context) => {
  const folder = temporaryFolder(context)
  assert.equal((await codeOf(createImageFile(join(folder, 'no/disk.img'), 4096))).code, 'DEVICE_NOT_FOUND')
  assert.equal((await codeOf(createImageFile(folder, 4096))).code, 'DEVICE_UNSUPPORTED')
  await assert.rejects(createImageFile(join(folder, 'disk.img'), 0), RangeError)
  await assert.rejects(createImageFile(join(folder, 'disk.img'), 0.5), RangeError)
})

test('a block device is left as it is', { skip: loopUnavailable() ?? false }, async (context) => {
  const { device } = attachLoop(context, 1 << 20)
  await createImageFile(device, 12345)
})
