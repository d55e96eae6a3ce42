// Which credential opens a storage account, from what was given, the address, and who is signed in on this machine.

import type { AccessToken, TokenCredential } from '@azure/core-auth'
import { TransferError } from '../errors.js'
import { parseConnectionString } from '../formats/connection-string.js'
import { redact } from '../formats/redact.js'
import { parseSharedAccessSignature, requireAccess, type StorageAccess } from '../formats/shared-access-signature.js'
import type { AccountTarget } from '../formats/storage-target.js'
import type { AzureCredential } from './azure-credential.js'

/** At most one of them; none to use the address itself, the emulator's key, or whoever is signed in. */
export interface StorageCredentials {
  connectionString?: string
  /** Base64. */
  accountKey?: string
  /** Shared access signature of the account or of one container, with or without its question mark. */
  sharedAccessSignature?: string
  tokenCredential?: TokenCredential
}

export interface CredentialOptions {
  access: StorageAccess
  nowMs: number
  /** Who is signed in; asked for at most once. */
  signedIn: () => Promise<TokenCredential>
}

/** Published with the emulator, the same everywhere. */
const emulatorAccount = 'devstoreaccount1'
const emulatorKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
const tokenScope = 'https://storage.azure.com/.default'

/** @throws TransferError CREDENTIAL_INVALID, CREDENTIAL_MISSING, STORAGE_DENIED for a signature that cannot serve. */
export async function chooseCredential(
  target: AccountTarget,
  given: StorageCredentials,
  options: CredentialOptions,
): Promise<AzureCredential> {
  refuseSeveral(target, given)
  const connection = given.connectionString === undefined ? {} : parseConnectionString(given.connectionString)
  const { accountName = target.accountName } = connection
  if (target.accountName !== undefined && accountName !== target.accountName) {
    throw invalid(`The connection string is for account ${accountName}, the address for ${target.accountName}.`)
  }
  const accountKey = connection.accountKey ?? given.accountKey
  if (accountKey !== undefined) return keyCredential(accountName, accountKey)
  const signature = connection.sharedAccessSignature ?? given.sharedAccessSignature ?? target.signature
  if (signature !== undefined) return signatureCredential(target, signature, options)
  if (given.tokenCredential !== undefined) return { kind: 'token', credential: given.tokenCredential }
  if (target.isLoopback && accountName === emulatorAccount) return keyCredential(accountName, emulatorKey)
  return { kind: 'token', credential: await signedInCredential(options.signedIn) }
}

function refuseSeveral(target: AccountTarget, given: StorageCredentials): void {
  const found = Object.entries({ ...given, 'signature in the address': target.signature })
  const names = found.filter(([, value]) => value !== undefined).map(([name]) => name)
  if (names.length > 1) throw invalid(`Several credentials were given: ${names.join(', ')}.`)
}

function keyCredential(accountName: string | undefined, accountKey: string): AzureCredential {
  if (accountName === undefined)
    throw invalid('The name of the account is not part of its address: give a connection string.')
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(accountKey) && accountKey.length % 4 === 0
  if (!isBase64) throw invalid('The account key is not in Base64.')
  return { kind: 'key', accountName, accountKey }
}

function signatureCredential(target: AccountTarget, text: string, options: CredentialOptions): AzureCredential {
  const signature = parseSharedAccessSignature(text)
  requireAccess(signature, options.access, options.nowMs)
  const container = target.container === undefined ? {} : { container: target.container }
  const { query, scope, expiresMs } = signature
  const expiry = expiresMs === undefined ? {} : { expiresMs }
  return { kind: 'signature', query, isContainerOnly: scope === 'container', ...container, ...expiry }
}

/** Asks for a token now: that nobody is signed in shall not be found out after hours. */
async function signedInCredential(signedIn: CredentialOptions['signedIn']): Promise<TokenCredential> {
  const credential = new NamedFailures(await signedIn())
  await credential.getToken(tokenScope)
  return credential
}

/** A credential whose errors are ours. */
class NamedFailures implements TokenCredential {
  constructor(private readonly inner: TokenCredential) {}

  async getToken(...parameters: Parameters<TokenCredential['getToken']>): Promise<AccessToken | null> {
    try {
      return await this.inner.getToken(...parameters)
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      if (name === 'AbortError') throw error
      throw tokenError(name, redact(message))
    }
  }
}

function tokenError(name: string, message: string): TransferError {
  const cause = Object.assign(new Error(message), { name })
  if (name === 'AuthenticationError') {
    const hint = 'Sign in again, for example with `az login`.'
    return new TransferError('STORAGE_DENIED', `Signing in was refused: ${message.split('\n', 1)[0]}`, { hint, cause })
  }
  return new TransferError('CREDENTIAL_MISSING', 'No credential for the storage was given, and nobody is signed in.', {
    hint: 'Give a connection string, an account key or a shared access signature, or sign in with `az login`.',
    cause,
  })
}

/** Environment, workload and managed identity, Azure CLI and the like. Loading it takes most of a second: only when needed. */
export async function defaultSignIn(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity')
  return new DefaultAzureCredential()
}

function invalid(message: string): TransferError {
  return new TransferError('CREDENTIAL_INVALID', message)
}
