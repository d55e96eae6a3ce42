// What every blob store promises, told once. A test file for each store calls `testBlobStore`; a promise that only one kind of
// store makes is tested in that file.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { BlobFacts, BlobPlace, BlobStore, WriteOptions } from '../../src/storage/blob-store.js'

export const md5Of = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest()
export const blockId = (index: number): string =>
  Buffer.from(`block-${String(index).padStart(6, '0')}`).toString('base64')

/** The same bytes for the same length and seed. */
export function madeBytes(lengthBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(lengthBytes)
  let state = seed * 2654435761 + 1
  for (let index = 0; index < lengthBytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

export async function readAll(store: BlobStore, place: BlobPlace, range?: [number, number]): Promise<Buffer> {
  const wanted = range === undefined ? undefined : { offsetBytes: range[0], lengthBytes: range[1] }
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(place, wanted)) pieces.push(Uint8Array.from(piece))
  return Buffer.concat(pieces)
}

export async function listed(store: BlobStore, container: string, prefix = ''): Promise<BlobFacts[]> {
  const found: BlobFacts[] = []
  for await (const facts of store.list(container, prefix)) found.push(facts)
  return found
}

export function put(store: BlobStore, place: BlobPlace, bytes: Uint8Array, options?: WriteOptions) {
  return store.putBlob(place, bytes, md5Of(bytes), options)
}

const properties = {
  contentType: 'text/plain; charset=utf-8',
  contentEncoding: 'identity',
  contentLanguage: 'de-DE',
  cacheControl: 'max-age=60',
  contentMd5: Uint8Array.from(madeBytes(16, 9)),
  metadata: [
    ['source', 'tape 7'],
    ['_x1', 'a=b; c'],
  ] as const,
}

/** Names that a blob may have, also those that have no path on a file system. */
const names: readonly string[] = [
  'a',
  'dir/größe 🚢.txt',
  '\uE000\uFFFD',
  'a b',
  ' ',
  'per%cent%2F%41.txt',
  'question?mark=1&b',
  'hash#tag',
  'plus+and=equals',
  "quote'(1)!*~",
  'a//b',
  '/leading',
  'trailing/',
  'back\\slash',
  'e\u0301',
  '\u00e9',
  'Case',
  'case',
  'case/below a blob',
  `${'x'.repeat(300)}/y`,
  'ü'.repeat(200),
  'z'.repeat(1024),
  '.blobs/records/x',
]

interface Opened {
  store: BlobStore
  /** A container of this test alone, already there. */
  container: string
}

/** What a service that stands in for another is known not to do; the rest of the case is tested all the same. */
export type Gap = 'backslash' | 'md5 of pages' | 'uncommitted blocks outlive Put Blob' | 'removes uncommitted blocks'

interface SuiteOptions {
  /** Why the suite is left out. */
  skip?: string | false
  gaps?: readonly Gap[]
}

/** @param open a store with a fresh container of its own. */
export function testBlobStore(kind: string, open: () => Promise<Opened>, options: SuiteOptions = {}): void {
  const { skip = false } = options
  const gaps = new Set(options.gaps)
  const usedNames = gaps.has('backslash') ? names.filter((name) => !name.includes('\\')) : names
  describe(`${kind}, like every blob store,`, { skip }, () => {
    const at = (container: string, name: string): BlobPlace => ({ container, name })

    it('makes a container once, and $root like any other', async () => {
      const { store, container } = await open()
      assert.equal(await store.createContainer(container), false)
      assert.equal(await store.createContainer(`${container}-2`), true)
      assert.equal(await store.createContainer(`${container}-2`), false)
      await store.createContainer('$root')
      const place = at('$root', `${container}.txt`)
      await put(store, place, Buffer.from('root'))
      assert.equal((await readAll(store, place)).toString(), 'root')
      assert.equal(await store.remove(place), true)
    })

    it('refuses what no container or blob is called', async () => {
      const { store, container } = await open()
      for (const bad of ['Up', 'a', '..', 'a--b', '../x']) {
        await assert.rejects(store.createContainer(bad), { code: 'STORAGE_REFUSED' })
        await assert.rejects(put(store, at(bad, 'x'), Buffer.of(1)), { code: 'STORAGE_REFUSED' })
      }
      for (const bad of ['', 'x'.repeat(1025)]) {
        await assert.rejects(put(store, at(container, bad), Buffer.of(1)), { code: 'STORAGE_REFUSED' })
      }
    })

    it('answers for a container that is not there', async () => {
      const { store, container } = await open()
      const place = at(`${container}-none`, 'x')
      await assert.rejects(put(store, place, Buffer.of(1)), { code: 'STORAGE_NOT_FOUND' })
      await assert.rejects(store.putBlock(place, blockId(1), Buffer.of(1), md5Of(Buffer.of(1))), {
        code: 'STORAGE_NOT_FOUND',
      })
      await assert.rejects(store.createPageBlob(place, 512), { code: 'STORAGE_NOT_FOUND' })
      await assert.rejects(readAll(store, place), { code: 'STORAGE_NOT_FOUND' })
      assert.deepEqual(await listed(store, place.container), [])
      assert.equal(await store.head(place), undefined)
      assert.equal(await store.remove(place), false)
    })

    for (const lengthBytes of [0, 1, 10_240, 5 << 20]) {
      it(`keeps a blob of ${lengthBytes} bytes as it is`, async () => {
        const { store, container } = await open()
        const place = at(container, 'dir/file.bin')
        const bytes = madeBytes(lengthBytes)
        const before = Date.now()
        assert.equal(await put(store, place, bytes), 'written')
        const facts = await store.head(place)
        assert.equal(facts?.name, 'dir/file.bin')
        assert.equal(facts?.kind, 'block')
        assert.equal(facts?.sizeBytes, lengthBytes)
        assert.ok(Math.abs((facts?.modifiedMs ?? 0) - before) < 60_000)
        assert.deepEqual(Buffer.from(facts?.properties.contentMd5 ?? []), md5Of(bytes))
        assert.ok((await readAll(store, place)).equals(bytes))
        assert.deepEqual(await store.listBlocks(place), { committed: [], uncommitted: [] })
      })
    }

    it('sends a part of a larger buffer, and gives the buffer back', async () => {
      const { store, container } = await open()
      const buffer = madeBytes(3000)
      const part = buffer.subarray(1000, 2000)
      const wanted = Buffer.from(part)
      await put(store, at(container, 'part'), part)
      await store.putBlock(at(container, 'blocks'), blockId(1), part, md5Of(part))
      buffer.fill(0)
      assert.ok((await readAll(store, at(container, 'part'))).equals(wanted))
      await store.commitBlocks(at(container, 'blocks'), [blockId(1)])
      assert.ok((await readAll(store, at(container, 'blocks'))).equals(wanted))
    })

    it('reads ranges, cut off at the end', async () => {
      const { store, container } = await open()
      const place = at(container, 'ranges')
      const bytes = madeBytes(9 << 20, 3)
      await put(store, place, bytes)
      const ranges: [number, number][] = [
        [0, 1],
        [1, 100],
        [(4 << 20) - 1, 2],
        [100, 8 << 20],
        [(9 << 20) - 10, 100],
        [9 << 20, 5],
        [10 << 20, 5],
        [5, 0],
      ]
      for (const [offsetBytes, lengthBytes] of ranges) {
        const found = await readAll(store, place, [offsetBytes, lengthBytes])
        assert.ok(found.equals(bytes.subarray(offsetBytes, offsetBytes + lengthBytes)), `${offsetBytes}+${lengthBytes}`)
      }
    })

    it('replaces a blob, and leaves it alone when asked for', async () => {
      const { store, container } = await open()
      const place = at(container, 'blob')
      assert.equal(await put(store, place, Buffer.from('one'), { ifAbsent: true }), 'written')
      assert.equal(await put(store, place, Buffer.from('two'), { ifAbsent: true }), 'exists')
      assert.equal((await readAll(store, place)).toString(), 'one')
      assert.equal(await put(store, place, Buffer.from('three')), 'written')
      assert.equal((await readAll(store, place)).toString(), 'three')
    })

    it('leaves a blob alone when blocks are committed if absent', async () => {
      const { store, container } = await open()
      const place = at(container, 'blob')
      const commit = async (text: string) => {
        await store.putBlock(place, blockId(0), Buffer.from(text), md5Of(Buffer.from(text)))
        return store.commitBlocks(place, [blockId(0)], { ifAbsent: true })
      }
      assert.equal(await commit('one'), 'written')
      assert.equal(await commit('two'), 'exists')
      assert.equal((await readAll(store, place)).toString(), 'one')
    })

    it('leaves a blob alone when a page blob is made if absent', async () => {
      const { store, container } = await open()
      assert.equal(await store.createPageBlob(at(container, 'page'), 1024, { ifAbsent: true }), 'written')
      assert.equal(await store.createPageBlob(at(container, 'page'), 512, { ifAbsent: true }), 'exists')
      assert.equal((await store.head(at(container, 'page')))?.sizeBytes, 1024)
      await put(store, at(container, 'block'), Buffer.from('one'))
      assert.equal(await store.createPageBlob(at(container, 'block'), 512, { ifAbsent: true }), 'exists')
      assert.equal(await put(store, at(container, 'page'), Buffer.from('x'), { ifAbsent: true }), 'exists')
    })

    it('shows a blob of blocks only when they are committed, in the order given', async () => {
      const { store, container } = await open()
      const place = at(container, 'blocks/file')
      const pieces = [madeBytes(5 << 20, 1), madeBytes(10, 2), madeBytes(70_000, 3)] as const
      assert.deepEqual(await store.listBlocks(place), { committed: [], uncommitted: [] })
      for (const index of [2, 0, 1] as const) {
        await store.putBlock(place, blockId(index), pieces[index], md5Of(pieces[index]))
      }
      const all = pieces.map((piece, index) => ({ id: blockId(index), sizeBytes: piece.length }))
      assert.deepEqual(await store.listBlocks(place), { committed: [], uncommitted: all })
      assert.equal(await store.head(place), undefined)
      assert.deepEqual(await listed(store, container), [])
      await assert.rejects(readAll(store, place), { code: 'STORAGE_NOT_FOUND' })
      if (!gaps.has('removes uncommitted blocks')) assert.equal(await store.remove(place), false)

      assert.equal(await store.commitBlocks(place, [blockId(1), blockId(0)], { properties }), 'written')
      assert.ok((await readAll(store, place)).equals(Buffer.concat([pieces[1], pieces[0]])))
      const lists = await store.listBlocks(place)
      assert.deepEqual(lists, { committed: [all[1], all[0]], uncommitted: [] })
      assert.deepEqual(sorted((await store.head(place))?.properties.metadata), sorted(properties.metadata))
    })

    it('takes the newest block of an id', async () => {
      const { store, container } = await open()
      const place = at(container, 'newest')
      for (const text of ['old', 'newer']) {
        await store.putBlock(place, blockId(1), Buffer.from(text), md5Of(Buffer.from(text)))
      }
      assert.deepEqual((await store.listBlocks(place)).uncommitted, [{ id: blockId(1), sizeBytes: 5 }])
      await store.commitBlocks(place, [blockId(1)])
      assert.equal((await readAll(store, place)).toString(), 'newer')

      await store.putBlock(place, blockId(2), Buffer.from('-two'), md5Of(Buffer.from('-two')))
      await store.commitBlocks(place, [blockId(1), blockId(2)])
      assert.equal((await readAll(store, place)).toString(), 'newer-two', 'a committed block may stay')
      await store.putBlock(place, blockId(1), Buffer.from('newest'), md5Of(Buffer.from('newest')))
      assert.equal((await readAll(store, place)).toString(), 'newer-two', 'not before it is committed')
      await store.commitBlocks(place, [blockId(1), blockId(2)])
      assert.equal((await readAll(store, place)).toString(), 'newest-two')
    })

    it('refuses to commit a block that was not uploaded, and changes nothing', async () => {
      const { store, container } = await open()
      const place = at(container, 'missing')
      await put(store, place, Buffer.from('before'))
      await store.putBlock(place, blockId(1), Buffer.from('x'), md5Of(Buffer.from('x')))
      await assert.rejects(store.commitBlocks(place, [blockId(1), blockId(2)]), {
        code: 'STORAGE_REFUSED',
        message: /InvalidBlockList/,
      })
      assert.equal((await readAll(store, place)).toString(), 'before')
      assert.equal((await store.listBlocks(place)).uncommitted.length, 1)
    })

    it('makes an empty blob of no blocks', async () => {
      const { store, container } = await open()
      assert.equal(await store.commitBlocks(at(container, 'none'), []), 'written')
      assert.equal((await store.head(at(container, 'none')))?.sizeBytes, 0)
      assert.equal((await readAll(store, at(container, 'none'))).length, 0)
    })

    it('refuses block ids of two lengths', async () => {
      const { store, container } = await open()
      const place = at(container, 'ids')
      await store.putBlock(place, blockId(1), Buffer.from('x'), md5Of(Buffer.from('x')))
      await assert.rejects(store.putBlock(place, 'AAAA', Buffer.from('x'), md5Of(Buffer.from('x'))), {
        code: 'STORAGE_REFUSED',
      })
    })

    it('keeps ids that differ in +, / and case apart', async () => {
      const { store, container } = await open()
      const place = at(container, 'ids')
      const ids = ['++++', '////', 'aaaa', 'AAAA']
      for (const id of ids) await store.putBlock(place, id, Buffer.from(id), md5Of(Buffer.from(id)))
      await store.commitBlocks(place, ids)
      assert.equal((await readAll(store, place)).toString(), ids.join(''))
    })

    it('never stores content whose MD5 is another', async () => {
      const { store, container } = await open()
      const bytes = madeBytes(4096)
      const wrong = md5Of(Buffer.from('other'))
      const refusal = { code: 'STORAGE_REFUSED' }
      await assert.rejects(store.putBlob(at(container, 'blob'), bytes, wrong), refusal)
      assert.equal(await store.head(at(container, 'blob')), undefined)
      await assert.rejects(store.putBlock(at(container, 'blocks'), blockId(1), bytes, wrong), refusal)
      assert.deepEqual(await store.listBlocks(at(container, 'blocks')), { committed: [], uncommitted: [] })
      await store.createPageBlob(at(container, 'page'), 8192)
      if (gaps.has('md5 of pages')) return
      await assert.rejects(store.putPages(at(container, 'page'), 0, bytes, wrong), refusal)
      assert.deepEqual(await store.listPageRanges(at(container, 'page')), [])
    })

    it('keeps pages where they were put, zeros elsewhere, and joins neighbours', async () => {
      const { store, container } = await open()
      const place = at(container, 'disk.vhd')
      await store.createPageBlob(place, 64 << 10, { properties: { contentType: 'application/x-vhd' } })
      assert.deepEqual(await store.listPageRanges(place), [])
      const wanted = Buffer.alloc(64 << 10)
      for (const [offsetBytes, lengthBytes] of [
        [8192, 4096],
        [4096, 4096],
        [32 << 10, 512],
        [10_240, 1024],
        [(64 << 10) - 512, 512],
      ] as const) {
        const pages = madeBytes(lengthBytes, offsetBytes)
        await store.putPages(place, offsetBytes, pages, md5Of(pages))
        wanted.set(pages, offsetBytes)
      }
      assert.ok((await readAll(store, place)).equals(wanted))
      assert.deepEqual(await store.listPageRanges(place), [
        { offsetBytes: 4096, lengthBytes: 8192 },
        { offsetBytes: 32 << 10, lengthBytes: 512 },
        { offsetBytes: (64 << 10) - 512, lengthBytes: 512 },
      ])
      const facts = await store.head(place)
      assert.deepEqual([facts?.kind, facts?.sizeBytes], ['page', 64 << 10])
      await store.setProperties(place, { contentMd5: md5Of(wanted) })
      assert.deepEqual(Buffer.from((await store.head(place))?.properties.contentMd5 ?? []), md5Of(wanted))
      await store.createPageBlob(place, 1024)
      assert.deepEqual(await store.listPageRanges(place), [], 'a new blob has none')
      assert.ok((await readAll(store, place)).equals(Buffer.alloc(1024)))
    })

    it('refuses pages beyond the end, of a block blob, and of none', async () => {
      const { store, container } = await open()
      const page = madeBytes(512)
      await store.createPageBlob(at(container, 'page'), 512)
      await put(store, at(container, 'block'), page)
      const putPage = (name: string, offsetBytes: number) =>
        store.putPages(at(container, name), offsetBytes, page, md5Of(page))
      await assert.rejects(putPage('page', 512), { code: 'STORAGE_REFUSED' })
      await assert.rejects(putPage('block', 0), { code: 'STORAGE_REFUSED' })
      await assert.rejects(putPage('none', 0), { code: 'STORAGE_NOT_FOUND' })
      await assert.rejects(store.putBlock(at(container, 'page'), blockId(1), page, md5Of(page)), {
        code: 'STORAGE_REFUSED',
      })
    })

    it('takes a wrong call for a mistake of the caller', async () => {
      const { store, container } = await open()
      const place = at(container, 'x')
      const bytes = madeBytes(512)
      await assert.rejects(store.putBlob(place, bytes, Buffer.alloc(15)), TypeError)
      await assert.rejects(store.putBlock(place, 'not base64', bytes, md5Of(bytes)), TypeError)
      await assert.rejects(store.putBlock(place, blockId(1), Buffer.alloc(0), md5Of(Buffer.alloc(0))), RangeError)
      await assert.rejects(store.commitBlocks(place, Array<string>(50_001).fill(blockId(1))), RangeError)
      await assert.rejects(store.createPageBlob(place, 511), RangeError)
      await assert.rejects(store.putPages(place, 1, bytes, md5Of(bytes)), RangeError)
      await assert.rejects(store.putPages(place, 0, bytes.subarray(1), md5Of(bytes)), RangeError)
      await assert.rejects(readAll(store, place, [-1, 5]), RangeError)
    })

    it('keeps properties and metadata', async () => {
      const { store, container } = await open()
      const writes: Record<string, (place: BlobPlace, options: WriteOptions) => Promise<unknown>> = {
        blob: (place, options) => put(store, place, Buffer.from('x'), options),
        commit: (place, options) => store.commitBlocks(place, [], options),
        page: (place, options) => store.createPageBlob(place, 512, options),
      }
      for (const [name, write] of Object.entries(writes)) {
        const place = at(container, name)
        await write(place, { properties })
        const check = (found: BlobFacts | undefined, what: string) => {
          const { metadata, contentMd5, ...headers } = found?.properties ?? {}
          const { metadata: _, contentMd5: md5, ...wanted } = properties
          assert.deepEqual(headers, wanted, what)
          assert.deepEqual(Buffer.from(contentMd5 ?? []), Buffer.from(md5), what)
          assert.deepEqual(sorted(metadata), sorted(properties.metadata), what)
        }
        check(await store.head(place), `${name}, head`)
        check((await listed(store, container, name))[0], `${name}, list`)

        await store.setProperties(place, { contentType: 'image/png' })
        const headers = (await store.head(place))?.properties
        assert.equal(headers?.contentType, 'image/png')
        assert.equal(headers?.cacheControl ?? '', '')
        assert.equal(headers?.contentMd5, undefined)
        assert.deepEqual(sorted(headers?.metadata), sorted(properties.metadata), 'metadata stays where none is given')
        await store.setProperties(place, { metadata: [['other', '1']] })
        assert.deepEqual((await store.head(place))?.properties.metadata, [['other', '1']])
        await store.setProperties(place, { metadata: [] })
        assert.deepEqual((await store.head(place))?.properties.metadata ?? [], [])
      }
      await assert.rejects(store.setProperties(at(container, 'none'), properties), { code: 'STORAGE_NOT_FOUND' })
    })

    it('keeps blobs apart whatever their names are', async () => {
      const { store, container } = await open()
      for (const name of usedNames) await put(store, at(container, name), Buffer.from(`content of ${name}`))
      for (const name of usedNames) {
        assert.equal((await readAll(store, at(container, name))).toString(), `content of ${name}`, JSON.stringify(name))
        assert.equal((await store.head(at(container, name)))?.name, name)
      }
      const found = (await listed(store, container)).map((facts) => facts.name)
      assert.deepEqual([...found].sort(), [...usedNames].sort())
      for (const name of usedNames) {
        const place = at(container, name)
        await store.putBlock(place, blockId(1), Buffer.from('again'), md5Of(Buffer.from('again')))
        await store.commitBlocks(place, [blockId(1)])
        assert.equal((await readAll(store, place)).toString(), 'again')
        assert.equal(await store.remove(place), true, JSON.stringify(name))
        assert.equal(await store.remove(place), false, JSON.stringify(name))
      }
      assert.deepEqual(await listed(store, container), [])
    })

    it('lists by prefix, in the order of UTF-8 bytes', async () => {
      const { store, container } = await open()
      const wanted = ['a', 'a b', 'a!', 'a/1', 'a/10', 'a/2', 'aa', 'b/%41', 'z', 'ä', '\uE000', '🚢']
      const inOrder = [...wanted].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
      for (const name of wanted.toReversed()) await put(store, at(container, name), Buffer.from(name))
      const namesOf = async (prefix: string) => (await listed(store, container, prefix)).map((facts) => facts.name)
      assert.deepEqual(await namesOf(''), inOrder)
      assert.deepEqual(await namesOf('a/'), ['a/1', 'a/10', 'a/2'])
      assert.deepEqual(await namesOf('a/1'), ['a/1', 'a/10'])
      assert.deepEqual(await namesOf('b/%'), ['b/%41'])
      assert.deepEqual(await namesOf('nothing'), [])
      const [first] = await listed(store, container, 'a/10')
      assert.deepEqual([first?.kind, first?.sizeBytes], ['block', 4])
    })

    it('forgets uncommitted blocks when the blob is written or removed', async () => {
      const { store, container } = await open()
      const place = at(container, 'blob')
      const putBlock = () => store.putBlock(place, blockId(7), Buffer.from('x'), md5Of(Buffer.from('x')))
      await putBlock()
      await put(store, place, Buffer.from('whole'))
      if (!gaps.has('uncommitted blocks outlive Put Blob')) {
        assert.deepEqual(await store.listBlocks(place), { committed: [], uncommitted: [] })
      }
      await putBlock()
      assert.equal((await readAll(store, place)).toString(), 'whole')
      assert.equal(await store.remove(place), true)
      assert.deepEqual(await store.listBlocks(place), { committed: [], uncommitted: [] })
    })

    it('does many things side by side', async () => {
      const { store, container } = await open()
      const place = at(container, 'many')
      const ids = Array.from({ length: 64 }, (_, index) => blockId(index))
      const pieces = ids.map((_, index) => madeBytes(20_000 + index, index + 1))
      await Promise.all([
        ...ids.map((id, index) => store.putBlock(place, id, pieces[index] as Buffer, md5Of(pieces[index] as Buffer))),
        ...pieces.map((piece, index) => put(store, at(container, `small/${index}`), piece)),
      ])
      await store.commitBlocks(place, ids)
      assert.ok((await readAll(store, place)).equals(Buffer.concat(pieces)))
      assert.equal((await listed(store, container, 'small/')).length, 64)
    })

    it('stops at once when it is aborted', async () => {
      const { store, container } = await open()
      const signal = AbortSignal.abort()
      const place = at(container, 'x')
      const bytes = madeBytes(512)
      const drain = async (items: AsyncIterable<unknown>) => {
        for await (const _ of items);
      }
      const calls: Record<string, () => Promise<unknown>> = {
        createContainer: () => store.createContainer(`${container}-x`, { signal }),
        putBlob: () => put(store, place, bytes, { signal }),
        putBlock: () => store.putBlock(place, blockId(1), bytes, md5Of(bytes), { signal }),
        listBlocks: () => store.listBlocks(place, { signal }),
        commitBlocks: () => store.commitBlocks(place, [], { signal }),
        createPageBlob: () => store.createPageBlob(place, 512, { signal }),
        putPages: () => store.putPages(place, 0, bytes, md5Of(bytes), { signal }),
        listPageRanges: () => store.listPageRanges(place, { signal }),
        setProperties: () => store.setProperties(place, {}, { signal }),
        head: () => store.head(place, { signal }),
        read: () => drain(store.read(place, undefined, { signal })),
        list: () => drain(store.list(container, '', { signal })),
        remove: () => store.remove(place, { signal }),
      }
      for (const [name, call] of Object.entries(calls)) await assert.rejects(call(), { code: 'INTERRUPTED' }, name)
      assert.equal(await store.head(place), undefined)
    })

    it('has a name without secrets, and closes twice', async () => {
      const { store } = await open()
      assert.doesNotMatch(store.name, /sig=|key/i)
      assert.ok(store.name.length > 0)
      await store.close()
      await store.close()
    })
  })
}

function sorted(metadata: readonly (readonly [string, string])[] | undefined): string[] {
  return (metadata ?? []).map(([name, value]) => `${name}: ${value}`).sort()
}
