// A vault on real drives, received into memory: what the manifests' hashes cannot know, the packs' own names tell.

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { freezeVault } from '../../src/vault/freeze-vault.js'
import { contentOf, hashesBelow, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { makeDrives, receive } from '../receive/made-import.js'
import { resticMissing } from '../restic/restic-missing.js'
import { frozenNames, seed, stageVault } from './made-vault.js'

test('a pack that was damaged before it was put onto a drive does not arrive, and is named', {
  skip: resticMissing(),
  timeout: 300_000,
}, async () => {
  const root = temporaryFolder('vault-arrival')
  const made = await stageVault(root)
  writeTree(made.source, { 'more.bin': contentOf(77, 9_500_000) })
  await seed(made)
  const cargo = await freezeVault(made.jobFolder, { session: 'session-1', isPlanned: false })
  await cargo?.release()
  const packs = frozenNames(made).filter((name) => name.startsWith('data/'))
  const sizes = packs.map((name) => readFileSync(join(made.repository, name)).length)
  assert.ok(Math.max(...sizes) > 8_000_000, 'one pack of several blocks')
  const small = packs[sizes.indexOf(Math.min(...sizes))] as string
  const large = packs[sizes.indexOf(Math.max(...sizes))] as string
  for (const name of [small, large]) {
    const path = join(made.repository, name)
    const bytes = readFileSync(path)
    bytes[20] = (bytes[20] as number) ^ 4
    rmSync(path)
    writeFileSync(path, bytes)
  }
  const drives = await makeDrives(root, {}, ['120M'], { dataset: cargo?.rows ?? [] })
  const store = new MemoryStore()
  const { report } = await receive(drives, store)
  const [drive] = report.drives
  assert.equal(drive?.status, 'CompletedWithErrors')
  assert.deepEqual(
    drive?.failures.map(({ blobPath }) => blobPath.replace(`backup/${made.job}/`, '')).sort(),
    [small, large].sort(),
  )
  for (const { message } of drive?.failures ?? [])
    assert.match(message, /SHA-256.*damaged before it was put onto the drive/)
  const arrived: string[] = []
  for await (const { name, properties } of store.list('backup', `${made.job}/`)) {
    arrived.push(name.slice(made.job.length + 1))
    const isNamed = !/config$|json$/.test(name)
    assert.equal(properties.metadata?.some(([key]) => key.toLowerCase() === 'contentname') ?? false, isNamed, name)
  }
  assert.deepEqual(
    arrived.sort(),
    frozenNames(made)
      .filter((name) => name !== small && name !== large)
      .sort(),
  )
  assert.ok(hashesBelow(made.repository).size >= arrived.length)
})
