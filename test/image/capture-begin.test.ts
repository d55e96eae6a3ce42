// Where a capture begins: what is in its way is given up only when it is asked for, and only by a capture that can begin.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { captureImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { capture, captureInPart, makeDevice, until } from './made-capture.js'

const overwrite = true

test('an unfinished capture is given up only for one that can begin', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await captureInPart(made)
  await assert.rejects(capture({ ...made, device: join(made.folder, 'mistyped') }, { overwrite }), {
    code: 'DEVICE_NOT_FOUND',
  })
  const went = await capture(made, { resume: true })
  assert.ok(went.resumedAtBytes > 0)
})

test('an unfinished image without its journal is not begun over in silence', async (context) => {
  const made = makeDevice(context)
  writeFileSync(`${made.image}.partial`, 'hours of work')
  for (const resume of [false, true]) {
    await assert.rejects(capture(made, { resume }), { code: 'CAPTURE_DIFFERS', hint: /image repair.*--overwrite/ })
  }
  assert.deepEqual(readdirSync(made.folder).sort(), ['backup.img.lz4.partial', 'device.bin'])
  await capture(made, { overwrite })
})

test('an older image is not taken for the one that a capture was to make', async (context) => {
  const made = makeDevice(context)
  const old = await capture(made)
  writeFileSync(made.device, made.content.fill(7, 0, 512))
  // A capture over it that was killed before its first block: its journal is there, its file is not.
  const run = captureImage({ source: made.device, image: made.image, overwrite, limitBytesPerSecond: 1e6 })
  await until(() => existsSync(`${made.image}.partial`), run.result)
  run.abort()
  await assert.rejects(run.result, { code: 'INTERRUPTED' })
  rmSync(`${made.image}.partial`)
  const { digests } = await capture(made, { resume: true })
  assert.notDeepEqual(digests, old.digests)
})
