// Content that is read for an import: every byte, every block's state, whole-file digests, and the memory it may use.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ContentChunk, chunkBytes, ReadBuffers, readContent } from '../../src/addon/read-engine.js'
import { TransferError } from '../../src/errors.js'
import { imageBytes, layOut, makeImage, makeTarget, mebibyte } from './made-copy.js'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-read-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

interface Shape {
  sizeBytes: number
  blockBytes?: number
}

/** Files written straight to their extents. */
async function makeContent(shapes: readonly Shape[], fragmentBytes = Number.POSITIVE_INFINITY) {
  const image = join(folder, `image-${randomBytes(4).toString('hex')}`)
  const sizes = shapes.map(({ sizeBytes }) => sizeBytes)
  const { extents, endBytes } = layOut(sizes, 4096, fragmentBytes)
  await makeImage(image, imageBytes(endBytes))
  const target = await makeTarget(image, 512)
  const contents = sizes.map((size) => randomBytes(size))
  const blockOf = (file: number) => shapes[file]?.blockBytes ?? chunkBytes
  const digests: Buffer[] = []
  for (const [file, content] of contents.entries()) {
    for (let at = 0; at < content.length; at += blockOf(file))
      digests.push(md5(content.subarray(at, at + blockOf(file))))
    let at = 0
    for (
      let extent = extents.firstExtent[file] as number;
      extent < (extents.firstExtent[file + 1] as number);
      extent++
    ) {
      const padded = Buffer.alloc(extents.lengthBytes[extent] as number)
      content.copy(padded, 0, at)
      await target.volume.write(extents.offsetBytes[extent] as number, padded)
      at += padded.length
    }
  }
  const input = {
    volume: target.volume,
    fileSizeBytes: Float64Array.from(sizes),
    fileBlockBytes: Float64Array.from(shapes, (_, file) => blockOf(file)),
    extents,
    expected: Buffer.concat(digests),
  }
  return { image, target, contents, input }
}

type Made = Awaited<ReturnType<typeof makeContent>>

/** Everything that is lent, put together; gives back after a moment, in another order than it was lent. */
async function readAll(made: Made, options: { count?: number; hashFiles?: boolean; skip?: Uint8Array } = {}) {
  const { count = 12, hashFiles = true, skip } = options
  const read = made.contents.map(({ length }) => Buffer.alloc(length))
  const states = new Map<string, string>()
  const fileMd5 = new Map<number, string>()
  const unreadable: string[] = []
  const buffers = new ReadBuffers(count)
  let lent = 0
  const take = (chunk: ContentChunk) => {
    for (const { file, block, fileOffsetBytes, bytes, state, fileMd5: digest } of chunk.pieces) {
      bytes.copy(read[file] as Buffer, fileOffsetBytes)
      if (state !== 'open') states.set(`${file}:${block}`, state)
      if (digest !== undefined) fileMd5.set(file, digest.toString('hex'))
    }
    setTimeout(chunk.giveBack, [4, 0, 2, 5, 1][lent++ % 5])
  }
  const input = { ...made.input, buffers, hashFiles, ...(skip === undefined ? {} : { skip }) }
  const run = readContent(input, take, (file, block) => unreadable.push(`${file}:${block}`))
  const result = await run.finished
  return { read, states, fileMd5, unreadable, result }
}

const shapes: Shape[] = [
  { sizeBytes: 0 },
  { sizeBytes: 1 },
  { sizeBytes: 10_240 },
  { sizeBytes: chunkBytes },
  { sizeBytes: chunkBytes + 1 },
  { sizeBytes: 200_000, blockBytes: 65_536 },
  { sizeBytes: 9 * mebibyte + 5, blockBytes: 3 * mebibyte },
  { sizeBytes: 21 * mebibyte, blockBytes: 8 * mebibyte },
  { sizeBytes: 65_536, blockBytes: 4096 },
  { sizeBytes: 300 },
]

