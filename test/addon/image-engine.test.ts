// Images of whole devices, through the native module: what other programs read of them, what comes back, what is found
// when something is wrong.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { captureImage, ImageSource, imageBlockBytes, transferImage, walkImage } from '../../src/addon/image-engine.js'
import { TransferError } from '../../src/errors.js'
import { until } from '../image/made-capture.js'
import {
  capture,
  deviceBytes,
  digest,
  emptyTarget,
  mebibyte,
  noRanges,
  openIndexed,
  ranges,
  transfer,
  withFlippedBit,
} from './made-image.js'

const sizeBytes = 29 * mebibyte + 512 * 7
const content = deviceBytes(sizeBytes)

let folder = ''
let device = ''
const place = (name: string) => join(folder, name)
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-image-'))
  device = place('device')
  await writeFile(device, content)
})
after(() => rm(folder, { recursive: true, force: true }))

/** A disk may be so slow that few marks are made before the end: then at a lower pace. */
async function slowerUntil<T>(isEnough: (found: T) => boolean, attempt: (bytesPerSecond: number) => Promise<T>) {
  for (let bytesPerSecond = 100e6; bytesPerSecond > 1e6; bytesPerSecond /= 4) {
    const found = await attempt(bytesPerSecond)
    if (isEnough(found)) return found
  }
  return assert.fail('there are too few marks at any pace')
}

const code = (wanted: string) => (error: unknown) => error instanceof TransferError && error.code === wanted
const lz4Unpacked = (path: string) => execFileSync('lz4', ['-dcq', path], { maxBuffer: 1 << 30 })

