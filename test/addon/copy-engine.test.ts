import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, mkdtemp, open, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type CopyEvent, copyFiles, type VerifyEvent, verifyBlocks } from '../../src/addon/copy-engine.js'
import type { EngineRun, IoEngine } from '../../src/addon/engine-run.js'
import { TransferError } from '../../src/errors.js'
import { attachFile, loopUnavailable } from '../drives/loop-device.js'
import {
  chunkBytes,
  copyInput,
  digestsOf,
  imageBytes,
  layOut,
  type MadeFile,
  makeFiles,
  makeImage,
  makeTarget,
  mebibyte,
  openSpool,
  storedFile,
} from './made-copy.js'

let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-copy-'))
})
after(() => rm(folder, { recursive: true, force: true }))

// Around every boundary: nothing, one byte, clusters, blocks of 4 MiB.
const sizes = [
  0,
  1,
  4095,
  4096,
  4097,
  10_240,
  chunkBytes - 1,
  chunkBytes,
  chunkBytes + 1,
  0,
  9 * mebibyte + 77,
  300_000,
]

const rejectsWith =
  (code: string, pattern = /./) =>
  (error: unknown) =>
    error instanceof TransferError && error.code === code && pattern.test(error.message)

async function freshFolder(): Promise<string> {
  return mkdtemp(join(folder, 'case-'))
}

async function checkStored(files: MadeFile[], made: Awaited<ReturnType<typeof madeCopy>>): Promise<void> {
  for (const [index, { content }] of files.entries()) {
    const stored = await storedFile(made.target.volume, made.extents, index)
    assert.ok(stored.subarray(0, content.length).equals(content), `file ${index}`)
    assert.ok(
      stored.subarray(content.length).every((byte) => byte === 0),
      `after file ${index}`,
    )
  }
}

async function madeCopy(fileSizes: readonly number[], sectorBytes: 512 | 4096 = 512, fragmentBytes?: number) {
  const place = await freshFolder()
  const files = await makeFiles(join(place, 'files'), fileSizes)
  const { extents, endBytes } = layOut(fileSizes, 4096, fragmentBytes)
  const image = await makeImage(join(place, 'image.img'), imageBytes(endBytes))
  const target = await makeTarget(image, sectorBytes)
  const spool = await openSpool(place)
  const input = await copyInput(files, target.volume, extents, spool)
  const close = async () => {
    await target.close()
    await spool.close()
    await rm(place, { recursive: true })
  }
  return { files, extents, endBytes, image, target, spool, input, close }
}

/** Stops a run once so much is done. A machine may be quicker than its event loop: then the run was over, and the next one is tried. */
async function interrupted(start: () => EngineRun<unknown>, bytesDone: number): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const run = start()
    let isOver = false
    const end = () => {
      isOver = true
    }
    run.finished.then(end, end)
    while (!isOver && run.progress().bytesDone < bytesDone) await new Promise((resolve) => setImmediate(resolve))
    run.abort()
    const ended = await run.finished.catch((error: unknown) => error)
    if (!(ended instanceof Error)) continue
    assert.ok(rejectsWith('INTERRUPTED')(ended), String(ended))
    return
  }
  assert.fail('each of the runs was over before it could be stopped')
}

async function spooled(made: { spool: Awaited<ReturnType<typeof openSpool>> }): Promise<Buffer> {
  const { size } = await made.spool.stat()
  return (await made.spool.read(Buffer.alloc(size), 0, size, 0)).buffer
}

