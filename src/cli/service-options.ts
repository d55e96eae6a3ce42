// Which job service, and who asks: options that every `job` command shares, read and checked once.

import { readFile } from 'node:fs/promises'
import type { Argv } from 'yargs'
import {
  ArmImportService,
  azureCredential,
  azurePublicEndpoint,
  certificateNote,
  DataBoxService,
  type ImportService,
  type JobServiceOptions,
  parsePublishSettings,
  readSecretFile,
  staticToken,
  TransferError,
} from '../index.js'
import { exitCodeHelp } from './exit-codes.js'
import type { GlobalOptions } from './options.js'
import type { Terminal } from './terminal.js'

export interface ServiceOptions extends GlobalOptions {
  service?: string
  tokenFile?: string
  serviceCertificate?: string
  api: 'import-export' | 'data-box'
  cloud: keyof typeof clouds
  publishSettings?: string
  subscription?: string
  resourceGroup?: string
}

const clouds = {
  public: azurePublicEndpoint,
  china: 'https://management.chinacloudapi.cn',
  'us-government': 'https://management.usgovcloudapi.net',
} as const

/** What the local service takes for a subscription: it has none of its own. */
const localSubscription = '00000000-0000-0000-0000-000000000000'
const localGroup = 'diskferry'

export function serviceOptions<T>(options: Argv<T>): Argv<T & ServiceOptions> {
  return options
    .option('service', {
      type: 'string',
      describe: 'Address of a local service, or of what speaks --api; Azure when not given (DISKFERRY_SERVICE)',
    })
    .option('token-file', { type: 'string', describe: 'File with its token (or DISKFERRY_SERVICE_TOKEN)' })
    .option('service-certificate', { type: 'string', describe: 'PEM file with its self-signed certificate' })
    .option('api', {
      choices: ['import-export', 'data-box'] as const,
      default: 'import-export' as const,
      describe: 'Azure’s Microsoft.ImportExport, or customer disks of Microsoft.DataBox',
    })
    .option('cloud', {
      choices: Object.keys(clouds) as (keyof typeof clouds)[],
      default: 'public' as const,
      describe: 'Which Azure',
    })
    .option('publish-settings', { type: 'string', describe: '.publishsettings file: says subscription and cloud' })
    .option('subscription', { type: 'string', describe: 'Subscription id (AZURE_SUBSCRIPTION_ID)' })
    .option('resource-group', { type: 'string', describe: 'Resource group of the jobs (DISKFERRY_RESOURCE_GROUP)' })
    .epilogue(exitCodeHelp) as unknown as Argv<T & ServiceOptions>
}

export interface OpenedService {
  service: ImportService
  subscriptionId: string
  resourceGroup: string
}

/** @throws TypeError for options that do not go together; TransferError for files, and SERVICE_SIGN_IN without a token. */
export async function openService(
  options: ServiceOptions,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<OpenedService> {
  const address = options.service ?? process.env.DISKFERRY_SERVICE
  const settings =
    address === undefined ? await azureSettings(options, terminal) : await localSettings(address, options, terminal)
  const whole = { ...settings, ...(signal === undefined ? {} : { signal }) }
  const service = options.api === 'data-box' ? new DataBoxService(whole) : new ArmImportService(whole)
  return { service, subscriptionId: settings.subscriptionId, resourceGroup: settings.resourceGroup }
}

async function localSettings(
  endpoint: string,
  options: ServiceOptions,
  terminal: Terminal,
): Promise<JobServiceOptions> {
  const token =
    options.tokenFile === undefined
      ? process.env.DISKFERRY_SERVICE_TOKEN?.trim()
      : await readSecretFile(options.tokenFile, terminal.warn)
  if (token === undefined || token === '') {
    throw new TransferError('SERVICE_SIGN_IN', `No token was given for ${endpoint}.`, {
      hint: 'Give --token-file, or DISKFERRY_SERVICE_TOKEN. The service names the file when it starts.',
    })
  }
  const settings = {
    endpoint,
    credential: staticToken(token),
    subscriptionId: options.subscription ?? process.env.AZURE_SUBSCRIPTION_ID ?? localSubscription,
    resourceGroup: options.resourceGroup ?? process.env.DISKFERRY_RESOURCE_GROUP ?? localGroup,
  }
  if (options.serviceCertificate === undefined) return settings
  return { ...settings, certificateAuthority: await readText(options.serviceCertificate) }
}

async function azureSettings(options: ServiceOptions, terminal: Terminal): Promise<JobServiceOptions> {
  const published = options.publishSettings === undefined ? undefined : await readPublished(options, terminal)
  const endpoint = published?.endpoint ?? clouds[options.cloud]
  const subscriptionId = options.subscription ?? published?.subscriptionId ?? process.env.AZURE_SUBSCRIPTION_ID
  const resourceGroup = options.resourceGroup ?? process.env.DISKFERRY_RESOURCE_GROUP
  if (subscriptionId === undefined || resourceGroup === undefined) {
    throw new TypeError('expected --subscription and --resource-group for Azure, or --service for a local service')
  }
  return { endpoint, subscriptionId, resourceGroup, credential: azureCredential(endpoint) }
}

async function readPublished(options: ServiceOptions, terminal: Terminal) {
  const path = options.publishSettings as string
  const { subscriptions } = parsePublishSettings(await readText(path), path)
  const wanted = options.subscription?.toLowerCase()
  const found = subscriptions.filter(({ id }) => wanted === undefined || id === wanted)
  const [subscription] = found
  if (subscription === undefined || found.length > 1) {
    const list = subscriptions.map(({ id, name }) => `${id} (${name})`).join(', ')
    throw new TypeError(`expected --subscription with one of those in ${path}: ${list}`)
  }
  if (subscription.cloud === undefined || subscription.cloud.isClosed) {
    const what = subscription.cloud === undefined ? 'is of no known cloud' : 'is of a cloud that was closed'
    throw new TransferError('PUBLISH_SETTINGS_INVALID', `${path}: ${subscription.managementUrl} ${what}.`, { path })
  }
  if (subscription.certificate !== 'absent') terminal.warn(certificateNote)
  return { endpoint: subscription.cloud.resourceManagerUrl, subscriptionId: subscription.id }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new TransferError('JOB_FILE_INVALID', `${path} cannot be read: ${cause.message}.`, { cause, path })
  })
}

/** A storage account by resource id, or by its name: then in the same subscription and group. */
export function accountIdOf(account: string, { subscriptionId, resourceGroup }: OpenedService): string {
  if (!/^[a-z0-9]{3,24}$/.test(account)) return account
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Storage/storageAccounts/${account}`
}
