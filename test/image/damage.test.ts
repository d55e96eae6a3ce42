// A bit that turned anywhere in an image is found by verify, and never restored in silence; what is good of a damaged or cut image
// can be saved.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  convertImage,
  imageInfo,
  planRestore,
  repairImage,
  restoreImage,
  type VerifyImageOptions,
  verifyImage,
} from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { xorshift } from '../formats/mutate.js'
import { runCommand } from '../receive/run-command.js'
import { capture, captureInPart, lz4, type MadeDevice, makeDevice, needs, sha256 } from './made-capture.js'

const isLong = process.env.DISKFERRY_LONG_TESTS === '1'
const skip = needs('lz4')

/** Two blocks, mostly text: a small file of which every part matters. */
async function smallImage(context: TestContext): Promise<MadeDevice & { bytes: Buffer }> {
  const made = makeDevice(context, 4 * mebibyte + 8192)
  await capture(made)
  return { ...made, bytes: readFileSync(made.image) }
}

async function isSound(image: string): Promise<boolean> {
  return (await verifyImage({ image }).result).sound
}

/** The restored bytes, or undefined when it was refused. */
async function restored(image: string, target: string): Promise<Buffer | undefined> {
  try {
    const plan = await planRestore({ image, targets: [target], overwrite: true })
    await restoreImage(plan).result
    return readFileSync(target)
  } catch (error) {
    assert.equal((error as Error).name, 'TransferError', String(error))
    return undefined
  }
}

test('a bit that is turned anywhere is found by verify, and restored by nobody', async (context) => {
  const made = await smallImage(context)
  const random = xorshift(11)
  const flips = isLong ? 2000 : 250
  const target = join(made.folder, 'target.img')
  let refused = 0
  for (let flip = 0; flip < flips; flip++) {
    // Half of them where nearly everything is decided: the header, and what stands behind the data.
    const near = flip % 4 === 0 ? random(64) : made.bytes.length - 1 - random(1500)
    const at = flip % 2 === 0 ? near : random(made.bytes.length)
    const damaged = Buffer.from(made.bytes)
    damaged[at] = (damaged[at] as number) ^ (1 << random(8))
    writeFileSync(made.image, damaged)
    assert.equal(await isSound(made.image).catch(() => false), false, `byte ${at} of ${damaged.length}`)
    if (flip % 2 === 1) continue
    const content = await restored(made.image, target)
    if (content === undefined) refused++
    else assert.ok(content.equals(made.content), `byte ${at} was restored in silence`)
  }
  assert.ok(refused > flips / 4, `${refused} of ${flips / 2} restores were refused`)
})

test('the command ends with 4 for a turned bit, for a cut file, and for a device that differs', async (context) => {
  const made = await smallImage(context)
  const flips = isLong ? 200 : 3
  const random = xorshift(12)
  for (let flip = 0; flip < flips; flip++) {
    const damaged = Buffer.from(made.bytes)
    const at = random(damaged.length)
    damaged[at] = (damaged[at] as number) ^ (1 << random(8))
    writeFileSync(made.image, damaged)
    assert.equal((await runCommand(['image', 'verify', made.image])).exitCode, 4, `byte ${at}`)
  }
  writeFileSync(made.image, made.bytes.subarray(0, 10_000))
  assert.equal((await runCommand(['image', 'verify', made.image])).exitCode, 4)
  writeFileSync(made.image, made.bytes)
  const device = Buffer.from(made.content)
  device[4 * mebibyte] = (device[4 * mebibyte] as number) ^ 1
  writeFileSync(made.device, device)
  const compared = await runCommand(['image', 'verify', made.image, '--against', made.device, '--json'])
  assert.equal(compared.exitCode, 4, compared.stderr)
  assert.match(compared.stdout, /"code":"DEVICE_BLOCK","severity":"damage","offsetBytes":4194304,"lengthBytes":8192/)
  const told = await runCommand(['image', 'verify', made.image, '--against', made.device])
  assert.match(told.stdout, /: NOT THE SAME: 1 blocks of the device differ\n/)
})

test('a damaged image is not made sound by converting it, also one without a digest of the whole', async (context) => {
  const made = makeDevice(context, undefined, 'backup.raw')
  await capture(made, { hashes: [] })
  const bytes = readFileSync(made.image)
  bytes[9 * mebibyte] = (bytes[9 * mebibyte] ?? 0) ^ 1
  writeFileSync(made.image, bytes)
  const to = join(made.folder, 'converted.lz4')
  await assert.rejects(convertImage({ image: made.image, to }).result, { code: 'IMAGE_DAMAGED', message: /block 2:/ })
  assert.equal(existsSync(to), false)
})

test('a sample of the blocks is a sample, and is said to be one', async (context) => {
  const made = makeDevice(context, 200 * mebibyte)
  await capture(made)
  const report = await verifyImage({ image: made.image, sample: 0.2 }).result
  assert.ok(report.blocksChecked > 0 && report.blocksChecked < 45, String(report.blocksChecked))
  assert.match(report.checked.join(), new RegExp(`${report.blocksChecked} of 50 blocks`))
})