describe('captureImage', () => {
  for (const level of ['fast', 'default', 'hc'] as const) {
    it(`makes a frame that lz4 tests and unpacks to the device, level ${level}`, async () => {
      const path = place(`${level}.lz4`)
      const { result, events } = await capture(device, path, { level, hashes: ['md5', 'sha1', 'sha256'] })
      execFileSync('lz4', ['-tq', path])
      assert.ok(lz4Unpacked(path).equals(content))
      for (const hash of ['md5', 'sha1', 'sha256'] as const) {
        assert.equal(result.digests[hash]?.toString('hex'), digest(hash, content))
      }
      assert.equal(result.imageBytes, (await stat(path)).size)
      assert.equal(result.index.length, 16 + 8 * 24)
      assert.equal(result.zeroBlocks, 2)
      assert.deepEqual(events.at(-1), { kind: 'mark', blocks: 8, imageBytes: result.imageBytes - 4 })
    })
  }

  it('makes a raw image with holes for zeros', async () => {
    const path = place('raw')
    const { result } = await capture(device, path, { container: 'raw' })
    assert.ok((await readFile(path)).equals(content))
    assert.equal(result.imageBytes, sizeBytes)
    assert.ok((await stat(path)).blocks * 512 <= sizeBytes - 2 * imageBlockBytes + 65536)
  })

  it('does not read what is to be skipped: it is zeros, block by block or in part', async () => {
    const skip = ranges(
      [0, 4 * mebibyte],
      [5 * mebibyte, 512],
      [5 * mebibyte + 4096, 100 * 1024],
      [12 * mebibyte, 9 * mebibyte],
    )
    const wanted = Buffer.from(content)
    for (const [at, offset] of skip.offsetBytes.entries())
      wanted.fill(0, offset, offset + (skip.lengthBytes[at] as number))
    const { result } = await capture(device, place('skip.lz4'), { skip })
    assert.ok(lz4Unpacked(place('skip.lz4')).equals(wanted))
    assert.equal(result.skippedBlocks, 3)
    assert.equal(result.digests.sha256?.toString('hex'), digest('sha256', wanted))
  })

  it('goes on from every mark to the same image, the same index and the same digests', async () => {
    for (const container of ['lz4', 'raw'] as const) {
      const path = place(`resumed.${container}`)
      const options = { container, durableEveryBytes: 1, durableEveryMs: 1 }
      const skip = ranges([8 * mebibyte, 5 * mebibyte])
      const attempt = async (limitBytesPerSecond: number) => {
        const whole = await capture(device, path, { ...options, skip, limitBytesPerSecond })
        return { whole, marks: whole.events.filter((event) => event.kind === 'mark') }
      }
      const { whole, marks } = await slowerUntil(({ marks }) => marks.length > 2, attempt)
      const image = await readFile(path)
      for (const mark of marks) {
        await writeFile(path, Buffer.concat([image.subarray(0, mark.imageBytes), Buffer.alloc(9999, 7)]))
        const resume = { blocks: mark.blocks, imageBytes: mark.imageBytes, unreadable: noRanges }
        const again = await capture(device, path, { container, skip, resume })
        assert.ok((await readFile(path)).equals(image), `${container} from block ${mark.blocks}`)
        assert.ok(again.result.index.equals(whole.result.index))
        assert.deepEqual(again.result.digests, whole.result.digests)
      }
    }
  })

  it('marks no more of a raw image than its file holds, though zeros are never written to it', async () => {
    const path = place('zeros.raw')
    const half = place('half.bin')
    await writeFile(half, Buffer.concat([deviceBytes(32 * mebibyte), Buffer.alloc(64 * mebibyte)]))
    const source = await Device.open(half, { access: 'read' })
    const input = {
      source,
      sizeBytes: source.sizeBytes,
      skip: noRanges,
      path,
      container: 'raw',
      level: 'fast',
    } as const
    const attempt = async (limitBytesPerSecond: number) => {
      const marked: { imageBytes: number; fileBytes: number }[] = []
      const pace = { hashes: [], durableEveryBytes: 1, durableEveryMs: 1, limitBytesPerSecond }
      await captureImage({ ...input, ...pace }, (event) => {
        if (event.kind === 'mark') marked.push({ imageBytes: event.imageBytes, fileBytes: statSync(path).size })
      }).finished
      return marked
    }
    const marked = await slowerUntil(({ length }) => length > 1, attempt)
    await source.close()
    for (const { imageBytes, fileBytes } of marked) assert.ok(fileBytes >= imageBytes, `${fileBytes} < ${imageBytes}`)
  })

  it('refuses to go on from an image that is damaged or shorter than its mark', async () => {
    const path = place('damaged-resume.lz4')
    const { result } = await capture(device, path)
    const resume = { blocks: 8, imageBytes: result.imageBytes - 4, unreadable: noRanges }
    await withFlippedBit(path, place('flipped-resume.lz4'), 8 * 2000)
    await assert.rejects(capture(device, place('flipped-resume.lz4'), { resume }), code('IMAGE_DAMAGED'))
    await truncate(path, 5 * mebibyte)
    await assert.rejects(capture(device, path, { resume }), code('IMAGE_DAMAGED'))
  })

  it('fills what nobody can read any more with zeros that count as unreadable, and closes the frame', async () => {
    const path = place('repaired.lz4')
    await capture(device, path)
    await truncate(path, 6 * mebibyte)
    const walked = await walkImage(path).finished
    assert.equal(walked.complete, false)
    assert.match(walked.reason, /the file ends before it does/)
    const { blocks, imageBytes } = walked
    assert.ok(blocks > 1 && blocks < 8)
    const events: unknown[] = []
    await captureImage(
      {
        ...{ source: undefined, sizeBytes: walked.sizeBytes, skip: noRanges, path, container: 'lz4', level: 'default' },
        ...{ hashes: ['sha256'], resume: { blocks, imageBytes, unreadable: noRanges } },
      },
      (event) => events.push(event),
    ).finished
    const wanted = Buffer.alloc(sizeBytes)
    content.copy(wanted, 0, 0, blocks * imageBlockBytes)
    assert.ok(lz4Unpacked(path).equals(wanted))
    const lost = { offsetBytes: blocks * imageBlockBytes, lengthBytes: sizeBytes - blocks * imageBlockBytes }
    assert.deepEqual(events[0], { kind: 'unreadable', ...lost })
    assert.equal((await walkImage(path).finished).complete, true)
  })

  it('tells where it cannot write, and that another run is at it', async () => {
    await assert.rejects(capture(device, place('no/such/folder')), code('DEVICE_NOT_FOUND'))
    await assert.rejects(capture(device, folder), (error) => error instanceof TransferError)
    const source = await Device.open(device, { access: 'read' })
    const input = { source, sizeBytes, skip: noRanges, path: place('twice'), container: 'raw', level: 'fast' } as const
    const slow = captureImage({ ...input, hashes: [], limitBytesPerSecond: 1e6 }, () => {})
    // Its file gets its length when it is held.
    await until(() => existsSync(place('twice')) && statSync(place('twice')).size > 0, slow.finished)
    await assert.rejects(capture(device, place('twice')), code('DEVICE_IN_USE'))
    slow.abort()
    await assert.rejects(slow.finished, code('INTERRUPTED'))
    await source.close()
  })

  it('tells where a device ends that shrinks under it; rescue keeps what was there', async () => {
    const shrinking = place('shrinking')
    for (const rescue of [undefined, { retries: 0 }]) {
      await writeFile(shrinking, content)
      const options = { ...(rescue === undefined ? {} : { rescue }), opened: () => truncate(shrinking, 20 * mebibyte) }
      const running = capture(shrinking, place('shrunk.lz4'), options)
      if (rescue === undefined) {
        await assert.rejects(running, code('DEVICE_READ_FAILED'))
        continue
      }
      const { result, events } = await running
      const wanted = Buffer.from(content).fill(0, 20 * mebibyte)
      assert.ok(lz4Unpacked(place('shrunk.lz4')).equals(wanted))
      assert.equal(result.unreadableBytes, sizeBytes - 20 * mebibyte)
      const lost = events.filter((event) => event.kind === 'unreadable')
      assert.equal(lost[0]?.offsetBytes, 20 * mebibyte)
    }
  })

  it('tells a device that is smaller than it was', async () => {
    await assert.rejects(capture(device, place('smaller'), { sizeBytes: sizeBytes + 512 }), code('DEVICE_RANGE'))
  })
})

