// The whole story with the built program, real restic and rclone, a local job service and Azurite: seeded, put onto a drive,
// ordered, received, adopted, backed up over the network, restored.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runIn, startServiceProgram } from '../built-program.js'
import { callers } from '../jobs/local-service.js'
import { assertSameFiles, contentOf, hashesBelow, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { rcloneMissing } from '../restic/restic-missing.js'
import { azuriteKey, azuriteMissing, startAzurite } from '../storage/azurite.js'

const folder = temporaryFolder('vault-cli')
const way = '--return-name A --return-street S --return-city C --return-postal-code 1 --return-country NL'
const back = `${way} --return-phone 1 --return-email a@b.example --return-carrier DHL --return-account 7`.split(' ')

function diskferry(...words: string[]): string {
  const { status, output } = runIn(folder, words)
  assert.equal(status, 0, `${words.join(' ')}\n${output}`)
  return output
}

const job = ['--staging', 'staging', '--job', 'seed-1']

test('a server’s first backup goes by disk, the next over the network', {
  skip: rcloneMissing() || azuriteMissing(),
  timeout: 500_000,
}, async (context) => {
  const azurite = await startAzurite()
  after(() => azurite.stop())
  const { url, tokenPath, at } = await startServiceProgram(join(folder, 'service'))
  writeFileSync(join(folder, 'key'), azuriteKey, { mode: 0o600 })
  const account = ['--to', azurite.url, '--account-key-file', 'key']
  writeTree(join(folder, 'server'), { 'a.bin': contentOf(1, 9_000_000), 'b/c.txt': 'one', 'left.out': 'no' })

  await context.test('seed makes the job, the password and the first snapshot', () => {
    const where = ['--account', 'mybackup', '--container', 'backup', '--make-password', '--exclude', '*.out']
    const said = diskferry('vault', 'seed', ...job, ...where, 'server')
    assert.match(said, /Snapshot [0-9a-f]{8} in staging: 2 files[^§]*password was made and stored/)
    const path = join(folder, 'staging/mybackup_seed-1/vault/password')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(said.includes(readFileSync(path, 'utf8').trim()), false)
  })

  await context.test('prepare knows what to copy and where it goes', () => {
    const drive = ['--drive', 'disk.img:110M,serial=VAULT1']
    const dry = diskferry('prepare', ...job, ...drive, '--dry-run')
    assert.match(dry, /VAULT1/)
    assert.match(diskferry('vault', 'status', ...job), /seeded/)
    assert.match(diskferry('prepare', ...job, ...drive, '--yes'), /written and read back: VAULT1/)
    assert.match(diskferry('vault', 'status', ...job), /frozen: Waiting for the import job to complete/)
  })

  await context.test('while the drive travels, changes go into staging', () => {
    writeTree(join(folder, 'server'), { 'b/new.bin': contentOf(2, 700_000) })
    assert.match(
      diskferry('vault', 'backup', '--job', 'seed-1'),
      /in staging[^§]*Waiting for the import job to complete/,
    )
  })

  await context.test('the drive is ordered, sent and received; adopt waits for the job', async () => {
    const journal = ['--journal', 'staging/mybackup_seed-1/journal/job.jrn']
    diskferry(
      'job',
      'create',
      '--name',
      'seed-1',
      ...journal,
      '--account',
      'mybackup',
      '--location',
      'West Europe',
      ...at,
    )
    diskferry('job', 'ship', 'seed-1', '--carrier', 'DHL', '--tracking', 'JD014600', ...back, ...at)
    const early = runIn(folder, ['vault', 'adopt', ...job, ...account, ...at])
    assert.equal(early.status, 8, early.output)
    assert.match(early.output, /Shipping, not Completed.*VAULT_WAITING/)
    diskferry('receive', '--drive', 'disk.img', ...account, ...at)
    const { call } = callers(url, readFileSync(tokenPath, 'utf8').trim())
    const place = '/station/v1/jobs/00000000-0000-0000-0000-000000000000/diskferry/seed-1/report'
    const returnPackage = { carrierName: 'DHL', trackingNumber: 'JDBACK', driveCount: 1, shipDate: '2026-12-01' }
    assert.equal((await call('POST', place, { state: 'Completed', returnPackage })).status, 200)
  })

  await context.test('adopt sends the increment alone, and says how much', () => {
    const said = diskferry('vault', 'adopt', ...job, ...account, ...at, '--verify', 'all', '--read-data')
    assert.match(said, /By disk \d+ files, 8\.\d MiB; by network [3-5] files, 68\d\.\d KiB/)
    assert.match(diskferry('vault', 'status', ...job), /adopted[^§]*Lies in +http:\/\/127/)
  })

  await context.test('from then on backups go over the network, and come back whole', () => {
    writeTree(join(folder, 'server'), { 'b/later.txt': 'later' })
    assert.match(diskferry('vault', 'backup', '--job', 'seed-1'), /in vault: 4 files.*1 new/)
    assert.equal(diskferry('vault', 'snapshots', '--job', 'seed-1').trim().split('\n').length, 3)
    diskferry('vault', 'release', '--job', 'seed-1')
    assert.equal(existsSync(join(folder, 'staging/mybackup_seed-1/files/seed-1')), false)
    diskferry('vault', 'restore', '--job', 'seed-1', '--into', 'out')
    const wanted = [...hashesBelow(join(folder, 'server'))].filter(([name]) => name !== 'left.out')
    assertSameFiles(hashesBelow(join(folder, 'out', folder, 'server')), new Map(wanted))
  })
})
