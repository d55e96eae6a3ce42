// Trees and drives of uncomfortable size: 100,000 files in one folder, a file of 5 GiB, a drive of 12 TB (a sparse image).

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { filePath, openDrive, readSessionKey } from '../../src/index.js'
import { prepare, requestFor } from './made-drive.js'
import { temporaryFolder } from './made-tree.js'

const folder = temporaryFolder('large')

function roomFor(bytes: number): string | false {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize > bytes ? false : `needs ${bytes} bytes free in ${tmpdir()}`
}

test('100,000 files in one folder arrive, each with its content', { skip: roomFor(2e9) }, async () => {
  const source = join(folder, 'many')
  mkdirSync(source)
  const count = 100_000
  for (let index = 0; index < count; index++) writeFileSync(join(source, `file ${index}.txt`), `content of ${index}`)
  const image = join(folder, 'many.img')
  const journalPath = join(folder, 'many.jrn')
  const result = await prepare(requestFor(source, [`${image}:900M`]), { journalPath })
  assert.deepEqual([result.drives[0]?.outcome, result.drives[0]?.files], ['prepared', count])
  const drive = await openDrive(image, (await readSessionKey(journalPath, image)).secret)
  try {
    const tree = await drive.ntfs.readTree()
    assert.equal(tree.fileDirectory.length, count + 1)
    for (const file of [0, 1, 12_345, 99_999]) {
      const content = await drive.ntfs.readFile(tree.fileRecord[file] as number, 0, tree.fileSizeBytes[file] as number)
      const number = /file (\d+)\.txt$/.exec(filePath(tree, file))?.[1]
      if (number !== undefined) assert.equal(content.toString(), `content of ${number}`)
    }
    assert.deepEqual(await drive.ntfs.check(), [])
  } finally {
    await drive.close()
  }
})

test('a file of 5 GiB arrives whole', { skip: roomFor(7e9) }, async () => {
  const source = join(folder, 'huge')
  mkdirSync(source)
  const path = join(source, 'huge.bin')
  const sizeBytes = 5 * 2 ** 30 + 777
  const file = openSync(path, 'w')
  for (const place of [0, 2 ** 32 - 3, 2 ** 32 + 5_000_000, sizeBytes - 9])
    writeSync(file, Buffer.from('landmark!'), 0, 9, place)
  closeSync(file)
  truncateSync(path, sizeBytes)
  const image = join(folder, 'huge.img')
  const journalPath = join(folder, 'huge.jrn')
  const result = await prepare(requestFor(source, [`${image}:5400M`]), { journalPath })
  assert.equal(result.drives[0]?.outcome, 'prepared')
  const drive = await openDrive(image, (await readSessionKey(journalPath, image)).secret)
  try {
    const tree = await drive.ntfs.readTree()
    const index = [...tree.fileRecord.keys()].find((candidate) =>
      filePath(tree, candidate).endsWith('huge.bin'),
    ) as number
    assert.equal(tree.fileSizeBytes[index], sizeBytes)
    for (const place of [0, 2 ** 32 - 3, 2 ** 32 + 5_000_000, sizeBytes - 9]) {
      assert.equal((await drive.ntfs.readFile(tree.fileRecord[index] as number, place, 9)).toString(), 'landmark!')
    }
  } finally {
    await drive.close()
  }
})

test('a sparse drive of 12 TB is prepared and verified, with files beyond the first terabytes in reach', {
  skip: roomFor(3e9),
}, async (context) => {
  const source = join(folder, 'tera')
  mkdirSync(source)
  for (let index = 0; index < 50; index++)
    writeFileSync(join(source, `${index}.bin`), createHash('sha256').update(`${index}`).digest())
  const image = join(folder, 'tera.img')
  try {
    writeFileSync(image, '')
    truncateSync(image, 12e12)
    truncateSync(image, 0)
  } catch (error) {
    return context.skip(`this file system holds no file of 12 TB: ${(error as Error).message}`)
  }
  const journalPath = join(folder, 'tera.jrn')
  const result = await prepare(requestFor(source, [`${image}:${12e12}`]), { journalPath })
  assert.equal(result.drives[0]?.outcome, 'prepared')
})
