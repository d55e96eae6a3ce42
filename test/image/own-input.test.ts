// Nothing that is read is written over: whatever its name, and whatever the name of the file that is to be made.

import assert from 'node:assert/strict'
import { linkSync, readdirSync, readFileSync, renameSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { captureImage, convertImage, planRestore, repairImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { attachFile, attachLoop, loopUnavailable } from '../drives/loop-device.js'
import { runCommand } from '../receive/run-command.js'
import { capture, makeDevice } from './made-capture.js'

const overwrite = true

test('a device in a file is not captured over itself, under none of its names', async (context) => {
  const { folder, device, content } = makeDevice(context)
  symlinkSync(folder, join(folder, 'link'))
  for (const image of ['device.bin', 'link/device.bin']) {
    const { result } = captureImage({ source: device, image: join(folder, image), format: 'lz4', overwrite })
    await assert.rejects(result, { code: 'DRIVE_UNFIT' })
  }
  for (const suffix of ['partial', 'capture', 'dfmap']) {
    const source = join(folder, `x.raw.${suffix}`)
    renameSync(device, source)
    await assert.rejects(captureImage({ source, image: join(folder, 'x.raw'), overwrite }).result, (error: Error) =>
      ['DRIVE_UNFIT', 'JOURNAL_INVALID'].includes((error as { code?: string }).code ?? ''),
    )
    renameSync(source, device)
  }
  assert.ok(readFileSync(device).equals(content))
  assert.deepEqual(readdirSync(folder).sort(), ['device.bin', 'link'])
})

test('a loop device is not captured over the file that it is', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const { device, content } = makeDevice(context, 16 * mebibyte)
  const source = attachFile(context, device)
  await assert.rejects(captureImage({ source, image: device, overwrite }).result, { code: 'DRIVE_UNFIT' })
  assert.ok(readFileSync(device).equals(content))
})

test('an unfinished image is not the place where it is repaired or converted', async (context) => {
  const made = makeDevice(context)
  await capture(made)
  const partial = `${made.image}.partial`
  renameSync(made.image, partial)
  await assert.rejects(convertImage({ image: partial, to: made.image, format: 'raw', overwrite }).result, {
    code: 'DRIVE_UNFIT',
  })
  truncateSync(partial, 12 * mebibyte)
  const before = readFileSync(partial)
  await assert.rejects(repairImage({ image: partial, to: made.image, overwrite }).result, { code: 'DRIVE_UNFIT' })
  assert.ok(readFileSync(partial).equals(before))
  const saved = await repairImage({ image: partial, to: join(made.folder, 'saved.lz4') }).result
  assert.ok(saved.goodBlocks > 0)
})

test('an image is not restored over itself, under none of its names, and not as a loop device', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const { folder, device, content } = makeDevice(context, 16 * mebibyte)
  const second = join(folder, 'second.bin')
  linkSync(device, second)
  symlinkSync(device, join(folder, 'third.bin'))
  const loop = attachFile(context, second)
  const targets = [device, second, join(folder, 'third.bin'), loop]
  for (const target of targets) {
    const plan = planRestore({ image: device, targets: [target], overwrite })
    await assert.rejects(plan, { code: 'DRIVE_UNFIT', message: /the image itself/ })
  }
  assert.ok(readFileSync(device).equals(content))
})

test('a target behind a link is shown as the device that it is', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const { folder, device } = makeDevice(context, 16 * mebibyte)
  const { device: loop } = attachLoop(context, 20 * mebibyte)
  symlinkSync(loop, join(folder, 'by-id'))
  const { targets } = await planRestore({ image: device, targets: [join(folder, 'by-id')] })
  assert.match(targets[0]?.description ?? '', /serial unknown, 20.0 MiB, nothing recognised/)
  const asked = await runCommand(['image', 'restore', device, join(folder, 'by-id')])
  assert.equal(asked.exitCode, 8)
  assert.match(asked.stderr, /larger than the image[\s\S]*ALL DATA/)
})
