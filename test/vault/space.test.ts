// A staging disk that fills up: told before, where that can be known, and by restic's own words where it cannot; with more room the same
// command goes on. Needs a file system of its own, so root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { initStagedJob } from '../../src/jobs/staging-location.js'
import { checkVault } from '../../src/vault/keep-vault.js'
import { seedVault } from '../../src/vault/seed-vault.js'
import { VaultFolder } from '../../src/vault/vault-folder.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { resticMissing } from '../restic/restic-missing.js'

const root = temporaryFolder('vault-space')
const disk = mkdtempSync(join(tmpdir(), 'diskferry-vault-disk-'))
let isMounted = false
after(() => {
  if (isMounted) execFileSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})

function mounted(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/mount')) return false
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'diskferry-test', disk], { stdio: 'ignore' })
    isMounted = true
    return true
  } catch {
    return false
  }
}

const missing = resticMissing() || (mounted() ? false : 'no file system of its own can be mounted here')

test('a staging disk that is too small', { skip: missing, timeout: 300_000 }, async (context) => {
  const source = join(root, 'source')
  for (let index = 0; index < 6; index++) writeTree(source, { [`${index}.bin`]: contentOf(index, 2_000_000) })
  const { folder } = await initStagedJob(join(disk, 'staging'), {
    job: 'seed-1',
    account: 'mybackup',
    container: 'backup',
  })
  const options = {
    source: { host: 'server', paths: [source], excludes: [], excludeFiles: [], oneFileSystem: false },
    password: 'sesame',
    environment: { PATH: process.env.PATH ?? '', RESTIC_CACHE_DIR: join(root, 'cache') },
  }
  const vault = await VaultFolder.open(folder)
  context.after(() => vault.close())

  await context.test('is told before anything is copied, with both numbers', async () => {
    await assert.rejects(seedVault(vault, options), ({ code, message }) => {
      assert.match(message, /has 11\.4 MiB.*has [56]\.\d MiB free/)
      return code === 'STAGING_FULL'
    })
    assert.equal(existsSync(join(vault.repositoryPath, 'config')), false)
  })

  await context.test('and while it is copied, at once', async () => {
    const start = performance.now()
    await assert.rejects(seedVault(vault, { ...options, checksSpace: false }), { code: 'STAGING_FULL' })
    // restic itself tries again for a quarter of an hour.
    assert.ok(performance.now() - start < 120_000)
    assert.equal(vault.state.state, 'seeding')
  })

  await context.test('with more room the same goes on', async () => {
    execFileSync('mount', ['-o', 'remount,size=40m', disk])
    const { files } = await seedVault(vault, options)
    assert.equal(files, 6)
    await checkVault(vault, { ...options, readData: true })
  })
})
