// diskferry vault seed: the first backup, into a staging location. The same command again goes on.

import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import { initStagedJob, readVaultState, seedVault, shellWord, TransferError, type VaultSource } from '../../index.js'
import { rememberStaging } from '../diskprep/remembered-staging.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal, type Terminal } from '../terminal.js'
import { readVaultPassword, resticEnvironment } from '../vault/access.js'
import { findVault, rememberVault } from '../vault/find-vault.js'
import { type VaultOptions, vaultEnvironmentHelp, vaultOptions } from '../vault/options.js'
import { backupProgress, showBackup } from '../vault/show-backup.js'
import { withOpenVault } from '../vault/with-vault.js'

interface SeedWords extends VaultOptions {
  paths: string[]
  exclude?: string[]
  excludeFile?: string[]
  oneFileSystem: boolean
  account?: string
  container?: string
  prefix?: string
  makePassword: boolean
  spaceCheck: boolean
}

export const vaultSeedCommand: CommandModule<GlobalOptions, SeedWords> = {
  command: 'seed <paths..>',
  describe: 'First backup, into staging; the same command again goes on',
  builder: (options) =>
    vaultOptions(options)
      .positional('paths', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Folders and files to back up',
      })
      .option('exclude', {
        type: 'string',
        array: true,
        describe: "Pattern that is left out, in restic's form (repeatable)",
      })
      .option('exclude-file', { type: 'string', array: true, describe: 'File with such patterns (repeatable)' })
      .option('one-file-system', { type: 'boolean', default: false, describe: 'Do not enter other file systems' })
      .option('account', { type: 'string', describe: 'Storage account, when the job is not staged yet' })
      .option('container', { type: 'string', describe: 'Its container' })
      .option('prefix', { type: 'string', describe: 'Folder below the container; the name of the job' })
      .option('make-password', { type: 'boolean', default: false, describe: 'Make a password and store it (0600)' })
      .option('space-check', { type: 'boolean', default: true, describe: 'Staging must hold the data as it is now' })
      .example(
        '$0 vault seed --staging /staging --job seed-2026-11 --account mybackup --container backup /srv /home',
        '',
      )
      .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const source = readSource(options)
    const jobFolder = await openJob(options, terminal)
    await withOpenVault(jobFolder, async (vault, signal) => {
      const { makePassword: makesPassword, prefix, passwordFile } = options
      const state = await readVaultState(jobFolder)
      const question = {
        jobFolder,
        passwordFile: state?.passwordFile,
        isNew: state?.configHash === undefined,
        makesPassword,
      }
      const result = await seedVault(vault, {
        source,
        password: await readVaultPassword(options, question, terminal),
        environment: resticEnvironment(),
        signal,
        checksSpace: options.spaceCheck,
        ...(prefix === undefined ? {} : { prefix }),
        ...(passwordFile === undefined ? {} : { passwordFile: resolve(passwordFile) }),
        onProgress: backupProgress(terminal),
        onWarning: terminal.warn,
      })
      showBackup(terminal, vault.state.job, result, vault.state.state)
      const staging = shellWord(join(jobFolder, '..'))
      terminal.print(`Next: diskferry prepare --staging ${staging} --job ${vault.state.job} --drive …`)
    })
  },
}

function readSource({ paths, exclude = [], excludeFile = [], oneFileSystem }: SeedWords): VaultSource {
  return {
    host: hostname(),
    paths: [...new Set(paths.map((path) => resolve(path)))],
    excludes: exclude,
    excludeFiles: excludeFile.map((path) => resolve(path)),
    oneFileSystem,
  }
}

async function openJob(options: SeedWords, terminal: Terminal): Promise<string> {
  const { staging, job, account, container } = options
  if (account === undefined && container === undefined) return await findVault(options, terminal)
  if (staging === undefined || job === undefined || account === undefined || container === undefined) {
    throw new TypeError('expected --staging, --job, --account and --container together for a new job')
  }
  const { folder } = await initStagedJob(staging, { job, account, container }).catch((error: unknown) => {
    throw error instanceof TransferError && error.code === 'STAGING_IN_USE' ? busy(error) : error
  })
  await rememberStaging(staging)
  await rememberVault(folder)
  return folder
}

function busy(error: TransferError): TransferError {
  return new TransferError('STAGING_IN_USE', error.message, {
    hint: 'Leave --account and --container out: the job is there already.',
    cause: error,
  })
}
