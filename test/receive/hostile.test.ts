// A drive that came by post is not believed: manifests that lie are refused, each kind under a code of its own, before anything is
// sent; and what lies about single files harms these alone. The manifests lie as files on one drive and are named one by one.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { readManifest } from '../../src/formats/manifest-reader.js'
import type { ReceiveResult } from '../../src/receive/receive-drives.js'
import { FolderStore } from '../../src/storage/folder-store.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { type MadeDrives, makeDrives, receive } from './made-import.js'

const mebibyte = 1 << 20
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex').toUpperCase()
const small = contentOf(1, 100)
const other = contentOf(2, 200)
const two = contentOf(3, 5 * mebibyte)
const pages = contentOf(4, 4096)
const firstHash = md5(two.subarray(0, 4 * mebibyte))
const secondHash = md5(two.subarray(4 * mebibyte))

const whole = (bytes: Buffer) =>
  `<BlockList><Block Offset="0" Length="${bytes.length}" Hash="${md5(bytes)}"/></BlockList>`
const blob = (blobPath: string, filePath: string, lengthBytes: number, list: string) =>
  `<Blob><BlobPath>${blobPath}</BlobPath><FilePath>${filePath}</FilePath><Length>${lengthBytes}</Length>${list}</Blob>`
const smallBlob = (blobPath: string, filePath = '\\archive\\in\\small') => blob(blobPath, filePath, 100, whole(small))
const manifest = (blobs: string, head = '<?xml version="1.0" encoding="UTF-8"?>') =>
  `${head}<DriveManifest Version="2014-11-01"><Drive><DriveId>DRIVE0</DriveId><BlobList>${blobs}</BlobList></Drive></DriveManifest>`
const good = smallBlob('archive/good')
const twoBlocks = (list: string, lengthBytes = two.length) =>
  manifest(good + blob('archive/two', '\\archive\\in\\two', lengthBytes, `<BlockList>${list}</BlockList>`))
const pageRanges = (list: string) =>
  manifest(good + blob('archive/p', '\\archive\\in\\p.vhd', 4096, `<PageRangeList>${list}</PageRangeList>`))
const first = `<Block Offset="0" Length="${4 * mebibyte}" Id="AAAA" Hash="${firstHash}"/>`
const second = (offset: number, length = mebibyte, id = 'AAAB') =>
  `<Block Offset="${offset}" Length="${length}" Id="${id}" Hash="${secondHash}"/>`
const range = (offset: number, length: number) =>
  `<PageRange Offset="${offset}" Length="${length}" Hash="${md5(pages.subarray(offset, offset + length))}"/>`
const entities = `<!DOCTYPE x [<!ENTITY a "${'ha'.repeat(50)}">${Array.from(
  { length: 9 },
  (_, level) => `<!ENTITY ${'bcdefghij'[level]} "${`&${'abcdefghi'[level]};`.repeat(10)}">`,
).join('')}]>`

