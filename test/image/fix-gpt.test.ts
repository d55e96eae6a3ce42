// A GUID partition table on a target that is larger than the image.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { readPartitions } from '../../src/drives/partition-disk.js'
import { captureImage } from '../../src/image/capture-image.js'
import { planRestore, type RestoreImageOptions, restoreImage } from '../../src/image/restore-image.js'
import { makeImage, runQuietly } from '../addon/made-volume.js'
import { attachLoop, loopUnavailable, temporaryFolder } from '../drives/loop-device.js'
import { lacks } from '../lacks.js'

const mebibyte = 1 << 20
const skip = lacks('/usr/sbin/sfdisk')

async function madeImage(t: TestContext, script = 'label: gpt\nsize=8M\n\nsize=4M, name="a name"\n') {
  const folder = temporaryFolder(t)
  const disk = makeImage(join(folder, 'disk.img'), 24 * mebibyte)
  if (script !== '') runQuietly('/usr/sbin/sfdisk', ['-q', disk], script)
  const image = join(folder, 'disk.img.lz4')
  await captureImage({ source: disk, image }).result
  return { folder, disk, image }
}

async function restore(image: string, target: string, options: RestoreImageOptions) {
  const plan = await planRestore({ image, targets: [target], overwrite: true })
  return restoreImage(plan, options).result
}

async function tableOf(path: string, logicalSectorBytes: 512 | 4096 = 512) {
  const device = await Device.open(path, { access: 'read', logicalSectorBytes })
  try {
    return await readPartitions(device)
  } finally {
    await device.close()
  }
}

test('the backup is moved on request only, and sfdisk is content then', { skip }, async (t) => {
  const { folder, disk, image } = await madeImage(t)
  const target = makeImage(join(folder, 'larger.img'), 40 * mebibyte)
  const plain = await restore(image, target, {})
  assert.match(plain.notes.join('\n'), /larger than the image by 16777216 bytes.*--fix-gpt/)
  assert.deepEqual(
    (await tableOf(target)).findings.map(({ code }) => code),
    ['GPT_BACKUP'],
  )
  const fixed = await restore(image, target, { fixGpt: true, verify: true })
  assert.match(fixed.notes.join('\n'), /the backup partition table was moved to its end/)
  assert.deepEqual(fixed.targets, [{ path: target, outcome: 'verified' }])
  assert.match(runQuietly('/usr/sbin/sfdisk', ['--verify', target]), /No errors detected/)
  const [before, after] = [await tableOf(disk), await tableOf(target)]
  assert.deepEqual(after.findings, [])
  assert.deepEqual([after.diskGuid, after.partitions], [before.diskGuid, before.partitions])
  const [from, to] = [readFileSync(disk), readFileSync(target)]
  assert.ok(from.subarray(34 * 512, 23 * mebibyte).equals(to.subarray(34 * 512, 23 * mebibyte)))
})

test('on a target of the same size, and without a table, nothing is written', { skip }, async (t) => {
  const { folder, disk, image } = await madeImage(t)
  const same = makeImage(join(folder, 'same.img'), 24 * mebibyte)
  assert.deepEqual((await restore(image, same, { fixGpt: true })).notes, [])
  assert.ok(readFileSync(disk).equals(readFileSync(same)))
  const empty = await madeImage(t, '')
  const larger = makeImage(join(empty.folder, 'larger.img'), 40 * mebibyte)
  assert.match((await restore(empty.image, larger, { fixGpt: true })).notes.join('\n'), /no GUID partition table/)
  assert.ok(readFileSync(larger).every((byte) => byte === 0))
})

test('a table made for 512-byte sectors is left alone on a device with 4096', {
  skip: skip || loopUnavailable(),
}, async (t) => {
  const { image } = await madeImage(t)
  const { device } = attachLoop(t, 40 * mebibyte, '--sector-size=4096')
  assert.match((await restore(image, device, { fixGpt: true })).notes.join('\n'), /sectors of another size/)
})
