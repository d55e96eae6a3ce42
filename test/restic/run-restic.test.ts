// Real restic on a folder: made, filled, asked, damaged; and what happens without it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { backUp } from '../../src/restic/back-up.js'
import { makePassword, storePassword } from '../../src/restic/password.js'
import { checkRepository, initRepository, repositoryId } from '../../src/restic/repository.js'
import { folderPlace } from '../../src/restic/restic-place.js'
import { Restic } from '../../src/restic/run-restic.js'
import { eachLeaf, eachNode, listSnapshots, restoreSnapshot } from '../../src/restic/snapshots.js'
import { lacks } from '../lacks.js'
import { assertSameFiles, contentOf, hashesBelow, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { resticMissing } from './restic-missing.js'

const folder = temporaryFolder('restic')
const source = join(folder, 'source')
const place = folderPlace(join(folder, 'repository'))
const environment = { PATH: process.env.PATH ?? '', RESTIC_CACHE_DIR: join(folder, 'cache') }
const settings = { place, description: 'the folder', password: 'sesame', environment }
writeTree(source, { 'a/large.bin': contentOf(1, 2_000_000), 'b.txt': 'small', 'no.log': 'left out' })

test('a repository is filled, listed, checked and restored', { skip: resticMissing() }, async () => {
  const restic = await Restic.open(settings)
  await initRepository(restic)
  assert.match(await repositoryId(restic), /^[0-9a-f]{64}$/)
  const seen: number[] = []
  const summary = await backUp(restic, {
    paths: [source],
    excludes: ['*.log'],
    host: 'server',
    tags: ['seed'],
    packMebibytes: 64,
    onProgress: ({ bytes }) => seen.push(bytes),
  })
  assert.deepEqual([summary.files, summary.bytes, summary.isPartial], [2, 2_000_005, false])
  const [snapshot] = await listSnapshots(restic)
  assert.deepEqual([snapshot?.host, snapshot?.paths, snapshot?.tags], ['server', [source], ['seed']])
  const nodes: string[] = []
  await eachNode(restic, { snapshot: summary.snapshot, paths: [] }, ({ path, type }) => {
    if (type === 'file') nodes.push(path)
  })
  assert.deepEqual(nodes.sort(), [join(source, 'a/large.bin'), join(source, 'b.txt')])
  const target = join(folder, 'out')
  await restoreSnapshot(restic, { snapshot: summary.snapshot, target, includes: [join(source, 'a')], verify: true })
  assertSameFiles(
    hashesBelow(join(target, source)),
    new Map([...hashesBelow(source)].filter(([path]) => path.startsWith('a/'))),
  )
  await checkRepository(restic, { readData: true })
  await assert.rejects((await Restic.open({ ...settings, password: 'other' })).ask(['snapshots']), {
    code: 'KEY_WRONG',
  })
})

test('a damaged pack is damage, and is named', { skip: resticMissing() }, async () => {
  const data = join(folder, 'repository/data')
  const packs = readdirSync(data).flatMap((name) => readdirSync(join(data, name)).map((pack) => join(data, name, pack)))
  const pack = packs.sort((one, other) => readFileSync(other).length - readFileSync(one).length)[0] as string
  const bytes = readFileSync(pack)
  bytes[100] = (bytes[100] as number) ^ 1
  chmodSync(pack, 0o600)
  writeFileSync(pack, bytes)
  const restic = await Restic.open(settings)
  await assert.rejects(checkRepository(restic, { readData: true }), ({ code, problems }) => {
    assert.equal(code, 'VAULT_DAMAGED')
    return problems.length > 0
  })
})

test('a run that is stopped says so, and leaves no lock', { skip: resticMissing() }, async () => {
  const abort = new AbortController()
  const restic = await Restic.open({ ...settings, signal: abort.signal })
  // Zeros that take no room here, and more of them than it reads in an hour.
  const endless = join(folder, 'endless')
  writeFileSync(endless, '')
  truncateSync(endless, 2 ** 43)
  const onProgress = ({ bytes }: { bytes: number }) => bytes > 0 && abort.abort()
  const running = backUp(restic, { paths: [endless], host: 'server', tags: [], onProgress })
  await assert.rejects(running, { code: 'INTERRUPTED' })
  rmSync(endless)
  assert.deepEqual(readdirSync(join(folder, 'repository/locks')), [])
})

test('restic is not left alone by a process that is killed in the moment of starting it', {
  skip: lacks('/usr/bin/setpriv'),
}, async () => {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const body = `if (process.argv[2] === 'version') console.log('restic 0.14.0')\nelse setTimeout(() => {}, 100_000)\n`
  writeFileSync(join(bin, 'restic'), `#!${process.execPath}\n${body}`, { mode: 0o755 })
  const program = fileURLToPath(new URL('./die-at-once.ts', import.meta.url))
  assert.equal(spawnSync(process.execPath, ['--import', 'tsx', program, bin]).signal, 'SIGKILL')
  for (const until = Date.now() + 30_000; isRunning(join(bin, 'restic')); await sleep(5))
    assert.ok(Date.now() < until, 'it goes on')
})

/** Whether a process has that among its words. */
function isRunning(word: string): boolean {
  return readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word)
    } catch {
      return false
    }
  })
}

