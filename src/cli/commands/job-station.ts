// diskferry job arrived, job return: what the people at the receiving station say of a whole job, to a local service.

import type { Argv, CommandModule } from 'yargs'
import {
  describeArrival,
  describeReturn,
  reportArrival,
  returnJob,
  type StationJobName,
  stationJobToJson,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { needStation, type StationOptions, stationOptions } from '../station-options.js'
import { createTerminal } from '../terminal.js'

interface StationJobOptions extends GlobalOptions, StationOptions {
  name: string
  subscription?: string
  resourceGroup?: string
}

function stationJobOptions(options: Argv<GlobalOptions>): Argv<StationJobOptions> {
  const named = options.positional('name', { type: 'string', demandOption: true, describe: 'Name of the job' })
  return stationOptions(named)
    .option('service', { type: 'string', describe: 'Address of the local service (DISKFERRY_SERVICE)' })
    .option('subscription', { type: 'string', describe: 'Subscription id, where several jobs have that name' })
    .option('resource-group', { type: 'string', describe: 'Resource group, where several jobs have that name' })
    .epilogue(exitCodeHelp) as unknown as Argv<StationJobOptions>
}

function nameOf({ name, subscription, resourceGroup }: StationJobOptions): StationJobName {
  return {
    name,
    ...(subscription === undefined ? {} : { subscriptionId: subscription }),
    ...(resourceGroup === undefined ? {} : { resourceGroup }),
  }
}

interface ArrivedOptions extends StationJobOptions {
  missing?: string[]
}

export const jobArrivedCommand: CommandModule<GlobalOptions, ArrivedOptions> = {
  command: 'arrived <name>',
  describe: 'At the receiving station: the package was opened, and its drives are here',
  builder: (options) =>
    stationJobOptions(options)
      .option('missing', { type: 'string', array: true, describe: 'Drive that was not in the package (repeatable)' })
      .example('$0 job arrived seed-2026-11 --missing WD1234 --service http://127.0.0.1:8717', '') as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const job = await reportArrival(await needStation(options, terminal), nameOf(options), options.missing ?? [])
    terminal.emit({ event: 'job-arrived', ...stationJobToJson(job) })
    terminal.print(describeArrival(job))
  },
}

interface ReturnOptions extends StationJobOptions {
  carrier: string
  tracking: string
  drives?: number
  shipDate?: string
}

export const jobReturnCommand: CommandModule<GlobalOptions, ReturnOptions> = {
  command: 'return <name>',
  describe: 'At the receiving station: the drives were sent back, and the job ends',
  builder: (options) =>
    stationJobOptions(options)
      .option('carrier', { type: 'string', demandOption: true, describe: 'Who carries the package back' })
      .option('tracking', { type: 'string', demandOption: true, describe: 'Its tracking number' })
      .option('drives', { type: 'number', describe: 'Drives in it; all that came when not given' })
      .option('ship-date', { type: 'string', describe: 'Day on which it was handed over; today when not given' })
      .example(
        '$0 job return seed-2026-11 --carrier DHL --tracking JD014600 --service http://127.0.0.1:8717',
        '',
      ) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { carrier, tracking, drives, shipDate = new Date().toISOString().slice(0, 10) } = options
    const { job, isNew, warnings } = await returnJob(await needStation(options, terminal), nameOf(options), {
      carrierName: carrier.trim(),
      trackingNumber: tracking.trim(),
      shipDate,
      ...(drives === undefined ? {} : { driveCount: drives }),
    })
    for (const text of warnings) terminal.warn(`Note: ${text}`)
    terminal.emit({ event: 'job-returned', isNew, ...stationJobToJson(job) })
    if (!isNew) terminal.print('This was reported already; nothing was changed.')
    terminal.print(describeReturn(job))
  },
}
