// Two drives into a real Azurite, over the network protocol: every kind of blob and name arrives byte for byte, with its
// properties, its metadata and the block ids of the manifest.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBlobStore } from '../../src/index.js'
import { ManifestSource } from '../../src/receive/manifest-source.js'
import { openShippedDrive } from '../../src/receive/shipped-drive.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { azuriteMissing, startAzurite } from '../storage/azurite.js'
import { assertArrived, hashesInStore, type MadeDrives, makeDrives, receive } from './made-import.js'

const mebibyte = 1 << 20
const names = [
  'with space.txt',
  'percent%20encoded %.txt',
  'plus+and&ampersand=.txt',
  '#hash;semicolon,comma.txt',
  'größe/ıİ/日本語/😀.txt',
  '[brackets] {braces} ~!@()^`.txt',
  `long/${'n'.repeat(200)}`,
  `${'deep/'.repeat(20)}bottom.txt`,
]
const disk = Buffer.concat([contentOf(1, 4 * mebibyte), Buffer.alloc(12 * mebibyte), contentOf(2, mebibyte + 512)])
const files: Record<string, Buffer> = {
  'empty.txt': Buffer.alloc(0),
  'one block.bin': contentOf(3, 4 * mebibyte),
  'two blocks.bin': contentOf(4, 4 * mebibyte + 1),
  'many blocks.bin': contentOf(5, 23 * mebibyte + 777),
  'equal blocks.bin': Buffer.concat([
    contentOf(6, 4 * mebibyte),
    contentOf(6, 4 * mebibyte),
    contentOf(6, 4 * mebibyte),
  ]),
  'disk.vhd': disk,
  'zeros.vhd': Buffer.alloc(5 * mebibyte),
  'sector.vhd': contentOf(7, 512),
  'empty.vhdx': Buffer.alloc(0),
  ...Object.fromEntries(names.map((name, index) => [name, contentOf(index, 100 + index)])),
}

/** The ids of every blob of many blocks, as the manifests of the drives have them. */
async function manifestIds({ drives }: MadeDrives): Promise<Map<string, string[]>> {
  const ids = new Map<string, string[]>()
  for (const { path, secret } of drives) {
    const drive = await openShippedDrive(path, secret)
    for await (const { blob } of ManifestSource.find(drive).blobs()) {
      if (blob.kind === 'block' && blob.offsets.length > 1) ids.set(blob.blobPath, blob.ids ?? [])
    }
    await drive.close()
  }
  return ids
}

test('two drives arrive in Azurite', { skip: azuriteMissing(), timeout: 500_000 }, async (context) => {
  const folder = temporaryFolder('receive-azurite')
  writeTree(folder, {
    'm.xml': '<?xml version="1.0"?><Metadata><Origin>site 7</Origin><Batch>2026-11</Batch></Metadata>',
    'p.xml':
      '<?xml version="1.0"?><Properties><Content-Type>text/x-seed</Content-Type><Cache-Control>no-cache</Cache-Control><Content-Language>de</Content-Language></Properties>',
    'root/in root.bin': contentOf(8, 5 * mebibyte),
    'root/small root': 'small',
  })
  const row = { isDirectory: true, blobType: 'auto' as const, disposition: 'rename' as const, line: 1 }
  const dataset = [
    {
      ...row,
      basePath: join(folder, 'source'),
      destination: 'archive/in/',
      metadataFile: join(folder, 'm.xml'),
      propertiesFile: join(folder, 'p.xml'),
    },
    { ...row, basePath: join(folder, 'root'), destination: '$root/', line: 2 },
  ]
  const made = await makeDrives(folder, files, ['90M', '90M'], { dataset })
  const azurite = await startAzurite()
  context.after(() => azurite.stop())
  const store = await openBlobStore(azurite.url, { connectionString: azurite.connectionString })
  context.after(() => store.close())
  const { report, errors } = await receive(made, store, { contentMd5: true, verboseLog: true, backupManifest: true })
  assert.deepEqual([...errors.values()], [])
  assert.ok(report.drives.every(({ status, blobs }) => status === 'Completed' && blobs.total > 0))

  await context.test('every blob has the bytes of its file', async () => {
    await assertArrived(made, store)
    const inRoot = await hashesInStore(store, '$root', '')
    assert.deepEqual([...inRoot.keys()].sort(), ['in root.bin', 'small root'])
    const hash = createHash('sha256')
      .update(contentOf(8, 5 * mebibyte))
      .digest('hex')
    assert.equal(inRoot.get('in root.bin'), hash)
  })

  await context.test('properties, metadata and Content-MD5 are those of the files', async () => {
    for (const name of Object.keys(files)) {
      const facts = await store.head({ container: 'archive', name: `in/${name}` })
      const { contentType, cacheControl, contentLanguage, contentMd5, metadata = [] } = facts?.properties ?? {}
      assert.deepEqual([contentType, cacheControl, contentLanguage], ['text/x-seed', 'no-cache', 'de'], name)
      assert.deepEqual(
        metadata.map(([key, value]) => `${key.toLowerCase()}=${value}`).sort(),
        ['batch=2026-11', 'origin=site 7'],
        name,
      )
      const md5 = createHash('md5')
        .update(readFileSync(join(made.source, name)))
        .digest('hex')
      // Ranges that the manifest leaves out are not read, so nobody knows the digest of the whole.
      const wanted = name === 'disk.vhd' || name === 'zeros.vhd' ? '' : md5
      assert.equal(Buffer.from(contentMd5 ?? []).toString('hex'), wanted, name)
    }
  })

  await context.test('kinds, page ranges and block ids are those of the manifest', async () => {
    for (const name of Object.keys(files)) {
      const facts = await store.head({ container: 'archive', name: `in/${name}` })
      assert.equal(facts?.kind, /\.vhdx?$/.test(name) ? 'page' : 'block', name)
    }
    assert.deepEqual(await store.listPageRanges({ container: 'archive', name: 'in/disk.vhd' }), [
      { offsetBytes: 0, lengthBytes: 4 * mebibyte },
      { offsetBytes: 16 * mebibyte, lengthBytes: mebibyte + 512 },
    ])
    const wanted = await manifestIds(made)
    assert.equal(wanted.size, 4)
    for (const [blobPath, ids] of wanted) {
      const slash = blobPath.indexOf('/')
      const place = { container: blobPath.slice(0, slash), name: blobPath.slice(slash + 1) }
      const { committed, uncommitted } = await store.listBlocks(place)
      assert.deepEqual(
        committed.map(({ id }) => id),
        ids,
        blobPath,
      )
      assert.deepEqual(uncommitted, [])
    }
  })

  await context.test('logs and manifests lie in the container for them', async () => {
    const logs = await hashesInStore(store, 'waimportexport', '')
    assert.equal(logs.size, 4)
    for (const { manifest, driveId } of report.drives) {
      const name = [...logs.keys()].find((log) => log.includes(driveId) && log.endsWith('_manifest.xml')) as string
      const hash = createHash('md5')
      for await (const piece of store.read({ container: 'waimportexport', name })) hash.update(piece)
      assert.equal(hash.digest('hex').toUpperCase(), manifest?.hash)
    }
  })
})
