// A job as the people at the receiving station need it: which drives are here, and where they go back to.

import { addressLines, type ShippingParts } from '../formats/shipping.js'
import { counted, printable } from './printable.js'

export interface StationJobFacts extends ShippingParts {
  name: string
  state: string
  cancelRequested: boolean
  drives: readonly { driveId: string; state: string }[]
}

/** What is here and what is not, in one line for each drive. */
export function describeArrival({ name, state, drives }: StationJobFacts): string {
  const rows = drives.map((drive) => `  ${drive.driveId.padEnd(20)} ${drive.state}`)
  return [`${name}: ${state}`, ...rows].map(printable).join('\n')
}

/** What whoever packs the drives has to know. */
export function describePacking({ name, drives, returnAddress, returnShipping }: StationJobFacts): string {
  const here = drives.filter(({ state }) => state !== 'NeverReceived')
  const { carrierName = '', carrierAccountNumber = '' } = returnShipping ?? {}
  return [
    `Job ${name}: its drives can be packed, ${counted(here.length, 'drive')} in one package.`,
    ...here.map(({ driveId }) => `    ${driveId}`),
    `  Send with ${carrierName}, account ${carrierAccountNumber}, to`,
    ...addressLines(returnAddress ?? {}).map((line) => `    ${line}`),
    `  Then: diskferry job return ${name} --carrier … --tracking …`,
  ]
    .map(printable)
    .join('\n')
}

/** How the job ended. */
export function describeReturn({ name, state, returnPackage }: StationJobFacts): string {
  const { carrierName = '', trackingNumber = '', driveCount = 0 } = returnPackage ?? {}
  const words = state === 'Completed' ? 'everything arrived' : 'a drive had problems or never came'
  return printable(
    `Job ${name}: ${state}, ${words}. ${counted(driveCount, 'drive')} on the way back with ${carrierName}, ${trackingNumber}.`,
  )
}

/** For `--json`; without keys. */
export function stationJobToJson(job: StationJobFacts): Record<string, unknown> {
  const { name, state, cancelRequested, returnAddress, returnShipping, returnPackage } = job
  const drives = job.drives.map(({ driveId, state: driveState }) => ({ driveId, state: driveState }))
  return { job: name, state, cancelRequested, drives, returnAddress, returnShipping, returnPackage }
}
