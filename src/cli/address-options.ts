// Where the drives go back to and who carries them: a JSON file, single options, or both; an option counts more.

import { readFile } from 'node:fs/promises'
import type { Argv } from 'yargs'
import { parseReturnFile, type ReturnAddress, type ReturnShipping, TransferError } from '../index.js'

export interface AddressOptions {
  returnFile?: string
  returnName?: string
  returnStreet?: string
  returnStreet2?: string
  returnCity?: string
  returnState?: string
  returnPostalCode?: string
  returnCountry?: string
  returnPhone?: string
  returnEmail?: string
  returnCarrier?: string
  returnAccount?: string
}

const fields = [
  ['return-name', 'returnName', 'recipientName', 'Recipient of the drives'],
  ['return-street', 'returnStreet', 'streetAddress1', 'Street'],
  ['return-street2', 'returnStreet2', 'streetAddress2', 'Second line of the street'],
  ['return-city', 'returnCity', 'city', 'City'],
  ['return-state', 'returnState', 'stateOrProvince', 'State or province'],
  ['return-postal-code', 'returnPostalCode', 'postalCode', 'Postal code'],
  ['return-country', 'returnCountry', 'countryOrRegion', 'Country'],
  ['return-phone', 'returnPhone', 'phone', 'Phone'],
  ['return-email', 'returnEmail', 'email', 'E-mail'],
] as const

export function addressOptions<T>(options: Argv<T>): Argv<T & AddressOptions> {
  const group = 'The way back:'
  let declared: Argv = options.option('return-file', {
    type: 'string',
    group,
    describe: 'JSON file with returnAddress and returnShipping',
  })
  for (const [flag, , , describe] of fields) declared = declared.option(flag, { type: 'string', group, describe })
  return declared
    .option('return-carrier', { type: 'string', group, describe: 'Carrier, such as FedEx, DHL, UPS' })
    .option('return-account', { type: 'string', group, describe: 'Your account number with it' }) as unknown as Argv<
    T & AddressOptions
  >
}

export interface WayBack {
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
}

/** @throws TransferError JOB_FILE_INVALID */
export async function readWayBack(options: AddressOptions): Promise<WayBack> {
  const { returnFile, returnCarrier, returnAccount } = options
  const fromFile = returnFile === undefined ? {} : parseReturnFile(await readText(returnFile), returnFile)
  const address = fields.flatMap(([, option, name]) => {
    const value = options[option]
    return value === undefined ? [] : [[name, value] as const]
  })
  const returnAddress = { ...fromFile.returnAddress, ...Object.fromEntries(address) }
  const returnShipping = {
    ...fromFile.returnShipping,
    ...(returnCarrier === undefined ? {} : { carrierName: returnCarrier }),
    ...(returnAccount === undefined ? {} : { carrierAccountNumber: returnAccount }),
  }
  return {
    ...(Object.keys(returnAddress).length === 0 ? {} : { returnAddress }),
    ...(Object.keys(returnShipping).length === 0 ? {} : { returnShipping }),
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new TransferError('JOB_FILE_INVALID', `${path} cannot be read: ${cause.message}.`, { cause, path })
  })
}
