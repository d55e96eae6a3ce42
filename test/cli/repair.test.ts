// diskferry repair as a user has it: killed in the middle and run again, path maps, exit codes.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBlobStore } from '../../src/storage/open-store.js'
import { runIn, startIn } from '../built-program.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, type MadeDrives, makeDrives, receive } from '../receive/made-import.js'
import { damage, errorLog } from '../receive/made-repair.js'

const folder = temporaryFolder('cli-repair')
const mebibyte = 1 << 20

/** Of all files that are there now. */
function allocatedBelow(path: string): number {
  const files = readdirSync(path, { recursive: true }).map((name) => join(path, String(name)))
  return files.reduce((sum, file) => sum + 512 * (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0), 0)
}

describe('diskferry repair', () => {
  let made: MadeDrives
  let log = ''
  let account = ''
  const words = (...more: string[]) => ['repair', '--copy-log', log, '--to', account, ...more]
  const run = (...more: string[]) => runIn(folder, words(...more))

  before(async () => {
    made = await makeDrives(folder, {
      'large.bin': contentOf(1, 24 * mebibyte),
      'disk.vhd': contentOf(2, 12 * mebibyte),
      'small.bin': contentOf(3, 5000),
    })
    const every = (bytes: number) => Array.from({ length: bytes / (4 * mebibyte) }, (_, index) => index * 4 * mebibyte)
    // All but the first block of each.
    await damage(made, [
      ...every(24 * mebibyte)
        .slice(1)
        .map((at) => ['archive/in/large.bin', at + 5] as [string, number]),
      ...every(12 * mebibyte)
        .slice(1)
        .map((at) => ['archive/in/disk.vhd', at + 5] as [string, number]),
      ['archive/in/small.bin', 1],
    ])
    account = join(made.folder, 'account')
    const store = await openBlobStore(account, {}, { access: 'write' })
    await receive(made, store)
    await store.close()
    log = await errorLog(made)
  })

  it('needs to know where from', () => {
    const { status, stderr } = run()
    assert.equal(status, 2, stderr)
    assert.match(stderr, /--drive, --from or --path-map/)
  })

  it('writes a path map with what it did not find, and says so', () => {
    const map = join(made.folder, 'map.txt')
    const { status, events, stderr } = run('--path-map', map, '--json')
    assert.equal(status, 3, stderr)
    assert.equal(
      readFileSync(map, 'utf8').split('\n').sort().join('\n'),
      '\n\\archive\\in\\disk.vhd\t\n\\archive\\in\\large.bin\t\n\\archive\\in\\small.bin\t',
    )
    const last = events().at(-1)
    assert.deepEqual([last.event, last.complete, last.pathMap, last.blobs.left], ['repaired', false, map, 3])
    assert.equal(events().filter(({ event }) => event === 'repair-left').length, 3)
    const again = run('--path-map', map)
    assert.equal(again.status, 3)
    assert.match(again.stdout, /NOT COMPLETE: 3 of 3/)
    assert.match(again.stdout, /what is left: .*_error\.remaining\.xml/)
  })

  it('finds what a filled path map names', () => {
    const moved = join(made.folder, 'moved')
    renameSync(join(made.source, 'small.bin'), moved)
    const map = join(made.folder, 'filled.txt')
    writeFileSync(map, `\\archive\\in\\small.bin\t${moved}\n\\archive\\in\\large.bin\t\n`)
    const { status, events, stderr } = run('--path-map', map, '--json')
    renameSync(moved, join(made.source, 'small.bin'))
    assert.equal(status, 3, stderr)
    const last = events().at(-1)
    assert.deepEqual([last.blobs.repaired, last.blobs.left, last.bytesSent, last.pathMap], [1, 2, 5000, undefined])
  })

  it('goes on after it was killed, and sends nothing twice', { timeout: 300_000 }, async () => {
    const limits = ['--limit-rate', '3M', '--concurrency', '1']
    const before = allocatedBelow(account)
    const { child, ended } = startIn(folder, words('--from', made.source, ...limits))
    // Three blocks are there, and the rest takes seconds.
    const until = Date.now() + 120_000
    while (allocatedBelow(account) < before + 13 * mebibyte && child.exitCode === null && Date.now() < until)
      await sleep(20)
    child.kill('SIGKILL')
    assert.equal((await ended).status, null, 'it ended before it was killed')
    const { status, events, stderr } = run('--from', made.source, '--json')
    assert.equal(status, 0, stderr)
    const last = events().at(-1)
    assert.equal(last.complete, true)
    assert.ok(last.bytesSent < 28 * mebibyte, `${last.bytesSent} bytes were sent after the kill`)
    const store = await openBlobStore(account, {}, { access: 'read' })
    await assertArrived(made, store)
    await store.close()
    assert.deepEqual(
      readdirSync(join(log, '..')).filter((name) => /remaining|spool/.test(name)),
      [],
    )
    const again = run('--from', made.source, '--json')
    assert.equal(again.status, 0)
    assert.deepEqual(again.events().at(-1).blobs, { listed: 3, repaired: 0, repairedBefore: 3, left: 0 })
  })

  it('says with exit code 1 where a log is cut off', () => {
    const cut = join(made.folder, 'cut.xml')
    writeFileSync(cut, readFileSync(log).subarray(0, 700))
    const { status, stderr } = runIn(folder, ['repair', '--copy-log', cut, '--to', account, '--from', made.source])
    assert.equal(status, 1)
    assert.match(stderr, /COPY_LOG_INVALID/)
    assert.equal(existsSync(`${cut}.repair`), false)
  })
})
