// A backup of what the vault is for, to the side where it is now: into staging until the vault was adopted, then into the vault.

import { TransferError } from '../errors.js'
import type { VaultBackup } from '../formats/vault-state.js'
import { sideOf, type VaultSide } from '../plan/vault-actions.js'
import { type BackupProgress, type BackupSummary, backUp } from '../restic/back-up.js'
import type { Restic } from '../restic/run-restic.js'
import { forgetSnapshot } from '../restic/snapshots.js'
import { requireReadable } from './source-paths.js'
import { openRestic, type VaultAccess, whileRunning } from './vault-access.js'
import type { VaultFolder } from './vault-folder.js'

export interface BackUpOptions extends VaultAccess {
  onProgress?: (progress: BackupProgress) => void
  onWarning?: (text: string) => void
}

export interface VaultBackupResult extends BackupSummary {
  place: VaultSide
}

/** Packs of a drive: few and large. */
const stagedPackMebibytes = 128

/** @throws TransferError VAULT_STATE, SOURCE_UNREADABLE, KEY_WRONG, STAGING_FULL, STORAGE_…, TOOL_… */
export async function backUpVault(vault: VaultFolder, options: BackUpOptions): Promise<VaultBackupResult> {
  const side = sideOf('backup', vault.state)
  await requireReadable(vault.state.source)
  const restic = await openRestic(vault.jobFolder, vault.state, side, options)
  const result = await runBackup(vault, restic, side, options)
  if (result.files === 0) options.onWarning?.(`Snapshot ${result.snapshot} has no file: ${whyEmpty(result)}.`)
  return result
}

/** @param options.refusesEmpty a backup without a file is an error, and its snapshot is removed. */
export async function runBackup(
  vault: VaultFolder,
  restic: Restic,
  side: VaultSide,
  { onProgress, onWarning, refusesEmpty = false }: BackUpOptions & { refusesEmpty?: boolean },
): Promise<VaultBackupResult> {
  const { source, seedId } = vault.state
  const summary = await whileRunning(vault, restic, 'backup', () =>
    backUp(restic, {
      ...source,
      tags: [`diskferry-${seedId.slice(0, 8)}`],
      ...(side === 'staging' ? { packMebibytes: stagedPackMebibytes } : {}),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(onWarning === undefined ? {} : { onWarning }),
    }),
  )
  if (summary.snapshot === '') throw new TransferError('TOOL_FAILED', 'restic said nothing of a snapshot.')
  if (refusesEmpty && summary.files === 0) {
    await whileRunning(vault, restic, 'forget', () => forgetSnapshot(restic, summary.snapshot))
    const message = `There is nothing to back up in ${source.paths.join(' ')}: ${whyEmpty(summary)}.`
    throw new TransferError('SOURCE_EMPTY', message, {
      hint: 'Correct the paths, --exclude or --exclude-file; the same command then goes on.',
    })
  }
  const { snapshot, bytesAdded, isPartial } = summary
  const lastBackup: VaultBackup = { at: new Date().toISOString(), place: side, snapshot, bytesAdded, isPartial }
  const partial = isPartial ? '; some files could not be read' : ''
  await vault.update(
    { lastBackup },
    `backup ${snapshot} into ${side}: ${summary.files} files, ${bytesAdded} bytes new${partial}`,
  )
  return { ...summary, place: side }
}

function whyEmpty({ isPartial }: BackupSummary): string {
  return isPartial ? 'no file could be read' : 'the excludes leave nothing, or no file is there'
}