// What, the manifest, the code.
const refused: readonly (readonly [string, string | Buffer, string])[] = [
  ['a file above the root', manifest(good + smallBlob('archive/x', '\\..\\etc\\shadow')), 'MANIFEST_PATH'],
  ['a file above its folder', manifest(good + smallBlob('archive/x', '\\archive\\..\\..\\x')), 'MANIFEST_PATH'],
  ['an absolute Linux path', manifest(good + smallBlob('archive/x', '/etc/shadow')), 'MANIFEST_PATH'],
  ['another volume', manifest(good + smallBlob('archive/x', 'C:\\Windows\\win.ini')), 'MANIFEST_PATH'],
  ['another volume behind a backslash', manifest(good + smallBlob('archive/x', '\\C:\\x')), 'MANIFEST_PATH'],
  ['a device path', manifest(good + smallBlob('archive/x', '\\\\.\\PhysicalDrive0')), 'MANIFEST_PATH'],
  ['an alternate stream', manifest(good + smallBlob('archive/x', '\\archive\\in\\small:secret')), 'MANIFEST_PATH'],
  ['the file table', manifest(good + smallBlob('archive/x', '\\$MFT')), 'MANIFEST_PATH'],
  ['a file of $Extend', manifest(good + smallBlob('archive/x', '\\$Extend\\$Reparse')), 'MANIFEST_PATH'],
  ['system files', manifest(good + smallBlob('archive/x', '\\System Volume Information\\x')), 'MANIFEST_PATH'],
  [
    'system files in another case',
    manifest(good + smallBlob('archive/x', '\\system volume information\\x')),
    'MANIFEST_PATH',
  ],
  ['the manifest itself', manifest(good + smallBlob('archive/x', '\\archive\\in\\m\\12.xml')), 'MANIFEST_PATH'],
  ['a blob above its container', manifest(good + smallBlob('archive/../x')), 'MANIFEST_PATH'],
  ['a blob without a container', manifest(good + smallBlob('/x')), 'MANIFEST_PATH'],
  ["the service's container of logs", manifest(good + smallBlob('$logs/x')), 'MANIFEST_PATH'],
  ['a container that none can be', manifest(good + smallBlob('..--/x')), 'MANIFEST_PATH'],
  ['a blob name with a line break', manifest(good + smallBlob('archive/a&#10;b')), 'MANIFEST_PATH'],
  ['a blob name with an escape', manifest(good + smallBlob('archive/a&#27;[2J')), 'MANIFEST_XML'],
  ['a gap between blocks', twoBlocks(first + second(4 * mebibyte + 512)), 'MANIFEST_BLOCKS'],
  ['blocks that overlap', twoBlocks(first + second(4 * mebibyte - 512)), 'MANIFEST_BLOCKS'],
  ['a block beyond the blob', twoBlocks(first + second(4 * mebibyte, 2 * mebibyte)), 'MANIFEST_BLOCKS'],
  ['blocks that end early', twoBlocks(first), 'MANIFEST_BLOCKS'],
  ['one id for two blocks', twoBlocks(first + second(4 * mebibyte, mebibyte, 'AAAA')), 'MANIFEST_BLOCKS'],
  ['page ranges that overlap', pageRanges(range(0, 1024) + range(512, 1024)), 'MANIFEST_BLOCKS'],
  ['a page range beyond the blob', pageRanges(range(0, 512) + range(4096, 512)), 'MANIFEST_BLOCKS'],
  ['two blobs of one name', manifest(good + smallBlob('archive/good', '\\archive\\in\\copy')), 'MANIFEST_TWICE'],
  ['two blobs from one file', manifest(good + smallBlob('archive/again')), 'MANIFEST_TWICE'],
  ['entities in entities', manifest(smallBlob('archive/&j;'), entities), 'MANIFEST_XML'],
  [
    'an external entity',
    manifest(smallBlob('archive/&x;'), '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    'MANIFEST_XML',
  ],
  ['an external document type', manifest(good, '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'), 'MANIFEST_XML'],
  [
    'very deep elements',
    manifest(`<Blob><ClientData>${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</ClientData></Blob>`),
    'MANIFEST_XML',
  ],
  ['a text without an end', manifest(smallBlob(`archive/${'x'.repeat(300_000)}`)), 'MANIFEST_XML'],
  ['what is not UTF-8', Buffer.from(manifest(smallBlob('archive/\u00ff')), 'latin1'), 'MANIFEST_XML'],
  ['half a manifest', manifest(good).slice(0, -20), 'MANIFEST_XML'],
  ['another drive', manifest(good).replace('DRIVE0', 'DRIVE1'), 'MANIFEST_OTHER_DRIVE'],
  [
    'more files than could be missing',
    manifest(Array.from({ length: 100_002 }, (_, at) => blob(`c-c/${at}`, `\\${at}`, 0, '<BlockList/>')).join('')),
    'MANIFEST_FILES',
  ],
]

const untrue: readonly (readonly [string, string, string])[] = [
  [
    'a length beyond the file',
    manifest(
      good +
        blob(
          'archive/x',
          '\\archive\\in\\copy',
          4096,
          `<BlockList><Block Offset="0" Length="4096" Hash="${md5(small)}"/></BlockList>`,
        ),
    ),
    'Failed',
  ],
  [
    'a length short of the file',
    manifest(good + blob('archive/x', '\\archive\\in\\other', 100, whole(small))),
    'Failed',
  ],
  ['a file that is not there', manifest(good + smallBlob('archive/x', '\\archive\\in\\nowhere')), 'FileNotFound'],
  ['a folder', manifest(good + smallBlob('archive/x', '\\archive\\in')), 'FileNotFound'],
  [
    'another content',
    manifest(good + blob('archive/x', '\\archive\\in\\other', 200, whole(contentOf(9, 200)))),
    'CompletedWithErrors',
  ],
  [
    'one block of another content',
    twoBlocks(first + second(4 * mebibyte).replace(secondHash, md5(small))).replaceAll('archive/two', 'archive/x'),
    'CompletedWithErrors',
  ],
]

const folder = temporaryFolder('receive-hostile')

describe('a manifest that lies', () => {
  let made: MadeDrives
  let run = 0

  before(async () => {
    const files: Record<string, Buffer | string> = { small, copy: small, other, two, 'p.vhd': pages }
    for (const [index, [, text]] of refused.entries()) files[`m/${index + 1}.xml`] = text
    for (const [index, [, text]] of untrue.entries()) files[`u/${index}.xml`] = text
    made = await makeDrives(folder, files)
  })

  async function receiveFrom(
    manifestFile: string,
    expected = {},
  ): Promise<{ result: ReceiveResult; root: string; store: FolderStore }> {
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const root = join(made.folder, `store-${++run}`)
    const store = await FolderStore.open(root)
    const drives = [
      { path: drive.path, secret: drive.secret, expected: { driveId: 'DRIVE0', ...expected }, manifestFile },
    ]
    const result = await receive(made, store, { drives, statePath: join(made.folder, `import-${run}`) })
    return { result, root, store }
  }

  const containersIn = (root: string) => readdirSync(root).filter((name) => !name.startsWith('.'))

  for (const [index, [what, , code]] of refused.entries()) {
    it(`is refused as ${code} for ${what}, and nothing is sent`, { timeout: 60_000 }, async () => {
      const before = readdirSync(made.folder).filter((name) => !/^(store|import)-/.test(name))
      const { result, root } = await receiveFrom(`\\archive\\in\\m\\${index + 1}.xml`)
      const [error] = result.errors.values()
      assert.equal(error?.code, code, error?.message)
      assert.ok((error?.message.length ?? 0) < 1000, 'the sentence is short')
      assert.deepEqual(containersIn(root), ['waimportexport'])
      assert.equal(result.report.drives[0]?.bytesImported, 0)
      assert.deepEqual(
        readdirSync(made.folder).filter((name) => !/^(store|import)-/.test(name)),
        before,
      )
    })
  }

  for (const [index, [what, , status]] of untrue.entries()) {
    it(`fails one blob alone for ${what}`, { timeout: 60_000 }, async () => {
      const { result, store } = await receiveFrom(`\\archive\\in\\u\\${index}.xml`)
      assert.equal(result.errors.size, 0)
      assert.deepEqual(
        result.report.drives[0]?.failures.map((failure) => [failure.blobPath, failure.status]),
        [['archive/x', status]],
      )
      const names: string[] = []
      for await (const { name } of store.list('archive', '')) names.push(name)
      assert.deepEqual(names, ['good'])
    })
  }

  it('is called another one where its hash is known, whatever else is wrong with it', async () => {
    const at = refused.findIndex(([what]) => what === 'half a manifest')
    const { result, root } = await receiveFrom(`\\archive\\in\\m\\${at + 1}.xml`, { manifestHash: '0'.repeat(32) })
    assert.equal([...result.errors.values()][0]?.code, 'MANIFEST_MISMATCH')
    assert.deepEqual(containersIn(root), ['waimportexport'])
  })
})

const blobs = process.env.DISKFERRY_LONG_TESTS === '1' ? 10_000_000 : 300_000
it(`${blobs} blobs are read in bounded memory`, { timeout: 600_000 }, async () => {
  function* pieces(): Generator<Uint8Array> {
    const [head = '', tail = ''] = manifest('|').split('|')
    yield Buffer.from(head)
    for (let at = 0; at < blobs; at += 1000) {
      const text = Array.from({ length: 1000 }, (_, index) =>
        blob(`archive/${at + index}`, `\\${at + index}`, 100, whole(small)),
      )
      yield Buffer.from(text.join(''))
    }
    yield Buffer.from(tail)
  }
  const startBytes = process.memoryUsage().rss
  let peakBytes = startBytes
  let count = 0
  for await (const part of readManifest(pieces())) {
    if (part.kind !== 'header' && ++count % 50_000 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage().rss)
  }
  assert.equal(count, blobs)
  assert.ok(peakBytes - startBytes < 200 * mebibyte, `${(peakBytes - startBytes) / mebibyte} MiB more`)
})
