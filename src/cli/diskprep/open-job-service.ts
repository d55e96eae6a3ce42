// The job service of a staged job. An address that stands in the staging location is only offered: a token goes to a service
// that was named here, or to Azure.

import type { StagedCloud, StagedJob } from '../../index.js'
import { azurePublicEndpoint } from '../../index.js'
import { type OpenedService, openService } from '../service-options.js'
import type { Terminal } from '../terminal.js'
import type { DiskprepOptions } from './options.js'

export interface OpenedJobService extends OpenedService {
  /** For the state: the address of a local service, or of Azure. */
  address: string
  api: DiskprepOptions['api']
}

/** @throws TypeError when it is not known which; as openService. */
export async function openJobService(
  options: DiskprepOptions,
  state: StagedJob,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<OpenedJobService> {
  const { publishSettings: _read, ...rest } = options
  const address = await serviceAddress(options, state, terminal)
  const cloud: StagedCloud = state.cloud ?? options.cloud
  const api = state.order?.api ?? options.api
  const opened = await openService(
    {
      ...rest,
      api,
      cloud,
      ...(address === undefined ? {} : { service: address }),
      ...(state.subscription === undefined ? {} : { subscription: state.subscription }),
      ...(state.resourceGroup === undefined ? {} : { resourceGroup: state.resourceGroup }),
    },
    terminal,
    signal,
  )
  return { ...opened, api, address: address ?? azureAddress(cloud) }
}

function azureAddress(cloud: StagedCloud): string {
  return cloud === 'public' ? azurePublicEndpoint : `Azure (${cloud})`
}

async function serviceAddress(
  options: DiskprepOptions,
  state: StagedJob,
  terminal: Terminal,
): Promise<string | undefined> {
  const given = options.service ?? process.env.DISKFERRY_SERVICE
  const known = state.order?.service
  if (given !== undefined || known === undefined || known === azureAddress(state.cloud ?? options.cloud)) return given
  if (!terminal.isInteractive)
    throw new TypeError(`expected --service: this job was ordered at ${JSON.stringify(known)}`)
  return (await terminal.ask('Address of the job service', { initial: known, flag: '--service' })).trim()
}
