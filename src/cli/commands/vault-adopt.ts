// diskferry vault adopt, release: what was imported becomes the vault; staging is given back.

import type { CommandModule } from 'yargs'
import {
  type AdoptResult,
  adoptVault,
  formatBytes,
  getJob,
  lookAtVault,
  readStagedJob,
  releaseStaging,
  type StagedJob,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { openService, type ServiceOptions, serviceOptions } from '../service-options.js'
import { createTerminal, type Terminal } from '../terminal.js'
import { checkConcurrency, readRateLimit } from '../transfer-options.js'
import { targetOf } from '../vault/access.js'
import { findVault } from '../vault/find-vault.js'
import {
  type VaultOptions,
  type VaultStorageOptions,
  vaultEnvironmentHelp,
  vaultOptions,
  vaultStorageOptions,
} from '../vault/options.js'
import { withOpenVault, withVault } from '../vault/with-vault.js'

interface AdoptWords extends VaultOptions, VaultStorageOptions, Omit<ServiceOptions, 'job'> {
  force?: string
  verify: string
  readData: boolean
  dryRun: boolean
  takeOver: boolean
  limitRate?: string
  concurrency: number
}

export const vaultAdoptCommand: CommandModule<GlobalOptions, AdoptWords> = {
  command: 'adopt',
  describe: 'After the import: compare, send what is missing, check, switch over',
  builder: (options) =>
    serviceOptions(vaultStorageOptions(options))
      .option('force', { type: 'string', describe: 'Do not wait for the job, for this reason, which is recorded' })
      .option('verify', {
        type: 'string',
        default: '5%',
        describe: 'Share of the packs that is read back and compared: none, 5%, all',
      })
      .option('read-data', { type: 'boolean', default: false, describe: 'Let restic read and check all data as well' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Compare only' })
      .option('take-over', {
        type: 'boolean',
        default: false,
        describe: 'Somebody who began with another copy is gone',
      })
      .option('limit-rate', { type: 'string', describe: 'At most so many bytes a second, for example 20M' })
      .option('concurrency', { type: 'number', default: 4, describe: 'Files sent at once, 1 to 64' })
      .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
  handler: async (options) => {
    const hashShare = readShare(options.verify)
    const { concurrency } = options
    checkConcurrency(concurrency, 64)
    await withVault(options, async ({ vault, access, terminal, signal }) => {
      const target = targetOf(options, vault.state.target)
      if (target === undefined) throw new TypeError('expected --to with the account that the drives were imported into')
      const rateLimit = readRateLimit(options.limitRate)
      const result = await adoptVault(vault, {
        ...access,
        target,
        job: await readJob(options, vault.jobFolder, terminal, signal),
        hashShare,
        readsData: options.readData,
        dryRun: options.dryRun,
        takesOver: options.takeOver,
        concurrency,
        ...rateLimit,
        ...adoptProgress(terminal),
      })
      show(terminal, vault.state.job, result)
    })
  },
}

/** `none`, `all`, `5%`. */
function readShare(text: string): number {
  if (text === 'none') return 0
  if (text === 'all') return 1
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent === undefined || Number(percent) > 100) {
    throw new TypeError(`expected none, all or a share such as 5% for --verify but received ${text}`)
  }
  return Number(percent) / 100
}

/** Who forces it need not have a service. */
async function readJob(options: AdoptWords, jobFolder: string, terminal: Terminal, signal: AbortSignal) {
  if (options.force !== undefined) return { forcedBecause: options.force }
  const known = (await readStagedJob(jobFolder)) as StagedJob
  const { job, subscription, resourceGroup, cloud = options.cloud } = known
  const given = { ...(subscription && { subscription }), ...(resourceGroup && { resourceGroup }), cloud }
  const { service } = await openService({ ...options, ...given }, terminal, signal)
  const { state } = await getJob(service, job)
  return { state }
}

function adoptProgress(terminal: Terminal) {
  const row = (activity: 'checking' | 'importing', bytesDone: number, bytesTotal: number) => {
    terminal.progress([
      { driveId: 'vault', path: '', activity, bytesDone, bytesTotal: Math.max(bytesTotal, bytesDone) },
    ])
  }
  const words = {
    comparing: 'Comparing staging and vault',
    sending: 'Sending what is missing',
    checking: 'Checking the vault',
  }
  return {
    onStage: (stage: keyof typeof words) => terminal.print(`${words[stage]} …`),
    onSurvey: ({ same, hashed }: AdoptResult['survey']) => row('checking', hashed.bytes, same.bytes),
    onSent: (sent: { bytes: number }, missing: { bytes: number }) => row('importing', sent.bytes, missing.bytes),
  }
}

function show(
  terminal: Terminal,
  job: string,
  { survey, disk, network, repaired, place, isAdopted }: AdoptResult,
): void {
  const { missing, notArrived, damaged, hashed, foreign } = survey
  terminal.emit({
    event: 'vault-adopted',
    job,
    place,
    isAdopted,
    disk,
    network,
    repaired,
    missing,
    notArrived,
    hashed,
    damaged: damaged.slice(0, 1000),
  })
  const files = ({ files: count, bytes }: { files: number; bytes: number }) => `${count} files, ${formatBytes(bytes)}`
  if (notArrived.files > 0) terminal.warn(`Did not arrive with the drives: ${files(notArrived)}.`)
  for (const name of damaged.slice(0, 20)) terminal.warn(`Damaged in the vault: ${name}.`)
  if (foreign.files > 0) terminal.print(`In the vault alone: ${files(foreign)}.`)
  terminal.print(`Read back and compared: ${files(hashed)}.`)
  if (!isAdopted) {
    terminal.print(`To be sent: ${files(missing)}. Nothing was changed.`)
    return
  }
  if (repaired > 0) terminal.print(`Repaired from staging: ${repaired} files.`)
  terminal.print(`Adopted: ${place} is the vault now.`)
  terminal.print(`By disk ${files(disk)}; by network ${files(network)}.`)
  terminal.print(`New backups go there: diskferry vault backup --job ${job}`)
}

export const vaultReleaseCommand: CommandModule<GlobalOptions, VaultOptions & { unchecked: boolean }> = {
  command: 'release',
  describe: 'Remove the repository from staging once the vault was checked',
  builder: (options) =>
    vaultOptions(options)
      .option('unchecked', {
        type: 'boolean',
        default: false,
        describe: 'Even though not all data of the vault was read: what is damaged there is lost then',
      })
      .epilogue(exitCodeHelp) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const jobFolder = await findVault(options, terminal)
    await lookAtVault(jobFolder)
    await withOpenVault(jobFolder, async (vault) => {
      const freed = await releaseStaging(vault, { isUnchecked: options.unchecked })
      terminal.emit({ event: 'vault-released', job: vault.state.job, ...freed })
      terminal.print(
        `Freed ${formatBytes(freed.bytes)} in ${jobFolder}; keep its folder vault, it says where the vault is.`,
      )
    })
  },
}
