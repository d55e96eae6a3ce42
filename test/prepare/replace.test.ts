// A drive of a session fails for good and another takes its place. Promised: every file of the source ends on exactly one
// good drive, nothing of the others is touched, the old drive is named nowhere any more, and a crash at any point resumes.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import {
  driveIdOf,
  driveRequestsFromSpecs,
  filePath,
  openDrive,
  type PrepareOptions,
  prepareSession,
  type ReplaceRequest,
  readJournal,
  readSessionKey,
  replaceDrive,
  verifyDrive,
} from '../../src/index.js'
import { afterwards, attachFile, loopUnavailable } from '../drives/loop-device.js'
import { prepare, requestFor } from './made-drive.js'
import { assertSameFiles, contentOf, hashesBelow, temporaryFolder, writeTree } from './made-tree.js'
import { hashesOnDrive } from './read-back.js'
import { runUntilKilled } from './run-killed.js'
import { readStrictly } from './strict-journal.js'

const folder = temporaryFolder('replace')
const needsRoot = process.getuid?.() === 0 ? false : 'needs root for a small file system'
const source = join(folder, 'source')
let count = 0

before(() => {
  mkdirSync(join(source, 'empty/inside'), { recursive: true })
  for (let index = 0; index < 12; index++) {
    writeTree(source, { [`big/${index}.bin`]: contentOf(index, 10_000_000), [`small/${index}/é.txt`]: `text ${index}` })
  }
})

/** A folder of its own whose file system has less room than the image in it promises: writing fails with ENOSPC. */
function smallFolder(context: TestContext, megabytes: number): string {
  const small = join(folder, `small-${count++}`)
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'diskferry-test', small])
  afterwards(context, () => execFileSync('umount', [small]))
  return small
}

/** A block device that answers every write with EIO once `fail` is called: the file system below it has been shut down. */
function dyingDevice(context: TestContext): { device: string; fail: () => void } {
  const below = join(folder, `below-${count++}`)
  mkdirSync(below)
  writeFileSync(`${below}.img`, '')
  truncateSync(`${below}.img`, 160 << 20)
  execFileSync('mkfs.ext4', ['-q', '-F', `${below}.img`])
  execFileSync('mount', ['-o', 'loop', `${below}.img`, below])
  afterwards(context, () => execFileSync('umount', [below]))
  writeFileSync(join(below, 'disk'), '')
  truncateSync(join(below, 'disk'), 112 << 20)
  const device = attachFile(context, join(below, 'disk'))
  return { device, fail: () => execFileSync('mount', ['-o', 'remount,abort', below]) }
}

interface Scene {
  base: string
  journal: string
  /** The good drive, prepared. */
  good: string
  /** The drive that failed. */
  bad: string
  badId: string
}

/** A session of two drives; the first and fuller one is on something that fails in the middle. */
async function halfFailed(code: string, badSpec: string, fail = () => {}): Promise<Scene> {
  const base = join(folder, `scene-${count++}`)
  mkdirSync(base)
  const [good, journal] = [join(base, 'good.img'), join(base, 'seed.jrn')]
  const confirm = async () => {
    fail()
    return true
  }
  const result = await prepare(requestFor(source, [badSpec, `${good}:112M`]), { journalPath: journal, confirm })
  assert.deepEqual(
    result.drives.map((drive) => drive.outcome),
    ['failed', 'prepared'],
  )
  const failed = result.drives[0]
  assert.equal(failed?.error?.code, code)
  assert.match(failed?.error?.hint ?? '', new RegExp(`--replace ${failed?.driveId} --drive NEW`))
  return { base, journal, good, bad: failed?.path as string, badId: failed?.driveId as string }
}

interface Change extends Partial<PrepareOptions> {
  evenPrepared?: boolean
}

async function replace(scene: Pick<Scene, 'journal' | 'badId'>, drives: string[], change: Change = {}) {
  const { evenPrepared = false, ...options } = change
  const request = { sessionId: 'session-1', driveId: scene.badId, drives: driveRequestsFromSpecs(drives), evenPrepared }
  const result = await replaceDrive(request, { journalPath: scene.journal, ...options })
  assert.ok(result !== undefined)
  return result
}

