// diskferry job ship, cancel, delete: what changes a job.

import type { Argv, CommandModule } from 'yargs'
import { getJob, shipJob, TransferError } from '../../index.js'
import { type AddressOptions, addressOptions, readWayBack } from '../address-options.js'
import type { GlobalOptions } from '../options.js'
import { openService, type ServiceOptions, serviceOptions } from '../service-options.js'
import { showJob } from '../show-job.js'
import { createTerminal } from '../terminal.js'

export interface NamedOptions extends ServiceOptions {
  name: string
}

export function namedOptions<T>(options: Argv<T>): Argv<T & NamedOptions> {
  const named = options.positional('name', { type: 'string', demandOption: true, describe: 'Name of the job' })
  return serviceOptions(named) as unknown as Argv<T & NamedOptions>
}

interface ShipOptions extends NamedOptions, AddressOptions {
  carrier: string
  tracking: string
  drives?: number
  shipDate?: string
}

export const jobShipCommand: CommandModule<GlobalOptions, ShipOptions> = {
  command: 'ship <name>',
  describe: 'Declare the package of a job sent: carrier and tracking number',
  builder: (options) =>
    addressOptions(namedOptions(options))
      .option('carrier', { type: 'string', demandOption: true, describe: 'Who carries it, such as FedEx, DHL, UPS' })
      .option('tracking', { type: 'string', demandOption: true, describe: 'Tracking number of the one package' })
      .option('drives', { type: 'number', describe: 'Drives in it; all of the job when not given' })
      .option('ship-date', {
        type: 'string',
        describe: 'Day on which it is handed over, 2026-11-30; today when not given',
      }) as unknown as Argv<ShipOptions>,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { name, carrier, tracking, drives, shipDate } = options
    const { service } = await openService(options, terminal)
    const now = new Date()
    const { job, warnings } = await shipJob(service, name, {
      package: {
        carrierName: carrier,
        trackingNumber: tracking,
        shipDate: shipDate ?? now.toISOString().slice(0, 10),
        ...(drives === undefined ? {} : { driveCount: drives }),
      },
      ...(await readWayBack(options)),
      now,
    })
    for (const text of warnings) terminal.warn(`Note: ${text}`)
    showJob(terminal, job, 'shipped')
  },
}

export const jobCancelCommand: CommandModule<GlobalOptions, NamedOptions> = {
  command: 'cancel <name>',
  describe: 'Ask for a job to be cancelled: drives that were sent come back as they are',
  builder: namedOptions,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { service } = await openService(options, terminal)
    const job = await service.update(options.name, { cancelRequested: true })
    showJob(terminal, job, 'cancelled')
  },
}

interface DeleteOptions extends NamedOptions {
  yes: boolean
}

export const jobDeleteCommand: CommandModule<GlobalOptions, DeleteOptions> = {
  command: 'delete <name>',
  describe: 'Delete a job that was not sent, or is completed',
  builder: (options) =>
    namedOptions(options).option('yes', {
      type: 'boolean',
      default: false,
      describe: 'Do not ask for the name to be typed',
    }),
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { name, yes } = options
    const { service } = await openService(options, terminal)
    const job = await getJob(service, name)
    if (!yes) {
      showJob(terminal, job)
      const typed = await terminal.ask(`Type ${job.name} to delete this job`, { flag: '--yes' })
      if (typed.trim() !== job.name) {
        const message = `${JSON.stringify(typed)} is not ${job.name}; nothing was deleted.`
        throw new TransferError('CONFIRMATION_MISSING', message)
      }
    }
    await service.delete(name)
    terminal.emit({ event: 'job-deleted', name: job.name })
    terminal.print(`The job ${job.name} was deleted.`)
  },
}
