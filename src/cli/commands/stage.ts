// diskferry stage: makes and lists the import jobs of a staging location.

import type { CommandModule } from 'yargs'
import {
  describeStagedJobs,
  exitCodes,
  initStagedJob,
  listedJobToJson,
  listStagedJobs,
  type StagedCloud,
  shellWord,
  stagedClouds,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface InitOptions extends GlobalOptions {
  folder: string
  job: string
  account: string
  container: string
  subscription?: string
  resourceGroup?: string
  cloud?: StagedCloud
  location?: string
}

const initCommand: CommandModule<GlobalOptions, InitOptions> = {
  command: 'init <folder>',
  describe: 'Make the folder of an import job; the same once more changes nothing',
  builder: (options) =>
    options
      .positional('folder', { type: 'string', demandOption: true, describe: 'The staging location; made when missing' })
      .option('job', { type: 'string', demandOption: true, describe: 'Name of the import job: 3 to 24 of a-z 0-9 -' })
      .option('account', { type: 'string', demandOption: true, describe: 'Storage account' })
      .option('container', { type: 'string', demandOption: true, describe: 'Container that the files go to' })
      .option('subscription', { type: 'string', describe: 'Subscription id' })
      .option('resource-group', { type: 'string', describe: 'Resource group of account and job' })
      .option('cloud', { choices: stagedClouds, describe: 'Which Azure' })
      .option('location', { type: 'string', describe: 'Where the drives are sent, such as "West Europe"' })
      .example('$0 stage init /srv/staging --job seed-2026-11 --account mybackup --container backup', '')
      .epilogue(exitCodeHelp) as never,
  handler: async ({ folder, json, ...options }) => {
    const terminal = createTerminal({ json })
    const { job, account, container, subscription, resourceGroup, cloud, location } = options
    const made = await initStagedJob(folder, {
      job,
      account,
      container,
      ...(subscription === undefined ? {} : { subscription: subscription.toLowerCase() }),
      ...(resourceGroup === undefined ? {} : { resourceGroup }),
      ...(cloud === undefined ? {} : { cloud }),
      ...(location === undefined ? {} : { location }),
    })
    terminal.emit({ event: 'staged-job', isNew: made.isNew, folder: made.folder, job: made.state })
    terminal.print(made.isNew ? `Made ${made.folder}` : `${made.folder} was there already; nothing was changed.`)
    terminal.print(`What is to travel goes into ${made.folder}/files; files of Azure Backup lie beside it.`)
    terminal.print(`Next: diskferry diskprep ${shellWord(`s:${folder}`)}`)
  },
}

const listCommand: CommandModule<GlobalOptions, GlobalOptions & { folder: string }> = {
  command: 'list <folder>',
  describe: 'Show the import jobs of a staging location, and who works on them',
  builder: (options) =>
    options
      .positional('folder', { type: 'string', demandOption: true, describe: 'The staging location' })
      .epilogue(exitCodeHelp) as never,
  handler: async ({ folder, json }) => {
    const terminal = createTerminal({ json })
    const jobs = await listStagedJobs(folder)
    for (const job of jobs) terminal.emit({ event: 'staged-job', ...listedJobToJson(job) })
    terminal.print(describeStagedJobs(jobs))
    if (jobs.some(({ problem }) => problem !== undefined)) process.exitCode = exitCodes.partly
  },
}

export const stageCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'stage',
  describe: 'Make and list the import jobs of a staging location',
  builder: (options) =>
    options
      .command(initCommand)
      .command(listCommand)
      .demandCommand(1, 'Which one? stage init DIR, or stage list DIR')
      .epilogue(exitCodeHelp),
  handler: () => {},
}
