// What adopt finds between the drives and the vault, and what it makes of it: real restic, a folder that stands for the account, one
// seeded vault that every case gets a copy of.

import assert from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { type AdoptOptions, adoptVault } from '../../src/vault/adopt-vault.js'
import { backUpVault } from '../../src/vault/back-up-vault.js'
import { checkVault } from '../../src/vault/keep-vault.js'
import { contentOf, hashesBelow, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { resticMissing } from '../restic/restic-missing.js'
import {
  copyVault,
  freeze,
  frozenNames,
  importIntoFolder,
  type MadeVault,
  password,
  seed,
  stageVault,
} from './made-vault.js'

const root = temporaryFolder('vault-adopt')
let first: MadeVault

interface Case {
  vault: MadeVault
  blobs: string
  /** Of a file in the account. */
  arrived(name: string): string
  staged(name: string): string
  packs: string[]
  adopt(changes?: Partial<AdoptOptions>): ReturnType<typeof adoptVault>
}

function newCase(): Case {
  const vault = copyVault(first)
  const blobs = mkdtempSync(join(root, 'blobs-'))
  importIntoFolder(vault, blobs)
  const at = join(blobs, 'backup', vault.job)
  const options = { ...vault.access, target: { address: blobs }, hashShare: 1, job: { state: 'Completed' } }
  return {
    vault,
    blobs,
    arrived: (name) => join(at, name),
    staged: (name) => join(vault.repository, name),
    packs: frozenNames(vault).filter((name) => name.startsWith('data/')),
    adopt: (changes = {}) => vault.with((opened) => adoptVault(opened, { ...options, ...changes })),
  }
}

function flip(path: string, at = 100): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] as number) ^ 1
  rmSync(path)
  writeFileSync(path, bytes)
}

async function assertWhole({ vault }: Case): Promise<void> {
  await vault.with((opened) => checkVault(opened, { ...vault.access, readData: true }))
}