/** All drives verified by the journal, together exactly the source; each with a key of its own. */
async function assertWhole(journal: string, images: string[], from = source): Promise<void> {
  const all = new Map<string, string>()
  const keys = new Set<string>()
  for (const image of images) {
    const { secret, expected, state } = await readSessionKey(journal, image)
    assert.equal(state.stage, 'prepared')
    keys.add(state.recoveryPassword)
    const report = await verifyDrive(image, { secret, expected })
    assert.ok(report.sound, JSON.stringify(report.findings))
    assert.equal(report.driveId, state.driveId)
    const drive = await openDrive(image, secret)
    try {
      for (const [path, hash] of await hashesOnDrive(drive, 'archive/in')) {
        assert.ok(!all.has(path), `${path} is on two drives`)
        all.set(path, hash)
      }
    } finally {
      await drive.close()
    }
  }
  assertSameFiles(all, hashesBelow(from))
  assert.equal(keys.size, images.length)
}

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const infoOf = async (scene: Scene, path: string) => join(scene.base, `${await driveIdOf(path, {})}.xml`)

/** The old drive is in no list of drives, no file beside the journal, and no key is handed out for it. */
async function assertForgotten(scene: Scene, by: string[]): Promise<void> {
  const session = (await readJournal(scene.journal)).sessions.get('session-1')
  assert.equal(session?.state, 'completed')
  assert.equal(session?.drives.has(scene.badId), false)
  assert.deepEqual(session?.replaced.get(scene.badId)?.by, by)
  assert.ok(!existsSync(join(`${scene.journal}.d`, scene.badId)))
  assert.ok(!existsSync(join(scene.base, `${scene.badId}.xml`)))
  await assert.rejects(readSessionKey(scene.journal, scene.bad), { code: 'KEY_MISSING', message: /was given up for/ })
  const replaced = readStrictly(scene.journal).filter((record) => record.get('ActivityId') === 'DriveReplaced')
  assert.deepEqual(
    replaced.map((record) => [record.get('DriveId'), record.get('ReplacedBy')]),
    [[scene.badId, by.join(' ')]],
  )
}

describe('a drive that fails while it is filled', () => {
  test('for lack of room is replaced by two smaller ones; the other drive is not touched', {
    skip: needsRoot,
  }, async (context) => {
    const scene = await halfFailed('DEVICE_FULL', `${join(smallFolder(context, 40), 'bad.img')}:112M`)
    const before = [hashOf(scene.good), hashOf(await infoOf(scene, scene.good))]
    const fresh = [join(scene.base, 'a.img'), join(scene.base, 'b.img')]
    const result = await replace(
      scene,
      fresh.map((path) => `${path}:96M`),
    )
    assert.equal(result.isPartial, false)
    const ids = await Promise.all(fresh.map((path) => driveIdOf(path, {})))
    assert.deepEqual(result.replaced, [{ driveId: scene.badId, by: ids }])
    await assertWhole(scene.journal, [scene.good, ...fresh])
    assert.deepEqual([hashOf(scene.good), hashOf(await infoOf(scene, scene.good))], before)
    await assertForgotten(scene, ids)
    for (const path of fresh) assert.ok(existsSync(await infoOf(scene, path)))
  })

  test('with an I/O error is replaced by one, which may fail and be replaced as well', {
    skip: loopUnavailable() ?? (existsSync('/usr/sbin/mkfs.ext4') ? false : 'needs mkfs.ext4'),
  }, async (context) => {
    const { device, fail } = dyingDevice(context)
    const scene = await halfFailed('DEVICE_WRITE_FAILED', device, fail)
    const second = join(smallFolder(context, 40), 'second.img')
    const failed = await replace(scene, [`${second}:112M`])
    assert.deepEqual(
      [failed.isPartial, failed.drives.map((drive) => drive.outcome).sort()],
      [true, ['failed', 'prepared']],
    )
    const third = join(scene.base, 'third.img')
    const secondId = await driveIdOf(second, {})
    await replace({ ...scene, badId: secondId }, [`${third}:112M`])
    await assertWhole(scene.journal, [scene.good, third])
    const session = (await readJournal(scene.journal)).sessions.get('session-1')
    assert.deepEqual([...(session?.replaced.keys() ?? [])], [scene.badId, secondId])
  })
})

