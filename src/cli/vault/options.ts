// Options that the vault commands share: which vault, its password, and what opens its storage.

import type { Argv } from 'yargs'
import type { GlobalOptions } from '../options.js'

export interface VaultOptions extends GlobalOptions {
  staging?: string
  job?: string
  passwordFile?: string
}

export interface VaultStorageOptions {
  to?: string
  connectionStringFile?: string
  accountKeyFile?: string
  sasFile?: string
  askKey: boolean
}

export function vaultOptions<T>(options: Argv<T>): Argv<T & VaultOptions> {
  return options
    .option('staging', { type: 'string', describe: 'Staging location; the one that was used here last when not given' })
    .option('job', { type: 'string', describe: 'Import job whose vault it is, when the location has several' })
    .option('password-file', {
      type: 'string',
      describe: 'File with the password of the vault',
    }) as unknown as Argv<T & VaultOptions>
}

/** For what may happen in the account. */
export function vaultStorageOptions<T>(options: Argv<T>): Argv<T & VaultOptions & VaultStorageOptions> {
  return vaultOptions(options)
    .option('to', {
      type: 'string',
      describe:
        'Where the vault lies: https://ACCOUNT.blob.core.windows.net, an emulator, or a folder; remembered by adopt',
    })
    .option('connection-string-file', { type: 'string', describe: 'File with the connection string' })
    .option('account-key-file', { type: 'string', describe: 'File with the account key' })
    .option('sas-file', { type: 'string', describe: 'File with a shared access signature' })
    .option('ask-key', { type: 'boolean', default: false, describe: 'Ask for the account key' }) as unknown as Argv<
    T & VaultOptions & VaultStorageOptions
  >
}

export const vaultEnvironmentHelp =
  'Also read: DISKFERRY_VAULT_PASSWORD, AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN.'
