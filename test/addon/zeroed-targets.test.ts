// Zeros of an image on their way to a target: they need not be sent, and what becomes of their room is as asked.

import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { ImageSource, imageBlockBytes, transferImage } from '../../src/addon/image-engine.js'
import { createImageFile } from '../../src/drives/image-file.js'
import { attachLoop, loopUnavailable, temporaryFolder } from '../drives/loop-device.js'

const blocks = 12
const sizeBytes = blocks * imageBlockBytes
// The first block and the last are content, the ten between them zeros.
const content = Buffer.alloc(sizeBytes)
content.fill('first', 0, imageBlockBytes)
content.fill('last', sizeBytes - imageBlockBytes)

async function restore(context: TestContext, paths: string[], zeros: 'write' | 'discard'): Promise<void> {
  const image = join(temporaryFolder(context), 'image.raw')
  writeFileSync(image, content)
  const source = await ImageSource.open({ kind: 'raw', path: image, offsetBytes: 0, lengthBytes: sizeBytes })
  const targets = await Promise.all(paths.map((path) => Device.open(path, { access: 'write' })))
  try {
    const rules = { mode: 'write', readBack: true, resume: false, hashes: [], checkBlocks: false } as const
    await transferImage({ source, targets, zeros, ...rules }, () => {}).finished
  } finally {
    await Promise.all(targets.map((target) => target.close()))
    await source.close()
  }
}

const roomBytes = (path: string) => statSync(path).blocks * 512
const noise = Buffer.alloc(sizeBytes, 0xaa)

for (const [zeros, isKept] of [
  ['write', true],
  ['discard', false],
] as const) {
  const room = isKept ? 'keep their room' : 'give their room back'
  test(`zeros (${zeros}) onto a file ${room}`, async (context) => {
    const file = join(temporaryFolder(context), 'target.img')
    writeFileSync(file, noise)
    await restore(context, [file], zeros)
    assert.ok(readFileSync(file).equals(content))
    assert.equal(roomBytes(file) >= sizeBytes, isKept, `${roomBytes(file)} bytes`)
  })

  test(`zeros (${zeros}) onto a device ${room}`, { skip: loopUnavailable() ?? false }, async (context) => {
    const { device, file } = attachLoop(context, sizeBytes)
    writeFileSync(device, noise, { flag: 'r+', flush: true })
    await restore(context, [device], zeros)
    assert.ok(readFileSync(device).equals(content))
    assert.equal(roomBytes(file) >= sizeBytes, isKept, `${roomBytes(file)} bytes`)
  })
}

test('zeros onto a new file leave it sparse, whatever the room of a device beside it', {
  skip: loopUnavailable() ?? false,
}, async (context) => {
  const { device, file: below } = attachLoop(context, sizeBytes)
  writeFileSync(device, noise, { flag: 'r+', flush: true })
  const file = join(temporaryFolder(context), 'new.img')
  await createImageFile(file, sizeBytes)
  await restore(context, [device, file], 'write')
  for (const path of [device, file]) assert.ok(readFileSync(path).equals(content), path)
  assert.equal(roomBytes(below) >= sizeBytes, true, `${roomBytes(below)} bytes`)
  assert.ok(roomBytes(file) <= 3 * imageBlockBytes, `${roomBytes(file)} bytes`)
})

test('data behind a hole is zeroed, also where a block is both', async (context) => {
  const file = join(temporaryFolder(context), 'target.img')
  await createImageFile(file, sizeBytes)
  const opened = await open(file, 'r+')
  for (const block of [3, 4, 7])
    await opened.write(Buffer.alloc(4096, 0xaa), 0, 4096, (block + 1) * imageBlockBytes - 4096)
  await opened.close()
  await restore(context, [file], 'write')
  assert.ok(readFileSync(file).equals(content))
})
