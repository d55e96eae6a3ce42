// SIGKILL in the middle of seed, backup and adopt, with the built program, then the same command again: the vault ends whole, and
// nothing is left of the runs that died. Azurite killed under adopt, which forgets what it had confirmed. The moments are things
// that happen in every run; the long tests add drawn ones.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { adoptVault } from '../../src/vault/adopt-vault.js'
import { backUpVault } from '../../src/vault/back-up-vault.js'
import { checkVault } from '../../src/vault/keep-vault.js'
import { main } from '../built-program.js'
import { xorshift } from '../formats/mutate.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { rcloneMissing, resticMissing } from '../restic/restic-missing.js'
import { azuriteAccount, azuriteKey, azuriteMissing } from '../storage/azurite.js'
import { startFaultProxy } from '../storage/fault-proxy.js'
import { importIntoAzurite, type MadeVault, password, seed, stageVault } from './made-vault.js'

const root = temporaryFolder('vault-kill')
const drawnKills = process.env.DISKFERRY_LONG_TESTS === '1' ? 10 : 0
const random = xorshift(5)
writeFileSync(join(root, 'password'), password, { mode: 0o600 })
writeFileSync(join(root, 'key'), azuriteKey, { mode: 0o600 })
const secrets = ['--password-file', join(root, 'password')]

interface Ended {
  exitCode: number | null
  output: string
}

/** @param isOver asked every few milliseconds; true kills it. */
function run(words: readonly string[], isOver: () => boolean): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, HOME: root, RESTIC_CACHE_DIR: join(root, 'cache') }
    const child = spawn(process.execPath, [main, 'vault', ...words, ...secrets], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
    const timer = setInterval(() => isOver() && child.kill('SIGKILL'), 3)
    child.on('exit', (exitCode) => {
      clearInterval(timer)
      resolve({ exitCode, output })
    })
  })
}

/** True from so long after now on. */
const elapsed = (milliseconds: number) => {
  const end = performance.now() + milliseconds
  return () => performance.now() > end
}

/** When it has noted that it runs, which is just before it starts restic. */
function noted({ jobFolder }: MadeVault) {
  const since = () => {
    const path = join(jobFolder, 'vault/vault.json')
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).running?.since : undefined
  }
  const before = since()
  return () => ![undefined, before].includes(since())
}

/** When restic works. */
function locked({ repository }: MadeVault) {
  const locks = () => (existsSync(join(repository, 'locks')) ? readdirSync(join(repository, 'locks')) : [])
  const before = new Set(locks())
  return () => locks().some((name) => !before.has(name))
}

async function untilDone(made: MadeVault, words: readonly string[], longestMs: number): Promise<number> {
  let killed = 0
  for (const moment of [noted, locked]) {
    const { exitCode, output } = await run(words, moment(made))
    assert.equal(exitCode, null, `it ended before it was ${moment.name}: ${output}`)
    killed++
  }
  for (let round = 0; round < drawnKills; round++) {
    const { exitCode, output } = await run(words, elapsed(600 + random(longestMs)))
    if (exitCode !== null) {
      assert.equal(exitCode, 0, output)
      break
    }
    killed++
  }
  // A restic that lost its parent is told to stop, and does so when it looks.
  const { exitCode, output } = await run(words, () => false)
  assert.equal(exitCode, 0, output)
  return killed
}

function assertTidy({ repository, jobFolder }: MadeVault): void {
  assert.deepEqual(readdirSync(join(repository, 'locks')), [])
  const left = readdirSync(repository, { recursive: true }).filter((name) => String(name).includes('-tmp-'))
  assert.deepEqual(left, [])
  const state = JSON.parse(readFileSync(join(jobFolder, 'vault/vault.json'), 'utf8'))
  assert.equal(state.running, undefined)
}

test('seed and backup, killed and run again', { skip: resticMissing(), timeout: 600_000 }, async (context) => {
  const made = await stageVault(root)
  for (let index = 0; index < 8; index++)
    writeTree(made.source, { [`${index}.bin`]: contentOf(30 + index, 12_000_000) })
  const vault = ['--staging', made.location, '--job', made.job]
  const seeds = await untilDone(made, ['seed', ...vault, made.source], 4500)
  assertTidy(made)
  for (let index = 0; index < 6; index++)
    writeTree(made.source, { [`b${index}.bin`]: contentOf(50 + index, 12_000_000) })
  const backups = await untilDone(made, ['backup', ...vault], 1800)
  assertTidy(made)
  await made.with((opened) => checkVault(opened, { ...made.access, readData: true }))
  context.diagnostic(`${seeds} kills in seed, ${backups} in backup`)
})

describe('adopt into Azurite', { skip: rcloneMissing() || azuriteMissing(), timeout: 600_000 }, () => {
  test('killed at its requests it goes on; killed under it, Azurite is filled again', async (context) => {
    const made = await stageVault(root)
    await seed(made)
    const azurite = await importIntoAzurite(made)
    // What the drives brought is written down: an Azurite that is told to end does that.
    await azurite.kill('SIGTERM')
    await azurite.restart()
    for (let index = 0; index < 30; index++)
      writeTree(made.source, { [`new/${index}`]: contentOf(70 + index, 400_000) })
    await made.with((vault) => backUpVault(vault, made.access))
    const proxy = await startFaultProxy(azurite.port, () => undefined)
    after(() => proxy.stop())
    const address = `http://127.0.0.1:${proxy.port}/${azuriteAccount}`
    const words = ['adopt', '--staging', made.location, '--job', made.job, '--to', address, '--account-key-file']
    words.push(join(root, 'key'), '--force', 'no service here', '--verify', 'all')
    const requests = [4, 9, ...Array.from({ length: drawnKills }, () => 3 + random(12))]
    for (const [round, request] of requests.entries()) {
      const stopAt = proxy.seen.length + request
      const { exitCode, output } = await run(words, () => proxy.seen.length >= stopAt)
      if (round < 2) assert.equal(exitCode, null, `it ended before its request ${request}: ${output}`)
    }
    const stopAt = proxy.seen.length + 8
    let killing: Promise<void> | undefined
    const killAndRestart = async () => {
      await azurite.kill('SIGKILL')
      await azurite.restart()
    }
    proxy.setRule(() => {
      if (proxy.seen.length >= stopAt) killing ??= killAndRestart()
      return undefined
    })
    let ended = await run(words, () => false)
    assert.ok(killing !== undefined, `it ended before its request 8: ${ended.output}`)
    await killing
    // It may have found that what was confirmed is gone again, or Azurite away for longer than it waits.
    for (let round = 0; round < 3 && ended.exitCode !== 0; round++) ended = await run(words, () => false)
    assert.equal(ended.exitCode, 0, ended.output)
    const credentials = { accountKey: azuriteKey }
    await made.with((vault) => checkVault(vault, { ...made.access, credentials, readData: true }))
    const options = { ...made.access, credentials, target: { address }, hashShare: 1, job: { state: 'Completed' } }
    const again = await made.with((vault) => adoptVault(vault, { ...options, dryRun: true }))
    assert.deepEqual([again.survey.missing.files, again.survey.damaged], [0, []])
    context.diagnostic(`${requests.length} kills, ${proxy.seen.length} requests`)
  })
})
