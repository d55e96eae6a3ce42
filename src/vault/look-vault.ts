// What is done with a vault without changing its state: looking at it, listing it. Several may do so at once.

import type { VaultState } from '../formats/vault-state.js'
import { sideOf } from '../plan/vault-actions.js'
import { listSnapshots, type Snapshot } from '../restic/snapshots.js'
import { openRestic, type VaultAccess, withLocksCleared } from './vault-access.js'
import { readVaultState, vaultMissing } from './vault-folder.js'

export interface VaultLook {
  jobFolder: string
  state: VaultState
}

/** @throws TransferError VAULT_NOT_FOUND, VAULT_INVALID */
export async function lookAtVault(jobFolder: string): Promise<VaultLook> {
  const state = await readVaultState(jobFolder)
  if (state === undefined) throw vaultMissing(jobFolder)
  return { jobFolder, state }
}

export async function vaultSnapshots({ jobFolder, state }: VaultLook, access: VaultAccess): Promise<Snapshot[]> {
  const restic = await openRestic(jobFolder, state, sideOf('read', state), access)
  return await withLocksCleared(restic, () => listSnapshots(restic))
}
