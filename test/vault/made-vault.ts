// A vault of a test's own: a staging location, a small source, and an import that brings what was frozen into a folder or an account.

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after } from 'node:test'
import { openBlobStore } from '../../src/index.js'
import { initStagedJob } from '../../src/jobs/staging-location.js'
import type { BlobStore } from '../../src/storage/blob-store.js'
import { freezeVault } from '../../src/vault/freeze-vault.js'
import { seedVault } from '../../src/vault/seed-vault.js'
import { VaultFolder } from '../../src/vault/vault-folder.js'
import { contentOf, writeTree } from '../prepare/made-tree.js'
import { type Azurite, azuriteKey, startAzurite } from '../storage/azurite.js'

export const password = 'correct horse'
let count = 0

export interface MadeVault {
  root: string
  location: string
  job: string
  jobFolder: string
  source: string
  /** What every call needs. */
  access: { password: string; environment: Record<string, string> }
  /** Opens it, works on it, closes it. */
  with<T>(work: (vault: VaultFolder) => Promise<T>): Promise<T>
  repository: string
}

export const sourceFiles = { 'a/large.bin': contentOf(1, 3_000_000), 'b.txt': 'first', 'c/d/e.txt': 'deep' }

export async function stageVault(root: string, container = 'backup'): Promise<MadeVault> {
  const location = mkdtempSync(join(root, 'staging-'))
  const job = `seed-${++count}`
  const { folder: jobFolder } = await initStagedJob(location, { job, account: 'mybackup', container })
  const source = join(location, 'source')
  writeTree(source, sourceFiles)
  const environment = { PATH: process.env.PATH ?? '', RESTIC_CACHE_DIR: join(root, 'cache') }
  const made: MadeVault = {
    root,
    location,
    job,
    jobFolder,
    source,
    access: { password, environment },
    repository: join(jobFolder, 'files', job),
    with: (work) => withVault(jobFolder, work),
  }
  return made
}

async function withVault<T>(jobFolder: string, work: (vault: VaultFolder) => Promise<T>): Promise<T> {
  const vault = await VaultFolder.open(jobFolder)
  try {
    return await work(vault)
  } finally {
    await vault.close()
  }
}

/** The same vault on another machine: its staging location, copied. */
export function copyVault(made: MadeVault): MadeVault {
  const location = mkdtempSync(join(made.root, 'copy-'))
  cpSync(made.location, location, { recursive: true })
  const jobFolder = join(location, basename(made.jobFolder))
  const repository = join(jobFolder, 'files', made.job)
  return { ...made, location, jobFolder, repository, with: (work) => withVault(jobFolder, work) }
}

export function sourceOf({ source }: MadeVault) {
  return { host: hostname(), paths: [source], excludes: ['*.tmp'], excludeFiles: [], oneFileSystem: false }
}

export async function seed(made: MadeVault) {
  return await made.with((vault) => seedVault(vault, { ...made.access, source: sourceOf(made) }))
}

/** What prepare does before it plans its drives. */
export async function freeze({ jobFolder }: MadeVault, session = 'session-1', isPlanned = false) {
  const cargo = await freezeVault(jobFolder, { session, isPlanned })
  await cargo?.release()
  return cargo
}

export function frozenNames({ jobFolder }: MadeVault): string[] {
  const lines = readFileSync(join(jobFolder, 'vault/frozen.list'), 'utf8').trimEnd().split('\n').slice(1)
  return lines.map((line) => line.slice(line.indexOf(' ') + 1))
}

/** What the drives bring, as the import leaves it: into a folder of blobs. */
export function importIntoFolder(made: MadeVault, blobs: string, container = 'backup'): void {
  for (const name of frozenNames(made)) {
    const path = join(blobs, container, made.job, name)
    mkdirSync(dirname(path), { recursive: true })
    cpSync(join(made.repository, name), path)
  }
}

async function importIntoStore(made: MadeVault, store: BlobStore, container = 'backup'): Promise<void> {
  await store.createContainer(container)
  for (const name of frozenNames(made)) {
    const bytes = readFileSync(join(made.repository, name))
    await store.putBlob({ container, name: `${made.job}/${name}` }, bytes, createHash('md5').update(bytes).digest())
  }
}

/** An account of Azurite's that the drives of a seeded vault were imported into; gone with the tests of the file. */
export async function importIntoAzurite(made: MadeVault): Promise<Azurite> {
  await freeze(made)
  const azurite = await startAzurite()
  after(() => azurite.stop())
  const store = await openBlobStore(azurite.url, { accountKey: azuriteKey })
  await importIntoStore(made, store)
  await store.close()
  return azurite
}
