// The life of a vault in a folder, with real restic: seeded, frozen, backed up while it travels, adopted, backed up there, thinned
// out, restored, released.

import assert from 'node:assert/strict'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TransferError } from '../../src/errors.js'
import { overwritten } from '../../src/plan/restore-preview.js'
import { adoptVault } from '../../src/vault/adopt-vault.js'
import { backUpVault } from '../../src/vault/back-up-vault.js'
import { checkVault, forgetInVault, releaseStaging } from '../../src/vault/keep-vault.js'
import { lookAtVault, vaultSnapshots } from '../../src/vault/look-vault.js'
import { previewRestore, restoreVault } from '../../src/vault/restore-vault.js'
import { seedVault } from '../../src/vault/seed-vault.js'
import { assertSameFiles, contentOf, hashesBelow, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { resticMissing } from '../restic/restic-missing.js'
import { freeze, frozenNames, importIntoFolder, seed, sourceOf, stageVault } from './made-vault.js'

test('a vault goes its way', { skip: resticMissing(), timeout: 400_000 }, async (context) => {
  const root = temporaryFolder('vault-trip')
  const made = await stageVault(root)
  const blobs = join(root, 'blobs')
  const { access, jobFolder } = made
  const target = { address: blobs }
  const state = async () => (await lookAtVault(jobFolder)).state

  await context.test('files of somebody else are in nobody’s way, and stay', async () => {
    writeTree(made.repository, { 'mine.txt': 'not a repository' })
    await assert.rejects(seed(made), { code: 'VAULT_OTHER' })
    assert.equal(readFileSync(join(made.repository, 'mine.txt'), 'utf8'), 'not a repository')
    rmSync(join(made.repository, 'mine.txt'))
  })

  await context.test('a seed of which the excludes leave nothing is an error, and leaves no snapshot', async () => {
    const source = { ...sourceOf(made), excludes: ['*.bin', '*.txt'] }
    const seeding = made.with((vault) => seedVault(vault, { ...access, source }))
    await assert.rejects(seeding, { code: 'SOURCE_EMPTY', message: /the excludes leave nothing/, hint: /--exclude/ })
    assert.deepEqual(readdirSync(join(made.repository, 'snapshots')), [])
    const { state: reached, lastBackup } = await state()
    assert.deepEqual([reached, lastBackup], ['seeding', undefined])
    await assert.rejects(freeze(made), { code: 'VAULT_STATE' })
  })

  await context.test('it is seeded, and seeded again with what changed', async () => {
    const first = await seed(made)
    assert.deepEqual([first.files, first.place, first.isPartial], [3, 'staging', false])
    writeFileSync(join(made.source, 'b.txt'), 'second')
    const second = await seed(made)
    assert.deepEqual([second.filesChanged, second.filesUnmodified], [1, 2])
    assert.equal((await state()).state, 'seeded')
  })

  await context.test('a vault that lost its state is the same one when it is seeded again', async () => {
    const { seedId } = await state()
    rmSync(join(jobFolder, 'vault/vault.json'))
    await seed(made)
    assert.equal((await state()).seedId, seedId)
  })

  await context.test('what travels is frozen, with its identity and without locks', async () => {
    const cargo = await freeze(made)
    const names = frozenNames(made)
    assert.ok(names.includes('config') && names.includes('diskferry-vault.json'))
    assert.equal(
      names.some((name) => name.startsWith('locks')),
      false,
    )
    assert.equal(cargo?.frozen?.files, names.length)
    const destinations = cargo?.rows.map(({ destination }) => destination)
    assert.ok(destinations?.includes(`backup/${made.job}/data/`) && destinations.includes(`backup/${made.job}/config`))
    await assert.rejects(seed(made), { code: 'VAULT_STATE' })
    const statePath = join(jobFolder, 'vault/vault.json')
    renameSync(statePath, `${statePath}.away`)
    await assert.rejects(seed(made), { code: 'VAULT_INVALID' })
    renameSync(`${statePath}.away`, statePath)
    const keep = { last: 1 }
    await assert.rejects(
      made.with((vault) => forgetInVault(vault, { ...access, keep, prune: true, dryRun: false })),
      { code: 'VAULT_STATE' },
    )
  })

  await context.test('while it travels, changes go into staging', async () => {
    writeTree(made.source, { 'new.bin': contentOf(9, 500_000) })
    const half = `data/00/${'0'.repeat(64)}-tmp-123`
    writeTree(made.repository, { [half]: 'of a pack' })
    const result = await made.with((vault) => backUpVault(vault, access))
    assert.ok(existsSync(join(made.repository, half)), 'somebody may be writing it')
    assert.equal(result.place, 'staging')
    assert.equal(result.filesNew, 1)
    // A run that died: nothing that travels may be replaced by cleaning up after it; half a pack of it goes.
    await made.with((vault) =>
      vault.update({ running: { what: 'backup', since: new Date().toISOString(), host: 'x' } }),
    )
    await made.with((vault) => backUpVault(vault, access))
    for (const name of frozenNames(made)) assert.ok(existsSync(join(made.repository, name)), name)
    assert.ok(!existsSync(join(made.repository, half)))
  })

  await context.test('it waits for the job', async () => {
    const options = { ...access, target, hashShare: 1, job: { state: 'Transferring' } }
    await assert.rejects(
      made.with((vault) => adoptVault(vault, options)),
      { code: 'VAULT_WAITING' },
    )
  })

  await context.test('adopted: only the increment goes by network', async () => {
    importIntoFolder(made, blobs)
    const arrived = frozenNames(made).length
    const options = { ...access, target, hashShare: 1, job: { state: 'Completed' }, readsData: true }
    const look = await made.with((vault) => adoptVault(vault, { ...options, dryRun: true }))
    assert.equal(look.isAdopted, false)
    assert.equal((await state()).state, 'frozen')
    const result = await made.with((vault) => adoptVault(vault, options))
    assert.equal(result.disk.files, arrived)
    assert.equal(result.network.files, look.survey.missing.files)
    assert.ok(result.network.bytes > 500_000 && result.network.bytes < 520_000, `${result.network.bytes}`)
    assert.deepEqual([result.repaired, result.survey.hashed.files], [0, arrived - 2])
    const { adoption, checkedAt } = await state()
    assert.deepEqual([adoption?.network?.files, typeof checkedAt], [result.network.files, 'string'])
    const again = await made.with((vault) => adoptVault(vault, options))
    assert.deepEqual([again.survey.missing.files, again.network.files], [0, result.network.files])
    const elsewhere = { ...options, target: { address: join(root, 'elsewhere') } }
    await assert.rejects(
      made.with((vault) => adoptVault(vault, elsewhere)),
      { code: 'VAULT_OTHER' },
    )
  })

  await context.test('from then on, changes go into the vault', async () => {
    const before = hashesBelow(made.repository)
    writeTree(made.source, { 'later.bin': contentOf(10, 200_000) })
    const result = await made.with((vault) => backUpVault(vault, access))
    assert.equal(result.place, 'vault')
    assert.deepEqual([result.filesNew, result.filesUnmodified], [1, 4])
    assertSameFiles(hashesBelow(made.repository), before)
    const look = await lookAtVault(jobFolder)
    assert.equal((await vaultSnapshots(look, access)).length, 6)
  })

  await context.test('it is thinned out and checked', async () => {
    const keep = { last: 2 }
    const result = await made.with((vault) => forgetInVault(vault, { ...access, keep, prune: true, dryRun: false }))
    assert.deepEqual([result.kept, result.removed.length], [2, 4])
    await made.with((vault) => checkVault(vault, { ...access, readData: true }))
    const options = { ...access, target, hashShare: 0, job: { state: 'Completed' } }
    await assert.rejects(
      made.with((vault) => adoptVault(vault, options)),
      { code: 'VAULT_STATE' },
    )
  })

  await context.test('a restore is shown before it is made, and verified', async () => {
    const look = await lookAtVault(jobFolder)
    const restore = { ...access, snapshot: 'latest', paths: [], verify: true }
    writeFileSync(join(made.source, 'b.txt'), 'spoiled')
    const inPlace = await previewRestore(look, restore)
    assert.deepEqual([inPlace.files, inPlace.effects.unchanged, inPlace.effects['overwrites-newer']], [5, 4, 1])
    assert.deepEqual(inPlace.examples, [{ path: join(made.source, 'b.txt'), effect: 'overwrites-newer' }])
    const out = join(root, 'out')
    assert.equal((await previewRestore(look, { ...restore, target: out })).effects.new, 5)
    assert.equal(existsSync(out), false)
    await restoreVault(look, { ...restore, target: out, paths: [join(made.source, 'c'), join(made.source, 'b.txt')] })
    assert.deepEqual([...hashesBelow(join(out, made.source)).keys()].sort(), ['b.txt', 'c/d/e.txt'])
    await restoreVault(look, restore)
    assert.equal(readFileSync(join(made.source, 'b.txt'), 'utf8'), 'second')
    await assert.rejects(previewRestore(look, { ...restore, snapshot: '0123abcd' }), { code: 'SNAPSHOT_NOT_FOUND' })
  })

  await context.test('a restore writes through no link, replaces links, and is verified for all that', async () => {
    const { source } = made
    symlinkSync('b.txt', join(source, 'link'))
    await made.with((vault) => backUpVault(vault, access))
    const look = await lookAtVault(jobFolder)
    const restore = { ...access, snapshot: 'latest', paths: [], verify: true }
    const untouched = await previewRestore(look, restore)
    assert.deepEqual([untouched.files, overwritten(untouched)], [5, 0])
    const outside = join(root, 'outside')
    writeFileSync(outside, 'precious')
    for (const name of ['b.txt', 'link', 'later.bin']) rmSync(join(source, name))
    symlinkSync(outside, join(source, 'b.txt'))
    symlinkSync(outside, join(source, 'link'))
    linkSync(outside, join(source, 'later.bin'))
    const preview = await previewRestore(look, restore)
    assert.deepEqual(preview.examples.map(({ path }) => path).sort(), [
      join(source, 'b.txt'),
      join(source, 'later.bin'),
      join(source, 'link'),
    ])
    await restoreVault(look, restore)
    assert.equal(readFileSync(outside, 'utf8'), 'precious')
    assert.equal(lstatSync(join(source, 'b.txt')).isFile() && readFileSync(join(source, 'b.txt'), 'utf8'), 'second')
    assert.equal(readlinkSync(join(source, 'link')), 'b.txt')
    assert.equal(readFileSync(join(source, 'later.bin')).length, 200_000)
    assert.equal(overwritten(await previewRestore(look, restore)), 0)
  })

  await context.test('a restore that meets a folder in its way says so, and puts links back', async () => {
    const { source } = made
    const look = await lookAtVault(jobFolder)
    rmSync(join(source, 'b.txt'))
    writeTree(join(source, 'b.txt'), { 'mine.txt': 'mine' })
    const restore = { ...access, snapshot: 'latest', paths: [], verify: true }
    await assert.rejects(restoreVault(look, restore), (error: TransferError) => {
      assert.equal(error.code, 'TOOL_FAILED')
      assert.match(error.message, /b\.txt/)
      return error.problems.length > 0
    })
    assert.equal(readFileSync(join(source, 'b.txt/mine.txt'), 'utf8'), 'mine')
    assert.equal(readlinkSync(join(source, 'link')), 'b.txt')
    rmSync(join(source, 'b.txt'), { recursive: true })
  })

  await context.test('staging is given back, and the vault goes on without it', async () => {
    const freed = await made.with((vault) => releaseStaging(vault, { isUnchecked: false }))
    assert.ok(freed.files > 5)
    assert.equal(existsSync(made.repository), false)
    assert.equal((await made.with((vault) => backUpVault(vault, access))).place, 'vault')
    assert.ok(readdirSync(join(blobs, 'backup', made.job)).includes('config'))
  })

  await context.test('a later backup of nothing is made, and said to be that', async () => {
    rmSync(made.source, { recursive: true })
    mkdirSync(made.source)
    const warnings: string[] = []
    const onWarning = (text: string) => warnings.push(text)
    const { files, snapshot } = await made.with((vault) => backUpVault(vault, { ...access, onWarning }))
    assert.equal(files, 0)
    assert.deepEqual(warnings, [`Snapshot ${snapshot} has no file: the excludes leave nothing, or no file is there.`])
  })
})
