// What keeps a vault in order: checked, thinned out, its staging given back.

import { rm } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import type { Retention } from '../formats/vault-schedule.js'
import { retentionWords } from '../plan/retention.js'
import { sideOf } from '../plan/vault-actions.js'
import { checkRepository } from '../restic/repository.js'
import { type ForgetResult, forgetSnapshots } from '../restic/snapshots.js'
import { listRepository } from './staged-repository.js'
import { openRestic, type VaultAccess, whileRunning, withLocksCleared } from './vault-access.js'
import type { VaultFolder } from './vault-folder.js'

export interface CheckVaultOptions extends VaultAccess {
  /** All data, or a part such as `5%`. */
  readData: boolean | string
  onLine?: (line: string) => void
}

/** @throws TransferError VAULT_DAMAGED with what is wrong in `problems`. */
export async function checkVault(vault: VaultFolder, options: CheckVaultOptions): Promise<void> {
  const side = sideOf('read', vault.state)
  const restic = await openRestic(vault.jobFolder, vault.state, side, options)
  const { readData, onLine } = options
  await withLocksCleared(restic, () =>
    checkRepository(restic, { readData, ...(onLine === undefined ? {} : { onLine }) }),
  )
  const isWhole = readData === true && side === 'vault'
  const what = readData === false ? 'structure' : readData === true ? 'all data' : `${readData} of the data`
  await vault.update(isWhole ? { checkedAt: new Date().toISOString() } : {}, `checked ${side}: ${what}, sound`)
}

export interface ForgetOptions extends VaultAccess {
  keep: Retention
  /** Also remove what nothing refers to any more. */
  prune: boolean
  dryRun: boolean
}

/** @throws TransferError VAULT_STATE while the vault travels. */
export async function forgetInVault(vault: VaultFolder, options: ForgetOptions): Promise<ForgetResult> {
  const side = sideOf('forget', vault.state)
  const retention = retentionWords(options.keep)
  const { prune, dryRun } = options
  const restic = await openRestic(vault.jobFolder, vault.state, side, options)
  const work = () => forgetSnapshots(restic, { retention, prune, dryRun })
  if (dryRun) return await withLocksCleared(restic, work)
  const result = await whileRunning(vault, restic, 'forget', work)
  const now = new Date().toISOString()
  const isThinned = side === 'vault' && result.removed.length > 0
  await vault.update({ ...(prune ? { prunedAt: now } : {}), ...(isThinned ? { thinnedAt: now } : {}) })
  const removed = result.removed.map(({ id }) => id.slice(0, 8)).join(' ')
  await vault.note(
    `forgot ${result.removed.length} snapshots of ${side}${removed === '' ? '' : `: ${removed}`}, kept ${result.kept}`,
  )
  return result
}

export interface ReleaseOptions {
  /** Even though not all data of the vault was read and compared since it was adopted. */
  isUnchecked: boolean
}

/** Removes the repository from staging. @throws TransferError VAULT_STATE */
export async function releaseStaging(
  vault: VaultFolder,
  { isUnchecked }: ReleaseOptions,
): Promise<{ files: number; bytes: number }> {
  sideOf('release', vault.state)
  const { checkedAt, adoption, job } = vault.state
  const isChecked = checkedAt !== undefined && checkedAt >= (adoption?.finishedAt ?? '')
  if (!isChecked && !isUnchecked && vault.state.state === 'adopted') {
    const message = `Not all data of the vault of job ${job} was read and compared since it was adopted.`
    throw new TransferError('VAULT_STATE', message, {
      hint: 'First: diskferry vault check --read-data. Or insist with --unchecked: what is damaged there is lost then.',
    })
  }
  const freed = { files: 0, bytes: 0 }
  for await (const { sizeBytes } of listRepository(vault.repositoryPath)) {
    freed.files++
    freed.bytes += sizeBytes
  }
  // The state first: with half of it gone it is staging no more.
  const how = isChecked ? `checked ${checkedAt}` : 'unchecked, as was insisted'
  await vault.update({ state: 'released' }, `released staging: ${freed.files} files, ${freed.bytes} bytes; ${how}`)
  await rm(vault.repositoryPath, { recursive: true, force: true })
  return freed
}
