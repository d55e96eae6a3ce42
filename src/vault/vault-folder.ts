// The vault of a staged job, opened by one process at a time: its state is replaced whole, its history only grows. Everything that it
// needs lies in `vault/` of the job's folder, by relative names, so that the folder may be moved.

import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { TransferError } from '../errors.js'
import { redact } from '../formats/redact.js'
import { parseJobFolderName } from '../formats/staged-job.js'
import type { VaultIdentity } from '../formats/vault-identity.js'
import { encodeVaultState, parseVaultState, type VaultState } from '../formats/vault-state.js'
import { filesFolderName } from '../jobs/staging-data.js'
import { appendLine, factsOf, readPlainFile, replaceFile } from '../jobs/staging-files.js'
import { type LockOptions, readLockOwner, type StagingLock, takeStagingLock } from '../jobs/staging-lock.js'
import type { LockOwner } from '../jobs/staging-lock-owner.js'
import { printable } from '../reports/printable.js'

export const vaultFolderName = 'vault'
const stateBytesMax = 1 << 20

export type VaultChange = Partial<
  Omit<VaultState, 'seedId' | 'account' | 'job' | 'createdAt' | 'changedAt' | 'revision'>
>

export class VaultFolder {
  #state: VaultState | undefined

  private constructor(
    readonly jobFolder: string,
    readonly lock: StagingLock,
    state: VaultState | undefined,
  ) {
    this.#state = state
  }

  /** @param jobFolder `<staging>/<account>_<job>`. @throws TransferError VAULT_IN_USE, VAULT_INVALID, STAGING_NOT_FOUND */
  static async open(jobFolder: string, options: LockOptions = {}): Promise<VaultFolder> {
    const folder = join(jobFolder, vaultFolderName)
    if (parseJobFolderName(jobFolder.slice(jobFolder.lastIndexOf('/') + 1)) === undefined) {
      throw new TypeError(`expected the folder <account>_<job> of a job but received ${jobFolder}`)
    }
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    if ((await factsOf(folder))?.isDirectory() !== true) {
      throw new TransferError('VAULT_INVALID', `${folder} is a link or no folder.`, { path: folder })
    }
    const lock = await takeStagingLock(folder, options).catch((error: unknown) => {
      throw error instanceof TransferError && error.code === 'STAGING_IN_USE' ? inUse(error) : error
    })
    try {
      return new VaultFolder(jobFolder, lock, await readVaultState(jobFolder))
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** @throws TransferError VAULT_NOT_FOUND before a first seed. */
  get state(): VaultState {
    if (this.#state === undefined) throw vaultMissing(this.jobFolder)
    return this.#state
  }

  get exists(): boolean {
    return this.#state !== undefined
  }

  get folder(): string {
    return join(this.jobFolder, vaultFolderName)
  }

  get passwordPath(): string {
    return join(this.folder, 'password')
  }

  get frozenListPath(): string {
    return join(this.folder, 'frozen.list')
  }

  get sentListPath(): string {
    return join(this.folder, 'sent.list')
  }

  get repositoryPath(): string {
    return repositoryPath(this.jobFolder, this.state)
  }

  /** What has to be the same on both sides. @throws TransferError VAULT_STATE before there is a repository. */
  get identity(): VaultIdentity {
    const { seedId, generation, job, container, prefix, configHash } = this.state
    if (configHash === undefined)
      throw new TransferError('VAULT_STATE', `The vault of job ${job} has no repository yet.`)
    return { seedId, generation, job, container, prefix, configHash }
  }

  async create(first: Omit<VaultState, 'createdAt' | 'changedAt' | 'revision'>): Promise<void> {
    const now = new Date().toISOString()
    await this.#store({ ...first, createdAt: now, changedAt: now, revision: 1 }, 'made this vault')
  }

  /** @param words for the history; none for what is not worth a line. @param dropped fields that go. */
  async update(change: VaultChange, words?: string, dropped: readonly (keyof VaultState)[] = []): Promise<void> {
    const before = this.state
    const after = { ...before, ...change, changedAt: new Date().toISOString(), revision: before.revision + 1 }
    for (const name of dropped) delete after[name]
    await this.#store(after, words)
  }

  async note(words: string): Promise<void> {
    const line = `${new Date().toISOString()}  ${hostname()}[${process.pid}]  ${printable(redact(words))}`
    await appendLine(join(this.folder, 'history.txt'), line)
  }

  close(): Promise<void> {
    return this.lock.release()
  }

  async #store(state: VaultState, words: string | undefined): Promise<void> {
    const text = encodeVaultState(state)
    // What could not be read again is not written.
    const checked = parseVaultState(text)
    await this.lock.assertHeld()
    await replaceFile(join(this.folder, 'vault.json'), text)
    this.#state = checked
    if (words !== undefined) await this.note(words)
  }
}

/** Without a lock, for looking. @throws TransferError VAULT_INVALID */
export async function readVaultState(jobFolder: string): Promise<VaultState | undefined> {
  const path = join(jobFolder, vaultFolderName, 'vault.json')
  const text = await readPlainFile(path, stateBytesMax)
  if (text === undefined) return undefined
  const state = parseVaultState(text, path)
  if (jobFolder.endsWith(`/${state.account}_${state.job}`)) return state
  throw new TransferError('VAULT_INVALID', `${path} is of job ${state.account}_${state.job}.`, { path })
}

/** Undefined when nobody works on it. */
export async function readVaultOwner(jobFolder: string): Promise<LockOwner | undefined> {
  const owner = await readLockOwner(join(jobFolder, vaultFolderName))
  return owner?.isAlive ? owner : undefined
}

export function repositoryPath(jobFolder: string, { prefix }: Pick<VaultState, 'prefix'>): string {
  return join(jobFolder, filesFolderName, prefix)
}

export function vaultMissing(jobFolder: string): TransferError {
  return new TransferError('VAULT_NOT_FOUND', `The job in ${jobFolder} has no vault.`, {
    hint: 'Make one with diskferry vault seed.',
    path: jobFolder,
  })
}

function inUse(error: TransferError): TransferError {
  const hint = error.hint ?? 'Wait until it is done.'
  return new TransferError('VAULT_IN_USE', error.message, { hint, cause: error })
}
