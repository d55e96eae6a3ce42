// Repairs of imports that failed in part: afterwards every blob equals its source, and only what was missing was sent.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { parsePathMap } from '../../src/formats/path-map.js'
import { incompleteMark } from '../../src/receive/put-pages.js'
import { openBlobStore } from '../../src/storage/open-store.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { azuriteMissing, startAzurite } from '../storage/azurite.js'
import { assertArrived, hashesInStore, type MadeDrives, makeDrives, receive } from './made-import.js'
import { CountingStore, damage, errorLog, repair } from './made-repair.js'

const mebibyte = 1 << 20
const block = 4 * mebibyte
const page = { container: 'archive', name: 'in/disk.vhd' }

const files = {
  'blocks.bin': contentOf(1, 9 * mebibyte),
  'small.bin': contentOf(2, 5000),
  'sound.bin': contentOf(3, 5 * mebibyte),
  'disk.vhd': Buffer.concat([contentOf(4, block), Buffer.alloc(block), contentOf(5, block + 512)]),
}

/** A drive with three damaged files, and what arrived of it. */
async function damagedImport(
  name: string,
): Promise<{ made: MadeDrives; store: CountingStore; log: string; sound: string }> {
  const made = await makeDrives(temporaryFolder(name), files)
  const sound = join(made.folder, 'sound-copy.img')
  await copyFile(made.drives[0]?.path as string, sound)
  await damage(made, [
    ['archive/in/blocks.bin', 5 * mebibyte],
    ['archive/in/small.bin', 17],
    ['archive/in/disk.vhd', 9 * mebibyte],
  ])
  const store = new CountingStore()
  const { report } = await receive(made, store)
  assert.equal(report.drives[0]?.status, 'CompletedWithErrors')
  assert.equal(report.drives[0]?.blobs.failed, 3)
  store.takeSent()
  return { made, store, log: await errorLog(made), sound }
}

const missing = [`in/blocks.bin ${block}`, `in/disk.vhd ${block} at ${2 * block}`, 'in/small.bin 5000']