test('without restic, or with one that is too old, the package is named', async () => {
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  const without = (path: string) => Restic.open({ ...settings, environment: { PATH: path } })
  await assert.rejects(
    without(empty),
    ({ code, hint }) => code === 'TOOL_MISSING' && /apt-get install restic/.test(hint),
  )
  writeFileSync(join(empty, 'restic'), '#!/bin/sh\necho restic 0.9.6 compiled with go1.11\n', { mode: 0o755 })
  await assert.rejects(without(empty), ({ code, message }) => code === 'TOOL_TOO_OLD' && /0\.9\.6.*0\.14/.test(message))
})

test('what the error says again, and what moves the cursor, is no warning', async () => {
  const words = join(folder, 'words')
  mkdirSync(words)
  const said = [
    String.raw`\033[2K{"message_type":"error","error":{"message":"permission denied"},"item":"/srv/x"}`,
    String.raw`\033[2Kcannot open /srv/y`,
    String.raw`\033[2Ksignal interrupt received, cleaning up`,
    'Fatal: unable to save snapshot: odd',
  ]
  const speak = said.map((line) => `printf '${line}\\n' >&2`).join('\n')
  const script = `#!/bin/sh\n[ "$1" = version ] && echo restic 0.14.0 compiled with go1.19 && exit\n${speak}\nexit 1\n`
  writeFileSync(join(words, 'restic'), script, { mode: 0o755 })
  const restic = await Restic.open({ ...settings, environment: { PATH: words } })
  const warnings: string[] = []
  const onWarning = (text: string) => warnings.push(text)
  await assert.rejects(backUp(restic, { paths: [source], host: 'server', tags: [], onWarning }), {
    code: 'TOOL_FAILED',
    message: /Fatal: unable to save snapshot: odd$/,
  })
  assert.deepEqual(warnings, ['/srv/x could not be read: permission denied', 'cannot open /srv/y'])
})

test('a password is made once and kept for its owner alone', async () => {
  const path = join(folder, 'password')
  const password = makePassword()
  assert.match(password, /^([a-z2-9]{5}-){7}[a-z2-9]{5}$/)
  await storePassword(path, password)
  assert.equal(readFileSync(path, 'utf8'), `${password}\n`)
  await assert.rejects(storePassword(path, 'other'), { code: 'FILE_EXISTS' })
  assert.ok(existsSync(path))
})

test('what fails on one file of a snapshot is told when all are done, while restic still lists', {
  skip: resticMissing(),
}, async () => {
  const many = join(folder, 'many')
  const names = Array.from({ length: 1000 }, (_, number) => `folder/file-${number}`)
  writeTree(many, Object.fromEntries(names.map((name) => [name, name])))
  const restic = await Restic.open({ ...settings, place: folderPlace(join(folder, 'repository of many')) })
  await initRepository(restic)
  const { snapshot } = await backUp(restic, {
    paths: [many],
    excludes: [],
    host: 'server',
    tags: [],
    packMebibytes: 16,
  })
  let begun = 0
  let ended = 0
  const visit = eachLeaf(restic, { snapshot, paths: [] }, async (leaves) => {
    begun++
    assert.ok(leaves.every(({ type }) => type === 'file'))
    if (begun === 1) throw new Error('the first one')
    await new Promise((resolve) => setTimeout(resolve, 20))
    ended++
  })
  await assert.rejects(visit, { message: 'the first one' })
  assert.deepEqual([begun, ended], [16, 15])
})
