// diskferry receive: drives that arrived are imported into a storage account. The same command again goes on.

import { writeFile } from 'node:fs/promises'
import type { Argv, CommandModule } from 'yargs'
import {
  describeReceived,
  type ReceiveDrive,
  type ReceiveResult,
  receiveDrives,
  receiveOrdered,
  receiveReportToHtml,
  receiveReportToJson,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { receiveExitCode } from '../receive-exit-code.js'
import {
  logsPlace,
  onlyContainer,
  type ReceiveOptions,
  readSettings,
  refuseBesideService,
} from '../receive-settings.js'
import { readShippedDrive, shippedDriveOptions } from '../shipped-drive-options.js'
import { abortOnSignals, sameAgain } from '../signals.js'
import { openStation, stationOptions, tellPackedJobs } from '../station-options.js'
import { openStore, storageOptions } from '../storage-options.js'
import { createTerminal, type Terminal } from '../terminal.js'

export const receiveCommand: CommandModule<GlobalOptions, ReceiveOptions> = {
  command: 'receive',
  describe: 'Import drives that arrived into blob storage',
  builder: (options) => receiveOptions(options) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { signal, done } = abortOnSignals(sameAgain)
    try {
      refuseBesideService(options)
      const settings = readSettings(options)
      const station = await openStation(options, terminal)
      const drives = station === undefined ? await readDrives(options, terminal) : []
      const store = await openStore(options, terminal)
      const run = { ...settings, store, signal, onProgress: terminal.progress }
      try {
        const result =
          station === undefined
            ? await receiveDrives({ ...run, ...logsPlace(options), drives })
            : await receiveOrdered({ ...run, ...onlyContainer(options), station, paths: options.drive })
        await tell(options, result, terminal)
        if (station !== undefined) await tellPackedJobs(station, terminal)
        process.exitCode = receiveExitCode(result)
      } finally {
        await store.close()
      }
    } finally {
      done()
    }
  },
}

function receiveOptions(options: Argv<GlobalOptions>) {
  return stationOptions(shippedDriveOptions(storageOptions(options)))
    .option('drive', { type: 'string', array: true, demandOption: true, describe: 'Drive that arrived (repeatable)' })
    .option('state', { type: 'string', describe: 'Journal of the import; <journal>.import when not given' })
    .option('resume', { type: 'boolean', default: false, describe: 'Refuse to begin anew: go on or fail' })
    .option('job', { type: 'string', describe: 'Name of the job, for the names of the logs' })
    .option('concurrency', { type: 'number', default: 16, describe: 'Requests under way at once, 1 to 256' })
    .option('limit-rate', { type: 'string', describe: 'At most so many bytes a second, for example 20M' })
    .option('content-md5', { type: 'boolean', default: false, describe: 'Set the Content-MD5 of whole blobs' })
    .option('verbose-log', { type: 'boolean', default: false, describe: 'Also write a log of every blob' })
    .option('backup-manifest', { type: 'boolean', default: false, describe: 'Also keep a copy of the manifests' })
    .option('diagnostics-container', { type: 'string', describe: 'Where the logs go; waimportexport' })
    .option('report', { type: 'string', describe: 'Also write the report to this file: .html or .json' })
    .example(
      '$0 receive --drive /dev/sdb --drive /dev/sdc --journal seed.jrn --to https://ACCOUNT.blob.core.windows.net',
      '',
    )
    .example('$0 receive --drive disk1.img --journal seed.jrn --to ./blobs', 'into a folder, to see what would arrive')
    .epilogue(
      `Also read: AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, DISKFERRY_RECOVERY_PASSWORD.
Without any credential whoever is signed in on this machine is asked (Azure CLI, environment, managed identity).

${exitCodeHelp}`,
    )
}

async function readDrives(options: ReceiveOptions, terminal: Terminal): Promise<ReceiveDrive[]> {
  const drives: ReceiveDrive[] = []
  for (const path of options.drive) drives.push(await readShippedDrive(path, options, terminal))
  return drives
}

async function tell({ report: path }: ReceiveOptions, result: ReceiveResult, terminal: Terminal): Promise<void> {
  const { report, errors } = result
  for (const object of receiveReportToJson(report)) terminal.emit(object)
  terminal.print(describeReceived(report))
  for (const error of errors.values())
    if (error.hint !== undefined) terminal.warn(`  ${error.path ?? ''}: ${error.hint}`)
  if (path === undefined) return
  const text = path.endsWith('.json') ? `${JSON.stringify(report, null, 2)}\n` : receiveReportToHtml(report)
  await writeFile(path, text)
  terminal.print(`Report: ${path}`)
}
