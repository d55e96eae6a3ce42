// Capturing a device: other programs read what comes of it, its digests are those of the device, and what must be refused is.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { readImage, verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { capture, lz4, makeDevice, needs, sha256 } from './made-capture.js'

const sizes = [512, 4 * mebibyte, 4 * mebibyte + 512, 21 * mebibyte + 512]
for (const sizeBytes of sizes) {
  test(`lz4 tests and unpacks the image of ${sizeBytes} bytes`, { skip: needs('lz4') }, async (context) => {
    const made = makeDevice(context, sizeBytes)
    const result = await capture(made, { hashes: ['md5', 'sha1', 'sha256'] })
    assert.equal(result.digests.sha256, sha256(made.content))
    assert.equal(lz4('-t', '-q', made.image).status, 0)
    assert.ok(lz4('-dc', made.image).stdout.equals(made.content))
    assert.deepEqual(readdirSync(made.folder).sort(), ['backup.img.lz4', 'device.bin'])
    const report = await verifyImage({ image: made.image, digests: true }).result
    assert.deepEqual([report.sound, report.findings], [true, []])
  })
}

test('an image of zeros alone ends with a block that lz4 can step over', { skip: needs('lz4') }, async (context) => {
  const made = makeDevice(context, 16 * mebibyte)
  writeFileSync(made.device, Buffer.alloc(16 * mebibyte))
  await capture(made)
  assert.equal(lz4('-t', '-q', made.image).status, 0)
})

for (const [name, qemuFormat] of [
  ['disk.vhd', 'vpc'],
  ['disk.raw', 'raw'],
] as const) {
  test(`qemu-img finds the device in ${name}, and its index is beside it`, {
    skip: needs('qemu-img'),
  }, async (context) => {
    const made = makeDevice(context, 21 * mebibyte + 512, name)
    await capture(made)
    execFileSync('qemu-img', ['compare', '-f', qemuFormat, '-F', 'raw', made.image, made.device])
    assert.deepEqual(readdirSync(made.folder).sort(), ['device.bin', name, `${name}.dfmap`])
    assert.equal((await verifyImage({ image: made.image, digests: true }).result).sound, true)
    const damaged = readFileSync(made.image)
    damaged[5 * mebibyte] = (damaged[5 * mebibyte] as number) ^ 1
    writeFileSync(made.image, damaged)
    const report = await verifyImage({ image: made.image }).result
    assert.deepEqual([report.sound, report.damagedBlocks, report.findings[0]?.offsetBytes], [false, 1, 4 * mebibyte])
  })
}

test('any part can be read, and nothing outside', async (context) => {
  const made = makeDevice(context)
  await capture(made)
  const read = async (offsetBytes: number, lengthBytes?: number) => {
    const more = lengthBytes === undefined ? {} : { lengthBytes }
    const pieces: Buffer[] = []
    for await (const piece of readImage({ image: made.image, offsetBytes, ...more })) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  const places: [number, number][] = [
    [0, 1],
    [511, 2],
    [4 * mebibyte - 1, 2],
    [3, 9 * mebibyte],
    [21 * mebibyte, 512],
    [7, 0],
  ]
  for (const [offset, length] of places) {
    assert.ok(
      (await read(offset, length)).equals(made.content.subarray(offset, offset + length)),
      `${offset}+${length}`,
    )
  }
  assert.ok((await read(20 * mebibyte)).equals(made.content.subarray(20 * mebibyte)))
  await assert.rejects(read(21 * mebibyte, 513), { code: 'DEVICE_RANGE' })
})