test('digests that were asked for and not computed are said to be so', async (context) => {
  const made = makeDevice(context)
  await capture(made, { hashes: ['md5', 'sha256'] })
  const report = (more: Partial<VerifyImageOptions>) => verifyImage({ image: made.image, ...more }).result
  const whole = await report({ digests: true })
  assert.deepEqual(
    [whole.checked.slice(-2), whole.notChecked],
    [['md5 of the whole content', 'sha256 of the whole content'], []],
  )
  const left: [more: Partial<VerifyImageOptions>, notChecked: string[]][] = [
    [{}, ['md5, sha256 of the whole content (--digests)']],
    [{ against: made.device, digests: true }, ['md5, sha256 of the whole content (--digests without --against)']],
    [
      { against: made.device, sample: 0.5, digests: true },
      ['md5, sha256 of the whole content (--digests without --against and --sample)', 'all other blocks'],
    ],
    [
      { sample: 0.5, digests: true },
      ['md5, sha256 of the whole content (--digests without --sample)', 'all other blocks'],
    ],
  ]
  for (const [more, notChecked] of left) {
    const { checked, ...other } = await report(more)
    assert.deepEqual([other.sound, other.notChecked], [true, notChecked], JSON.stringify(more))
    assert.doesNotMatch(checked.join(), /sha256/i)
  }
  const words = ['image', 'verify', made.image, '--against', made.device, '--digests']
  assert.match((await runCommand(words)).stdout, /\nNot compared: md5, sha256 of the whole content \(--digests without/)
  const bytes = readFileSync(made.image)
  bytes[mebibyte] = (bytes[mebibyte] as number) ^ 1
  writeFileSync(made.image, bytes)
  const damaged = await report({ digests: true })
  assert.equal(damaged.sound, false)
  assert.doesNotMatch(damaged.checked.join(), /of the whole/)
  assert.match(damaged.notChecked.join(), /sha256 of the whole content: damaged blocks have none/)
  await capture(made, { hashes: [], overwrite: true })
  assert.deepEqual((await report({ digests: true })).notChecked, ['digests of the whole content: the image has none'])
})

/** What a repair must hold to: the good part as it was, zeros elsewhere, and everybody can read it. */
async function assertRepaired(made: MadeDevice, to: string, lost: readonly [number, number][]) {
  const expected = Buffer.from(made.content)
  for (const [offset, length] of lost) expected.fill(0, offset, offset + length)
  assert.equal(lz4('-t', '-q', to).status, 0)
  assert.ok(lz4('-dc', to).stdout.equals(expected))
  const { description, state } = await imageInfo(to)
  assert.equal(state, 'repaired')
  assert.equal(description?.digests.sha256, sha256(expected))
  const ranges = description?.unreadable.map(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes])
  assert.deepEqual(ranges, lost)
  const report = await verifyImage({ image: to, digests: true }).result
  // Whole again, and not silent about what is missing.
  assert.deepEqual([report.sound, report.findings.map(({ code }) => code)], [true, ['IMAGE_UNREADABLE']])
}

const cuts: [what: string, keep: (bytes: Buffer) => number, goodBlocks: number][] = [
  ['in the foot', (bytes) => bytes.length - 10, 6],
  ['in the middle of a block', () => 4 * mebibyte, 1],
  ['in the header', () => 15, 0],
]
for (const [what, keep, goodBlocks] of cuts) {
  test(`an image that was cut ${what} is saved as far as it is there`, { skip }, async (context) => {
    const made = makeDevice(context)
    await capture(made)
    truncateSync(made.image, keep(readFileSync(made.image)))
    await assert.rejects(planRestore({ image: made.image, targets: [join(made.folder, 'x')] }), {
      code: /IMAGE_(INCOMPLETE|DAMAGED)/,
    })
    const before = readFileSync(made.image)
    const to = join(made.folder, 'saved.lz4')
    const result = await repairImage({ image: made.image, to }).result
    assert.equal(result.goodBlocks, goodBlocks)
    const start = goodBlocks * 4 * mebibyte
    if (start >= made.content.length) {
      assert.equal((await imageInfo(to)).description?.digests.sha256, sha256(made.content))
    } else await assertRepaired(made, to, [[start, made.content.length - start]])
    assert.ok(readFileSync(made.image).equals(before), 'the damaged file stays as it is')
  })
}

test('blocks that are damaged in the middle and at the end are replaced, the others stay', {
  skip,
}, async (context) => {
  const made = makeDevice(context)
  await capture(made)
  const bytes = readFileSync(made.image)
  // The second block is noise, stored as it is; the last one always is.
  const first = bytes.indexOf(made.content.subarray(5 * mebibyte, 5 * mebibyte + 64))
  const last = bytes.lastIndexOf(made.content.subarray(-64))
  for (const at of [first, last]) bytes[at] = (bytes[at] as number) ^ 0x80
  writeFileSync(made.image, bytes)
  const to = join(made.folder, 'saved.lz4')
  const { goodBlocks, blocks } = await repairImage({ image: made.image, to }).result
  assert.deepEqual([goodBlocks, blocks], [4, 6])
  await assertRepaired(made, to, [
    [4 * mebibyte, 4 * mebibyte],
    [20 * mebibyte, mebibyte + 512],
  ])
})

test('a capture that will not go on is saved with what its journal knows of the device', { skip }, async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await captureInPart(made)
  const to = join(made.folder, 'saved.lz4')
  const { goodBlocks } = await repairImage({ image: `${made.image}.partial`, to }).result
  assert.ok(goodBlocks > 0)
  const start = goodBlocks * 4 * mebibyte
  await assertRepaired(made, to, [[start, made.content.length - start]])
  assert.equal((await imageInfo(to)).description?.source.path, made.device)
})

test('what was never an image of ours is not repaired', async (context) => {
  const made = makeDevice(context)
  const to = join(made.folder, 'saved.lz4')
  await assert.rejects(repairImage({ image: made.device, to }).result, { code: 'IMAGE_UNSUPPORTED' })
  writeFileSync(made.image, Buffer.concat([Buffer.from('04224d186070', 'hex'), Buffer.alloc(100, 3)]))
  await assert.rejects(repairImage({ image: made.image, to }).result, { code: 'IMAGE_INVALID' })
})
