// What a capture refuses, and what becomes of one that was stopped or whose device changes.

import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { captureImage, imageInfo, repairImage, verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { attachFile, attachLoop, loopUnavailable, run } from '../drives/loop-device.js'
import { capture, captureInPart, captureSlowly, makeDevice, sha256, until } from './made-capture.js'

test('an image that is there stays, unless it is to be replaced', async (context) => {
  const made = makeDevice(context)
  writeFileSync(made.image, 'mine')
  await assert.rejects(capture(made), { code: 'FILE_EXISTS', hint: /--overwrite/ })
  assert.equal(readFileSync(made.image, 'utf8'), 'mine')
  await capture(made, { overwrite: true })
  assert.equal((await verifyImage({ image: made.image }).result).sound, true)
})

test('a capture that was stopped goes on, only where asked to, and only with the same device', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await captureInPart(made)
  assert.equal((await imageInfo(made.image)).state, 'unfinished')
  await assert.rejects(capture(made), { code: 'CAPTURE_DIFFERS', hint: /--resume/ })
  const unfinished = { code: 'FILE_NOT_FOUND', hint: /did not finish.*--resume/ }
  await assert.rejects(verifyImage({ image: made.image }).result, unfinished)
  await assert.rejects(capture(made, { resume: true, format: 'raw' }), { code: 'CAPTURE_DIFFERS' })
  for (const asked of [{ hashes: ['md5' as const] }, { level: 'hc' as const }, { usedOnly: true }])
    await assert.rejects(capture(made, { resume: true, ...asked }), { code: 'CAPTURE_DIFFERS', hint: /--overwrite/ })
  const other = join(made.folder, 'other.bin')
  writeFileSync(other, made.content)
  await assert.rejects(capture({ ...made, device: other }, { resume: true }), { code: 'CAPTURE_DIFFERS' })
  const result = await capture(made, { resume: true })
  assert.ok(result.resumedAtBytes > 0 && result.resumedAtBytes < 64 * mebibyte, String(result.resumedAtBytes))
  assert.equal(result.digests.sha256, sha256(made.content))
  assert.deepEqual(readdirSync(made.folder).sort(), ['backup.img.lz4', 'device.bin', 'other.bin'])
})

test('a file that was written to between two runs is not captured in two halves', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await captureInPart(made)
  utimesSync(made.device, new Date(), new Date(Date.now() + 5000))
  const hint = /stays in .*\.partial, from where image repair saves it\. Begin anew with --overwrite, which removes it/
  await assert.rejects(capture(made, { resume: true }), { code: 'SOURCE_CHANGED', hint })
  // Nobody is sent to --resume, which would be refused once more.
  await assert.rejects(capture(made), ({ code, hint: said }) => {
    return code === 'CAPTURE_DIFFERS' && hint.test(said) && /was written to/.test(said) && !/--resume/.test(said)
  })
  assert.equal((await repairImage({ image: `${made.image}.partial`, to: `${made.image}.saved` }).result).blocks, 16)
  assert.equal((await capture(made, { overwrite: true })).digests.sha256, sha256(made.content))
  assert.deepEqual(readdirSync(made.folder).sort(), ['backup.img.lz4', 'backup.img.lz4.saved', 'device.bin'])
})

test('a raw file that was written to while it was read is not said to be mended by repair', async (context) => {
  const made = makeDevice(context, 64 * mebibyte, 'backup.raw')
  const run = captureImage({ source: made.device, image: made.image, limitBytesPerSecond: 30e6 })
  await until(() => existsSync(`${made.image}.partial`), run.result)
  utimesSync(made.device, new Date(), new Date(Date.now() + 5000))
  const hint = /stays in .*backup\.raw\.partial\. Begin anew with --overwrite, which removes it/
  await assert.rejects(run.result, { code: 'SOURCE_CHANGED', hint })
  await assert.rejects(capture(made), { code: 'CAPTURE_DIFFERS', hint })
  await capture(made, { overwrite: true })
  assert.deepEqual(readdirSync(made.folder).sort(), ['backup.raw', 'backup.raw.dfmap', 'device.bin'])
})

test('a file that grows while it is read is no image', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  const run = captureImage({ source: made.device, image: made.image, limitBytesPerSecond: 30e6 })
  await until(() => existsSync(`${made.image}.partial`), run.result)
  appendFileSync(made.device, Buffer.alloc(512))
  await assert.rejects(run.result, (error: { code: string }) =>
    ['SOURCE_CHANGED', 'CAPTURE_DIFFERS'].includes(error.code),
  )
  assert.equal(existsSync(made.image), false)
})

test('a file that shrinks while it is read ends the capture', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  const run = captureSlowly(made)
  await until(() => existsSync(`${made.image}.partial`), run.result)
  truncateSync(made.device, mebibyte)
  await assert.rejects(run.result, { name: 'TransferError' })
  assert.equal(existsSync(made.image), false)
})

test('two captures of one device at once are both right; two into one image are not begun', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  const slow = captureImage({ source: made.device, image: made.image, limitBytesPerSecond: 25e6 })
  const quick = capture({ ...made, image: `${made.image}.second.lz4` })
  await until(() => existsSync(`${made.image}.partial`), slow.result)
  await assert.rejects(capture(made, { overwrite: true }), { code: 'JOURNAL_IN_USE' })
  const [one, two] = await Promise.all([slow.result, quick])
  assert.deepEqual([one.digests, two.digests], [one.digests, one.digests])
  assert.equal(one.digests.sha256, sha256(made.content))
})

test('a device that is mounted is captured only by a flag, and never onto itself', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const { device } = attachLoop(context, 32 * mebibyte)
  run('mkfs.ext4', '-q', device)
  const made = makeDevice(context)
  const folder = join(made.folder, 'mount')
  run('mkdir', folder)
  run('mount', device, folder)
  try {
    await assert.rejects(capture({ ...made, device }), { code: 'DRIVE_MOUNTED', hint: /--allow-mounted/ })
    const inside = { ...made, device, image: join(folder, 'x.lz4') }
    await assert.rejects(capture(inside, { allowMounted: true }), { code: 'DRIVE_UNFIT' })
    const { notes } = await capture({ ...made, device }, { allowMounted: true })
    assert.match(notes.join(), /was mounted at/)
  } finally {
    run('umount', folder)
  }
})

test('a loop device with sectors of 4096 bytes is captured', { skip: loopUnavailable() ?? false }, async (context) => {
  const made = makeDevice(context, 16 * mebibyte)
  const device = attachFile(context, made.device, '--sector-size', '4096')
  const { digests } = await capture({ ...made, device })
  assert.equal(digests.sha256, sha256(made.content))
  assert.equal((await imageInfo(made.image)).description?.source.logicalSectorBytes, 4096)
})
