// What may be done with a vault in which state, and where it happens. The table of docs/vault.md.

import { TransferError } from '../errors.js'
import type { VaultStateName } from '../formats/vault-state.js'

export type VaultAction = 'seed' | 'backup' | 'freeze' | 'forget' | 'adopt' | 'release' | 'read'
export type VaultSide = 'staging' | 'vault'

type Answer = VaultSide | { refused: string; hint: string }

const seedFirst: Answer = {
  refused: 'its first backup is not complete',
  hint: 'Run the same diskferry vault seed again: it goes on.',
}
const isAdopted: Answer = { refused: 'it was adopted already', hint: 'New backups go there: diskferry vault backup.' }
const notAdopted: Answer = { refused: 'it was not adopted', hint: 'First: diskferry vault adopt.' }
const travels: Answer = {
  refused: 'its data is on drives that travel, and what travels must stay in staging',
  hint: 'Do it after diskferry vault adopt.',
}

const table: Record<VaultAction, Record<VaultStateName, Answer>> = {
  seed: {
    seeding: 'staging',
    seeded: 'staging',
    frozen: { refused: 'its data is on drives already', hint: 'Increments: diskferry vault backup.' },
    adopted: isAdopted,
    released: isAdopted,
  },
  backup: { seeding: seedFirst, seeded: 'staging', frozen: 'staging', adopted: 'vault', released: 'vault' },
  freeze: { seeding: seedFirst, seeded: 'staging', frozen: 'staging', adopted: isAdopted, released: isAdopted },
  forget: { seeding: seedFirst, seeded: 'staging', frozen: travels, adopted: 'vault', released: 'vault' },
  adopt: {
    seeding: seedFirst,
    seeded: 'vault',
    frozen: 'vault',
    adopted: 'vault',
    released: { refused: 'its staging was released', hint: 'Check it with diskferry vault check.' },
  },
  release: { seeding: notAdopted, seeded: notAdopted, frozen: notAdopted, adopted: 'staging', released: 'staging' },
  read: { seeding: 'staging', seeded: 'staging', frozen: 'staging', adopted: 'vault', released: 'vault' },
}

/** @throws TransferError VAULT_STATE with what to do first. */
export function sideOf(action: VaultAction, { job, state }: { job: string; state: VaultStateName }): VaultSide {
  const answer = table[action][state]
  if (typeof answer === 'string') return answer
  const words = {
    freeze: 'be put onto drives',
    forget: 'be pruned',
    read: 'be read',
    adopt: 'be adopted',
    release: 'be released',
  }
  const what = (words as Record<string, string>)[action] ?? (action === 'backup' ? 'be backed up to' : `be ${action}ed`)
  throw new TransferError('VAULT_STATE', `The vault of job ${job} cannot ${what}: ${answer.refused}.`, {
    hint: answer.hint,
  })
}
