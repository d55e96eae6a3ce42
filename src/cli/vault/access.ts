// What opens a vault: its password and the key of its account, each from the option, the environment, where it was said to be, or
// asked for; and what of this environment restic may see.

import { existsSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  makePassword,
  readSecretFile,
  type StorageCredentials,
  storePassword,
  TransferError,
  type VaultAccess,
  type VaultState,
  type VaultTarget,
} from '../../index.js'
import type { Terminal } from '../terminal.js'
import type { VaultOptions, VaultStorageOptions } from './options.js'

const passedOn =
  /^(?:PATH|HOME|TMPDIR|LANG|LC_\w+|TZ|XDG_CACHE_HOME|RESTIC_CACHE_DIR|SSL_CERT_(?:FILE|DIR)|(?:https?|no|all)_proxy)$/i

export function resticEnvironment(): Record<string, string> {
  const found = Object.entries(process.env).filter(([name]) => passedOn.test(name))
  return Object.fromEntries(found) as Record<string, string>
}

export interface PasswordQuestion {
  jobFolder: string
  /** Remembered with the vault. */
  passwordFile?: string | undefined
  /** There is no vault yet: a password may be made. */
  isNew?: boolean
  makesPassword?: boolean
}

/** @throws TransferError KEY_MISSING where nobody can be asked. */
export async function readVaultPassword(
  options: VaultOptions,
  question: PasswordQuestion,
  terminal: Terminal,
): Promise<string> {
  const { jobFolder, isNew = false, makesPassword = false } = question
  const ours = join(jobFolder, 'vault', 'password')
  if (options.passwordFile !== undefined) return await readSecretFile(options.passwordFile, terminal.warn)
  if (process.env.DISKFERRY_VAULT_PASSWORD) return process.env.DISKFERRY_VAULT_PASSWORD
  if (await isThere(ours)) return await readSecretFile(ours, terminal.warn)
  if (question.passwordFile !== undefined) return await readSecretFile(question.passwordFile, terminal.warn)
  if (isNew && makesPassword) return await makeAndStore(ours, terminal)
  if (terminal.isInteractive) return await askPassword(isNew, ours, terminal)
  throw new TransferError('KEY_MISSING', 'No password of the vault was given.', {
    hint: `Give --password-file or DISKFERRY_VAULT_PASSWORD${isNew ? ', or let --make-password make one' : ''}.`,
  })
}

async function askPassword(isNew: boolean, path: string, terminal: Terminal): Promise<string> {
  if (!isNew) return await terminal.askSecret('Password of the vault')
  const password = await terminal.askSecret('Password for the new vault (empty: one is made and stored)')
  if (password === '') return await makeAndStore(path, terminal)
  if ((await terminal.askSecret('Once more')) === password) return password
  throw new TransferError('KEY_MISTYPED', 'The two passwords differ; nothing was made.')
}

async function makeAndStore(path: string, terminal: Terminal): Promise<string> {
  const password = makePassword()
  await storePassword(path, password)
  terminal.warn(
    `A password was made and stored in ${path}. Keep a copy somewhere else: without it nobody reads this vault.`,
  )
  return password
}

/** Where the vault is, as options say it, with where its key lies; undefined when they say nothing. */
export function targetOf(options: VaultStorageOptions, known: VaultTarget | undefined): VaultTarget | undefined {
  const address = options.to ?? known?.address
  if (address === undefined) return undefined
  const kinds = [
    ['connection-string', options.connectionStringFile],
    ['account-key', options.accountKeyFile],
    ['sas', options.sasFile],
  ] as const
  const [kind, path] = kinds.find(([, given]) => given !== undefined) ?? []
  // A signature in the address is a secret, and is not remembered.
  const place = { address: /^https?:/i.test(address) ? address.replace(/\?.*$/, '') : absolute(address) }
  if (kind !== undefined && path !== undefined) return { ...place, secretKind: kind, secretPath: resolve(path) }
  return options.to === undefined || place.address === known?.address ? { ...known, ...place } : place
}

/** A bare word that is no folder is more likely an account, as for `receive`. @throws TransferError STORAGE_TARGET_INVALID */
function absolute(address: string): string {
  const path = resolve(address.replace(/^folder:/, ''))
  if (/^(?:folder:|\.{0,2}\/|\.{1,2}$)/.test(address) || existsSync(path)) return path
  throw new TransferError('STORAGE_TARGET_INVALID', `${JSON.stringify(address)} is no folder and no address.`, {
    hint: `Write https://${address}.blob.core.windows.net for an account, or ./${address} for a new folder.`,
  })
}

/** @throws TransferError KEY_MISSING for a file that is not there. */
export async function readVaultCredentials(
  options: VaultStorageOptions,
  target: VaultTarget | undefined,
  terminal: Terminal,
): Promise<StorageCredentials> {
  if (target === undefined || !/^https?:/i.test(target.address)) return {}
  if (options.askKey) return { accountKey: await terminal.askSecret(`Key of ${target.address}`) }
  const { secretKind, secretPath } = target
  if (secretKind !== undefined && secretPath !== undefined) {
    const secret = await readSecretFile(secretPath, terminal.warn)
    if (secretKind === 'connection-string') return { connectionString: secret }
    return secretKind === 'account-key' ? { accountKey: secret } : { sharedAccessSignature: secret }
  }
  const signature = options.to?.includes('?') ? options.to.slice(options.to.indexOf('?') + 1) : undefined
  if (signature !== undefined) return { sharedAccessSignature: signature }
  const { AZURE_STORAGE_CONNECTION_STRING: connectionString, AZURE_STORAGE_KEY: accountKey } = process.env
  const { AZURE_STORAGE_SAS_TOKEN: sharedAccessSignature } = process.env
  if (connectionString) return { connectionString }
  if (accountKey) return { accountKey }
  return sharedAccessSignature ? { sharedAccessSignature } : {}
}

/** Everything that a call of the library wants to open this vault. */
export async function readAccess(
  options: VaultOptions & Partial<VaultStorageOptions>,
  { jobFolder, state }: { jobFolder: string; state: VaultState },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<VaultAccess> {
  const storage = { askKey: false, ...options }
  return {
    password: await readVaultPassword(options, { jobFolder, passwordFile: state.passwordFile }, terminal),
    credentials: await readVaultCredentials(storage, targetOf(storage, state.target), terminal),
    environment: resticEnvironment(),
    signal,
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