describe('copyFiles', () => {
  for (const sectorBytes of [512, 4096] as const) {
    for (const ioEngine of ['threads', 'uring'] as const) {
      it(`stores and hashes files on an image with sectors of ${sectorBytes} bytes, through ${ioEngine}`, async (t) => {
        const made = await madeCopy(sizes, sectorBytes)
        const events: CopyEvent[] = []
        try {
          const result = await copyFiles({ ...made.input, ioEngine }, (event) => events.push(event)).finished
          assert.match(result.ioEngine, ioEngine === 'uring' ? /^uring/ : /^threads$/)
          assert.equal(result.files, sizes.length)
        } catch (error) {
          if (ioEngine === 'uring' && error instanceof TransferError && error.code === 'DEVICE_UNSUPPORTED') {
            await made.close()
            return t.skip(error.message)
          }
          throw error
        }
        await checkStored(made.files, made)
        assert.ok((await spooled(made)).equals(digestsOf(made.files)))
        const total = sizes.reduce((sum, size) => sum + size, 0)
        assert.deepEqual(events.at(-1), {
          kind: 'mark',
          chunk: events.length > 0 ? (events.at(-1) as { chunk: number }).chunk : 0,
          bytesDone: total,
        })
        await made.close()
      })
    }

    it(`stores files on a loop device with sectors of ${sectorBytes} bytes`, {
      skip: loopUnavailable() ?? false,
    }, async (t) => {
      const place = await freshFolder()
      const files = await makeFiles(join(place, 'files'), sizes)
      const { extents, endBytes } = layOut(sizes, 4096, 20 * 4096)
      const image = await makeImage(join(place, 'loop.img'), imageBytes(endBytes))
      const loop = attachFile(t, image, `--sector-size=${sectorBytes}`)
      const target = await makeTarget(loop, sectorBytes)
      const spool = await openSpool(place)
      const input = await copyInput(files, target.volume, extents, spool)
      await copyFiles(input, () => {}).finished
      await checkStored(files, { files, extents, target } as unknown as Awaited<ReturnType<typeof madeCopy>>)
      assert.ok((await spooled({ spool })).equals(digestsOf(files)))
      await target.close()
      await spool.close()
    })
  }

  it('stores files whose blocks are split over many extents', async () => {
    const made = await madeCopy(sizes, 512, 7 * 4096)
    await copyFiles(made.input, () => {}).finished
    await checkStored(made.files, made)
    await made.close()
  })

  it('writes the same bytes whichever engine, memory and pace it has', async () => {
    const made = await madeCopy(sizes)
    const images: Buffer[] = []
    const ways: { ioEngine: IoEngine; memoryBytes: number; durableEveryBytes: number }[] = [
      { ioEngine: 'threads', memoryBytes: 1, durableEveryBytes: 1 },
      { ioEngine: 'auto', memoryBytes: 160 * mebibyte, durableEveryBytes: 512 * mebibyte },
    ]
    for (const way of ways) {
      await copyFiles({ ...made.input, ...way }, () => {}).finished
      images.push(await readFile(made.image))
    }
    assert.ok((images[0] as Buffer).equals(images[1] as Buffer))
    await made.close()
  })

  it('rejects with INTERRUPTED when aborted, and goes on from the last mark to the same bytes', async () => {
    const made = await madeCopy(Array.from({ length: 30 }, (_, index) => chunkBytes + index * 1000))
    let mark = { chunk: 0, bytesDone: 0 }
    const start = () =>
      copyFiles({ ...made.input, memoryBytes: 16 * mebibyte }, (event) => {
        if (event.kind === 'mark') mark = event
      })
    await interrupted(start, 2 * chunkBytes)
    assert.ok(mark.chunk > 0)
    const progress: number[] = []
    const resumed = copyFiles({ ...made.input, firstChunk: mark.chunk }, () => {
      progress.push(resumed.progress().bytesDone)
    })
    const result = await resumed.finished
    const { bytesDone, bytesTotal, filesDone, filesTotal } = resumed.progress()
    assert.equal(bytesDone, bytesTotal)
    assert.equal(filesDone, filesTotal)
    assert.equal(result.bytes, bytesTotal - mark.bytesDone)
    await checkStored(made.files, made)
    assert.ok((await spooled(made)).equals(digestsOf(made.files)))
    await made.close()
  })

  it('names a source that shrank or grew, or leaves it out', async () => {
    for (const change of [(path: string) => truncate(path, 100), (path: string) => appendFile(path, 'more')]) {
      const made = await madeCopy([5000, 6 * mebibyte, 7000])
      const path = (made.files[1] as MadeFile).path
      await change(path)
      await assert.rejects(
        copyFiles(made.input, () => {}).finished,
        rejectsWith('SOURCE_CHANGED', /file-1: had 6291456 bytes when it was planned, has \d+ now/),
      )
      const events: CopyEvent[] = []
      await copyFiles({ ...made.input, onChange: 'skip' }, (event) => events.push(event)).finished
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['dropped', 'mark'],
      )
      const dropped = events[0] as { file: number; code: string }
      assert.equal(dropped.file, 1)
      assert.equal(dropped.code, 'SOURCE_CHANGED')
      for (const file of [0, 2]) {
        const { content } = made.files[file] as MadeFile
        const stored = await storedFile(made.target.volume, made.extents, file)
        assert.ok(stored.subarray(0, content.length).equals(content))
      }
      await made.close()
    }
  })

  it('tells the reason and the system error when the hashes cannot be stored', async () => {
    const made = await madeCopy([30 * mebibyte])
    const readOnly = await open('/dev/null', 'r')
    await assert.rejects(
      copyFiles({ ...made.input, hashSpoolFd: readOnly.fd }, () => {}).finished,
      (error: unknown) => {
        assert.ok(error instanceof TransferError)
        assert.equal(error.code, 'SPOOL_WRITE_FAILED')
        assert.equal(error.systemError, 9) // EBADF
        return true
      },
    )
    await readOnly.close()
    await made.close()
  })

  it('refuses a plan that would overwrite BitLocker’s own regions', async () => {
    const made = await madeCopy([5000])
    made.extents.offsetBytes[0] = 2 * mebibyte
    await assert.rejects(copyFiles(made.input, () => {}).finished, rejectsWith('DEVICE_RANGE', /BitLocker/))
    await made.close()
  })

  it('ends the run and passes it on when a listener throws', async () => {
    const made = await madeCopy(Array.from({ length: 20 }, () => chunkBytes))
    const run = copyFiles({ ...made.input, memoryBytes: 16 * mebibyte, durableEveryBytes: mebibyte }, () => {
      throw new Error('the journal is full')
    })
    await assert.rejects(run.finished, /the journal is full/)
    await made.close()
  })

  it('runs for several drives at once', async () => {
    const all = await Promise.all([madeCopy(sizes), madeCopy(sizes, 4096), madeCopy(sizes)])
    await Promise.all(all.map((made) => copyFiles({ ...made.input, memoryBytes: 24 * mebibyte }, () => {}).finished))
    for (const made of all) {
      await checkStored(made.files, made)
      await made.close()
    }
  })
})