describe('adopt', { skip: resticMissing(), timeout: 500_000 }, () => {
  before(async () => {
    first = await stageVault(root)
    await seed(first)
    await freeze(first)
    writeTree(first.source, { 'later.bin': contentOf(20, 300_000) })
    await first.with((vault) => backUpVault(vault, first.access))
  })

  const broken: [what: string, damage: (path: string) => void, notArrived: number, repaired: number][] = [
    ['a pack that did not arrive', (path) => rmSync(path), 1, 0],
    ['a pack with one byte flipped', (path) => flip(path), 0, 1],
    ['a pack that was cut off', (path) => truncateSync(path, 50), 0, 1],
  ]
  for (const [what, damage, notArrived, repaired] of broken) {
    test(`${what} is found, and mended from staging`, async () => {
      const one = newCase()
      const pack = one.packs[0] as string
      damage(one.arrived(pack))
      const result = await one.adopt()
      assert.deepEqual([result.survey.notArrived.files, result.repaired], [notArrived, repaired])
      assert.ok(readFileSync(one.arrived(pack)).equals(readFileSync(one.staged(pack))))
    })
  }

  test('what nobody compared is not found by sizes alone, and the count says so', async () => {
    const one = newCase()
    flip(one.arrived(one.packs[0] as string))
    const { survey } = await one.adopt({ hashShare: 0, dryRun: true })
    assert.equal(survey.damaged.length, 0)
    assert.equal(survey.hashed.files, frozenNames(one.vault).length - one.packs.length - 2)
  })

  const refused: [what: string, prepare: (one: Case) => Partial<AdoptOptions> | undefined, code: string][] = [
    ['the wrong password', () => ({ password: 'other' }), 'KEY_WRONG'],
    ['a job that is still on its way', () => ({ job: { state: 'Transferring' } }), 'VAULT_WAITING'],
    ['a config of another repository', (one) => void flip(one.arrived('config')), 'VAULT_OTHER'],
    [
      'the identity of another seed',
      (one) => {
        const path = one.arrived('diskferry-vault.json')
        const identity = JSON.parse(readFileSync(path, 'utf8'))
        writeFileSync(path, JSON.stringify({ ...identity, seedId: identity.seedId.replace(/^./, 'x') }))
        return undefined
      },
      'VAULT_OTHER',
    ],
    [
      'files of somebody else and no config',
      (one) => {
        for (const name of ['config', 'diskferry-vault.json']) rmSync(one.arrived(name))
        writeTree(one.arrived('data'), { [`ab/${'ab'.repeat(32)}`]: 'theirs' })
        return undefined
      },
      'VAULT_OTHER',
    ],
    [
      'a place where nothing arrived',
      () => ({ target: { address: mkdtempSync(join(root, 'empty-')) } }),
      'VAULT_OTHER',
    ],
    [
      'a pack that is nowhere any more',
      (one) => {
        rmSync(one.arrived(one.packs[0] as string))
        rmSync(one.staged(one.packs[0] as string), { force: true })
        return undefined
      },
      'VAULT_DAMAGED',
    ],
    [
      'a pack that is damaged on both sides',
      (one) => {
        flip(one.arrived(one.packs[0] as string))
        flip(one.staged(one.packs[0] as string), 101)
        return undefined
      },
      'VAULT_DAMAGED',
    ],
    [
      'a list of what travelled that was changed',
      (one) => {
        const path = join(one.vault.jobFolder, 'vault/frozen.list')
        writeFileSync(path, `${readFileSync(path, 'utf8').split('\n').slice(0, -2).join('\n')}\n`)
        return undefined
      },
      'VAULT_INVALID',
    ],
  ]
  for (const [what, prepare, code] of refused) {
    test(`${what} is ${code}, and nothing is sent`, async () => {
      const one = newCase()
      const changes = prepare(one) ?? {}
      const arrived = hashesBelow(one.blobs)
      await assert.rejects(one.adopt(changes), { code })
      const after = hashesBelow(one.blobs)
      for (const name of [...after.keys()].filter((path) => path.endsWith('diskferry-adopt.json'))) after.delete(name)
      assert.deepEqual(after, arrived)
      assert.equal(statSync(one.vault.jobFolder).isDirectory(), true)
    })
  }

  test('a reason makes it go ahead, and is kept', async () => {
    const one = newCase()
    await one.adopt({ job: { forcedBecause: 'the service lost the job' } })
    const state = readFileSync(join(one.vault.jobFolder, 'vault/vault.json'), 'utf8')
    assert.match(state, /"forcedBecause": "the service lost the job"/)
    await assert.rejects(newCase().adopt({ job: { forcedBecause: ' ' } }), TypeError)
  })

  test('two machines with the same staging: one works, the other is told who', async () => {
    const one = newCase()
    const results = await Promise.allSettled([one.adopt(), one.adopt()])
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    assert.deepEqual(failed, ['VAULT_IN_USE'])
  })

  test('two machines with copies of staging: the second is refused, unless it takes over', async () => {
    const one = newCase()
    const copy = copyVault(one.vault)
    await one.adopt()
    const options = { ...copy.access, target: { address: one.blobs }, hashShare: 0, job: { state: 'Completed' } }
    await assert.rejects(
      copy.with((vault) => adoptVault(vault, options)),
      { code: 'VAULT_IN_USE' },
    )
    const result = await copy.with((vault) => adoptVault(vault, { ...options, takesOver: true }))
    assert.equal(result.network.files, 0)
  })

  test('stopped in the middle it goes on, sends nothing twice, and counts what it sent before', async () => {
    const one = newCase()
    rmSync(one.arrived('data'), { recursive: true })
    const stop = new AbortController()
    const seen: number[] = []
    const onSent = ({ files }: { files: number }) => {
      seen.push(files)
      if (files === 2) stop.abort()
    }
    await assert.rejects(one.adopt({ signal: stop.signal, concurrency: 1, onSent }), { code: 'INTERRUPTED' })
    const present = readdirSync(one.arrived('data'), { recursive: true }).filter((name) => String(name).length > 60)
    assert.equal(present.length, 2)
    assert.equal(existsSync(one.arrived('index')) && readdirSync(one.arrived('index')).length, 1)
    const later: number[] = []
    const result = await one.adopt({ onSent: ({ files }) => later.push(files) })
    assert.equal(result.network.files, 2 + later.length)
    assert.equal(one.packs.length - 2 < later.length, true)
    await assertWhole(one)
  })

  test(`the password is ${password.length} characters that stand in no file of the vault`, () => {
    for (const [path] of hashesBelow(join(first.jobFolder, 'vault'))) {
      assert.equal(readFileSync(join(first.jobFolder, 'vault', path), 'utf8').includes(password), false, path)
    }
  })
})
