// Sources that change, drives that fail, names that cannot be, files that cannot be read: what is promised for each.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openDrive, planSession, prepareSession, readSessionKey } from '../../src/index.js'
import { prepare, requestFor } from './made-drive.js'
import { assertSameFiles, contentOf, hashesBelow, temporaryFolder, writeTree } from './made-tree.js'
import { hashesOnDrive } from './read-back.js'

const folder = temporaryFolder('faults')
let count = 0

function scene(files: Record<string, Buffer | string>) {
  const base = join(folder, `scene-${count++}`)
  const source = join(base, 'source')
  mkdirSync(source, { recursive: true })
  writeTree(source, files)
  return { source, image: join(base, 'drive.img'), journal: join(base, 'scene.jrn') }
}

describe('a source file that changed since the plan', () => {
  const changes: [name: string, change: (path: string) => void][] = [
    ['grew', (path) => appendFileSync(path, 'more')],
    ['shrank', (path) => truncateSync(path, 1000)],
    ['was touched', (path) => utimesSync(path, 1, 1)],
  ]
  for (const [name, change] of changes) {
    test(`and ${name} is named, and nothing looks finished`, async () => {
      const { source, image, journal } = scene({ 'a.bin': contentOf(1, 9000), 'b.bin': contentOf(2, 5_000_000) })
      const request = requestFor(source, [`${image}:160M`])
      const confirm = async () => {
        change(join(source, 'b.bin'))
        return true
      }
      await assert.rejects(prepareSession(request, { journalPath: journal, confirm }), {
        code: 'SOURCE_CHANGED',
        message: /b\.bin/,
      })
      const { secret } = await readSessionKey(journal, image)
      await assert.rejects(openDrive(image, secret))
    })

    test(`and ${name} is left out with --on-change skip, the others are there`, async () => {
      const { source, image, journal } = scene({
        'a.bin': contentOf(1, 9000),
        'b.bin': contentOf(2, 5_000_000),
        'c/d.bin': contentOf(3, 70000),
      })
      const confirm = async () => {
        change(join(source, 'b.bin'))
        return true
      }
      const result = await prepare(requestFor(source, [`${image}:160M`]), {
        journalPath: journal,
        confirm,
        onChange: 'skip',
      })
      assert.equal(result.isPartial, true)
      assert.equal(result.drives[0]?.dropped.length, 1)
      assert.match(result.drives[0]?.dropped[0] ?? '', /b\.bin/)
      const expected = hashesBelow(source)
      expected.delete('b.bin')
      const drive = await openDrive(image, (await readSessionKey(journal, image)).secret)
      try {
        assertSameFiles(await hashesOnDrive(drive, 'archive/in'), expected)
        assert.deepEqual(
          (await drive.ntfs.check()).filter((finding) => finding.severity === 'damage'),
          [],
        )
      } finally {
        await drive.close()
      }
    })
  }
})

test('a file that vanished since the plan is named', async () => {
  const { source, image, journal } = scene({ 'a.bin': 'a', 'gone/b.bin': 'b' })
  const confirm = async () => {
    execFileSync('rm', [join(source, 'gone/b.bin')])
    return true
  }
  await assert.rejects(prepareSession(requestFor(source, [`${image}:160M`]), { journalPath: journal, confirm }), {
    message: /gone\/b\.bin/,
  })
})

test('a drive that has no room in the middle is dropped with its reason, the other is finished', {
  skip: process.getuid?.() === 0 ? false : 'needs root for a small file system',
}, async () => {
  const { source, image, journal } = scene({})
  for (let index = 0; index < 12; index++) writeFileSync(join(source, `${index}.bin`), contentOf(index, 10_000_000))
  // The sparse image promises more than the file system below it has.
  const small = join(folder, 'small-fs')
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'diskferry-test', small])
  try {
    const request = requestFor(source, [`${image}:112M`, `${join(small, 'full.img')}:112M`])
    const result = await prepare(request, { journalPath: journal })
    assert.deepEqual(result.drives.map((drive) => drive.outcome).sort(), ['failed', 'prepared'])
    const failed = result.drives.find((drive) => drive.outcome === 'failed')
    assert.equal(failed?.error?.code, 'DEVICE_FULL')
    assert.equal(result.isPartial, true)
    assert.match(readFileSync(journal, 'utf8'), /ActivityId: DriveFailed/)
  } finally {
    execFileSync('umount', [small])
  }
})

