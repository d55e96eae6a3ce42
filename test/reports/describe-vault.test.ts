// What people are told of a vault: its times say which clock they are of, beside a schedule that is of the local one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VaultState } from '../../src/formats/vault-state.js'
import { describeVault } from '../../src/reports/describe-vault.js'

test('times of a vault are UTC, and say so', () => {
  const at = '2026-11-22T23:30:00.000Z'
  const state: VaultState = {
    seedId: '1dfb03a5-7c7c-4aba-8e66-c24fb85d370e',
    generation: 1,
    account: 'mybackup',
    job: 'seed-1',
    container: 'backup',
    prefix: 'seed-1',
    state: 'adopted',
    source: { host: 'server', paths: ['/srv'], excludes: [], excludeFiles: [], oneFileSystem: false },
    lastBackup: { at, place: 'vault', snapshot: 'febd1a5c', bytesAdded: 1, isPartial: false },
    checkedAt: at,
    createdAt: at,
    changedAt: at,
    revision: 1,
  }
  const text = describeVault(state)
  assert.match(text, /Last backup +febd1a5c into vault, 2026-11-22 23:30 UTC\n/)
  assert.match(text, /All data read +2026-11-22 23:30 UTC$/)
})