test('a drive that was written badly is replaced after reading it back', async () => {
  const { scene, from } = await begun(1, 3)
  const request = requestFor(from, [`${scene.bad}:160M`])
  await prepare(request, { journalPath: scene.journal, verify: false })
  const drive = await openDrive(scene.bad, (await readSessionKey(scene.journal, scene.bad)).secret)
  const tree = await drive.ntfs.readTree()
  const file = tree.fileSizeBytes.indexOf(4_000_000)
  const at = drive.place.offsetBytes + (tree.extents.offsetBytes[tree.extents.firstExtent[file] as number] as number)
  await drive.close()
  const image = openSync(scene.bad, 'r+')
  writeSync(image, 'scratched', at + 70_000)
  closeSync(image)
  await assert.rejects(prepare(request, { journalPath: scene.journal }), {
    code: 'DRIVE_DAMAGED',
    hint: new RegExp(`--replace ${scene.badId} --drive NEW`),
  })
  const fresh = join(scene.base, 'fresh.img')
  await replace(scene, [`${fresh}:160M`])
  await assertWhole(scene.journal, [fresh], from)
  await assertForgotten(scene, [await driveIdOf(fresh, {})])
})

/** A small session whose drives were planned and nothing more: the run was interrupted at once. */
async function begun(drives: number, files = 20): Promise<{ scene: Scene; from: string; images: string[] }> {
  const base = join(folder, `scene-${count++}`)
  const from = join(base, 'source')
  for (let index = 0; index < files; index++)
    writeTree(from, { [`${index % 3}/${index}.bin`]: contentOf(index, 4_000_000) })
  const images = Array.from({ length: drives }, (_, index) => join(base, `old${index}.img`))
  const journal = join(base, 'seed.jrn')
  const request = requestFor(
    from,
    images.map((image) => `${image}:${drives === 1 ? 160 : 96}M`),
  )
  await assert.rejects(prepareSession(request, { journalPath: journal, signal: AbortSignal.abort() }), {
    code: 'INTERRUPTED',
  })
  const bad = images[0] as string
  return { scene: { base, journal, good: '', bad, badId: await driveIdOf(bad, {}) }, from, images }
}

test('with two drives lost, one is replaced after the other, or together with one that goes on', async () => {
  const { scene, from, images } = await begun(2)
  const [first, second] = [join(scene.base, 'new1.img'), join(scene.base, 'new2.img')]
  const half = await replace(scene, [`${first}:112M`])
  assert.deepEqual(half.drives.map((drive) => drive.outcome).sort(), ['prepared', 'unfinished'])
  assert.equal(half.isPartial, true)
  const old = images[1] as string
  assert.equal(existsSync(join(`${scene.journal}.d`, await driveIdOf(old, {}))), true)
  const whole = await replace(scene, [`${first}:112M`, `${old}:96M`])
  assert.equal(whole.isPartial, false)
  assert.deepEqual((await readJournal(scene.journal)).sessions.get('session-1')?.state, 'completed')
  await assertWhole(scene.journal, [first, old], from)
  assert.equal(existsSync(second), false)
})

test('a prepared drive is replaced only on request, and its place in the job is taken', async () => {
  const { scene, from } = await begun(1, 3)
  await prepare(requestFor(from, [`${scene.bad}:160M`]), { journalPath: scene.journal })
  const fresh = join(scene.base, 'fresh.img')
  const text = readFileSync(scene.journal)
  await assert.rejects(replace(scene, [`${fresh}:160M`]), { code: 'CONFIRMATION_MISSING', hint: /--replace-prepared/ })
  assert.deepEqual(readFileSync(scene.journal), text)
  assert.ok(existsSync(await infoOf(scene, scene.bad)))
  await replace(scene, [`${fresh}:160M`], { evenPrepared: true })
  await assertWhole(scene.journal, [fresh], from)
  await assertForgotten(scene, [await driveIdOf(fresh, {})])
})

