// diskferry job create: from a journal to an order.

import type { Argv, CommandModule } from 'yargs'
import { addressLines, drivesFromFiles, drivesFromJournal, orderJob } from '../../index.js'
import { type AddressOptions, addressOptions, readWayBack } from '../address-options.js'
import type { GlobalOptions } from '../options.js'
import { accountIdOf, openService, type ServiceOptions, serviceOptions } from '../service-options.js'
import { showJob } from '../show-job.js'
import { createTerminal } from '../terminal.js'

interface CreateOptions extends ServiceOptions, AddressOptions {
  name: string
  account: string[]
  location: string
  journal?: string
  session?: string
  driveInfo?: string[]
  diagnosticsPath?: string
  logLevel?: 'Error' | 'Verbose'
  backupManifest?: boolean
}

export const jobCreateCommand: CommandModule<GlobalOptions, CreateOptions> = {
  command: 'create',
  describe: 'Make a job from the prepared drives of a journal; the same one again changes nothing',
  builder: (options) =>
    addressOptions(serviceOptions(options))
      .option('name', { type: 'string', demandOption: true, describe: 'Name of the job: 3 to 24 of a-z 0-9 -' })
      .option('account', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Storage account: its resource id, or its name in the same resource group',
      })
      .option('location', {
        type: 'string',
        demandOption: true,
        describe: 'Where the drives are sent, such as "West Europe"',
      })
      .option('journal', { type: 'string', describe: 'Journal whose prepared drives are ordered' })
      .option('session', { type: 'string', describe: 'One session of the journal; all of them when not given' })
      .option('drive-info', {
        type: 'string',
        array: true,
        describe: '<DriveId>.xml instead of --journal (repeatable)',
      })
      .option('diagnostics-path', { type: 'string', describe: 'Container for the copy logs; waimportexport' })
      .option('log-level', { choices: ['Error', 'Verbose'] as const, describe: 'Verbose: a log of every blob' })
      .option('backup-manifest', { type: 'boolean', describe: 'Let the service keep a copy of the manifests' })
      .example(
        '$0 job create --journal seed.jrn --name seed-2026-11 --account mybackup --location "West Europe" --service http://127.0.0.1:8717',
        '',
      ) as unknown as Argv<CreateOptions>,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { journal, session, driveInfo, name, location, diagnosticsPath, logLevel, backupManifest } = options
    if ((journal === undefined) === (driveInfo === undefined))
      throw new TypeError('expected --journal or --drive-info, and not both')
    const opened = await openService(options, terminal)
    const drives =
      journal === undefined ? await drivesFromFiles(driveInfo ?? []) : await drivesFromJournal(journal, session)
    const { job, isNew, warnings } = await orderJob(opened.service, {
      name,
      storageAccountIds: options.account.map((account) => accountIdOf(account, opened)),
      location,
      drives: drives.drives,
      driveFacts: drives.facts,
      findings: drives.findings,
      ...(await readWayBack(options)),
      ...(diagnosticsPath === undefined ? {} : { diagnosticsPath }),
      ...(logLevel === undefined ? {} : { logLevel }),
      ...(backupManifest === undefined ? {} : { backupDriveManifest: backupManifest }),
    })
    for (const text of warnings) terminal.warn(`Note: ${text}`)
    terminal.print(isNew ? 'The job was made.' : 'This job was there already; nothing was changed.')
    showJob(terminal, job, isNew ? 'created' : 'unchanged')
    if (job.state === 'Creating' && addressLines(job.shippingInformation ?? {}).length > 0) {
      terminal.print(
        `Next: pack these drives into one package, then diskferry job ship ${job.name} --carrier … --tracking …`,
      )
    }
  },
}
