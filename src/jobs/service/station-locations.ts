// Where drives are sent to when the local service receives them: locations.json in its data folder, which its owner edits. The
// first one that is written has this machine's own place under names that scripts for Azure use.

import { readFile } from 'node:fs/promises'
import { TransferError } from '../../errors.js'
import { readJson } from '../../formats/json-value.js'
import { type DatacenterLocation, knownCarriers, readLocation } from '../../formats/shipping.js'
import { writeWhole } from '../../prepare/session-files.js'

const firstNames = ['Local Station', 'West Europe', 'West US']

function firstLocation(name: string): DatacenterLocation {
  return {
    name,
    recipientName: 'diskferry local service',
    streetAddress1: 'The receiving station of this machine',
    city: 'No datacenter: edit locations.json',
    postalCode: '00000',
    countryOrRegion: 'Nowhere',
    phone: '000',
    supportedCarriers: [...knownCarriers],
    alternateLocations: [name],
  }
}

/** @throws TransferError SERVICE_DATA_INVALID */
export async function readOrMakeLocations(path: string): Promise<DatacenterLocation[]> {
  const fail = (problem: string): never => {
    const hint = 'Correct it, or remove it and the first one is made anew.'
    throw new TransferError('SERVICE_DATA_INVALID', `${path}: ${problem}.`, { path, hint })
  }
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) {
    const locations = firstNames.map(firstLocation)
    await writeWhole(path, [`${JSON.stringify(locations, undefined, 2)}\n`])
    return locations
  }
  const locations = readJson(text, fail).list(100).map(readLocation)
  if (locations.length === 0) fail('there is no location')
  return locations
}

/** The `locations` resource of the REST API. */
export function locationResource({ name, ...properties }: DatacenterLocation): Record<string, unknown> {
  const { additionalInformation, alternateLocations, ...address } = properties
  const id = `/providers/Microsoft.ImportExport/locations/${encodeURIComponent(name)}`
  return {
    id,
    name,
    type: 'Microsoft.ImportExport/locations',
    properties: { ...address, additionalShippingInformation: additionalInformation, alternateLocations },
  }
}
