// vault.json: what a vault is, where it lies and how far it is. Others may write to a staging location, so it is read like the words
// of a stranger. It never has a key or a password, only where those are kept.

import { TransferError } from '../errors.js'
import { containerNameProblem } from './destination.js'
import type { JsonValue } from './json-value.js'
import { encodeStateDocument, type Fail, openStateDocument, type StateForm } from './state-document.js'
import { parseSchedule, type VaultSchedule } from './vault-schedule.js'

/** In the order in which a vault walks through them. */
export const vaultStates = ['seeding', 'seeded', 'frozen', 'adopted', 'released'] as const
export type VaultStateName = (typeof vaultStates)[number]

/** What is backed up. */
export interface VaultSource {
  host: string
  /** Absolute. */
  paths: string[]
  excludes: string[]
  excludeFiles: string[]
  oneFileSystem: boolean
}

export interface VaultCounts {
  files: number
  bytes: number
}

export interface FrozenCargo extends VaultCounts {
  at: string
  /** Session of the journal that takes it onto drives. */
  session: string
  /** SHA-256 of the list, hex. */
  listHash: string
}

export interface VaultAdoption {
  /** Random, also in the container: who adopts there. */
  claim: string
  startedAt: string
  finishedAt?: string
  /** Why it did not wait for the job. */
  forcedBecause?: string
  disk?: VaultCounts
  network?: VaultCounts
  repaired?: number
}

export interface VaultBackup {
  at: string
  place: 'staging' | 'vault'
  snapshot: string
  bytesAdded: number
  isPartial: boolean
}

/** The account or folder that the vault lies in, and the file that opens it. */
export interface VaultTarget {
  address: string
  secretKind?: (typeof secretKinds)[number]
  secretPath?: string
}

export const secretKinds = ['connection-string', 'account-key', 'sas'] as const

export interface VaultState {
  seedId: string
  generation: number
  account: string
  job: string
  container: string
  prefix: string
  state: VaultStateName
  source: VaultSource
  /** SHA-256 of the repository's config, hex; it belongs to no other repository. */
  configHash?: string
  passwordFile?: string
  target?: VaultTarget
  frozen?: FrozenCargo
  adoption?: VaultAdoption
  /** A run that writes; left there when it did not end. */
  running?: { what: string; since: string; host: string }
  lastBackup?: VaultBackup
  /** When all data of the vault was read and compared last. */
  checkedAt?: string
  /** When data that nothing refers to was removed last. */
  prunedAt?: string
  /** When snapshots were removed from the vault last: staging has them still, and may not bring them back. */
  thinnedAt?: string
  schedule?: VaultSchedule
  createdAt: string
  changedAt: string
  revision: number
}

const form: StateForm = {
  format: 'diskferry-vault-state',
  version: 1,
  foreign: 'this is no state of a vault',
  broken: 'it is no whole JSON; it was cut off or edited',
}
const pathsMax = 10_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

export function encodeVaultState(state: VaultState): string {
  return encodeStateDocument(form, state)
}

/** @throws TransferError VAULT_INVALID with the path of the value. */
export function parseVaultState(text: string, fileName = 'vault.json'): VaultState {
  const fail = (problem: string): never => {
    throw new TransferError('VAULT_INVALID', `${fileName}: ${problem}.`, {
      hint: 'Restore it from a copy.',
      path: fileName,
    })
  }
  return readState(openStateDocument(text, form, fail), fail)
}