describe('repairImport', () => {
  it('sends what is missing from the source folder, and nothing else', async () => {
    const { made, store, log } = await damagedImport('repair-folder')
    const { report, unresolved } = await repair(log, store, { from: [made.source] })
    assert.deepEqual(report.left, [])
    assert.deepEqual(report.blobs, { listed: 3, repaired: 3, repairedBefore: 0, left: 0 })
    assert.deepEqual(unresolved, [])
    assert.deepEqual(store.takeSent(), missing)
    assert.equal(report.bytesSent, 2 * block + 5000)
    await assertArrived(made, store)
    assert.deepEqual((await store.head(page))?.properties.metadata ?? [], [])
    assert.equal(report.remainingLog, undefined)
    const again = await repair(log, store, { from: [made.source] })
    assert.deepEqual(again.report.blobs, { listed: 3, repaired: 0, repairedBefore: 3, left: 0 })
    assert.deepEqual(store.takeSent(), [])
  })

  it('sends what is missing from a sound copy of the drive', async () => {
    const { made, store, log, sound } = await damagedImport('repair-drive')
    const drive = { ...made.drives[0], path: sound } as MadeDrives['drives'][number]
    const { report } = await repair(log, store, { drive })
    assert.deepEqual(report.left, [])
    assert.deepEqual(store.takeSent(), missing)
    await assertArrived(made, store)
  })

  it('leaves what the damaged drive cannot give, and takes it from the folder when both are given', async () => {
    const { made, store, log } = await damagedImport('repair-both')
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const first = await repair(log, store, { drive })
    assert.deepEqual(first.report.blobs, { listed: 3, repaired: 0, repairedBefore: 0, left: 3 })
    assert.deepEqual(store.takeSent(), [])
    assert.match(
      first.report.left.find(({ blobPath }) => blobPath.endsWith('blocks.bin'))?.message ?? '',
      /block 1 .*differs/,
    )
    assert.deepEqual(first.unresolved.sort(), [
      '\\archive\\in\\blocks.bin',
      '\\archive\\in\\disk.vhd',
      '\\archive\\in\\small.bin',
    ])
    const remaining = first.report.remainingLog as string
    const second = await repair(remaining, store, { drive, from: [made.source] })
    assert.deepEqual(second.report.left, [])
    assert.deepEqual(store.takeSent(), missing)
    await assertArrived(made, store)
  })

  it('says what is left in a log that the next repair takes, and takes no file of other content', async () => {
    const { made, store, log } = await damagedImport('repair-wrong')
    const wrong = join(made.folder, 'wrong')
    writeTree(wrong, {
      'in/blocks.bin': contentOf(77, 9 * mebibyte),
      'in/small.bin': contentOf(78, 5000),
      'in/disk.vhd': files['disk.vhd'].subarray(512),
    })
    const { report, unresolved } = await repair(log, store, { from: [wrong] })
    assert.deepEqual(store.takeSent(), [])
    assert.equal(report.bytesSent, 0)
    assert.equal(report.blobs.left, 3)
    const messages = report.left.map(({ message }) => message).join('\n')
    assert.match(messages, /in\/blocks\.bin has other bytes there/)
    assert.match(messages, /disk\.vhd has \d+ bytes/)
    assert.equal(unresolved.length, 3)
    assert.deepEqual([...(await hashesInStore(store)).keys()].sort(), ['disk.vhd', 'sound.bin'])
    assert.match(report.remainingLog as string, /_error\.remaining\.xml$/)
    const next = await repair(report.remainingLog as string, store, { from: [wrong, made.source] })
    assert.deepEqual(next.report.left, [])
    assert.deepEqual(store.takeSent(), missing)
    await assertArrived(made, store)
    // The first log again, now that all is there: its remaining log goes.
    const last = await repair(log, store, { from: [made.source] })
    assert.equal(last.report.blobs.left, 0)
    assert.equal(existsSync(report.remainingLog as string), false)
  })

  it('finds files where a path map says they are', async () => {
    const { made, store, log } = await damagedImport('repair-map')
    const elsewhere = join(made.folder, 'moved file')
    renameSync(join(made.source, 'small.bin'), elsewhere)
    const pathMap = parsePathMap(`\\archive\\IN\\small.bin\t${elsewhere}\n`)
    const { report } = await repair(log, store, { from: [made.source], pathMap })
    assert.deepEqual(report.left, [])
    assert.deepEqual(store.takeSent(), missing)
  })

  it('does not import into another account, where the blobs are not', async () => {
    const { made, log } = await damagedImport('repair-account')
    const other = new CountingStore()
    const { report } = await repair(log, other, { from: [made.source] })
    assert.equal(report.blobs.left, 3)
    assert.deepEqual(await hashesInStore(other), new Map())
    assert.match(report.left[0]?.message ?? '', /another account/)
  })

  it('refuses the log of another drive, and another account than the one it began with', async () => {
    const { made, store, log } = await damagedImport('repair-other')
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const text = readFileSync(log, 'utf8').replace('<DriveId>DRIVE0<', '<DriveId>OTHER<')
    const otherLog = join(made.folder, 'other.xml')
    writeFileSync(otherLog, text)
    await assert.rejects(repair(otherLog, store, { drive }), { code: 'MANIFEST_OTHER_DRIVE' })
    assert.equal(existsSync(`${otherLog}.repair`), false)
    await repair(log, store, { from: [made.source] })
    const folder = await openBlobStore(join(made.folder, 'blobs'), {}, { access: 'write' })
    await assert.rejects(repair(log, folder, { from: [made.source] }), { code: 'IMPORT_OTHER_STORE' })
    await folder.close()
  })

  it('goes on after it was stopped: what was sent is not sent again', async () => {
    const { made, store, log } = await damagedImport('repair-stopped')
    for (let count = 1; count <= 2; count++) {
      const controller = new AbortController()
      let sent = 0
      store.before = () => {
        if (++sent > 1) controller.abort()
      }
      await assert.rejects(repair(log, store, { from: [made.source], concurrency: 1, signal: controller.signal }), {
        code: 'INTERRUPTED',
      })
      store.before = () => {}
    }
    const { report } = await repair(log, store, { from: [made.source] })
    assert.deepEqual(report.left, [])
    assert.deepEqual(store.takeSent(), missing)
    await assertArrived(made, store)
  })

  it('ends where the account refuses everything, and goes on when it does not', async () => {
    const { made, store, log } = await damagedImport('repair-denied')
    store.before = () => {
      throw new TransferError('STORAGE_DENIED', 'The account refuses.')
    }
    await assert.rejects(repair(log, store, { from: [made.source] }), { code: 'STORAGE_DENIED' })
    store.before = () => {}
    const { report } = await repair(log, store, { from: [made.source] })
    assert.deepEqual(report.left, [])
    assert.deepEqual(store.takeSent(), missing)
  })

  it('uploads nothing from outside, whatever the log says', async () => {
    const { made, store, log } = await damagedImport('repair-hostile')
    const secret = join(made.folder, 'secret.bin')
    writeFileSync(secret, files['small.bin'])
    const from = join(made.folder, 'empty')
    mkdirSync(from)
    symlinkSync(made.folder, join(from, 'link'))
    symlinkSync(secret, join(from, 'alias'))
    const text = readFileSync(log, 'utf8')
    const entry = /<Blob Status="[^"]*"><BlobPath>archive\/in\/small\.bin[\s\S]*?<\/Blob>/.exec(text)?.[0] as string
    const cases: [blobPath: string, filePath: string][] = [
      ['archive/in/a', '\\..\\secret.bin'],
      ['archive/in/b', '\\archive\\..\\..\\secret.bin'],
      ['archive/in/c', '\\archive/../../secret.bin'],
      ['archive/in/d', secret],
      ['archive/in/e', '\\link\\secret.bin'],
      ['archive/in/f', '\\alias'],
      ['../in/small.bin', '\\archive\\in\\small.bin'],
      ['archive/../other/small.bin', '\\archive\\in\\small.bin'],
      ['$logs/x', '\\archive\\in\\small.bin'],
      ['elsewhere/in/small.bin', '\\archive\\in\\small.bin'],
    ]
    const blobs = cases.map(([blobPath, filePath]) =>
      entry.replace('archive/in/small.bin', blobPath).replace('\\archive\\in\\small.bin', filePath),
    )
    const hostile = join(made.folder, 'hostile.xml')
    writeFileSync(
      hostile,
      text
        .replace(entry, blobs.join(''))
        .replace(/<Blob [^>]*><BlobPath>archive\/in\/(blocks|disk)[\s\S]*?<\/Blob>/g, ''),
    )
    const before = await hashesInStore(store, 'archive', '')
    const folder = await repair(hostile, store, { from: [from] })
    assert.equal(folder.report.blobs.left, folder.report.blobs.listed)
    assert.ok(folder.report.left.some(({ message }) => /leads out of the folder/.test(message)))
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const both = await repair(hostile, store, {
      drive,
      from: [from, made.source],
      statePath: join(made.folder, 'second'),
    })
    assert.equal(both.report.blobs.left, both.report.blobs.listed)
    assert.deepEqual(store.takeSent(), [])
    assert.deepEqual(await hashesInStore(store, 'archive', ''), before)
    for (const container of ['elsewhere', 'other'])
      assert.deepEqual(await hashesInStore(store, container, ''), new Map())
  })

  it('repairs metadata and properties alone, from the drive or from files', async () => {
    const folder = temporaryFolder('repair-attributes')
    const extra = join(folder, 'extra')
    writeTree(extra, {
      'meta.xml': '<?xml version="1.0"?><Metadata><Owner>me</Owner></Metadata>',
      'props.xml': '<?xml version="1.0"?><Properties><Content-Type>text/plain</Content-Type></Properties>',
    })
    const source = join(folder, 'source')
    const row = {
      ...{
        basePath: source,
        isDirectory: true,
        destination: 'archive/in/',
        blobType: 'auto' as const,
        disposition: 'rename' as const,
      },
      ...{ metadataFile: join(extra, 'meta.xml'), propertiesFile: join(extra, 'props.xml'), line: 1 },
    } as const
    const made = await makeDrives(folder, { 'a.txt': contentOf(1, 9000) }, ['100M'], { dataset: [row] })
    const store = new CountingStore()
    await receive(made, store)
    const place = { container: 'archive', name: 'in/a.txt' }
    const wanted = (await store.head(place))?.properties
    assert.deepEqual(wanted?.metadata, [['Owner', 'me']])
    const { ManifestSource } = await import('../../src/receive/manifest-source.js')
    const { openShippedDrive } = await import('../../src/receive/shipped-drive.js')
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const opened = await openShippedDrive(drive.path, drive.secret)
    let element = ''
    for await (const { blob } of ManifestSource.find(opened).blobs()) {
      const { metadata, properties } = {
        metadata: blob.metadata ?? blob.list.metadata,
        properties: blob.properties ?? blob.list.properties,
      }
      assert.ok(metadata !== undefined && properties !== undefined)
      element = `<Metadata Status="IOFailed"><GlobalPath Hash="${metadata.hash}">${metadata.path}</GlobalPath></Metadata><Properties Status="Cancelled"><GlobalPath Hash="${properties.hash}">${properties.path}</GlobalPath></Properties>`
      for (const { path, from } of [
        { path: metadata.path, from: 'meta.xml' },
        { path: properties.path, from: 'props.xml' },
      ]) {
        writeTree(join(folder, 'found'), { [path.slice(1).replaceAll('\\', '/')]: readFileSync(join(extra, from)) })
      }
    }
    await opened.close()
    const log = join(folder, 'log.xml')
    const names = '<BlobPath>archive/in/a.txt</BlobPath><FilePath>\\archive\\in\\a.txt</FilePath><Length>9000</Length>'
    writeFileSync(
      log,
      `<DriveLog Version="2014-11-01"><DriveId>DRIVE0</DriveId><Blob Status="CompletedWithErrors">${names}<ImportDisposition Status="Created">rename</ImportDisposition><BlockList/>${element}</Blob><Status>CompletedWithErrors</Status></DriveLog>`,
    )
    store.takeSent()
    for (const [name, sources] of [
      ['drive', { drive }],
      ['files', { from: [join(folder, 'found')] }],
    ] as const) {
      await store.setProperties(place, { metadata: [] })
      const nothing = await repair(log, store, { from: [source], statePath: join(folder, `${name}.none`) })
      assert.equal(nothing.report.blobs.left, 1)
      const { report } = await repair(log, store, { ...sources, statePath: join(folder, name) })
      assert.deepEqual(report.left, [], name)
      const { metadata, contentType } = (await store.head(place))?.properties ?? {}
      assert.deepEqual([metadata, contentType], [wanted?.metadata, wanted?.contentType], name)
    }
    assert.deepEqual(store.takeSent(), [])
  })

  it('takes the logs of 2021-08-01, which name paths alone, with the manifest of the drive', async () => {
    const { made, store, sound } = await damagedImport('repair-2021')
    const log = join(made.folder, 'CopyLog.xml')
    const errors = ['archive\\in/blocks.bin', 'archive/in/none.bin', 'archive/in/small.bin'].map(
      (path) =>
        `<ErroredEntity Path="${path}"><Category>UploadErrorWin32</Category><ErrorCode>1</ErrorCode></ErroredEntity>\n`,
    )
    writeFileSync(
      log,
      `${errors.join('')}<CopyLog Summary="Summary"><DriveLogVersion>2021-08-01</DriveLogVersion><DriveId>72a1914a-7fb2</DriveId><Status>Failed</Status></CopyLog>`,
    )
    const alone = await repair(log, store, { from: [made.source] })
    assert.equal(alone.report.blobs.left, 3)
    assert.match(alone.report.left[0]?.message ?? '', /--drive/)
    assert.deepEqual(store.takeSent(), [])
    const drive = { ...made.drives[0], path: sound } as MadeDrives['drives'][number]
    const { report } = await repair(log, store, { drive })
    assert.deepEqual(
      report.left.map(({ blobPath }) => blobPath),
      ['archive/in/none.bin'],
    )
    assert.deepEqual(store.takeSent(), [`in/blocks.bin ${block}`, 'in/small.bin 5000'])
    const found = await hashesInStore(store)
    assert.deepEqual([...found.keys()].sort(), ['blocks.bin', 'disk.vhd', 'small.bin', 'sound.bin'])
  })

  it('puts blocks into a committed blob that lacks them, and keeps what it carries', async () => {
    const folder = temporaryFolder('repair-committed')
    const content = contentOf(9, 3000)
    writeTree(join(folder, 'source'), { 'd/a.bin': content })
    const { createHash } = await import('node:crypto')
    const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()
    const parts = [0, 1, 2].map((index) => content.subarray(index * 1000, index * 1000 + 1000))
    const ids = ['AAAAAA==', 'AQAAAA==', 'AgAAAA==']
    const store = new CountingStore()
    await store.createContainer('archive')
    const place = { container: 'archive', name: 'd/a.bin' }
    for (const index of [0, 2])
      await store.putBlock(place, ids[index] as string, parts[index] as Buffer, md5(parts[index] as Buffer))
    await store.commitBlocks(place, [ids[0] as string, ids[2] as string], {
      properties: { contentType: 'x/y', metadata: [['k', 'v']] },
    })
    store.takeSent()
    const log = join(folder, 'log.xml')
    const blockElement = `<Block Offset="1000" Length="1000" Id="${ids[1]}" Hash="${md5(parts[1] as Buffer)
      .toString('hex')
      .toUpperCase()}" Status="Corrupted"/>`
    const names = '<BlobPath>archive/d/a.bin</BlobPath><FilePath>\\d\\a.bin</FilePath><Length>3000</Length>'
    const text = `<DriveLog><DriveId>X</DriveId><Blob Status="CompletedWithErrors">${names}<ImportDisposition Status="Created">rename</ImportDisposition><BlockList>${blockElement}</BlockList></Blob><Status>CompletedWithErrors</Status></DriveLog>`
    writeFileSync(log, text)
    const { report } = await repair(log, store, { from: [join(folder, 'source')] })
    assert.deepEqual(report.left, [])
    assert.deepEqual(store.takeSent(), ['d/a.bin 1000'])
    const pieces: Uint8Array[] = []
    for await (const piece of store.read(place)) pieces.push(piece)
    assert.ok(Buffer.concat(pieces).equals(content))
    const { contentType, metadata } = (await store.head(place))?.properties ?? {}
    assert.deepEqual([contentType, metadata], ['x/y', [['k', 'v']]])
    // Blocks that do not make up its length are left alone.
    const longer = join(folder, 'longer.xml')
    writeFileSync(longer, text.replace('<Length>3000<', '<Length>4000<'))
    writeTree(join(folder, 'source'), { 'd/a.bin': Buffer.concat([content, content.subarray(0, 1000)]) })
    const refused = await repair(longer, store, { from: [join(folder, 'source')] })
    assert.match(refused.report.left[0]?.message ?? '', /do not make up/)
    assert.deepEqual(store.takeSent(), [])
  })

  it('makes a page blob from a log alone only when what the log leaves out is zero in the file', async () => {
    const folder = temporaryFolder('repair-gaps')
    const { createHash } = await import('node:crypto')
    const content = Buffer.concat([contentOf(1, 512), Buffer.alloc(1024), contentOf(2, 512)])
    const other = Buffer.from(content)
    other[700] = 1
    const range = (offset: number) => {
      const hash = createHash('md5')
        .update(content.subarray(offset, offset + 512))
        .digest('hex')
        .toUpperCase()
      return `<PageRange Offset="${offset}" Length="512" Hash="${hash}" Status="Cancelled"/>`
    }
    const names = '<BlobPath>archive/d.vhd</BlobPath><FilePath>\\d.vhd</FilePath><Length>2048</Length>'
    const undecided = '<ImportDisposition Status="Cancelled">rename</ImportDisposition>'
    const log = join(folder, 'log.xml')
    writeFileSync(
      log,
      `<DriveLog><Blob Status="FileNotFound">${names}${undecided}<PageRangeList>${range(0)}${range(1536)}</PageRangeList></Blob></DriveLog>`,
    )
    writeTree(folder, { 'other/d.vhd': other, 'right/d.vhd': content })
    const store = new CountingStore()
    await store.createContainer('archive')
    const refused = await repair(log, store, { from: [join(folder, 'other')] })
    assert.match(refused.report.left[0]?.message ?? '', /no hashes for all/)
    assert.equal(await store.head({ container: 'archive', name: 'd.vhd' }), undefined)
    const { report } = await repair(log, store, { from: [join(folder, 'other'), join(folder, 'right')] })
    assert.deepEqual(report.left, [])
    assert.deepEqual(store.takeSent(), ['d.vhd 512 at 0', 'd.vhd 512 at 1536'])
    const found = await hashesInStore(store, 'archive', '')
    assert.equal(found.get('d.vhd'), createHash('sha256').update(content).digest('hex'))
  })

  it('repairs in a real service', { skip: azuriteMissing() }, async () => {
    const azurite = await startAzurite()
    try {
      const made = await makeDrives(temporaryFolder('repair-azurite'), files)
      await damage(made, [
        ['archive/in/blocks.bin', 5 * mebibyte],
        ['archive/in/disk.vhd', 9 * mebibyte],
      ])
      const store = await openBlobStore(
        azurite.url,
        { connectionString: azurite.connectionString },
        { access: 'write' },
      )
      await receive(made, store)
      const marked = (await store.head(page))?.properties.metadata ?? []
      assert.equal(marked[0]?.[0].toLowerCase(), incompleteMark)
      const { report } = await repair(await errorLog(made), store, { from: [made.source] })
      assert.deepEqual(report.left, [])
      assert.equal(report.bytesSent, 2 * block)
      await assertArrived(made, store)
      assert.deepEqual((await store.head(page))?.properties.metadata ?? [], [])
      await store.close()
    } finally {
      await azurite.stop()
    }
  })
})