const badNames: [name: string, says: RegExp][] = [
  ['a:b.txt', /a:b\.txt has a character/],
  ['trailing.', /trailing\. ends in a dot/],
  ['blank ', /blank {2}ends in a dot or a blank|blank +ends/],
  ['CON', /CON is a name that Windows keeps/],
  ['com1.txt', /com1\.txt is a name that Windows keeps/],
]
test('names that Windows cannot hold are all listed, and nothing is written', async () => {
  const { source, image } = scene(
    Object.fromEntries([...badNames.map(([name]) => [name, 'x']), ['Case.txt', '1'], ['case.TXT', '2']]),
  )
  const error = await planSession(requestFor(source, [`${image}:160M`])).catch((caught) => caught)
  assert.equal(error.code, 'NTFS_NAMES')
  const messages = error.problems.map((problem: { message: string }) => problem.message)
  for (const [name, says] of badNames)
    assert.ok(
      messages.some((message: string) => says.test(message)),
      `${name}: ${messages}`,
    )
  assert.ok(messages.some((message: string) => /differs only by case/.test(message)))
  assert.equal(existsSync(image), false)
})

test('hard links travel as files once each, symbolic links are skipped and listed', async () => {
  const { source, image, journal } = scene({ 'one.txt': 'shared content' })
  linkSync(join(source, 'one.txt'), join(source, 'two.txt'))
  symlinkSync('one.txt', join(source, 'link.txt'))
  const result = await prepare(requestFor(source, [`${image}:160M`]), { journalPath: journal })
  assert.deepEqual(
    result.skipped.map((entry) => entry.reason),
    ['symlink'],
  )
  assert.equal(result.isPartial, false)
  const drive = await openDrive(image, (await readSessionKey(journal, image)).secret)
  try {
    const hashes = await hashesOnDrive(drive, 'archive/in')
    assert.deepEqual([...hashes.keys()].sort(), ['one.txt', 'two.txt'])
    assert.equal(hashes.get('one.txt'), hashes.get('two.txt'))
  } finally {
    await drive.close()
  }
})

test('a sparse source file is copied with its zeros', async () => {
  const { source, image, journal } = scene({ 'sparse.bin': '' })
  truncateSync(join(source, 'sparse.bin'), 20_000_000)
  assert.ok(statSync(join(source, 'sparse.bin')).blocks < 100)
  await prepare(requestFor(source, [`${image}:160M`]), { journalPath: journal })
  const drive = await openDrive(image, (await readSessionKey(journal, image)).secret)
  try {
    assertSameFiles(await hashesOnDrive(drive, 'archive/in'), hashesBelow(source))
  } finally {
    await drive.close()
  }
})

test('a file that is larger than every drive is named, and a set that is too small says by how much', async () => {
  const { source, image } = scene({ 'small.txt': 'x' })
  truncateSync(join(source, 'small.txt'), 400_000_000)
  await assert.rejects(planSession(requestFor(source, [`${image}:160M`])), {
    code: 'FILE_TOO_LARGE',
    message: /small\.txt/,
  })
  const many = scene({})
  for (let index = 0; index < 40; index++) {
    writeFileSync(join(many.source, `${index}`), '')
    truncateSync(join(many.source, `${index}`), 10_000_000)
  }
  await assert.rejects(planSession(requestFor(many.source, [`${many.image}:160M`])), { code: 'DRIVES_FULL' })
})

test('a second run on a journal that is in use is refused', async () => {
  const { source, image, journal } = scene({ 'a.txt': 'a' })
  const confirm = async () => {
    await assert.rejects(prepareSession(requestFor(source, [`${image}:160M`]), { journalPath: journal }), {
      code: 'JOURNAL_IN_USE',
    })
    return true
  }
  await prepare(requestFor(source, [`${image}:160M`]), { journalPath: journal, confirm })
})