test('metadata files, empty folders and dispositions come along', async () => {
  const { scene, from } = await begun(1, 3)
  rmSync(scene.journal)
  mkdirSync(join(from, 'nothing/in it'), { recursive: true })
  const propertiesFile = join(scene.base, 'properties.xml')
  writeFileSync(propertiesFile, '<?xml version="1.0"?><Properties><Cache-Control>no-cache</Cache-Control></Properties>')
  const request = requestFor(from, [`${scene.bad}:160M`])
  const dataset = request.dataset.map((row) => ({ ...row, propertiesFile, disposition: 'overwrite' as const }))
  const signal = AbortSignal.abort()
  await assert.rejects(prepareSession({ ...request, dataset }, { journalPath: scene.journal, signal }))
  const fresh = join(scene.base, 'fresh.img')
  await replace(scene, [`${fresh}:160M`])
  await assertWhole(scene.journal, [fresh], from)
  const drive = await openDrive(fresh, (await readSessionKey(scene.journal, fresh)).secret)
  try {
    const tree = await drive.ntfs.readTree()
    const names = tree.directoryNames.bytes.toString('utf8')
    for (const name of ['nothing', 'in it', '_lists']) assert.ok(names.includes(name), name)
    const file = tree.fileDirectory.findIndex((_, index) => filePath(tree, index) === 'DriveManifest.xml')
    const size = tree.fileSizeBytes[file] as number
    const manifest = (await drive.ntfs.readFile(tree.fileRecord[file] as number, 0, size)).toString('utf8')
    assert.match(manifest, /<PropertiesPath Hash="[0-9A-F]{32}">\\_lists\\properties-0\.xml<\/PropertiesPath>/)
    assert.equal(manifest.match(/<ImportDisposition>overwrite<\/ImportDisposition>/g)?.length, 3)
  } finally {
    await drive.close()
  }
})

test('a source that changed since the first plan is an error that names it', async () => {
  const { scene, from } = await begun(1, 3)
  appendFileSync(join(from, '1/1.bin'), 'more')
  await assert.rejects(replace(scene, [`${join(scene.base, 'fresh.img')}:160M`]), {
    code: 'SOURCE_CHANGED',
    message: /1\/1\.bin/,
  })
})

describe('what cannot replace a drive is refused, and the journal stays as it is:', () => {
  let scene: Scene
  let text: Buffer
  before(async () => {
    ;({ scene } = await begun(1))
    text = readFileSync(scene.journal)
  })
  const refused: [
    name: string,
    drives: (base: string) => string[],
    change: Partial<ReplaceRequest>,
    code: string,
    says: RegExp,
  ][] = [
    [
      'a drive that is too small',
      (base) => [`${base}/x.img:96M`],
      {},
      'DRIVES_FULL',
      /holds \d+ bytes, too little for what drive IMG\w+ was to hold \(20 files, 80000000 bytes\): \d+ files \(\d+ bytes\)/,
    ],
    ['a drive that no volume fits', (base) => [`${base}/x.img:20M`], {}, 'DRIVE_UNFIT', /20971520/],
    ['the drive itself', (base) => [`${base}/old0.img:160M`], {}, 'SESSION_INVALID', /cannot take its own place/],
    [
      'a drive that the session does not have',
      (base) => [`${base}/x.img:160M`],
      { driveId: 'WD-0' },
      'SESSION_INVALID',
      /has no drive WD-0; it has: IMG/,
    ],
    [
      'a drive of a session that there is not',
      (base) => [`${base}/x.img:160M`],
      { sessionId: 'other' },
      'SESSION_INVALID',
      /there are: session-1/,
    ],
  ]
  for (const [name, drives, change, code, says] of refused) {
    test(name, async () => {
      const request = {
        sessionId: 'session-1',
        driveId: scene.badId,
        drives: driveRequestsFromSpecs(drives(scene.base)),
        ...change,
      }
      await assert.rejects(replaceDrive(request, { journalPath: scene.journal }), { code, message: says })
      assert.deepEqual(readFileSync(scene.journal), text)
      assert.equal(existsSync(join(scene.base, 'x.img')), false)
    })
  }

  test('a journal that is not there, which is not made', async () => {
    const missing = { ...scene, journal: join(scene.base, 'mistyped.jrn') }
    await assert.rejects(replace(missing, [`${scene.base}/x.img:160M`]), { code: 'JOURNAL_INVALID' })
    assert.equal(existsSync(missing.journal), false)
  })
})

/** The moments of a journal's writing from a byte on: before it, inside each record, after each. */
function cuts(journal: Buffer, fromByte: number): number[] {
  const points = [fromByte]
  for (let end = journal.indexOf('[EndUpdateRecord]\n', fromByte); end >= 0; ) {
    points.push(Math.floor(((points.at(-1) as number) + end) / 2), end + 18)
    end = journal.indexOf('[EndUpdateRecord]\n', end + 18)
  }
  return points
}

