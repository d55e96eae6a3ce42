// What a vault leaves in files: its state, its identity, the list of what travels. What is written is read; what a stranger could
// put there instead is refused by code.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeFrozenEntry, encodeFrozenHead, type NamedSize, parseFrozenList } from '../../src/formats/frozen-list.js'
import { encodeIdentity, identityDifference, parseIdentity } from '../../src/formats/vault-identity.js'
import { encodeVaultState, parseVaultState, prefixProblem, type VaultState } from '../../src/formats/vault-state.js'
import { hashInName, isTemporary, travels } from '../../src/plan/repository-files.js'
import { mutate, xorshift } from './mutate.js'

const hash = 'ab'.repeat(32)
const at = '2026-11-22T02:03:04.000Z'
const state: VaultState = {
  seedId: '0a1b2c3d-1111-2222-3333-444455556666',
  generation: 2,
  account: 'mybackup',
  job: 'seed-2026-11',
  container: 'backup',
  prefix: 'vaults/seed-2026-11',
  state: 'adopted',
  source: {
    host: 'server',
    paths: ['/srv', '/home/größe'],
    excludes: ['*.tmp'],
    excludeFiles: ['/etc/ex'],
    oneFileSystem: true,
  },
  configHash: hash,
  passwordFile: '/root/password',
  target: { address: 'https://mybackup.blob.core.windows.net', secretKind: 'account-key', secretPath: '/root/key' },
  frozen: { at, session: 'seed-2026-11', files: 7, bytes: 12, listHash: hash },
  adoption: {
    claim: '0a1b2c3d-1111-2222-3333-444455556667',
    startedAt: at,
    finishedAt: at,
    forcedBecause: 'no service',
    disk: { files: 6, bytes: 10 },
    network: { files: 1, bytes: 2 },
    repaired: 1,
  },
  running: { what: 'backup', since: at, host: 'server' },
  lastBackup: { at, place: 'vault', snapshot: 'deadbeef', bytesAdded: 3, isPartial: true },
  checkedAt: at,
  prunedAt: at,
  thinnedAt: at,
  schedule: {
    atMinutes: [120, 600],
    keep: { daily: 7, yearly: 10 },
    limits: [{ bytesPerSecond: 1 << 20, fromMinute: 480, untilMinute: 1080 }, { bytesPerSecond: 5e8 }],
    since: at,
    lastSlot: at,
  },
  createdAt: at,
  changedAt: at,
  revision: 9,
}

/** Whatever the bytes are: a value, or an error of ours. */
function fuzz(original: string, parse: (text: string) => void): void {
  const random = xorshift(77)
  for (let round = 0; round < 3000; round++) {
    const text = mutate(Buffer.from(original), random).toString('utf8')
    try {
      parse(text)
    } catch (error) {
      if (!(error instanceof TransferError)) assert.fail(`${(error as Error).stack}\n${text}`)
    }
  }
}

describe('vault.json', () => {
  test('is read as it was written, with all of its parts and with the fewest', () => {
    assert.deepEqual(parseVaultState(encodeVaultState(state)), state)
    const { seedId, generation, account, job, container, prefix, source, createdAt, changedAt, revision } = state
    const fewest = { seedId, generation, account, job, container, prefix, source, createdAt, changedAt, revision }
    const first = { ...fewest, state: 'seeding' as const }
    assert.deepEqual(parseVaultState(encodeVaultState(first)), first)
  })

  const wrong: [what: string, change: (text: string) => string][] = [
    ['cut off', (text) => text.slice(0, 200)],
    ['of a later version', (text) => text.replace('"version": 1', '"version": 2')],
    ['of another kind', (text) => text.replace('diskferry-vault-state', 'other')],
    ['with an unknown state', (text) => text.replace('"adopted"', '"lost"')],
    ['with a prefix that leaves the container', (text) => text.replace('vaults/seed-2026-11', '../other')],
    ['with a control character in a path', (text) => text.replace('/srv', '/s\\u001brv')],
    ['with a negative count', (text) => text.replace('"files": 7', '"files": -7')],
    ['with a time that is none', (text) => text.replace(`"createdAt": "${at}"`, '"createdAt": "yesterday"')],
    ['with a minute that is none', (text) => text.replace('600', '6000')],
    ['too long', (text) => `${text}${' '.repeat(1 << 20)}`],
  ]
  for (const [what, change] of wrong) {
    test(`${what} is refused`, () => {
      const text = encodeVaultState(state)
      assert.notEqual(change(text), text)
      assert.throws(() => parseVaultState(change(text)), { code: 'VAULT_INVALID' })
    })
  }

  test('damaged by chance is read or refused, never more', () =>
    fuzz(encodeVaultState(state), (text) => parseVaultState(text)))
})

