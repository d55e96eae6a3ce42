// The order book of a receiving station: options of `receive` for a local service whose jobs know the drives.

import { readFile } from 'node:fs/promises'
import type { Argv } from 'yargs'
import {
  describePacking,
  packFinishedJobs,
  readSecretFile,
  StationClient,
  staticToken,
  stationJobToJson,
  TransferError,
} from '../index.js'
import type { Terminal } from './terminal.js'

export interface StationOptions {
  service?: string
  tokenFile?: string
  serviceCertificate?: string
}

export function stationOptions<T>(options: Argv<T>): Argv<T & StationOptions> {
  return options
    .option('service', {
      type: 'string',
      describe: 'Local service whose jobs know keys and manifest hashes, instead of --journal',
    })
    .option('token-file', { type: 'string', describe: 'File with its token (or DISKFERRY_SERVICE_TOKEN)' })
    .option('service-certificate', {
      type: 'string',
      describe: 'PEM file with its self-signed certificate',
    }) as unknown as Argv<T & StationOptions>
}

/** Undefined without --service. @throws TransferError SERVICE_SIGN_IN without a token. */
export async function openStation(options: StationOptions, terminal: Terminal): Promise<StationClient | undefined> {
  const { service, tokenFile, serviceCertificate } = options
  if (service === undefined) return undefined
  const token =
    tokenFile === undefined ? process.env.DISKFERRY_SERVICE_TOKEN : await readSecretFile(tokenFile, terminal.warn)
  if (!token) {
    throw new TransferError('SERVICE_SIGN_IN', `No token was given for ${service}.`, {
      hint: 'Give --token-file, or DISKFERRY_SERVICE_TOKEN. The service names the file when it starts.',
    })
  }
  const settings = { endpoint: service, credential: staticToken(token.trim()) }
  if (serviceCertificate === undefined) return new StationClient(settings)
  return new StationClient({ ...settings, certificateAuthority: await readFile(serviceCertificate, 'utf8') })
}

/** For commands of the station alone. @throws TypeError when no service is given; SERVICE_SIGN_IN */
export async function needStation(options: StationOptions, terminal: Terminal): Promise<StationClient> {
  const service = options.service ?? process.env.DISKFERRY_SERVICE
  const station = await openStation(service === undefined ? options : { ...options, service }, terminal)
  if (station === undefined) throw new TypeError('expected --service: only a local service has a receiving station')
  return station
}

export async function tellPackedJobs(station: StationClient, terminal: Terminal): Promise<void> {
  for (const job of await packFinishedJobs(station)) {
    terminal.emit({ event: 'job-packaging', ...stationJobToJson(job) })
    terminal.print(describePacking(job))
  }
}