test('a crash while the replacement is recorded is finished by the same call, wherever the journal was cut', async () => {
  const { scene, from } = await begun(1, 3)
  const asideOf = (name: string) => join(scene.base, `aside-${name}`)
  const startBytes = readFileSync(scene.journal).length
  cpSync(`${scene.journal}.d`, asideOf('d'), { recursive: true })
  const fresh = join(scene.base, 'fresh.img')
  // Ends right after the replacement was recorded, before anything is written.
  await assert.rejects(replace(scene, [`${fresh}:160M`], { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  const recorded = readFileSync(scene.journal)
  cpSync(`${scene.journal}.d`, asideOf('d'), { recursive: true })
  const ends = recorded.indexOf('ActivityId: DriveReplaced')
  const batch = recorded.subarray(0, recorded.indexOf('[EndUpdateRecord]\n', ends) + 18)
  const points = cuts(batch, startBytes)
  assert.equal(points.length, 5)
  // Before that, and inside its first record, the journal is what it was. After it, inside the deciding one, and at the end.
  for (const point of points.slice(2)) {
    for (const path of [fresh, scene.bad, `${scene.journal}.d`]) rmSync(path, { recursive: true, force: true })
    cpSync(asideOf('d'), `${scene.journal}.d`, { recursive: true })
    writeFileSync(scene.journal, batch.subarray(0, point))
    await replace(scene, [`${fresh}:160M`])
    await assertWhole(scene.journal, [fresh], from)
    await assertForgotten(scene, [await driveIdOf(fresh, {})])
  }
  const stranger = replace(scene, [`${join(scene.base, 'another.img')}:160M`])
  await assert.rejects(stranger, { code: 'SESSION_INVALID', message: /has been replaced by IMG/ })
})

test('a crash while a session of two drives is recorded never leaves it with one', async () => {
  const { scene, from, images } = await begun(2)
  const journal = readFileSync(scene.journal)
  const stored = join(scene.base, 'aside')
  cpSync(`${scene.journal}.d`, stored, { recursive: true })
  const specs = images.map((image) => `${image}:96M`)
  const begin = journal.indexOf('[BeginUpdateRecord]', 1)
  const last = journal.lastIndexOf('Stage: planned')
  const batch = journal.subarray(0, journal.indexOf('[EndUpdateRecord]\n', last) + 18)
  const points = cuts(batch, begin)
  assert.equal(points.length, 7)
  // After the record of the first drive, and inside that of the second.
  for (const point of [points[4], points[5]]) {
    for (const path of [...images, `${scene.journal}.d`]) rmSync(path, { recursive: true, force: true })
    cpSync(stored, `${scene.journal}.d`, { recursive: true })
    writeFileSync(scene.journal, batch.subarray(0, point))
    const result = await prepare(requestFor(from, specs), { journalPath: scene.journal })
    assert.deepEqual(
      result.drives.map((drive) => drive.outcome),
      ['prepared', 'prepared'],
    )
    await assertWhole(scene.journal, images, from)
    readStrictly(scene.journal)
  }
})

test('a replacement that is killed at any moment is finished by the same command', async (context) => {
  const { scene, from } = await begun(1, 6)
  const fresh = join(scene.base, 'fresh.img')
  const words = ['prepare', '--journal', scene.journal, '--replace', scene.badId, '--drive', `${fresh}:160M`, '--yes']
  const asideOf = (name: string) => join(scene.base, `aside-${name}`)
  cpSync(`${scene.journal}.d`, asideOf('d'), { recursive: true })
  cpSync(scene.journal, asideOf('jrn'))
  const again = () => {
    for (const path of [fresh, `${scene.journal}.d`]) rmSync(path, { recursive: true, force: true })
    cpSync(asideOf('d'), `${scene.journal}.d`, { recursive: true })
    cpSync(asideOf('jrn'), scene.journal)
  }
  const started = performance.now()
  assert.ok(await runUntilKilled(words))
  const wholeMs = performance.now() - started
  for (const share of [0.3, 0.5, 0.75]) {
    again()
    let killAfterMs = wholeMs * share
    // The first run was slower than this one, which was over before it could be killed.
    for (; await runUntilKilled(words, killAfterMs); killAfterMs /= 2) again()
    context.diagnostic(`killed after ${Math.round(killAfterMs)} of ${Math.round(wholeMs)} ms`)
    assert.ok(await runUntilKilled(words))
    await assertWhole(scene.journal, [fresh], from)
    await assertForgotten(scene, [await driveIdOf(fresh, {})])
  }
})
