// The folder store: what every store promises, and what only files can show.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FolderStore } from '../../src/storage/folder-store.js'
import { blockId, listed, madeBytes, md5Of, put, readAll, testBlobStore } from './conformance.js'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'diskferry-folder-store-'))
})
after(() => rm(root, { recursive: true, force: true }))

let containers = 0
async function open() {
  const store = await FolderStore.open(join(root, 'suite'))
  const container = `container-${containers++}`
  await store.createContainer(container)
  return { store, container }
}
testBlobStore('a folder', open)

test('a blob is an ordinary file under its name', async () => {
  const { store, container } = await open()
  await put(store, { container, name: 'dir/größe.txt' }, Buffer.from('text'))
  assert.equal(await readFile(join(store.name, container, 'dir/größe.txt'), 'utf8'), 'text')
  await store.remove({ container, name: 'dir/größe.txt' })
  assert.deepEqual(await readdir(join(store.name, container)), ['.blobs'], 'the empty folder goes with it')
})

test('names that are no paths stay inside the container', async () => {
  const { store, container } = await open()
  const names = [
    '..',
    '.',
    '../escape',
    'a/../../escape',
    './x',
    'nul\0byte',
    '.blobs/x',
    '.BLOBS',
    '\ud800',
    '\ud801',
    'a',
    'a/b',
    'A',
  ]
  for (const name of names) await put(store, { container, name }, Buffer.from(name, 'utf16le'))
  for (const name of names) {
    const found = await readAll(store, { container, name })
    assert.ok(found.equals(Buffer.from(name, 'utf16le')), JSON.stringify(name))
  }
  assert.deepEqual((await listed(store, container)).map((facts) => facts.name).sort(), [...names].sort())
  assert.ok(!(await readdir(store.name)).includes('escape'))
  assert.ok(!(await readdir(root)).includes('escape'))
})

test('files of others and links that lead out are left alone', async () => {
  const { store, container } = await open()
  const outside = join(root, `outside-${container}`)
  await mkdir(outside)
  await symlink(outside, join(store.name, container, 'link'))
  await writeFile(join(store.name, container, 'mine.txt'), 'not a blob')
  for (const name of ['link/file', 'mine.txt']) {
    await put(store, { container, name }, Buffer.from('blob'))
    assert.equal((await readAll(store, { container, name })).toString(), 'blob')
  }
  assert.deepEqual(await readdir(outside), [])
  assert.equal(await readFile(join(store.name, container, 'mine.txt'), 'utf8'), 'not a blob')
  assert.equal((await listed(store, container)).length, 2)
})

test('a block whose writer gave up while it waited for its turn is not written', async () => {
  const { store, container } = await open()
  const place = { container, name: 'waits' }
  const abort = new AbortController()
  const [first, second] = [madeBytes(4096), madeBytes(512)]
  const kept = store.putBlock(place, blockId(1), first, md5Of(first))
  const waiting = store.putBlock(place, blockId(1), second, md5Of(second), { signal: abort.signal })
  abort.abort()
  await assert.rejects(waiting, { code: 'INTERRUPTED' })
  await kept
  assert.deepEqual((await store.listBlocks(place)).uncommitted, [{ id: blockId(1), sizeBytes: 4096 }])
})

test('blocks, pages and properties are there for the next process', async () => {
  const { store, container } = await open()
  const bytes = madeBytes(4096)
  const blocks = { container, name: 'blocks' }
  const page = { container, name: 'page' }
  await store.putBlock(blocks, 'AAAA', bytes, md5Of(bytes))
  await store.createPageBlob(page, 8192, { properties: { metadata: [['a', '1']] } })
  await store.putPages(page, 4096, bytes, md5Of(bytes))
  const next = await FolderStore.open(store.name)
  assert.deepEqual(await next.listBlocks(blocks), { committed: [], uncommitted: [{ id: 'AAAA', sizeBytes: 4096 }] })
  await next.commitBlocks(blocks, ['AAAA'])
  assert.ok((await readAll(next, blocks)).equals(bytes))
  assert.deepEqual(await next.listPageRanges(page), [{ offsetBytes: 4096, lengthBytes: 4096 }])
  assert.deepEqual((await next.head(page))?.properties.metadata, [['a', '1']])
})

test('a process that is killed leaves each blob whole, and every block that it was told is stored', async () => {
  const folder = join(root, 'killed')
  const program = new URL('put-forever.ts', import.meta.url).pathname
  for (let kill = 0; kill < 5; kill++) {
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString()
      if (output.split('\n').length > 4 + kill * 3) setTimeout(() => child.kill('SIGKILL'), kill * 3)
    })
    await once(child, 'close')
    const store = await FolderStore.open(folder)
    const place = { container: 'container', name: 'dir/blob' }
    const facts = await store.head(place)
    const content = await readAll(store, place)
    assert.equal(facts?.sizeBytes, content.length)
    assert.equal(facts?.properties.metadata?.[0]?.[1], md5Of(content).toString('hex'))
    const blocks = new Map(
      (await store.listBlocks({ ...place, name: 'blocks' })).uncommitted.map((block) => [block.id, block]),
    )
    for (const line of output.split('\n').slice(0, -1)) {
      const [round, sizeBytes] = line.split(' ').map(Number)
      assert.equal(blocks.get(blockId(round as number))?.sizeBytes, sizeBytes)
    }
    await put(store, place, Buffer.from('and it goes on'), {
      properties: { metadata: [['md5', md5Of(Buffer.from('and it goes on')).toString('hex')]] },
    })
  }
})
