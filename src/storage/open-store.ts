// From what a user writes to a store. Everything that can be known beforehand is refused here: a target that is none, a
// signature that has expired or may not write, a folder that cannot be made, nobody signed in.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { TokenCredential } from '@azure/core-auth'
import { TransferError } from '../errors.js'
import type { StorageAccess } from '../formats/shared-access-signature.js'
import { type AccountTarget, parseStorageTarget } from '../formats/storage-target.js'
import type { BlobStore } from './blob-store.js'
import { chooseCredential, defaultSignIn, type StorageCredentials } from './credentials.js'
import { FolderStore } from './folder-store.js'
import { MemoryStore } from './memory-store.js'
import type { RetryOptions } from './retry-policy.js'

export interface OpenStoreOptions {
  /** `write` unless told; decides which rights a signature must have. */
  access?: StorageAccess
  retry?: RetryOptions
  /** Lets addresses without TLS through that are not of this machine: content and signatures can be read on the way. */
  allowHttp?: boolean
  /** Milliseconds since 1970. */
  now?: () => number
  /** Who is signed in; Azure's default chain unless told. */
  signedIn?: () => Promise<TokenCredential>
}

/**
 * @param target `https://ACCOUNT.blob.core.windows.net` or any other endpoint, `folder:PATH`, `./dir`, or `memory:`.
 * @throws TransferError STORAGE_TARGET_INVALID, CREDENTIAL_INVALID, CREDENTIAL_MISSING, STORAGE_DENIED
 */
export async function openBlobStore(
  target: string,
  credentials: StorageCredentials = {},
  options: OpenStoreOptions = {},
): Promise<BlobStore> {
  const parsed = parseStorageTarget(target)
  if (parsed.kind === 'account') return await openAccount(parsed, credentials, options)
  const [given] = Object.entries(credentials).find(([, value]) => value !== undefined) ?? []
  if (given !== undefined) throw new TransferError('CREDENTIAL_INVALID', `${target} takes no ${given}.`)
  if (parsed.kind === 'memory') return new MemoryStore(options.now)
  if (parsed.isBare) await requireFolder(parsed.path)
  return await FolderStore.open(resolve(parsed.path))
}

async function openAccount(
  target: AccountTarget,
  credentials: StorageCredentials,
  options: OpenStoreOptions,
): Promise<BlobStore> {
  if (!target.isSecure && !target.isLoopback && !options.allowHttp) {
    throw new TransferError('STORAGE_TARGET_INVALID', `${target.endpoint} is not encrypted on its way.`, {
      hint: 'Write https:// instead.',
    })
  }
  const { access = 'write', now = Date.now, signedIn = defaultSignIn } = options
  const credential = await chooseCredential(target, credentials, { access, nowMs: now(), signedIn })
  const retry = options.retry === undefined ? {} : { retry: options.retry }
  // The client library takes longer to load than most commands run.
  const { AzureStore } = await import('./azure-store.js')
  return new AzureStore(new URL(target.endpoint), credential, retry)
}

/** A bare word that is no folder is more likely an account or a slip than a wish for a folder. */
async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return
  throw new TransferError('STORAGE_TARGET_INVALID', `${JSON.stringify(path)} is no folder and no address.`, {
    hint: `Write https://${path.includes('.') ? path : `${path}.blob.core.windows.net`} for an account, or ./${path} for a new folder.`,
  })
}