describe('transferImage', () => {
  let image = ''
  let result: Awaited<ReturnType<typeof capture>>['result']
  let source: ImageSource
  before(async () => {
    image = place('image.lz4')
    result = (await capture(device, image)).result
    source = await openIndexed(image, sizeBytes, result)
  })
  after(() => source.close())

  for (const zeros of ['write', 'discard', 'skip'] as const) {
    it(`writes several targets at once and reads them back, zeros: ${zeros}`, async () => {
      const paths = [place(`${zeros}-1`), place(`${zeros}-2`)]
      await emptyTarget(paths[0] as string, sizeBytes)
      await emptyTarget(paths[1] as string, sizeBytes + mebibyte, zeros === 'skip' ? undefined : 0xaa)
      const done = await transfer(source, paths, {
        zeros,
        readBack: true,
        checkBlocks: true,
        hashes: ['sha256', 'md5'],
      })
      for (const path of paths) assert.ok((await readFile(path)).subarray(0, sizeBytes).equals(content))
      assert.deepEqual(done.events, [])
      assert.equal(done.result.digests.sha256?.toString('hex'), digest('sha256', content))
      assert.equal(done.result.digests.md5?.toString('hex'), digest('md5', content))
      assert.equal(done.result.sizeBytes, sizeBytes)
    })
  }

  it('drops a target that is too small and goes on with the others', async () => {
    const good = await emptyTarget(place('good'), sizeBytes)
    const small = await emptyTarget(place('small'), sizeBytes - 512)
    const { result: done, events } = await transfer(source, [small, good])
    assert.equal(done.failedTargets, 1)
    assert.ok(events[0]?.kind === 'targetFailed' && events[0].target === 0 && events[0].error.code === 'DEVICE_RANGE')
    assert.ok((await readFile(good)).equals(content))
    await assert.rejects(transfer(source, [small]), code('DEVICE_RANGE'))
  })

  it('writes on resume only what differs', async () => {
    const path = place('resumed-target')
    const half = Buffer.from(content)
    half.fill(0, 0, imageBlockBytes)
    half.fill(1, 17 * mebibyte)
    await writeFile(path, half)
    await transfer(source, [path], { resume: true, readBack: true })
    assert.ok((await readFile(path)).equals(content))
  })

  it('compares, and names each block that differs', async () => {
    const other = Buffer.from(content)
    other[9 * mebibyte] = (other[9 * mebibyte] as number) ^ 1
    other[sizeBytes - 1] = (other[sizeBytes - 1] as number) ^ 0x80
    await writeFile(place('other'), other)
    const { result: done, events } = await transfer(source, [device, place('other')], { mode: 'compare' })
    assert.equal(done.mismatches, 2)
    assert.deepEqual(events, [
      { kind: 'mismatch', target: 1, block: 2 },
      { kind: 'mismatch', target: 1, block: 7 },
    ])
    const part = await transfer(source, [place('other')], { mode: 'compare', blocks: Uint32Array.of(0, 3, 7) })
    assert.deepEqual(part.events, [{ kind: 'mismatch', target: 0, block: 7 }])
    assert.equal(part.result.blocks, 3)
  })

  it('checks an image and finds a turned bit wherever it is', async () => {
    const bad = place('bad.lz4')
    const good = await transfer(source, [], { mode: 'check', checkBlocks: true, hashes: ['sha256'] })
    assert.equal(good.result.damagedBlocks, 0)
    assert.equal(good.result.digests.sha256?.toString('hex'), digest('sha256', content))
    for (let bit = 8 * 15 + 3; bit < 8 * (result.imageBytes - 4); bit += 8 * 251_003 + 1) {
      await withFlippedBit(image, bad, bit)
      const flipped = await openIndexed(bad, sizeBytes, result)
      const { result: done, events } = await transfer(flipped, [], { mode: 'check' })
      assert.equal(done.damagedBlocks, 1, `bit ${bit}`)
      assert.match(events[0]?.kind === 'damaged' ? events[0].message : '', /^block \d+, at offset \d+ of the image/)
      await emptyTarget(place('never-whole'), sizeBytes, 0xaa)
      await assert.rejects(transfer(flipped, [place('never-whole')]), code('IMAGE_DAMAGED'))
      const start = (await readFile(place('never-whole'))).subarray(0, imageBlockBytes)
      assert.ok(start.every((byte) => byte === 0) || start.every((byte) => byte === 0xaa))
      flipped.close()
    }
  })

  it('finds an index that is of other content', async () => {
    const index = Buffer.from(result.index)
    index[16 + 24 * 4 + 12] = (index[16 + 24 * 4 + 12] as number) ^ 4
    const other = await openIndexed(image, sizeBytes, { index })
    const { events } = await transfer(other, [], { mode: 'check', checkBlocks: true })
    assert.ok(events.length === 1 && events[0]?.kind === 'damaged' && events[0].block === 4)
    await emptyTarget(place('never-whole'), sizeBytes)
    await assert.rejects(transfer(other, [place('never-whole')], { checkBlocks: true }), code('IMAGE_DAMAGED'))
    other.close()
  })

  it('reads any range', async () => {
    const raw = await ImageSource.open({ kind: 'raw', path: device, offsetBytes: 512, lengthBytes: sizeBytes - 512 })
    for (const [offset, length] of [
      [0, 1],
      [4 * mebibyte - 1, 2],
      [3 * mebibyte + 17, 14 * mebibyte],
      [sizeBytes - 3000, 3000],
      [sizeBytes, 0],
    ] as const) {
      assert.ok((await source.read(offset, length)).equals(content.subarray(offset, offset + length)))
      if (offset > 512)
        assert.ok((await raw.read(offset - 512, length)).equals(content.subarray(offset, offset + length)))
    }
    await assert.rejects(source.read(sizeBytes - 1, 2), code('DEVICE_RANGE'))
    raw.close()
  })

  it('stops when asked to, at any moment, with a target that looks empty, and resumes to the whole', async () => {
    // The first block goes out at once, each of the others most of a second after the one before it.
    for (const blocks of [0, 1, 3]) {
      const path = await emptyTarget(place('aborted'), sizeBytes, 0xaa)
      const target = await Device.open(path, { access: 'write' })
      const input = {
        source,
        targets: [target],
        mode: 'write',
        zeros: 'write',
        readBack: false,
        resume: false,
      } as const
      const slow = { hashes: [], checkBlocks: true, limitBytesPerSecond: 5e6 }
      const run = transferImage({ ...input, ...slow }, () => {})
      await until(() => run.progress().bytesDone >= blocks * imageBlockBytes, run.finished)
      run.abort()
      await assert.rejects(run.finished, code('INTERRUPTED'))
      await target.close()
      const start = (await readFile(path)).subarray(0, imageBlockBytes)
      assert.ok(start.every((byte) => byte === 0) || start.every((byte) => byte === 0xaa))
      await transfer(source, [path], { resume: true, readBack: true })
      assert.ok((await readFile(path)).equals(content))
    }
  })
})

