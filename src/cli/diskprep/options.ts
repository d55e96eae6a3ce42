// What diskprep is told: the words that AzureOfflineBackupDiskPrep knows (`s:…`, `p:…`, `u:`), and an option for everything
// that it would ask.

import type { Argv } from 'yargs'
import { type AddressOptions, addressOptions } from '../address-options.js'
import { type ServiceOptions, serviceOptions } from '../service-options.js'

export interface DiskprepOptions extends ServiceOptions, AddressOptions {
  words?: string[]
  job?: string
  container?: string
  drive?: string[]
  location?: string
  accountId?: string
  carrier?: string
  tracking?: string
  shipDate?: string
  later: boolean
  yes: boolean
}

export interface DiskprepWords {
  staging?: string
  publishSettings?: string
  updatesShipping: boolean
}

/** @throws TypeError for a word that is none of the three, or stands there twice. */
export function parseWords(words: readonly string[]): DiskprepWords {
  const parsed: DiskprepWords = { updatesShipping: false }
  const seen = new Set<string>()
  for (const word of words) {
    const [, key = '', value = ''] = /^([spu]):(.*)$/is.exec(word) ?? []
    const name = key.toLowerCase()
    if (name === '' || (name === 'u') !== (value === '')) {
      const meant = name === '' && !/^\w:/.test(word) ? `; for a staging location write s:${word}` : ''
      throw new TypeError(`expected s:STAGING, p:PUBLISHSETTINGS or u: but received ${JSON.stringify(word)}${meant}`)
    }
    if (seen.has(name)) throw new TypeError(`expected ${name}: once but received it twice`)
    seen.add(name)
    if (name === 's') parsed.staging = value
    else if (name === 'p') parsed.publishSettings = value
    else parsed.updatesShipping = true
  }
  return parsed
}

export function diskprepOptions<T>(options: Argv<T>): Argv<T & DiskprepOptions> {
  const words = options.positional('words', {
    type: 'string',
    array: true,
    describe: 's:STAGING the staging location; p:FILE a .publishsettings file; u: shipping details and state',
  })
  return addressOptions(serviceOptions(words))
    .option('job', { type: 'string', describe: 'Which job, when the staging location has several' })
    .option('container', { type: 'string', describe: 'Container, for a job that a backup left without one' })
    .option('drive', {
      type: 'string',
      array: true,
      describe: 'Drive to fill (repeatable): /dev/sdX, or FILE:SIZE for an image',
    })
    .option('location', { type: 'string', describe: 'Where the drives are sent, such as "West Europe"' })
    .option('account-id', { type: 'string', describe: 'Resource id of the account, when not in the resource group' })
    .option('carrier', { type: 'string', describe: 'Who carries the package' })
    .option('tracking', { type: 'string', describe: 'Tracking number of the one package' })
    .option('ship-date', { type: 'string', describe: 'Day on which it is handed over; today when not given' })
    .option('later', { type: 'boolean', default: false, describe: 'Give no shipping details now' })
    .option('yes', {
      type: 'boolean',
      default: false,
      describe: 'Erase the drives, and commit the shipping details, without asking',
    }) as unknown as Argv<T & DiskprepOptions>
}