describe('verifyBlocks', () => {
  it('finds nothing on a sound drive, and names the file and block of a flipped bit', async () => {
    const made = await madeCopy(sizes)
    await copyFiles(made.input, () => {}).finished
    const { volume, fileSizeBytes, fileBlockBytes, extents, memoryBytes } = made.input
    const expected = digestsOf(made.files)
    const verify = async () => {
      const events: VerifyEvent[] = []
      const input = { volume, fileSizeBytes, fileBlockBytes, extents, expected, memoryBytes }
      const result = await verifyBlocks(input, (event) => events.push(event)).finished
      return { result, events }
    }
    const sound = await verify()
    assert.deepEqual(sound.events, [])
    assert.equal(
      sound.result.bytes,
      sizes.reduce((sum, size) => sum + size, 0),
    )
    assert.equal(sound.result.blocks, expected.length / 16)

    const at = (extents.offsetBytes[extents.firstExtent[10] as number] as number) + 2 * chunkBytes
    const sector = await volume.read(at, 512)
    sector[300] = (sector[300] as number) ^ 1
    await volume.write(at, sector)
    const damaged = await verify()
    assert.deepEqual(damaged.events, [{ kind: 'mismatch', file: 10, block: 2 }])
    assert.equal(damaged.result.mismatches, 1)
    await made.close()
  })

  it('does not look at blocks that are to be skipped', async () => {
    const made = await madeCopy([3 * chunkBytes])
    await copyFiles(made.input, () => {}).finished
    const { volume, fileSizeBytes, fileBlockBytes, extents, memoryBytes } = made.input
    const expected = digestsOf(made.files).fill(0, 16, 32)
    const input = {
      volume,
      fileSizeBytes,
      fileBlockBytes,
      extents,
      expected,
      memoryBytes,
      skip: Uint8Array.of(0, 1, 0),
    }
    const result = await verifyBlocks(input, (event) => assert.fail(event.kind)).finished
    assert.equal(result.blocks, 2)
    await made.close()
  })

  it('names blocks that cannot be read', async () => {
    const made = await madeCopy([100, 3 * chunkBytes])
    await copyFiles(made.input, () => {}).finished
    const { volume, fileSizeBytes, fileBlockBytes, extents, memoryBytes } = made.input
    const end = (extents.offsetBytes[1] as number) + chunkBytes + 2 * mebibyte
    await truncate(made.image, end)
    const events: VerifyEvent[] = []
    const input = { volume, fileSizeBytes, fileBlockBytes, extents, expected: digestsOf(made.files), memoryBytes }
    const result = await verifyBlocks(input, (event) => events.push(event)).finished
    assert.deepEqual(
      events.map((event) => [event.kind, event.file, event.block]),
      [
        ['unreadable', 1, 1],
        ['unreadable', 1, 2],
      ],
    )
    assert.equal(result.unreadable, 2)
    assert.equal(result.mismatches, 0)
    await made.close()
  })

  it('rejects with INTERRUPTED when aborted', async () => {
    const made = await madeCopy(Array.from({ length: 10 }, () => chunkBytes))
    const { volume, fileSizeBytes, fileBlockBytes, extents } = made.input
    const input = { volume, fileSizeBytes, fileBlockBytes, extents, expected: digestsOf(made.files), memoryBytes: 1 }
    await interrupted(() => verifyBlocks(input, () => {}), 0)
    await made.close()
  })
})

describe('a process that ends while a copy runs', () => {
  const program = fileURLToPath(new URL('exit-while-copying.ts', import.meta.url))
  for (const [how, status] of [
    ['exit', 7],
    ['throw', 1],
    ['return', 0],
    ['worker', 0],
  ] as const) {
    it(`ends cleanly: ${how}`, async () => {
      const place = await freshFolder()
      const child = spawnSync(process.execPath, ['--import', 'tsx', program, how, place], { encoding: 'utf8' })
      assert.equal(child.signal, null, child.stderr)
      assert.equal(child.status, status, child.stderr)
      await rm(place, { recursive: true })
    })
  }
})