function readState(root: JsonValue, fail: Fail): VaultState {
  const text = (from: JsonValue, lengthMax?: number) => {
    const value = from.text(lengthMax)
    return unprintable.test(value) ? fail(`${from.path} has a control character`) : value
  }
  const matching = (from: JsonValue, pattern: RegExp, what: string) => {
    const value = text(from)
    return pattern.test(value) ? value : fail(`${from.path} is no ${what}`)
  }
  const time = (from: JsonValue) => matching(from, /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/, 'time')
  const hash = (from: JsonValue) => matching(from, /^[0-9a-f]{64}$/, 'SHA-256')
  const counts = (from: JsonValue): VaultCounts => ({
    files: from.need('files').count(),
    bytes: from.need('bytes').count(),
  })
  const optional = <Name extends string, T>(from: JsonValue, name: Name, read: (value: JsonValue) => T) => {
    const value = from.get(name)
    return (value === undefined ? {} : { [name]: read(value) }) as { [Key in Name]?: T }
  }
  const list = (from: JsonValue, name: string) =>
    from
      .need(name)
      .list(pathsMax)
      .map((entry) => text(entry))
  const container = text(root.need('container'), 63)
  const problem = containerNameProblem(container)
  if (problem !== undefined) fail(`container: ${problem}`)
  const prefix = text(root.need('prefix'), 512)
  const wrong = prefixProblem(prefix)
  if (wrong !== undefined) fail(`prefix: ${wrong}`)
  const source = root.need('source')
  return {
    seedId: matching(root.need('seedId'), /^[0-9a-f-]{36}$/, 'seed id'),
    generation: root.need('generation').count(),
    account: matching(root.need('account'), /^[a-z0-9]{3,24}$/, 'account'),
    job: matching(root.need('job'), /^[a-z][a-z0-9-]{1,22}[a-z0-9]$/, 'job'),
    container,
    prefix,
    state: root.need('state').oneOf(vaultStates),
    source: {
      host: text(source.need('host'), 255),
      paths: list(source, 'paths'),
      excludes: list(source, 'excludes'),
      excludeFiles: list(source, 'excludeFiles'),
      oneFileSystem: source.need('oneFileSystem').boolean(),
    },
    ...optional(root, 'configHash', hash),
    ...optional(root, 'passwordFile', text),
    ...optional(root, 'target', (from) => ({
      address: text(from.need('address')),
      ...optional(from, 'secretKind', (kind) => kind.oneOf(secretKinds)),
      ...optional(from, 'secretPath', text),
    })),
    ...optional(root, 'frozen', (from) => ({
      at: time(from.need('at')),
      session: text(from.need('session'), 64),
      listHash: hash(from.need('listHash')),
      ...counts(from),
    })),
    ...optional(root, 'adoption', (from) => ({
      claim: matching(from.need('claim'), /^[0-9a-f-]{36}$/, 'claim'),
      startedAt: time(from.need('startedAt')),
      ...optional(from, 'finishedAt', time),
      ...optional(from, 'forcedBecause', text),
      ...optional(from, 'disk', counts),
      ...optional(from, 'network', counts),
      ...optional(from, 'repaired', (repaired) => repaired.count()),
    })),
    ...optional(root, 'running', (from) => ({
      what: text(from.need('what'), 64),
      since: time(from.need('since')),
      host: text(from.need('host'), 255),
    })),
    ...optional(root, 'lastBackup', (from) => ({
      at: time(from.need('at')),
      place: from.need('place').oneOf(['staging', 'vault']),
      snapshot: matching(from.need('snapshot'), /^[0-9a-f]{8,64}$/, 'snapshot'),
      bytesAdded: from.need('bytesAdded').count(),
      isPartial: from.need('isPartial').boolean(),
    })),
    ...optional(root, 'checkedAt', time),
    ...optional(root, 'prunedAt', time),
    ...optional(root, 'thinnedAt', time),
    ...optional(root, 'schedule', (from) => parseSchedule(from, fail)),
    createdAt: time(root.need('createdAt')),
    changedAt: time(root.need('changedAt')),
    revision: root.need('revision').count(),
  }
}

/** Why it cannot be the folder of a repository below a container; undefined when it can. */
export function prefixProblem(prefix: string): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(prefix) || prefix.length > 200) {
    return `${JSON.stringify(prefix)} is not 1 to 200 of letters, digits, . _ - in parts between slashes`
  }
  return undefined
}
