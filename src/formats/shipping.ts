// Who sends what to whom: addresses, carriers and packages, as the job services' resources spell them. Types and readers
// only; what makes an address complete is a rule, and rules are in plan/shipping-rules.ts.

import { TransferError } from '../errors.js'
import { type JsonValue, readJson, textFields } from './json-value.js'

const centerNames = [
  'recipientName',
  'streetAddress1',
  'streetAddress2',
  'city',
  'stateOrProvince',
  'postalCode',
  'countryOrRegion',
  'phone',
] as const
const addressNames = [...centerNames, 'email'] as const

/** Where the drives go back to. The service wants all but `streetAddress2` and `stateOrProvince`. */
export type ReturnAddress = Partial<Record<(typeof addressNames)[number], string>>

/** Who carries the drives back, and on whose account. */
export interface ReturnShipping {
  carrierName?: string
  carrierAccountNumber?: string
}

/** One package on its way, there or back. */
export interface ShippedPackage {
  carrierName?: string
  trackingNumber?: string
  driveCount?: number
  /** As the service spells it: a date, or a date with a time. */
  shipDate?: string
}

/** Where the drives are sent to. */
export interface DatacenterAddress extends Partial<Record<(typeof centerNames)[number], string>> {
  additionalInformation?: string
}

export interface DatacenterLocation extends DatacenterAddress {
  name: string
  supportedCarriers: string[]
  /** Where to ship to now. A location that is not in its own list is closed for the moment. */
  alternateLocations: string[]
}

/** The carriers that the service's documents name. A location's own list counts. */
export const knownCarriers = ['FedEx', 'DHL', 'UPS'] as const

export function readReturnAddress(from: JsonValue): ReturnAddress {
  return textFields(from, addressNames)
}

export function readReturnShipping(from: JsonValue): ReturnShipping {
  return textFields(from, ['carrierName', 'carrierAccountNumber'])
}

export function readPackage(from: JsonValue): ShippedPackage {
  const read: ShippedPackage = textFields(from, ['carrierName', 'trackingNumber', 'shipDate'])
  const driveCount = from.get('driveCount')?.number()
  return driveCount === undefined ? read : { ...read, driveCount }
}

export interface ShippingParts {
  returnAddress?: ReturnAddress
  returnShipping?: ReturnShipping
  /** On its way to the datacenter. */
  deliveryPackage?: ShippedPackage
  /** On its way back. */
  returnPackage?: ShippedPackage
}

const partReaders = {
  returnAddress: readReturnAddress,
  returnShipping: readReturnShipping,
  deliveryPackage: readPackage,
  returnPackage: readPackage,
} satisfies Record<keyof ShippingParts, (from: JsonValue) => object>

/** Those of a job's addresses and packages that are there. */
export function readShippingParts<Name extends keyof ShippingParts = keyof ShippingParts>(
  from: JsonValue,
  names: readonly Name[] = Object.keys(partReaders) as Name[],
): Pick<ShippingParts, Name> {
  const parts = names.flatMap((name) => {
    const part = from.get(name)
    return part === undefined ? [] : [[name, partReaders[name](part)] as const]
  })
  return Object.fromEntries(parts) as Pick<ShippingParts, Name>
}

export function readDatacenterAddress(from: JsonValue): DatacenterAddress {
  const read: DatacenterAddress = textFields(from, centerNames)
  const more = (from.get('additionalInformation') ?? from.get('additionalShippingInformation'))?.text(20_000)
  return more === undefined ? read : { ...read, additionalInformation: more }
}

/** An entry of the service's list of locations: the fields lie in `properties` there. */
export function readLocation(from: JsonValue): DatacenterLocation {
  const properties = from.get('properties') ?? from
  return {
    ...readDatacenterAddress(properties),
    name: from.need('name').text(),
    supportedCarriers:
      properties
        .get('supportedCarriers')
        ?.list()
        .map((entry) => entry.text()) ?? [],
    alternateLocations: locationNames(properties),
  }
}

// Alternates are named by resource id or by name.
function locationNames(properties: JsonValue): string[] {
  const entries = properties.get('alternateLocations')?.list() ?? []
  return entries.map((entry) => entry.text().replace(/^.*\//, ''))
}

/** An address as lines of an envelope. */
export function addressLines(address: ReturnAddress | DatacenterAddress): string[] {
  const { recipientName, streetAddress1, streetAddress2, city, stateOrProvince, postalCode, countryOrRegion } = address
  const town = [city, stateOrProvince, postalCode].filter((part) => part !== undefined && part !== '').join(' ')
  return [recipientName, streetAddress1, streetAddress2, town, countryOrRegion].filter(
    (line): line is string => line !== undefined && line !== '',
  )
}

/**
 * A file with the way back, `{"returnAddress": {…}, "returnShipping": {…}}`, each as the service spells it.
 * @throws TransferError JOB_FILE_INVALID with the path of the value.
 */
export function parseReturnFile(
  text: string,
  fileName: string,
): { returnAddress?: ReturnAddress; returnShipping?: ReturnShipping } {
  const fail = (problem: string): never => {
    throw new TransferError('JOB_FILE_INVALID', `${fileName}: ${problem}.`, { path: fileName })
  }
  const root = readJson(text, fail)
  const unknown = root.names().filter((name) => name !== 'returnAddress' && name !== 'returnShipping')
  if (unknown.length > 0) fail(`${unknown[0]} is not known here; known are returnAddress and returnShipping`)
  const address = root.get('returnAddress')
  const back = root.get('returnShipping')
  return {
    ...(address === undefined ? {} : { returnAddress: readReturnAddress(address) }),
    ...(back === undefined ? {} : { returnShipping: readReturnShipping(back) }),
  }
}
