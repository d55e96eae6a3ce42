// Options that several commands share, read and checked once: what to copy, onto what, and how to unlock.

import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Argv } from 'yargs'
import {
  type DatasetRow,
  type DriveRequest,
  driveRequestsFromDriveSet,
  driveRequestsFromSpecs,
  type PrepareRequest,
  parseBlobPath,
  parseDataset,
  parseDestination,
  parseDriveSet,
  readSecretFile,
  readSessionKey,
  type Secret,
  TransferError,
} from '../index.js'
import { exitCodeHelp } from './exit-codes.js'
import type { Terminal } from './terminal.js'

export interface GlobalOptions {
  json: boolean
  verbose?: boolean
}

export interface PlanOptions extends GlobalOptions {
  from?: string[]
  to?: string
  dataset?: string
  drive?: string[]
  driveset?: string
  session: string
  method: 'xts-128' | 'xts-256' | 'cbc-128' | 'cbc-256'
  cluster?: number
  label?: string
  blobType: 'auto' | 'block' | 'page'
  disposition: 'rename' | 'no-overwrite' | 'overwrite'
  followSymlinks: boolean
  keepGoing: boolean
}

export function planOptions<T>(options: Argv<T>): Argv<T & PlanOptions> {
  const declared = options
    .option('from', { type: 'string', array: true, describe: 'Folder or file to copy (repeatable)' })
    .option('to', { type: 'string', describe: 'Where it goes: container/prefix/' })
    .option('dataset', { type: 'string', describe: "WAImportExport's dataset.csv instead of --from and --to" })
    .option('drive', {
      type: 'string',
      array: true,
      describe:
        'Drive to fill (repeatable): /dev/sdX, or FILE:SIZE for an image; ,serial=… and ,sector=4096 may follow',
    })
    .option('driveset', { type: 'string', describe: "WAImportExport's driveset.csv instead of --drive" })
    .option('session', {
      type: 'string',
      default: 'session-1',
      describe: 'Name of this run, 3 to 30 of a-z A-Z 0-9 _ - #',
    })
    .option('method', {
      choices: ['xts-128', 'xts-256', 'cbc-128', 'cbc-256'] as const,
      default: 'xts-128' as const,
      describe: 'BitLocker cipher',
    })
    .option('cluster', { type: 'number', describe: 'NTFS cluster size in bytes; 4096, above 16 TB 65536' })
    .option('label', { type: 'string', describe: 'Volume label; the session name when not given' })
    .option('blob-type', {
      choices: ['auto', 'block', 'page'] as const,
      default: 'auto' as const,
      describe: 'auto: *.vhd and *.vhdx become page blobs',
    })
    .option('disposition', {
      choices: ['rename', 'no-overwrite', 'overwrite'] as const,
      default: 'rename' as const,
      describe: 'When a blob of that name exists at the destination',
    })
    .option('follow-symlinks', { type: 'boolean', default: false, describe: 'Copy what symbolic links point to' })
    .option('keep-going', {
      type: 'boolean',
      default: false,
      describe: 'Leave unreadable files out (exit code 3)',
    })
    .epilogue(exitCodeHelp)
  return declared as unknown as Argv<T & PlanOptions>
}

