// What prepare asks of somebody at a terminal: the serial of each drive that holds something before it is erased, and one
// more drive when the data does not fit. A wrong answer, or Ctrl-C, and not a byte of the drive has changed.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { driveIdOf, readJournal } from '../../src/index.js'
import { main } from '../built-program.js'
import { attachLoop, loopUnavailable } from '../drives/loop-device.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { atTerminal, controlC, enter, terminalMissing } from './pseudo-terminal.js'

const folder = temporaryFolder('questions')
let count = 0

before(() => {
  writeTree(join(folder, 'source'), { 'a.txt': 'first', 'b/large.bin': contentOf(1, 3_000_000) })
})

/** prepare at a terminal, with a journal of its own; `words` are its drives and what else it is told. */
function prepareAtTerminal(from: string, ...words: string[]) {
  const journal = join(folder, `journal-${count++}.jrn`)
  const command = [process.execPath, main, 'prepare', '--from', from, '--to', 'archive/in/', '--journal', journal]
  return { journal, ...atTerminal([...command, ...words], { cwd: folder }) }
}

interface UsedDrive {
  path: string
  driveId: string
  hash: () => string
}

/** A drive that holds something, so that it is not erased without a word. */
async function usedDrive(path: string): Promise<UsedDrive> {
  writeFileSync(path, 'somebody’s only copy', { flag: 'r+' })
  const hash = () => createHash('sha256').update(readFileSync(path)).digest('hex')
  return { path, driveId: await driveIdOf(path, {}), hash }
}

function imageFile(): string {
  const path = join(folder, `image-${count++}.img`)
  writeFileSync(path, '')
  truncateSync(path, 112 << 20)
  return path
}

/** A folder of files of 12 MB that take no room here. */
function zeros(name: string, files: number): string {
  const from = join(folder, name)
  mkdirSync(from)
  for (let index = 0; index < files; index++) {
    writeFileSync(join(from, `${index}`), '')
    truncateSync(join(from, `${index}`), 12_000_000)
  }
  return from
}

const kinds: [name: string, make: (context: TestContext) => string, skip: string | false][] = [
  ['an image file', imageFile, false],
  ['a block device', (context) => attachLoop(context, 112 << 20).device, loopUnavailable() ?? false],
]
for (const [name, make, skip] of kinds) {
  describe(`${name} that holds something`, { skip: terminalMissing || skip }, () => {
    test('is erased when its serial is typed', async (context) => {
      const drive = await usedDrive(make(context))
      const run = prepareAtTerminal('source', '--drive', drive.path)
      await run.when(new RegExp(`ALL DATA ON ${drive.path} WILL BE LOST. Type its serial, ${drive.driveId},`), '')
      await run.when(/to erase it/, `${drive.driveId}${enter}`)
      assert.equal(await run.ended, 0, run.shown())
      assert.match(run.shown(), /prepared/)
      const session = (await readJournal(run.journal)).sessions.get('session-1')
      assert.equal(session?.drives.get(drive.driveId)?.stage, 'prepared')
    })

    // Which answers pass is one rule; that none was written is looked at on both kinds.
    const refusals: [name: string, typed: (driveId: string) => string, exitCode: number, says: RegExp][] = [
      ['another serial', (id) => `${id.slice(0, -1)}?${enter}`, 8, /is not .*nothing was written.*SERIAL_MISMATCH/s],
      ['Ctrl-C', () => controlC, 130, /INTERRUPTED/],
      ['nothing', () => enter, 8, /SERIAL_MISMATCH/],
      ['yes', () => `yes${enter}`, 8, /SERIAL_MISMATCH/],
    ]
    for (const [what, typed, exitCode, says] of refusals.slice(0, make === imageFile ? 4 : 2)) {
      test(`is left alone when ${what} is typed: exit code ${exitCode}`, async (context) => {
        const drive = await usedDrive(make(context))
        const before = drive.hash()
        const run = prepareAtTerminal('source', '--drive', drive.path)
        await run.when(/to erase it/, typed(drive.driveId))
        assert.equal(await run.ended, exitCode, run.shown())
        assert.match(run.shown(), says)
        assert.equal(drive.hash(), before)
        assert.equal((await readJournal(run.journal)).sessions.size, 0)
      })
    }
  })
}

