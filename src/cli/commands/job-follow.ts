// diskferry job status, list, show, keys, locations: what looks and changes nothing.

import { setTimeout as sleep } from 'node:timers/promises'
import type { CommandModule } from 'yargs'
import {
  describeJobLine,
  describeLocation,
  exitCodes,
  getJob,
  type ImportService,
  isFinished,
  jobToJson,
  shippingReminder,
} from '../../index.js'
import type { GlobalOptions } from '../options.js'
import { openService, type ServiceOptions, serviceOptions } from '../service-options.js'
import { showJob } from '../show-job.js'
import { abortOnSignals } from '../signals.js'
import { createTerminal, type Terminal } from '../terminal.js'
import { type NamedOptions, namedOptions } from './job-ship.js'

interface StatusOptions extends NamedOptions {
  watch: boolean
  interval: number
}

export const jobStatusCommand: CommandModule<GlobalOptions, StatusOptions> = {
  command: 'status <name>',
  describe: 'Where a job stands, and what is to be done by when',
  builder: (options) =>
    namedOptions(options)
      .option('watch', {
        type: 'boolean',
        default: false,
        describe: 'Follow it until it ends; exit code 3 when it ends as Closed',
      })
      .option('interval', { type: 'number', default: 30, describe: 'Seconds between two looks' }),
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { name, watch, interval } = options
    if (!(interval >= 1))
      throw new TypeError(`expected a number of seconds from 1 on for --interval but received ${interval}`)
    const { signal, done } = abortOnSignals()
    try {
      const { service } = await openService(options, terminal, signal)
      await follow(service, name, terminal, { watch, intervalMs: interval * 1000, signal })
    } finally {
      done()
    }
  },
}

interface FollowOptions {
  watch: boolean
  intervalMs: number
  signal: AbortSignal
}

async function follow(service: ImportService, name: string, terminal: Terminal, options: FollowOptions): Promise<void> {
  const { watch, intervalMs, signal } = options
  let shown = ''
  for (;;) {
    const job = await getJob(service, name)
    const text = JSON.stringify(job)
    if (text !== shown) {
      if (shown !== '') terminal.print('')
      showJob(terminal, job)
    }
    shown = text
    if (!watch || isFinished(job)) {
      if (watch && job.state === 'Closed') process.exitCode = exitCodes.partly
      return
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) {
      process.exitCode = exitCodes.interrupted
      return
    }
  }
}

export const jobShowCommand: CommandModule<GlobalOptions, NamedOptions> = {
  command: 'show <name>',
  describe: 'The job as the service has it, as JSON, without keys',
  builder: namedOptions,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { service } = await openService(options, terminal)
    const job = jobToJson(await getJob(service, options.name))
    terminal.emit({ event: 'job', ...job })
    terminal.print(JSON.stringify(job, undefined, 2))
  },
}

export const jobListCommand: CommandModule<GlobalOptions, ServiceOptions> = {
  command: 'list',
  describe: 'All jobs of the resource group',
  builder: serviceOptions,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { service } = await openService(options, terminal)
    const jobs = await service.list()
    for (const job of jobs) {
      terminal.emit({ event: 'job', ...jobToJson(job, shippingReminder(job, new Date())) })
      terminal.print(describeJobLine(job))
    }
    if (jobs.length === 0) terminal.print('There is no job.')
  },
}

export const jobKeysCommand: CommandModule<GlobalOptions, NamedOptions> = {
  command: 'keys <name>',
  describe: 'The recovery passwords of a job’s drives, as the service has them (secret)',
  builder: namedOptions,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { service } = await openService(options, terminal)
    for (const [driveId, bitLockerKey] of await service.listBitLockerKeys(options.name)) {
      terminal.emit({ event: 'key', driveId, bitLockerKey })
      terminal.print(`${driveId}  ${bitLockerKey}`)
    }
  },
}

export const jobLocationsCommand: CommandModule<GlobalOptions, ServiceOptions> = {
  command: 'locations',
  describe: 'Where drives can be sent, and which carriers go there',
  builder: serviceOptions,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { service } = await openService(options, terminal)
    for (const location of await service.locations()) {
      terminal.emit({ event: 'location', ...location })
      terminal.print(`${describeLocation(location)}\n`)
    }
  },
}
