// Zeros of an image on their way to a target: they need not be sent, and what becomes of their room is as asked.

import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { ImageSource, imageBlockBytes, transferImage } from '../../src/addon/image-engine.js'
import { attachLoop, loopUnavailable, temporaryFolder } from '../drives/loop-device.js'

const blocks = 12
const sizeBytes = blocks * imageBlockBytes
// The first block and the last are content, the ten between them zeros.
const content = Buffer.alloc(sizeBytes)
content.fill('first', 0, imageBlockBytes)
content.fill('last', sizeBytes - imageBlockBytes)

async function restore(context: TestContext, path: string, zeros: 'write' | 'discard'): Promise<void> {
  const image = join(temporaryFolder(context), 'image.raw')
  writeFileSync(image, content)
  const source = await ImageSource.open({ kind: 'raw', path: image, offsetBytes: 0, lengthBytes: sizeBytes })
  const target = await Device.open(path, { access: 'write' })
  try {
    const rules = { mode: 'write', readBack: true, resume: false, hashes: [], checkBlocks: false } as const
    await transferImage({ source, targets: [target], zeros, ...rules }, () => {}).finished
  } finally {
    await target.close()
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
    await restore(context, file, zeros)
    assert.ok(readFileSync(file).equals(content))
    assert.equal(roomBytes(file) >= sizeBytes, isKept, `${roomBytes(file)} bytes`)
  })

  test(`zeros (${zeros}) onto a device ${room}`, { skip: loopUnavailable() ?? false }, async (context) => {
    const { device, file } = attachLoop(context, sizeBytes)
    writeFileSync(device, noise, { flag: 'r+', flush: true })
    await restore(context, device, zeros)
    assert.ok(readFileSync(device).equals(content))
    assert.equal(roomBytes(file) >= sizeBytes, isKept, `${roomBytes(file)} bytes`)
  })
}
