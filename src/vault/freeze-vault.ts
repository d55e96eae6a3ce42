// What of a staged job goes onto drives when it has a vault: the repository, piece by piece, without restic's locks and without what
// is half written, and whatever else lies in `files`. The list is kept: nothing of it may go until the vault was adopted.

import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { TransferError } from '../errors.js'
import { encodeContentNameMetadata } from '../formats/content-name.js'
import type { DatasetRow } from '../formats/dataset.js'
import { encodeFrozenEntry, encodeFrozenHead } from '../formats/frozen-list.js'
import type { FrozenCargo } from '../formats/vault-state.js'
import { filesFolderName } from '../jobs/staging-data.js'
import { factsOf, replaceFile, syncSharedFolder } from '../jobs/staging-files.js'
import { travelFiles, travelFolders } from '../plan/repository-files.js'
import { sideOf } from '../plan/vault-actions.js'
import { writeIdentity } from './seed-vault.js'
import { configHashOf, hasLocks, listRepository, removeTemporary } from './staged-repository.js'
import { readVaultState, VaultFolder } from './vault-folder.js'

export interface VaultCargo {
  rows: DatasetRow[]
  /** Undefined with `dryRun`. */
  frozen?: FrozenCargo
  /** Once the plan is made: from then on new backups may come, they are not part of it. */
  release(): Promise<void>
}

export interface FreezeOptions {
  /** Session of the journal. */
  session: string
  /** The session has a plan, which stays what it is. */
  isPlanned: boolean
  /** Look only. */
  dryRun?: boolean
}

/**
 * Undefined for a job without a vault.
 * @throws TransferError VAULT_STATE, VAULT_IN_USE, VAULT_DAMAGED
 */
export async function freezeVault(jobFolder: string, options: FreezeOptions): Promise<VaultCargo | undefined> {
  if ((await readVaultState(jobFolder)) === undefined) return undefined
  const vault = await VaultFolder.open(jobFolder)
  try {
    const { session, isPlanned, dryRun = false } = options
    sideOf('freeze', vault.state)
    const isFrozen = vault.state.frozen?.session === session && isPlanned
    if (!isFrozen && !dryRun) await freeze(vault, session)
    const { frozen } = vault.state
    const release = () => vault.close()
    return { rows: await vaultRows(vault), release, ...(frozen === undefined ? {} : { frozen }) }
  } catch (error) {
    await vault.close()
    throw error
  }
}

async function freeze(vault: VaultFolder, session: string): Promise<void> {
  const folder = vault.repositoryPath
  if ((await configHashOf(folder)) !== vault.state.configHash) {
    throw new TransferError('VAULT_DAMAGED', `${folder} does not hold the repository of this vault.`, { path: folder })
  }
  if (await hasLocks(folder)) {
    throw new TransferError('VAULT_IN_USE', `Somebody works on the repository in ${folder}, or left a lock there.`, {
      hint: 'Wait until it is done; diskferry vault backup removes locks of runs that are gone.',
      path: folder,
    })
  }
  await removeTemporary(folder)
  // The drives of another session were given up: their data is not to be taken for this.
  const isAnew = vault.state.frozen !== undefined && vault.state.frozen.session !== session
  if (isAnew) await vault.update({ generation: vault.state.generation + 1 })
  await writeIdentity(vault)
  const frozen = { at: new Date().toISOString(), session, ...(await writeFrozenList(vault)) }
  await vault.update({ state: 'frozen', frozen }, `froze ${frozen.files} files, ${frozen.bytes} bytes, for ${session}`)
}

async function writeFrozenList(vault: VaultFolder): Promise<Omit<FrozenCargo, 'at' | 'session'>> {
  const beside = `${vault.frozenListPath}.new`
  const file = createWriteStream(beside, { mode: 0o600, flush: true })
  const hash = createHash('sha256')
  const write = (text: string) => {
    hash.update(text)
    return file.write(text) ? undefined : new Promise<void>((resume) => file.once('drain', () => resume()))
  }
  let files = 0
  let bytes = 0
  const { seedId, generation } = vault.state
  await write(encodeFrozenHead(seedId, generation))
  for await (const entry of listRepository(vault.repositoryPath)) {
    await write(encodeFrozenEntry(entry))
    files++
    bytes += entry.sizeBytes
  }
  file.end()
  await finished(file)
  await rename(beside, vault.frozenListPath)
  await syncSharedFolder(vault.folder)
  return { files, bytes, listHash: hash.digest('hex') }
}

/** The repository's parts, each with its own row, and beside them what else lies in `files`. */
async function vaultRows(vault: VaultFolder): Promise<DatasetRow[]> {
  const { container, prefix } = vault.state
  const parts = prefix.split('/')
  const rows: DatasetRow[] = []
  for (let depth = 0; depth < parts.length; depth++) {
    const below = parts.slice(0, depth)
    const folder = join(vault.jobFolder, filesFolderName, ...below)
    for (const name of (await readdir(folder)).sort()) {
      if (name === parts[depth]) continue
      await addRow(rows, join(folder, name), `${[container, ...below, name].join('/')}`, {
        blobType: 'auto',
        disposition: 'rename',
      })
    }
  }
  // What another vault may have left there stays what it is: adopt tells.
  const kinds = { blobType: 'block', disposition: 'no-overwrite' } as const
  const metadataFile = join(vault.folder, 'metadata.xml')
  await replaceFile(metadataFile, encodeContentNameMetadata())
  const place = (name: string) => [join(vault.repositoryPath, name), `${container}/${prefix}/${name}`] as const
  for (const name of travelFolders) await addRow(rows, ...place(name), { ...kinds, metadataFile })
  for (const name of travelFiles) await addRow(rows, ...place(name), kinds)
  return rows
}

async function addRow(
  rows: DatasetRow[],
  basePath: string,
  place: string,
  kinds: Pick<DatasetRow, 'blobType' | 'disposition' | 'metadataFile'>,
): Promise<void> {
  const facts = await factsOf(basePath)
  if (facts?.isDirectory()) rows.push({ basePath, isDirectory: true, destination: `${place}/`, ...kinds, line: 0 })
  else if (facts?.isFile()) rows.push({ basePath, isDirectory: false, destination: place, ...kinds, line: 0 })
}
