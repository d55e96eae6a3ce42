// diskferry vault: the first backup by disk, the increments over the network.

import type { Argv, CommandModule } from 'yargs'
import { describeVault, lookAtVault, readStagedJob, readVaultOwner } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'
import { findVault } from '../vault/find-vault.js'
import { type VaultOptions, vaultOptions } from '../vault/options.js'
import { vaultAdoptCommand, vaultReleaseCommand } from './vault-adopt.js'
import { vaultBackupCommand, vaultCheckCommand, vaultForgetCommand, vaultSnapshotsCommand } from './vault-backup.js'
import { vaultRestoreCommand } from './vault-restore.js'
import { vaultRunCommand, vaultScheduleCommand } from './vault-schedule.js'
import { vaultSeedCommand } from './vault-seed.js'

const vaultStatusCommand: CommandModule<GlobalOptions, VaultOptions> = {
  command: 'status',
  describe: 'Where the vault stands; asks nobody and needs no password',
  builder: (options) => vaultOptions(options).epilogue(exitCodeHelp) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const jobFolder = await findVault(options, terminal)
    const { state } = await lookAtVault(jobFolder)
    const owner = await readVaultOwner(jobFolder)
    const jobState = (await readStagedJob(jobFolder))?.order?.state
    const worker = owner === undefined ? {} : { worker: `${owner.host}, process ${owner.pid}` }
    terminal.emit({ event: 'vault', ...state, ...worker, ...(jobState === undefined ? {} : { jobState }) })
    terminal.print(describeVault(state, { ...worker, ...(jobState === undefined ? {} : { jobState }) }))
  },
}

export const vaultCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'vault',
  describe: 'Backups: the first by disk, the increments over the network',
  builder: (options: Argv<GlobalOptions>) =>
    options
      .command(vaultSeedCommand)
      .command(vaultBackupCommand)
      .command(vaultStatusCommand)
      .command(vaultAdoptCommand)
      .command(vaultReleaseCommand)
      .command(vaultSnapshotsCommand)
      .command(vaultRestoreCommand)
      .command(vaultCheckCommand)
      .command(vaultForgetCommand)
      .command(vaultScheduleCommand)
      .command(vaultRunCommand)
      .demandCommand(1, 'Which of the vault commands? See diskferry vault --help.')
      .epilogue(exitCodeHelp)
      .strict(),
  handler: () => {},
}
