// Where a repository lies, in restic's words. restic's own Azure backend where it can serve (an account of the public cloud, opened
// with its key or a signature), rclone's for an emulator and for other clouds, a folder as it is. Secrets go into the environment
// that only restic gets; names and addresses into the repository's name.

import { join } from 'node:path'
import { TransferError } from '../errors.js'
import type { StorageTarget } from '../formats/storage-target.js'
import type { AzureCredential } from '../storage/azure-credential.js'

export interface ResticPlace {
  backend: 'folder' | 'azure' | 'rclone'
  /** For `--repo`; never a secret. */
  repository: string
  /** With secrets, for restic alone. */
  environment: Readonly<Record<string, string>>
}

export interface RepositoryPlace {
  container: string
  /** Below the container, without a slash at either end. */
  prefix: string
}

const publicCloud = /^https:\/\/([a-z0-9]{3,24})\.blob\.core\.windows\.net$/
const emulatorAccount = 'devstoreaccount1'

export function folderPlace(path: string): ResticPlace {
  return { backend: 'folder', repository: path, environment: {} }
}

export interface PlaceOptions {
  /** Take rclone even where restic's own backend could serve: its upload limit can change by time of day. */
  prefersRclone?: boolean
}

/**
 * @param credential how the account is opened; not needed for a folder.
 * @throws TransferError CREDENTIAL_INVALID where neither restic nor rclone can use the credential.
 */
export function resticPlace(
  target: StorageTarget,
  { container, prefix }: RepositoryPlace,
  credential?: AzureCredential,
  { prefersRclone = false }: PlaceOptions = {},
): ResticPlace {
  if (target.kind === 'folder') return folderPlace(join(target.path, container, prefix))
  if (target.kind === 'memory' || credential === undefined) {
    throw new TransferError('STORAGE_TARGET_INVALID', 'A vault lies in an account or in a folder.')
  }
  if (credential.kind === 'token') {
    throw new TransferError('CREDENTIAL_INVALID', 'restic and rclone cannot use who is signed in on this machine.', {
      hint: 'Give the key of the account, or a shared access signature with the rights rwdlc.',
    })
  }
  const account = publicCloud.exec(target.endpoint)?.[1]
  if (account !== undefined && !prefersRclone) {
    const secret =
      credential.kind === 'key' ? { AZURE_ACCOUNT_KEY: credential.accountKey } : { AZURE_ACCOUNT_SAS: credential.query }
    return {
      backend: 'azure',
      repository: `azure:${container}:/${prefix}`,
      environment: { AZURE_ACCOUNT_NAME: account, ...secret },
    }
  }
  const environment = { RCLONE_CONFIG: '/dev/null', ...remote(target.endpoint, container, credential) }
  return { backend: 'rclone', repository: `rclone:vault:${container}/${prefix}`, environment }
}

/** A remote named `vault`, made of the environment: there is no configuration file with a secret in it. */
function remote(
  endpoint: string,
  container: string,
  credential: Exclude<AzureCredential, { kind: 'token' }>,
): Record<string, string> {
  const type = { RCLONE_CONFIG_VAULT_TYPE: 'azureblob' }
  if (credential.kind === 'signature') {
    const address = credential.isContainerOnly ? `${endpoint}/${container}` : endpoint
    return { ...type, RCLONE_CONFIG_VAULT_SAS_URL: `${address}?${credential.query}` }
  }
  const { accountName, accountKey } = credential
  const key = { RCLONE_CONFIG_VAULT_ACCOUNT: accountName, RCLONE_CONFIG_VAULT_KEY: accountKey }
  // With a key rclone makes https://ACCOUNT.ENDPOINT of it; only for an emulator it takes an address with the account in its path.
  const domain = new RegExp(`^https://${accountName}\\.(.+)$`).exec(endpoint)?.[1]
  if (domain !== undefined) return { ...type, ...key, RCLONE_CONFIG_VAULT_ENDPOINT: domain }
  if (accountName === emulatorAccount) {
    return { ...type, ...key, RCLONE_CONFIG_VAULT_ENDPOINT: endpoint, RCLONE_CONFIG_VAULT_USE_EMULATOR: 'true' }
  }
  throw new TransferError('CREDENTIAL_INVALID', `rclone cannot use the key of ${accountName} at ${endpoint}.`, {
    hint: 'Give the address https://ACCOUNT.blob.…, or a shared access signature.',
  })
}
