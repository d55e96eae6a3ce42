// Where the storage account is and what opens it: the options that every command with an account has. A secret comes from a
// file, the environment or a prompt, never from the command line.

import type { Argv } from 'yargs'
import { type BlobStore, openBlobStore, readSecretFile, type StorageCredentials } from '../index.js'
import type { Terminal } from './terminal.js'

export interface StorageOptions {
  to: string
  connectionStringFile?: string
  accountKeyFile?: string
  sasFile?: string
  containerSasFile?: string
  askKey: boolean
}

export function storageOptions<T>(options: Argv<T>): Argv<T & StorageOptions> {
  return options
    .option('to', {
      type: 'string',
      demandOption: true,
      describe: 'Account: https://ACCOUNT.blob.core.windows.net, an emulator, or a folder',
    })
    .option('connection-string-file', { type: 'string', describe: 'File with the connection string' })
    .option('account-key-file', { type: 'string', describe: 'File with the account key' })
    .option('sas-file', { type: 'string', describe: 'File with a shared access signature of the account' })
    .option('container-sas-file', { type: 'string', describe: 'File with a shared access signature of one container' })
    .option('ask-key', { type: 'boolean', default: false, describe: 'Ask for the account key' }) as unknown as Argv<
    T & StorageOptions
  >
}

const fileOptions = ['connectionStringFile', 'accountKeyFile', 'sasFile', 'containerSasFile'] as const

/** @throws TypeError for several credentials; TransferError STORAGE_*, CREDENTIAL_*. */
export async function openStore(
  options: StorageOptions,
  terminal: Terminal,
  access: 'read' | 'write' = 'write',
): Promise<BlobStore> {
  return await openBlobStore(options.to, await readCredentials(options, terminal), { access })
}

async function readCredentials(options: StorageOptions, terminal: Terminal): Promise<StorageCredentials> {
  const given = fileOptions.filter((name) => options[name] !== undefined)
  if (given.length + (options.askKey ? 1 : 0) > 1) {
    throw new TypeError(
      'expected one of --connection-string-file, --account-key-file, --sas-file, --container-sas-file',
    )
  }
  const read = (path: string) => readSecretFile(path, terminal.warn)
  const { connectionStringFile, accountKeyFile, sasFile = options.containerSasFile } = options
  if (connectionStringFile !== undefined) return { connectionString: await read(connectionStringFile) }
  if (accountKeyFile !== undefined) return { accountKey: await read(accountKeyFile) }
  if (sasFile !== undefined) return { sharedAccessSignature: await read(sasFile) }
  if (options.askKey) return { accountKey: await terminal.askSecret(`Key of ${options.to}`) }
  return environmentCredentials(options.to)
}

// An environment that is set for other work must not keep a folder or the address's own signature from being used.
function environmentCredentials(to: string): StorageCredentials {
  if (!/^https?:/i.test(to) || /[?&]sig=/i.test(to)) return {}
  const {
    AZURE_STORAGE_CONNECTION_STRING: connectionString,
    AZURE_STORAGE_KEY: accountKey,
    AZURE_STORAGE_SAS_TOKEN: sharedAccessSignature,
  } = process.env
  if (connectionString) return { connectionString }
  if (accountKey) return { accountKey }
  return sharedAccessSignature ? { sharedAccessSignature } : {}
}
