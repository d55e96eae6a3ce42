// A vault in Azurite, through rclone: with the key, with signatures of the account and of the container; upload limits, also those that
// change by time of day.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { openBlobStore } from '../../src/index.js'
import { adoptVault } from '../../src/vault/adopt-vault.js'
import { backUpVault } from '../../src/vault/back-up-vault.js'
import { lookAtVault, vaultSnapshots } from '../../src/vault/look-vault.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { rcloneMissing } from '../restic/restic-missing.js'
import { azuriteKey, azuriteMissing } from '../storage/azurite.js'
import { accountSignature, containerSignature } from '../storage/signatures.js'
import { importIntoAzurite, seed, stageVault } from './made-vault.js'

const mebibyte = 1 << 20

describe('a vault in Azurite', { skip: rcloneMissing() || azuriteMissing(), timeout: 400_000 }, async () => {
  const made = await stageVault(temporaryFolder('vault-azurite'))
  await seed(made)
  const azurite = await importIntoAzurite(made)
  const access = { ...made.access, credentials: { accountKey: azuriteKey } }
  const options = { ...access, target: { address: azurite.url }, hashShare: 1, job: { state: 'Completed' } }
  await made.with((vault) => adoptVault(vault, options))

  const signatures: [what: string, signature: string][] = [
    ['the account', accountSignature('rwdlac')],
    ['the container', containerSignature('backup', 'racwdl')],
  ]
  for (const [index, [what, sharedAccessSignature]] of signatures.entries()) {
    test(`is backed up to and read with a signature of ${what}`, async () => {
      writeTree(made.source, { [`signed-${index}`]: 'new' })
      const signed = { ...made.access, credentials: { sharedAccessSignature } }
      const { filesNew, place } = await made.with((vault) => backUpVault(vault, signed))
      assert.deepEqual([filesNew, place], [1, 'vault'])
      assert.equal((await vaultSnapshots(await lookAtVault(made.jobFolder), signed)).length, index + 2)
    })
  }

  const limits: [what: string, limit: { uploadLimit?: number; uploadTimetable?: string }][] = [
    ['that holds all day', { uploadLimit: mebibyte }],
    ['that holds at this time of day', { uploadTimetable: `00:00,${mebibyte}B 23:59,${mebibyte}B` }],
  ]
  for (const [index, [what, limit]] of limits.entries()) {
    test(`keeps to a limit ${what}`, async () => {
      writeTree(made.source, { [`limited-${index}.bin`]: contentOf(900 + index, 3_400_000) })
      const start = performance.now()
      const { bytesAdded } = await made.with((vault) => backUpVault(vault, { ...access, ...limit }))
      const seconds = (performance.now() - start) / 1000
      // One second's worth may go at once.
      assert.ok(seconds > bytesAdded / mebibyte - 1.3, `${bytesAdded} bytes in ${seconds} s`)
    })
  }

  test('tells the wrong key, and a storage that is away, before restic is asked', async () => {
    const wrong = { ...made.access, credentials: { accountKey: Buffer.alloc(64, 7).toString('base64') } }
    await assert.rejects(
      made.with((vault) => backUpVault(vault, wrong)),
      { code: 'STORAGE_DENIED' },
    )
    // Told to end, it writes down what it has confirmed.
    await azurite.kill('SIGTERM')
    await assert.rejects(
      made.with((vault) => backUpVault(vault, access)),
      { code: 'STORAGE_UNREACHABLE' },
    )
    await azurite.restart()
  })

  test('that somebody replaced is not written to', async () => {
    const intruder = await openBlobStore(azurite.url, { accountKey: azuriteKey })
    const bytes = Buffer.from('another config')
    const place = { container: 'backup', name: `${made.job}/config` }
    await intruder.putBlob(place, bytes, createHash('md5').update(bytes).digest())
    await intruder.close()
    await assert.rejects(
      made.with((vault) => backUpVault(vault, access)),
      { code: 'VAULT_OTHER' },
    )
  })
})