describe('the identity', () => {
  const { seedId, generation, job, container, prefix } = state
  const identity = { seedId, generation, job, container, prefix, configHash: hash }

  test('is read as it was written, and differs from any other', () => {
    assert.deepEqual(parseIdentity(encodeIdentity(identity), 'x'), identity)
    assert.equal(identityDifference(identity, { ...identity, generation: 1 }), undefined)
    for (const change of [{ seedId: 'x' }, { configHash: 'x' }, { container: 'x' }, { prefix: 'x' }]) {
      assert.equal(typeof identityDifference(identity, { ...identity, ...change }), 'string', JSON.stringify(change))
    }
  })

  test('damaged by chance is read or refused, never more', () =>
    fuzz(encodeIdentity(identity), (text) => parseIdentity(text, 'x')))
})

describe('the list of what travels', () => {
  const entries: NamedSize[] = [
    { name: 'config', sizeBytes: 155 },
    { name: `data/ab/${hash}`, sizeBytes: 134_217_728 },
    { name: `index/${hash}`, sizeBytes: 0 },
  ]
  const text = [encodeFrozenHead(state.seedId, 2), ...entries.map(encodeFrozenEntry)].join('')

  async function read(from: string): Promise<NamedSize[]> {
    async function* lines() {
      yield* from.replace(/\n$/, '').split('\n')
    }
    const found: NamedSize[] = []
    for await (const entry of parseFrozenList(lines())) found.push(entry)
    return found
  }

  test('is read as it was written', async () => assert.deepEqual(await read(text), entries))

  const wrong: [what: string, text: string][] = [
    ['without a head', text.split('\n').slice(1).join('\n')],
    ['out of order', [...text.trimEnd().split('\n'), '1 aaa'].join('\n')],
    ['with a name twice', [...text.trimEnd().split('\n'), `0 index/${hash}`].join('\n')],
    ['with a strange line', `${text}index\n`],
  ]
  for (const [what, list] of wrong) {
    test(`${what} is refused with its line`, async () => {
      await assert.rejects(read(list), ({ code, line }) => code === 'VAULT_INVALID' && line > 0)
    })
  }

  test('damaged by chance is read or refused, never more', async () => {
    const random = xorshift(78)
    for (let round = 0; round < 1000; round++) {
      await read(mutate(Buffer.from(text), random).toString('utf8')).catch((error: unknown) => {
        if (!(error instanceof TransferError)) throw error
      })
    }
  })
})

test('names of a repository say whether they travel, and what their content must be', () => {
  const rows: [name: string, travels: boolean, hash: string | undefined][] = [
    ['config', true, undefined],
    ['diskferry-vault.json', true, undefined],
    [`data/ab/${hash}`, true, hash],
    [`data/ac/${hash}`, false, undefined],
    [`index/${hash}`, true, hash],
    [`keys/${hash}`, true, hash],
    [`snapshots/${hash}`, true, hash],
    [`locks/${hash}`, false, undefined],
    [`data/ab/${hash}-tmp-123`, false, undefined],
    [`index/${hash.toUpperCase()}`, false, undefined],
    ['index/../config', false, undefined],
  ]
  for (const [name, isCargo, wanted] of rows) {
    assert.equal(travels(name), isCargo, name)
    assert.equal(hashInName(name), wanted, name)
  }
  assert.equal(isTemporary(`data/ab/${hash}-tmp-123`), true)
  for (const prefix of ['seed-1', 'a/b.c/D_1']) assert.equal(prefixProblem(prefix), undefined)
  for (const prefix of ['', '/a', 'a/', 'a//b', '.', '../a', 'a b', 'ä', '-a', 'x'.repeat(201)]) {
    assert.equal(typeof prefixProblem(prefix), 'string', prefix)
  }
})
