// The index beside a raw image goes when something else gets the image's name: it would be taken for the new one's.

import assert from 'node:assert/strict'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { planRestore, restoreImage, verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { capture, makeDevice } from './made-capture.js'

/** A raw image with its index, of a device that was another one then. */
async function rawImage(context: TestContext) {
  const made = makeDevice(context, 16 * mebibyte, 'backup.raw')
  await capture(made)
  const map = `${made.image}.dfmap`
  assert.equal(existsSync(map), true)
  const content = Buffer.from(made.content)
  content[5 * mebibyte] = (content[5 * mebibyte] as number) ^ 1
  writeFileSync(made.device, content)
  return { ...made, map, other: join(made.folder, 'other.img.lz4') }
}

test('when a packed image replaces it', async (context) => {
  const made = await rawImage(context)
  await capture(made, { overwrite: true, format: 'lz4' })
  assert.equal(existsSync(made.map), false)
  assert.equal((await verifyImage({ image: made.image }).result).sound, true)
})

test('when a restore writes over it, which the plan says before', async (context) => {
  const made = await rawImage(context)
  await capture({ ...made, image: made.other })
  const plan = await planRestore({ image: made.other, targets: [made.image], overwrite: true })
  assert.match(plan.notes.join(), /backup\.raw\.dfmap is of an image that was there before: it is removed/)
  assert.equal(existsSync(made.map), true)
  await restoreImage(plan).result
  assert.equal(existsSync(made.map), false)
  assert.equal((await verifyImage({ image: made.image }).result).sound, true)
})

test('but not when it is the image that is restored', async (context) => {
  const made = await rawImage(context)
  renameSync(made.image, made.map)
  await assert.rejects(planRestore({ image: made.map, targets: [made.image] }), { code: 'DRIVE_UNFIT' })
  assert.equal(existsSync(made.map), true)
})
