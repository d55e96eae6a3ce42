// How a vault is opened: with its password, on the side where it is now. Runs that died are cleaned up after: restic's stale locks
// are removed, packs that nobody listed are listed.

import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { TransferError } from '../errors.js'
import { parseStorageTarget } from '../formats/storage-target.js'
import type { VaultState } from '../formats/vault-state.js'
import type { VaultSide } from '../plan/vault-actions.js'
import { indexPacks, unlockStale } from '../restic/repository.js'
import { folderPlace, type ResticPlace, resticPlace } from '../restic/restic-place.js'
import { Restic } from '../restic/run-restic.js'
import type { AzureCredential } from '../storage/azure-credential.js'
import { chooseCredential, defaultSignIn, type StorageCredentials } from '../storage/credentials.js'
import { hasLocks, removeTemporary } from './staged-repository.js'
import { repositoryPath, type VaultFolder } from './vault-folder.js'
import { openVaultPlace } from './vault-place.js'

export interface VaultAccess {
  password: string
  /** What of the caller's environment restic may see. */
  environment?: Readonly<Record<string, string>>
  /** What opens the account of the vault. */
  credentials?: StorageCredentials
  /** Bytes a second that may go up. */
  uploadLimit?: number
  /** rclone's timetable of limits; takes rclone where restic's own backend could serve. */
  uploadTimetable?: string
  signal?: AbortSignal
}

/** @throws TransferError TOOL_MISSING, TOOL_TOO_OLD, VAULT_STATE, CREDENTIAL_… */
export async function openRestic(
  jobFolder: string,
  state: VaultState,
  side: VaultSide,
  access: VaultAccess,
): Promise<Restic> {
  const { password, environment, signal, uploadLimit, uploadTimetable } = access
  if (side === 'vault') await requireOurs(jobFolder, state, access)
  const place = side === 'staging' ? folderPlace(repositoryPath(jobFolder, state)) : await vaultPlace(state, access)
  const isLimited = side === 'vault'
  return await Restic.open({
    place,
    description: describeSide(jobFolder, state, side),
    password,
    ...(environment === undefined ? {} : { environment }),
    ...(signal === undefined ? {} : { signal }),
    ...(isLimited && uploadLimit !== undefined ? { uploadLimitKibps: Math.floor(uploadLimit / 1024) } : {}),
    ...(isLimited && uploadTimetable !== undefined ? { rcloneLimit: uploadTimetable } : {}),
  })
}

// restic asks a storage that is away for a quarter of an hour, and says little of why it is refused.
const probeRetry = { tries: 4 }

/** Whether what lies there is this vault: told by the hash of its config. @throws TransferError VAULT_NOT_FOUND, VAULT_OTHER, STORAGE_… */
async function requireOurs(jobFolder: string, state: VaultState, access: VaultAccess): Promise<void> {
  const { target, container, prefix, configHash } = state
  if (target === undefined) throw nowhere(state)
  const { credentials, signal } = access
  const place = await openVaultPlace({
    address: target.address,
    container,
    prefix,
    retry: probeRetry,
    ...(credentials === undefined ? {} : { credentials }),
    ...(signal === undefined ? {} : { signal }),
  })
  try {
    const config = await place.readSmall('config')
    const where = describeSide(jobFolder, state, 'vault')
    if (config === undefined) {
      throw new TransferError('VAULT_NOT_FOUND', `There is no vault at ${where}: its config is not there.`)
    }
    if (createHash('sha256').update(config).digest('hex') === configHash) return
    throw new TransferError('VAULT_OTHER', `${where} holds another repository than this vault.`, {
      hint: 'Somebody put it there. Nothing was changed.',
    })
  } finally {
    await place.close()
  }
}

export function describeSide(jobFolder: string, state: VaultState, side: VaultSide): string {
  if (side === 'staging') return repositoryPath(jobFolder, state)
  return `${state.target?.address.replace(/\?.*$/, '') ?? 'the account'}/${state.container}/${state.prefix}`
}

async function vaultPlace(state: VaultState, access: VaultAccess): Promise<ResticPlace> {
  if (state.target === undefined) throw nowhere(state)
  const target = parseStorageTarget(state.target.address)
  const options = { prefersRclone: access.uploadTimetable !== undefined }
  return resticPlace(target, state, await credentialOf(state.target.address, access), options)
}

function nowhere({ job }: VaultState): TransferError {
  return new TransferError('VAULT_STATE', `It is not known where the vault of job ${job} lies.`, {
    hint: 'Say it with diskferry vault adopt --to.',
  })
}

async function credentialOf(address: string, access: VaultAccess): Promise<AzureCredential | undefined> {
  const target = parseStorageTarget(address)
  if (target.kind !== 'account') return undefined
  const options = { access: 'write' as const, nowMs: Date.now(), signedIn: defaultSignIn }
  return await chooseCredential(target, access.credentials ?? {}, options)
}

// restic that lost its parent is told to stop, and gives its lock back a moment later.
const pausesMs = [0, 1000, 3000, 6000]

/** Runs `work`; where a lock stands in its way, removes those of processes that are gone and tries again. */
export async function withLocksCleared<T>(restic: Restic, work: () => Promise<T>): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'VAULT_IN_USE') throw error
    }
    await sleep(pauseMs)
    await unlockStale(restic)
  }
  return await work()
}

/** After these nothing was written. */
const harmless = new Set(['KEY_WRONG', 'VAULT_IN_USE', 'VAULT_NOT_FOUND', 'TOOL_MISSING', 'STORAGE_DENIED'])

/**
 * Runs what writes to the repository. A note in the state says that it runs; when the note is there before, the run before died, and
 * what it wrote is put to use first.
 */
export async function whileRunning<T>(
  vault: VaultFolder,
  restic: Restic,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  if (vault.state.running !== undefined) await putToUse(vault, restic)
  await vault.update({ running: { what, since: new Date().toISOString(), host: hostname() } })
  try {
    const result = await withLocksCleared(restic, work)
    await vault.update({}, undefined, ['running'])
    return result
  } catch (error) {
    if (error instanceof TransferError && harmless.has(error.code)) await vault.update({}, undefined, ['running'])
    throw error
  }
}

async function putToUse(vault: VaultFolder, restic: Restic): Promise<void> {
  const { running, state } = vault.state
  const before = `${running?.what} on ${running?.host} since ${running?.since} did not end`
  await unlockStale(restic)
  // It replaces indexes, and those that travel have to stay: then content that was written is written once more.
  const isFrozen = state === 'frozen'
  await vault.note(`${before}; its packs are ${isFrozen ? 'left unlisted while the drives travel' : 'listed now'}`)
  // A restic that lost its parent may need a moment to end.
  if (!isFrozen) await withLocksCleared(restic, () => indexPacks(restic))
  // Half a pack of a run that died takes room, and nobody will ever finish it.
  const { backend, repository } = restic.place
  if (backend === 'folder' && !(await hasLocks(repository))) await removeTemporary(repository)
}
