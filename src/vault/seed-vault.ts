// The first backup: a repository in the staging folder of a job, with an identity that travels with it. The same again goes on where
// it was: a repository that was not quite made is made anew, packs of a run that died are used.

import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TransferError } from '../errors.js'
import {
  encodeIdentity,
  identityBytesMax,
  identityName,
  parseIdentity,
  type VaultIdentity,
} from '../formats/vault-identity.js'
import { prefixProblem, type VaultSource } from '../formats/vault-state.js'
import { readStagedJob } from '../jobs/staged-job-folder.js'
import { factsOf, readPlainFile, replaceFile } from '../jobs/staging-files.js'
import { travelFiles, travelFolders } from '../plan/repository-files.js'
import { sideOf } from '../plan/vault-actions.js'
import { initRepository } from '../restic/repository.js'
import type { Restic } from '../restic/run-restic.js'
import { type BackUpOptions, runBackup, type VaultBackupResult } from './back-up-vault.js'
import { requireReadable, sourceBytes } from './source-paths.js'
import { configHashOf, listRepository, removeTemporary, requireRoom } from './staged-repository.js'
import { openRestic } from './vault-access.js'
import { repositoryPath, type VaultFolder } from './vault-folder.js'

export interface SeedOptions extends BackUpOptions {
  source: VaultSource
  /** Folder below the container; the job's name unless told. */
  prefix?: string
  passwordFile?: string
  /** False: do not ask whether staging holds the data. */
  checksSpace?: boolean
}

/** @throws TransferError VAULT_STATE, VAULT_OTHER, SOURCE_UNREADABLE, SOURCE_EMPTY, STAGING_FULL, KEY_WRONG, TOOL_… */
export async function seedVault(vault: VaultFolder, options: SeedOptions): Promise<VaultBackupResult> {
  await requireReadable(options.source)
  await openState(vault, options)
  const folder = vault.repositoryPath
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (options.checksSpace ?? true) {
    let presentBytes = 0
    for await (const { sizeBytes } of listRepository(folder)) presentBytes += sizeBytes
    await requireRoom(folder, await sourceBytes(options.source), presentBytes)
  }
  const restic = await openRestic(vault.jobFolder, vault.state, 'staging', options)
  await makeRepository(vault, restic, folder)
  // An administrator would ship empty drives.
  const result = await runBackup(vault, restic, 'staging', { ...options, refusesEmpty: true })
  await vault.update({ state: 'seeded' }, `seeded with snapshot ${result.snapshot}`)
  return result
}

async function openState(vault: VaultFolder, { source, prefix, passwordFile }: SeedOptions): Promise<void> {
  const password = passwordFile === undefined ? {} : { passwordFile }
  if (vault.exists) {
    sideOf('seed', vault.state)
    if (prefix !== undefined && prefix !== vault.state.prefix) {
      const message = `The vault of job ${vault.state.job} lies below ${vault.state.prefix}, asked for is ${prefix}.`
      throw new TransferError('VAULT_OTHER', message, { hint: 'Leave --prefix out to go on with it.' })
    }
    await vault.update({ source, ...password })
    return
  }
  const job = await readStagedJob(vault.jobFolder)
  if (job === undefined) {
    throw new TransferError('STAGING_NOT_FOUND', `${vault.jobFolder} has no job yet.`, {
      hint: 'Give --account and --container, or make it with diskferry stage init.',
    })
  }
  const chosen = prefix ?? job.job
  const problem = prefixProblem(chosen)
  if (problem !== undefined) throw new TypeError(`expected a prefix but received one that cannot be used: ${problem}`)
  const { account, job: name, container } = job
  const names = { account, job: name, container, prefix: chosen }
  const identity = await identityLeft(vault, names)
  await vault.create({
    seedId: randomUUID(),
    generation: 1,
    ...names,
    ...identity,
    state: 'seeding',
    source,
    ...password,
  })
}

/** A vault that lost its vault.json stays the one that it was: another seed id would part it from what travels. */
async function identityLeft(
  vault: VaultFolder,
  { job, container, prefix }: Pick<VaultIdentity, 'job' | 'container' | 'prefix'>,
): Promise<Pick<VaultIdentity, 'seedId' | 'generation'> | undefined> {
  if ((await factsOf(vault.frozenListPath)) !== undefined) {
    const message = `${vault.folder} has the list of what is on drives (frozen.list), and no vault.json.`
    throw new TransferError('VAULT_INVALID', message, {
      hint: 'Restore vault.json from a copy. When no drive has anything of it, move frozen.list away.',
      path: vault.folder,
    })
  }
  const folder = repositoryPath(vault.jobFolder, { prefix })
  const path = join(folder, identityName)
  const text = await readPlainFile(path, identityBytesMax)
  if (text === undefined) return undefined
  const left = parseIdentity(text, path)
  const isOfThis = left.job === job && left.container === container && left.prefix === prefix
  if (!isOfThis || left.configHash !== (await configHashOf(folder))) return undefined
  return { seedId: left.seedId, generation: left.generation }
}

async function makeRepository(vault: VaultFolder, restic: Restic, folder: string): Promise<void> {
  await removeTemporary(folder)
  if ((await configHashOf(folder)) === undefined) {
    await refuseHeadless(vault, folder)
    // A key of a run that died before the config would be tried first, and would open nothing.
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
    await initRepository(restic)
  }
  const configHash = (await configHashOf(folder)) as string
  const known = vault.state.configHash
  if (known !== undefined && known !== configHash) {
    throw new TransferError('VAULT_OTHER', `${folder} holds another repository than this vault's.`, { path: folder })
  }
  if (known === undefined) await vault.update({ configHash }, 'made the repository')
  await writeIdentity(vault)
}

const ofRepository = new Set<string>([...travelFolders, ...travelFiles, 'locks'])

/** Packs without a config are of a repository that lost it; anything else is of somebody else. */
async function refuseHeadless(vault: VaultFolder, folder: string): Promise<void> {
  const stranger = (await readdir(folder)).find((name) => !ofRepository.has(name) && !name.startsWith(identityName))
  if (stranger !== undefined) {
    throw new TransferError('VAULT_OTHER', `${folder} is no repository: it has ${JSON.stringify(stranger)} in it.`, {
      hint: 'Give another --prefix.',
      path: folder,
    })
  }
  for await (const { name } of listRepository(folder, 'data/')) {
    const message = `${folder} has packs (${name}) and no config: it was removed.`
    throw new TransferError('VAULT_DAMAGED', message, {
      hint: `Restore ${join(folder, 'config')}, or move ${dirname(folder)} away and seed anew.`,
      path: folder,
    })
  }
  if (vault.state.configHash !== undefined) {
    throw new TransferError('VAULT_DAMAGED', `${folder} is empty, and vault.json says that it holds a repository.`, {
      hint: `Restore it, or move ${vault.folder} away and seed anew.`,
      path: folder,
    })
  }
}

/** The same text once more when nothing has changed, since it may be on its way to a drive. */
export async function writeIdentity(vault: VaultFolder): Promise<void> {
  await replaceFile(join(vault.repositoryPath, identityName), encodeIdentity(vault.identity))
}
