// What other programs wrote: files of lz4 in every form it has, VHDs of qemu-img, raw files; and what is no image at all.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  convertImage,
  describeImageVerification,
  imageInfo,
  planRestore,
  readImage,
  repairImage,
  restoreImage,
  verifyImage,
} from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { capture, lz4, makeDevice, needs, sha256 } from './made-capture.js'

const skip = needs('lz4')

const forms: [what: string, options: string[]][] = [
  ['blocks of 64 KiB', ['-B4']],
  ['linked blocks', ['-BD', '-B5']],
  ['content size and block checksums', ['--content-size', '-BX']],
  ['our own flags', ['-B7', '-BI', '-BX', '--content-size', '--no-frame-crc']],
  ['high compression', ['-9', '--no-frame-crc']],
]
for (const [what, options] of forms) {
  test(`a file of lz4 with ${what} is verified, restored and converted`, { skip }, async (context) => {
    const made = makeDevice(context, 9 * mebibyte + 512)
    assert.equal(lz4('-q', ...options, made.device, made.image).status, 0)
    const report = await verifyImage({ image: made.image }).result
    assert.deepEqual([report.sound, report.findings.map(({ code }) => code)], [true, ['IMAGE_NO_INDEX']])
    const target = join(made.folder, 'target.img')
    await restoreImage(await planRestore({ image: made.image, targets: [target] })).result
    assert.ok(readFileSync(target).equals(made.content))
    const to = join(made.folder, 'ours.lz4')
    const { digests } = await convertImage({ image: made.image, to }).result
    assert.equal(digests.sha256, sha256(made.content))
    assert.equal((await imageInfo(to)).state, 'complete')
    assert.ok(lz4('-dc', to).stdout.equals(made.content))
  })
}

test('several frames in one file are one device', { skip }, async (context) => {
  const made = makeDevice(context, 5 * mebibyte)
  const parts = [made.content.subarray(0, 2 * mebibyte), made.content.subarray(2 * mebibyte)]
  for (const [index, part] of parts.entries()) {
    const path = join(made.folder, `part-${index}`)
    writeFileSync(path, part)
    assert.equal(lz4('-q', path, `${path}.lz4`).status, 0)
    appendFileSync(made.image, readFileSync(`${path}.lz4`))
  }
  const to = join(made.folder, 'disk.raw')
  await convertImage({ image: made.image, to }).result
  assert.ok(readFileSync(to).equals(made.content))
})

test('a foreign file that is cut is refused before a target is touched, and has no parts to read', {
  skip,
}, async (context) => {
  const made = makeDevice(context, 5 * mebibyte)
  assert.equal(lz4('-q', made.device, made.image).status, 0)
  await assert.rejects(
    async () => {
      for await (const _ of readImage({ image: made.image })) assert.fail('there is no index')
    },
    { code: 'IMAGE_UNSUPPORTED' },
  )
  truncateSync(made.image, statSync(made.image).size - 1000)
  const target = join(made.folder, 'target.img')
  writeFileSync(target, 'mine')
  await assert.rejects(planRestore({ image: made.image, targets: [target], overwrite: true }), {
    name: 'TransferError',
  })
  assert.equal(readFileSync(target, 'utf8'), 'mine')
  const report = await verifyImage({ image: made.image }).result
  assert.equal(report.sound, false)
})

test('a VHD of qemu-img is restored and packed', { skip: needs('qemu-img', 'lz4') }, async (context) => {
  const made = makeDevice(context, 9 * mebibyte)
  const vhd = join(made.folder, 'qemu.vhd')
  const options = ['-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on']
  execFileSync('qemu-img', ['convert', ...options, made.device, vhd])
  const target = join(made.folder, 'target.img')
  await restoreImage(await planRestore({ image: vhd, targets: [target] }), { verify: true }).result
  assert.ok(readFileSync(target).equals(made.content))
  await convertImage({ image: vhd, to: made.image }).result
  assert.ok(lz4('-dc', made.image).stdout.equals(made.content))
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', made.device, `${vhd}.dynamic.vhd`])
  await assert.rejects(planRestore({ image: `${vhd}.dynamic.vhd`, targets: [target] }), { code: 'IMAGE_UNSUPPORTED' })
})

test('each form becomes each other, with what is known of the device', { skip: needs('qemu-img') }, async (context) => {
  const made = makeDevice(context)
  await capture(made, { hashes: ['md5', 'sha256'] })
  const path = (name: string) => join(made.folder, name)
  const steps: [string, string][] = [
    [made.image, path('a.vhd')],
    [path('a.vhd'), path('b.raw')],
    [path('b.raw'), path('c.lz4')],
    [made.image, path('d.raw')],
    [path('d.raw'), path('e.vhd')],
  ]
  const first = await imageInfo(made.image)
  for (const [image, to] of steps) {
    await convertImage({ image, to }).result
    const { description } = await imageInfo(to)
    assert.deepEqual(description?.digests, first.description?.digests, to)
    assert.deepEqual(description?.source, first.description?.source, to)
    assert.deepEqual((await verifyImage({ image: to, digests: true }).result).findings, [], to)
  }
  execFileSync('qemu-img', ['compare', '-f', 'vpc', '-F', 'raw', path('e.vhd'), made.device])
  await assert.rejects(convertImage({ image: made.image, to: path('d.raw') }).result, { code: 'FILE_EXISTS' })
  await assert.rejects(convertImage({ image: made.image, to: path('f.lz4') }).result, TypeError)
})

const strangers: [what: string, start: Buffer, code: string][] = [
  ['gzip', Buffer.of(0x1f, 0x8b, 8, 0), 'IMAGE_UNSUPPORTED'],
  ['qcow2', Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), 'IMAGE_UNSUPPORTED'],
  ['no whole sectors', Buffer.from('hello'), 'IMAGE_INVALID'],
  ['nothing', Buffer.alloc(0), 'IMAGE_INVALID'],
]
for (const [what, start, code] of strangers) {
  test(`a file that is ${what} is not restored`, async (context) => {
    const made = makeDevice(context, 512)
    writeFileSync(made.image, what.startsWith('no') ? start : Buffer.concat([start, Buffer.alloc(1024 - start.length)]))
    await assert.rejects(planRestore({ image: made.image, targets: [join(made.folder, 'x')] }), { code })
  })
}

test('of an image that nothing tells of, verify does not claim to have compared the content', async (context) => {
  const made = makeDevice(context)
  const report = await verifyImage({ image: made.device }).result
  assert.deepEqual([report.checked, report.notChecked.length, report.findings.length], [[], 1, 1])
  assert.doesNotMatch(describeImageVerification(report), /sound/)
})

test('what is no file is refused at once, also a pipe that nobody writes to', { timeout: 120_000 }, async (context) => {
  const { folder } = makeDevice(context)
  mkdirSync(join(folder, 'folder'))
  spawnSync('mkfifo', [join(folder, 'pipe')])
  for (const name of ['folder', 'pipe']) {
    const image = join(folder, name)
    await assert.rejects(convertImage({ image, to: join(folder, 'x.raw') }).result, { code: 'IMAGE_INVALID' })
    await assert.rejects(repairImage({ image, to: join(folder, 'x.lz4') }).result, { code: 'IMAGE_INVALID' })
  }
})