describe('readContent', () => {
  for (const [name, fragmentBytes] of [
    ['whole', Number.POSITIVE_INFINITY],
    ['fragmented', 28_672],
  ] as const) {
    it(`lends every byte of ${name} files, with blocks of any length, and their MD5`, async () => {
      const made = await makeContent(shapes, fragmentBytes)
      const { read, states, fileMd5, unreadable, result } = await readAll(made)
      for (const [file, content] of made.contents.entries()) {
        assert.ok(read[file]?.equals(content), `file ${file}`)
        if (content.length > 0) assert.equal(fileMd5.get(file), md5(content).toString('hex'), `MD5 of file ${file}`)
      }
      assert.equal(states.size, made.input.expected.length / 16)
      assert.deepEqual([...new Set(states.values())], ['sound'])
      assert.deepEqual(unreadable, [])
      assert.equal(result.mismatches, 0)
      await made.target.close()
    })
  }

  it('says of each block whether it is sound, damaged or cannot be read', async () => {
    const made = await makeContent([
      { sizeBytes: 5000 },
      { sizeBytes: 16 * mebibyte, blockBytes: 8 * mebibyte },
      { sizeBytes: 3 * chunkBytes },
    ])
    const { volume, extents } = made.input
    const flip = async (file: number, offset: number) => {
      const at = (extents.offsetBytes[extents.firstExtent[file] as number] as number) + offset
      const sector = await volume.read(at, 512)
      sector[7] = (sector[7] as number) ^ 4
      await volume.write(at, sector)
    }
    await flip(1, 9 * mebibyte) // in the first chunk of its second block
    await flip(2, 512)
    await truncate(made.image, (extents.offsetBytes[extents.firstExtent[2] as number] as number) + 7 * mebibyte)
    const { states, fileMd5, unreadable } = await readAll(made)
    assert.deepEqual(Object.fromEntries(states), {
      '0:0': 'sound',
      '1:0': 'sound',
      '1:1': 'damaged',
      '2:0': 'damaged',
      '2:1': 'unreadable',
      '2:2': 'unreadable',
    })
    assert.deepEqual(unreadable, ['2:1', '2:2'])
    assert.ok(fileMd5.has(0) && !fileMd5.has(2))
    await made.target.close()
  })

  it('neither reads nor lends blocks that are not wanted, and gives no digest of their file', async () => {
    const made = await makeContent([{ sizeBytes: chunkBytes }, { sizeBytes: 3 * chunkBytes }, { sizeBytes: 100 }])
    const { states, fileMd5, result } = await readAll(made, { skip: Uint8Array.of(0, 1, 0, 0, 1) })
    assert.deepEqual([...states.keys()], ['0:0', '1:1', '1:2'])
    assert.deepEqual([...fileMd5.keys()], [0])
    assert.equal(result.blocks, 3)
    await made.target.close()
  })

  it('does not compute what nobody asked for', async () => {
    const made = await makeContent([{ sizeBytes: 9 * mebibyte }])
    const { fileMd5 } = await readAll(made, { hashFiles: false })
    assert.equal(fileMd5.size, 0)
    await made.target.close()
  })

  it('reads no further than its buffers go until some are given back', async () => {
    const made = await makeContent([{ sizeBytes: 20 * chunkBytes }])
    const buffers = new ReadBuffers(4)
    const lent: ContentChunk[] = []
    const run = readContent(
      { ...made.input, buffers, hashFiles: false },
      (chunk) => lent.push(chunk),
      () => {},
    )
    while (lent.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(lent.length, 4)
    let total = 0
    const giveBackAll = setInterval(() => {
      total += lent.length
      for (const chunk of lent.splice(0)) chunk.giveBack()
    }, 1)
    await run.finished
    clearInterval(giveBackAll)
    assert.equal(total + lent.length, 20)
    await made.target.close()
  })

  it('is aborted while everything is lent, and what is lent stays readable', async () => {
    const made = await makeContent([{ sizeBytes: 8 * chunkBytes }])
    const lent: ContentChunk[] = []
    const run = readContent(
      { ...made.input, buffers: new ReadBuffers(4), hashFiles: false },
      (chunk) => lent.push(chunk),
      () => {},
    )
    while (lent.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    run.abort()
    await assert.rejects(run.finished, (error) => error instanceof TransferError && error.code === 'INTERRUPTED')
    assert.ok(lent[0]?.pieces[0]?.bytes.equals((made.contents[0] as Buffer).subarray(0, chunkBytes)))
    for (const chunk of lent) chunk.giveBack()
    await made.target.close()
  })
})