/** @throws TypeError for options that do not go together; TransferError for files that do not parse. */
export async function readPlanOptions(options: PlanOptions): Promise<PrepareRequest> {
  const dataset = await readDatasetOptions(options)
  const drives = await readDriveOptions(options)
  const { session, method, cluster, followSymlinks, keepGoing } = options
  if (!/^[A-Za-z0-9_#-]{3,30}$/.test(session)) {
    throw new TypeError(`expected 3 to 30 letters, digits, _, - or # for --session but received ${session}`)
  }
  if (cluster !== undefined && ![512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].includes(cluster)) {
    throw new TypeError(`expected a power of two from 512 to 65536 for --cluster but received ${cluster}`)
  }
  const request = {
    sessionId: session,
    dataset,
    drives,
    method,
    label: options.label ?? session,
    followSymlinks,
    keepGoing,
  }
  return cluster === undefined ? request : { ...request, clusterBytes: cluster }
}

async function readDatasetOptions(options: PlanOptions): Promise<DatasetRow[]> {
  const { from, to, dataset, blobType, disposition } = options
  if (dataset !== undefined) {
    if (from !== undefined || to !== undefined) throw new TypeError('expected --dataset or --from with --to, not both')
    return parseDataset(await readText(dataset), dataset)
  }
  if (from === undefined || to === undefined) throw new TypeError('expected --from with --to, or --dataset')
  if (from.length > 1 && !to.endsWith('/')) throw new TypeError('expected a --to that ends in / for several --from')
  // A folder's destination is a prefix; that of a file is a prefix, or without a slash at its end the blob's own path.
  if (to.endsWith('/')) parseDestination(to)
  else parseBlobPath(to)
  return from.map((basePath) => {
    return {
      basePath: resolve(basePath),
      isDirectory: to.endsWith('/'),
      destination: to,
      blobType,
      disposition,
      line: 0,
    }
  })
}

export async function readDriveOptions(options: PlanOptions): Promise<DriveRequest[]> {
  const { drive, driveset } = options
  if ((drive === undefined) === (driveset === undefined))
    throw new TypeError('expected --drive (repeatable) or --driveset')
  if (driveset !== undefined) return driveRequestsFromDriveSet(parseDriveSet(await readText(driveset), driveset))
  return driveRequestsFromSpecs(drive ?? [])
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new TransferError('DATASET_INVALID', `${path} cannot be read: ${cause.message}`, { cause, path })
  })
}

export interface KeyOptions extends GlobalOptions {
  drive: string
  journal?: string
  recoveryPasswordFile?: string
  passphraseFile?: string
  startupKeyFile?: string
}

export function keyOptions<T>(options: Argv<T>): Argv<T & KeyOptions> {
  return options
    .option('drive', { type: 'string', demandOption: true, describe: 'The drive: /dev/sdX or an image file' })
    .option('journal', { type: 'string', describe: 'Journal that knows the key and what was written' })
    .option('recovery-password-file', { type: 'string', describe: 'File with the 48-digit recovery password' })
    .option('passphrase-file', { type: 'string', describe: 'File with the passphrase' })
    .option('startup-key-file', { type: 'string', describe: 'Startup key (.BEK) file' })
    .epilogue(`Also read: DISKFERRY_RECOVERY_PASSWORD from the environment.\n\n${exitCodeHelp}`) as unknown as Argv<
    T & KeyOptions
  >
}

/** The key from whichever place it was given, else from the environment, else asked for; undefined when nobody has one. */
export async function readKey(options: KeyOptions, terminal: Terminal, required: boolean): Promise<Secret | undefined> {
  const { recoveryPasswordFile, passphraseFile, startupKeyFile, journal, drive } = options
  if (recoveryPasswordFile !== undefined) {
    return { kind: 'recovery-password', password: await readSecretFile(recoveryPasswordFile, terminal.warn) }
  }
  if (passphraseFile !== undefined) {
    return { kind: 'passphrase', passphrase: await readSecretFile(passphraseFile, terminal.warn) }
  }
  if (startupKeyFile !== undefined) return { kind: 'startup-key', file: await readFile(startupKeyFile) }
  const fromEnvironment = process.env.DISKFERRY_RECOVERY_PASSWORD
  if (fromEnvironment !== undefined) return { kind: 'recovery-password', password: fromEnvironment.trim() }
  if (journal !== undefined) return (await readSessionKey(journal, drive)).secret
  if (!required) return undefined
  if (terminal.isInteractive) {
    return { kind: 'recovery-password', password: await terminal.askSecret(`Recovery password of ${basename(drive)}`) }
  }
  throw new TransferError('KEY_MISSING', `No key was given for ${drive}.`, {
    hint: 'Give --journal, --recovery-password-file, or DISKFERRY_RECOVERY_PASSWORD.',
  })
}