test('the second of two serials refused leaves the first drive alone too', { skip: terminalMissing }, async () => {
  const from = zeros('two drives', 10)
  const drives = [await usedDrive(imageFile()), await usedDrive(imageFile())]
  const before = drives.map((drive) => drive.hash())
  const run = prepareAtTerminal(from, ...drives.flatMap(({ path }) => ['--drive', path]))
  await run.when(/to erase it/, `${drives[0]?.driveId}${enter}`)
  await run.when(new RegExp(`${drives[1]?.driveId}, to erase it`), `no${enter}`)
  assert.equal(await run.ended, 8, run.shown())
  assert.deepEqual(
    drives.map((drive) => drive.hash()),
    before,
  )
})

describe('data that does not fit', { skip: terminalMissing }, () => {
  const from = zeros('three drives', 15)
  const spec = (name: string) => `${join(folder, name)}:112M`

  test('asks for another drive, and another, until it fits', async () => {
    const run = prepareAtTerminal(from, '--drive', spec('one.img'), '--yes')
    await run.when(/The drives are too small: \d+ files .* are left over/, '')
    await run.when(/Another drive/, `${join(folder, 'two.img')}:96M${enter}`)
    await run.when(/The drives are too small: \d+ files .* are left over; 2 drives hold/, '')
    await run.when(/Another drive/, `${join(folder, 'three.img')}:96M${enter}`)
    assert.equal(await run.ended, 0, run.shown())
    const session = (await readJournal(run.journal)).sessions.get('session-1')
    assert.deepEqual(
      [...(session?.drives.values() ?? [])].map((drive) => [drive.path, drive.stage]),
      ['one', 'two', 'three'].map((name) => [join(folder, `${name}.img`), 'prepared']),
    )
    assert.equal(statSync(join(folder, 'three.img')).size, 96 << 20)
  })

  test('asks, and a drive that cannot be one ends it with its own exit code', async () => {
    const run = prepareAtTerminal(from, '--drive', spec('never.img'), '--yes')
    await run.when(/Another drive/, `${join(folder, 'small.img')}:20M${enter}`)
    assert.equal(await run.ended, 8, run.shown())
    assert.match(run.shown(), /DRIVE_UNFIT/)
    assert.equal(existsSync(join(folder, 'never.img')), false)
  })

  for (const [what, typed, exitCode] of [
    ['nothing', enter, 7],
    ['Ctrl-C', controlC, 130],
  ] as const) {
    test(`ends with exit code ${exitCode} when ${what} is typed, and no drive is made`, async () => {
      const run = prepareAtTerminal(from, '--drive', spec('never.img'), '--yes')
      await run.when(/Another drive/, typed)
      assert.equal(await run.ended, exitCode, run.shown())
      assert.equal(existsSync(join(folder, 'never.img')), false)
    })
  }
})

test('Ctrl-C while drives are filled stops them, and the same command finishes', {
  skip: terminalMissing,
}, async () => {
  const from = join(folder, 'long')
  for (let index = 0; index < 10; index++) writeTree(from, { [`${index}.bin`]: contentOf(index, 30_000_000) })
  const image = join(folder, 'stopped.img')
  const run = prepareAtTerminal(from, '--drive', `${image}:400M`, '--yes')
  const written = () => statSync(image, { throwIfNoEntry: false })?.blocks ?? 0
  while (written() * 512 < 40e6 && !run.isOver()) await sleep(2)
  await run.when(/(?:)/, controlC)
  assert.equal(await run.ended, 130, run.shown())
  assert.match(run.shown(), /run the same command again to resume/i)
  const words = ['prepare', '--from', from, '--to', 'archive/in/', '--drive', `${image}:400M`, '--journal', run.journal]
  const again = atTerminal([process.execPath, main, ...words], { cwd: folder })
  assert.equal(await again.ended, 0, again.shown())
})
