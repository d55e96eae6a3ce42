// The import as a whole, into a store in memory: drives that were prepared arrive byte for byte, and what is wrong with one
// is said and does not spread.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { copyFile, open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDrive } from '../../src/index.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { awkwardTree, contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, hashesInStore, type MadeDrives, makeDrives, otherPassword, receive } from './made-import.js'

const mebibyte = 1 << 20

/** Flips one bit of a file on a drive. */
async function damageFile({ drives }: MadeDrives, path: string, offsetBytes: number): Promise<void> {
  const [drive] = drives
  assert.ok(drive !== undefined)
  const opened = await openDrive(drive.path, drive.secret)
  const tree = await opened.ntfs.readTree()
  const names = [...tree.fileDirectory.keys()]
  const { filePath } = await import('../../src/file-tree.js')
  const file = names.find((index) => filePath(tree, index) === path)
  assert.ok(file !== undefined)
  const at = (tree.extents.offsetBytes[tree.extents.firstExtent[file] as number] as number) + offsetBytes
  const place = opened.place.offsetBytes
  await opened.close()
  const image = await open(drive.path, 'r+')
  const byte = Buffer.alloc(1)
  await image.read(byte, 0, 1, place + at)
  byte[0] = (byte[0] as number) ^ 0x10
  await image.write(byte, 0, 1, place + at)
  await image.close()
}

