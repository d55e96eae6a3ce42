// Goal: whenever a preparation is killed, the same command finishes it, and before that the drive is never mistaken for a
// finished one. Method: the real command line is killed with SIGKILL at moments that are spread over the whole run, several
// times in a row for some drives; after each kill the outer boot sector is looked at: where it is there, the whole drive must
// already be right.

import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDrive, readSessionKey, verifyDrive } from '../../src/index.js'
import { assertSameFiles, contentOf, hashesBelow, temporaryFolder, writeTree } from './made-tree.js'
import { hashesOnDrive } from './read-back.js'
import { runUntilKilled } from './run-killed.js'

const volumeOffsetBytes = 17 * 1024 * 1024
const kills = process.env.DISKFERRY_LONG_TESTS === '1' ? 200 : 12

async function looksFinished(image: string): Promise<boolean> {
  const file = await open(image).catch(() => undefined)
  if (file === undefined) return false
  const sector = Buffer.alloc(512)
  await file.read(sector, 0, 512, volumeOffsetBytes)
  await file.close()
  return sector.toString('latin1', 3, 11) === '-FVE-FS-'
}

test(`a preparation that is killed at ${kills} moments is finished by the same command`, async (context) => {
  const folder = temporaryFolder('kill')
  const source = join(folder, 'source')
  const files: Record<string, Buffer> = { 'large.bin': contentOf(1, 20_000_001), 'empty.txt': Buffer.alloc(0) }
  for (let index = 0; index < 200; index++) files[`many/${index % 9}/${index}.bin`] = contentOf(index, index * 113)
  writeTree(source, files)
  const expected = hashesBelow(source)
  const image = join(folder, 'drive.img')
  const journal = join(folder, 'kill.jrn')
  const words = [
    'prepare',
    '--from',
    source,
    '--to',
    'archive/in/',
    '--drive',
    `${image}:112M`,
    '--journal',
    journal,
    '--yes',
  ]

  const started = performance.now()
  assert.ok(await runUntilKilled(words))
  let wholeMs = performance.now() - started

  let turn = 0
  let killed = 0
  let looked = 0
  let fresh = true
  while (killed < kills) {
    if (fresh) {
      for (const path of [image, journal, `${journal}.d`]) rmSync(path, { recursive: true, force: true })
    }
    // Each share of the run once, and within it at a place without order, which is the same in every run of the test.
    const moment = ((turn * 7) % kills) + ((turn * 0.618) % 1)
    turn++
    const finished = await runUntilKilled(words, (moment / kills) * wholeMs)
    // The first run took longer than they take now.
    if (finished) wholeMs *= 0.9
    else killed++
    if (await looksFinished(image)) {
      looked++
      const { secret, expected: written } = await readSessionKey(journal, image)
      const report = await verifyDrive(image, { secret, expected: written })
      assert.ok(report.sound, JSON.stringify(report.findings[0]))
    }
    // Every third drive is killed again before it is let to its end.
    if (!finished && killed % 3 === 0) {
      fresh = false
      continue
    }
    assert.ok(await runUntilKilled(words), 'the same command finishes')
    const { secret } = await readSessionKey(journal, image)
    const drive = await openDrive(image, secret)
    try {
      assertSameFiles(await hashesOnDrive(drive, 'archive/in'), expected)
    } finally {
      await drive.close()
    }
    assert.match(readFileSync(journal, 'latin1'), /Stage: prepared/)
    fresh = true
  }
  context.diagnostic(
    `${killed} kills within ${Math.round(wholeMs)} ms; after ${looked} of them the drive looked finished and was`,
  )
})