describe('files of others', () => {
  for (const options of [['-1'], ['-9', '-B4'], ['-BD', '-B5'], ['--content-size', '-BX'], ['--no-frame-crc', '-B7']]) {
    it(`reads what lz4 ${options.join(' ')} writes`, async () => {
      const path = place('foreign.lz4')
      execFileSync('lz4', ['-fq', ...options, device, path])
      const source = await ImageSource.open({ kind: 'lz4', path })
      assert.equal(source.sizeBytes, options.includes('--content-size') ? sizeBytes : -1)
      const target = await emptyTarget(place('foreign-target'), sizeBytes)
      const { result } = await transfer(source, [target], { readBack: true, hashes: ['sha256'] })
      assert.ok((await readFile(target)).equals(content))
      assert.equal(result.digests.sha256?.toString('hex'), digest('sha256', content))
      const compared = await transfer(source, [device], { mode: 'compare' })
      assert.deepEqual(compared.events, [])
      source.close()
    })
  }

  it('reads several frames and skippable ones as one content', async () => {
    const path = place('frames.lz4')
    const frame = (part: Buffer) => execFileSync('lz4', ['-cq'], { input: part, maxBuffer: 1 << 30 })
    const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const parts = [skippable, frame(content.subarray(0, 5_000_001)), skippable, frame(content.subarray(5_000_001))]
    await writeFile(path, Buffer.concat([...parts, skippable]))
    const source = await ImageSource.open({ kind: 'lz4', path })
    const { result } = await transfer(source, [device], { mode: 'compare', hashes: ['md5'] })
    assert.equal(result.digests.md5?.toString('hex'), digest('md5', content))
    source.close()
  })

  it('refuses what is cut, turned, legacy or nothing of the kind', async () => {
    const path = place('hostile.lz4')
    const packed = execFileSync('lz4', ['-cq', device], { maxBuffer: 1 << 30 })
    const check = async (bytes: Buffer) => {
      await writeFile(path, bytes)
      const source = await ImageSource.open({ kind: 'lz4', path })
      return transfer(source, [], { mode: 'check' }).finally(() => source.close())
    }
    for (const length of [5, 1000, packed.length - 1, packed.length - 4]) {
      await assert.rejects(check(packed.subarray(0, length)), code('IMAGE_DAMAGED'), `${length} bytes`)
    }
    const turned = Buffer.from(packed)
    turned[500] = (turned[500] as number) ^ 1
    await assert.rejects(check(turned), code('IMAGE_DAMAGED'))
    await assert.rejects(check(Buffer.concat([packed, Buffer.from('more')])), code('IMAGE_DAMAGED'))
    await assert.rejects(check(execFileSync('lz4', ['-lcq', device], { maxBuffer: 1 << 30 })), code('IMAGE_INVALID'))
    await assert.rejects(check(Buffer.from('no such thing')), code('IMAGE_INVALID'))
    await assert.rejects(check(Buffer.alloc(0)), code('IMAGE_INVALID'))
  })
})