describe('receiveDrives', () => {
  it('brings every file of two drives into the account, byte for byte', async () => {
    const folder = temporaryFolder('receive-two')
    const large = Object.fromEntries([1, 2, 3, 4].map((seed) => [`large/${seed}`, contentOf(seed, 18 * mebibyte)]))
    const made = await makeDrives(folder, { ...awkwardTree(), ...large }, ['100M', '100M'])
    const store = new MemoryStore()
    const { report, errors } = await receive(made, store)
    assert.equal(errors.size, 0)
    assert.deepEqual(
      report.drives.map(({ status }) => status),
      ['Completed', 'Completed'],
    )
    await assertArrived(made, store)
    assert.equal(report.drives[0]?.manifest?.checkedAgainst, 'the journal')
  })

  it('gives page blobs their full size and only the ranges that hold something', async () => {
    const folder = temporaryFolder('receive-page')
    const disk = Buffer.concat([contentOf(1, 4 * mebibyte), Buffer.alloc(12 * mebibyte), contentOf(2, mebibyte + 512)])
    const made = await makeDrives(folder, {
      'disk.vhd': disk,
      'small.vhd': contentOf(3, 512),
      'zeros.vhd': Buffer.alloc(mebibyte),
    })
    const store = new MemoryStore()
    const { report } = await receive(made, store)
    assert.equal(report.drives[0]?.status, 'Completed')
    await assertArrived(made, store)
    const place = { container: 'archive', name: 'in/disk.vhd' }
    const facts = await store.head(place)
    assert.equal(facts?.kind, 'page')
    assert.deepEqual(facts?.properties.metadata ?? [], [])
    assert.deepEqual(await store.listPageRanges(place), [
      { offsetBytes: 0, lengthBytes: 4 * mebibyte },
      { offsetBytes: 16 * mebibyte, lengthBytes: mebibyte + 512 },
    ])
  })

  it('sets the MD5 of whole blobs where asked', async () => {
    const folder = temporaryFolder('receive-md5')
    const made = await makeDrives(folder, { a: contentOf(1, 9 * mebibyte), b: 'small', c: '' })
    const store = new MemoryStore()
    await receive(made, store, { contentMd5: true })
    const { createHash } = await import('node:crypto')
    for (const name of ['a', 'b', 'c']) {
      const facts = await store.head({ container: 'archive', name: `in/${name}` })
      const expected = createHash('md5')
        .update(readFileSync(join(made.source, name)))
        .digest('hex')
      assert.equal(Buffer.from(facts?.properties.contentMd5 ?? []).toString('hex'), expected, name)
    }
  })

  for (const [disposition, expected] of [
    [
      'rename',
      { status: 'CompletedWithWarnings', names: ['big (2).bin', 'big.bin', 'small', 'small (2)', 'small (3)'] },
    ],
    ['no-overwrite', { status: 'CompletedWithWarnings', names: ['big.bin', 'small', 'small (2)'] }],
    ['overwrite', { status: 'Completed', names: ['big.bin', 'small', 'small (2)'] }],
  ] as const) {
    it(`keeps to the disposition ${disposition} where names are taken`, async () => {
      const folder = temporaryFolder('receive-disposition')
      const made = await makeDrives(folder, { 'big.bin': contentOf(1, 9 * mebibyte), small: 'new' })
      const dataset = {
        basePath: made.source,
        isDirectory: true,
        destination: 'archive/in/',
        blobType: 'auto' as const,
        disposition,
        line: 1,
      }
      const again = await makeDrives(
        temporaryFolder('receive-disposition'),
        { 'big.bin': contentOf(1, 9 * mebibyte), small: 'new' },
        ['200M'],
        {
          dataset: [dataset],
        },
      )
      const store = new MemoryStore()
      await store.createContainer('archive')
      const { createHash } = await import('node:crypto')
      const old = Buffer.from('old')
      for (const name of ['in/big.bin', 'in/small', 'in/small (2)']) {
        await store.putBlob({ container: 'archive', name }, old, createHash('md5').update(old).digest())
      }
      const { report } = await receive(again, store)
      assert.equal(report.drives[0]?.status, expected.status)
      const found = await hashesInStore(store)
      assert.deepEqual([...found.keys()].sort(), [...expected.names])
      const read = async (name: string) => {
        const parts: Uint8Array[] = []
        for await (const part of store.read({ container: 'archive', name: `in/${name}` })) parts.push(part)
        return Buffer.concat(parts)
      }
      const target = disposition === 'rename' ? 'small (3)' : 'small'
      assert.equal((await read(target)).toString(), disposition === 'no-overwrite' ? 'old' : 'new')
    })
  }

  it('fails a blob with a damaged block alone, says which, and writes it into the error log', async () => {
    const folder = temporaryFolder('receive-damage')
    const made = await makeDrives(folder, {
      'a.bin': contentOf(1, 9 * mebibyte),
      'b.bin': contentOf(2, 5000),
      'c.bin': contentOf(3, mebibyte),
    })
    await damageFile(made, 'archive/in/a.bin', 5 * mebibyte)
    await damageFile(made, 'archive/in/b.bin', 17)
    const store = new MemoryStore()
    const { report, errors } = await receive(made, store, { verboseLog: true, backupManifest: true, job: 'seed' })
    assert.equal(errors.size, 0)
    const [drive] = report.drives
    assert.equal(drive?.status, 'CompletedWithErrors')
    assert.equal(drive?.blocksDamaged, 2)
    assert.deepEqual([...(await hashesInStore(store)).keys()], ['c.bin'])
    assert.deepEqual(
      drive?.failures.map(({ blobPath, status }) => [blobPath, status]),
      [
        ['archive/in/a.bin', 'CompletedWithErrors'],
        ['archive/in/b.bin', 'CompletedWithErrors'],
      ],
    )
    assert.match(drive?.failures[0]?.message ?? '', /block 1 \(at byte 4194304\) differs from the manifest/)
    assert.deepEqual(
      drive?.logs.map(({ kind }) => kind),
      ['error', 'verbose', 'manifest'],
    )
    const names: string[] = []
    for await (const { name } of store.list('waimportexport', '')) names.push(name)
    assert.equal(names.length, 3)
    for (const kind of ['error', 'verbose', 'manifest']) {
      assert.ok(
        names.some((name) => new RegExp(`^waies/seed_DRIVE0_\\d{8}-\\d{6}-\\d{3}_${kind}\\.xml$`).test(name)),
        kind,
      )
    }
  })

  it('imports nothing from a drive whose manifest is another one', async () => {
    const made = await makeDrives(temporaryFolder('receive-hash'), { a: 'x' })
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const store = new MemoryStore()
    const drives = [{ ...drive, expected: { manifestHash: '0'.repeat(32) } }]
    const { report, errors } = await receive(made, store, { drives })
    assert.equal(report.drives[0]?.status, 'ManifestCorrupted')
    assert.equal(errors.get(drive.path)?.code, 'MANIFEST_MISMATCH')
    assert.equal((await hashesInStore(store)).size, 0)
  })

  it('refuses a drive of another job, the same drive twice, and a wrong key', async () => {
    const made = await makeDrives(temporaryFolder('receive-refuse'), { a: 'x' })
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const wrong = {
      kind: 'recovery-password',
      password: drive.secret.kind === 'recovery-password' ? otherPassword(drive.secret.password) : '',
    } as const
    for (const [drives, code, status] of [
      [[{ ...drive, expected: { driveId: 'OTHER' } }], 'MANIFEST_OTHER_DRIVE', 'ManifestDriveIdMismatch'],
      [[{ ...drive, secret: wrong }], 'KEY_WRONG', 'BitLockerKeyInvalid'],
    ] as const) {
      const { report, errors } = await receive(made, new MemoryStore(), {
        drives,
        statePath: join(made.folder, `${code}.jrn`),
      })
      assert.equal(errors.get(drive.path)?.code, code)
      assert.equal(report.drives[0]?.status, status)
    }
    const copy = join(made.folder, 'copy.img')
    await copyFile(drive.path, copy)
    const twice = [drive, { ...drive, path: copy }]
    const { errors } = await receive(made, new MemoryStore(), { drives: twice })
    assert.equal(errors.size, 1)
    assert.equal([...errors.values()][0]?.code, 'MANIFEST_OTHER_DRIVE')
  })

  it('goes on where it was: what is there is not sent again', async () => {
    const made = await makeDrives(temporaryFolder('receive-resume'), awkwardTree())
    const store = new MemoryStore()
    const first = await receive(made, store)
    const again = await receive(made, store, { mustResume: true })
    assert.equal(again.report.drives[0]?.bytesImported, 0)
    assert.equal(again.report.drives[0]?.bytesThere, first.report.drives[0]?.bytesImported)
    await assertArrived(made, store)
  })

  it('refuses to resume what was never begun', async () => {
    const made = await makeDrives(temporaryFolder('receive-other'), { a: 'x' })
    await assert.rejects(receive(made, new MemoryStore(), { mustResume: true }), { code: 'JOURNAL_INVALID' })
  })
})
