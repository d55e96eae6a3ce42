// The rules for the package with which a station sends drives back. Pure, like those for the package that brought them.

import type { ReturnShipping, ShippedPackage } from '../formats/shipping.js'
import { normalTracking } from './shipment-rules.js'
import { type RuleFinding, shown, violation, warning } from './shipping-rules.js'

export interface ReturnContext {
  /** What the sender asked for. */
  returnShipping?: ReturnShipping
  /** The package that brought the drives. */
  deliveryPackage?: ShippedPackage
  /** How many drives are here: all of the job that came. */
  drivesHere: number
}

/** Everything wrong with sending this package back. */
export function checkReturnPackage(back: Required<ShippedPackage>, context: ReturnContext): RuleFinding[] {
  const { returnShipping, deliveryPackage, drivesHere } = context
  const { trackingNumber, driveCount, shipDate } = back
  const carrier = back.carrierName.trim()
  const findings: RuleFinding[] = []
  if (carrier === '') findings.push(violation('PACKAGE_CARRIER', 'No carrier is given.'))
  const wanted = returnShipping?.carrierName
  if (wanted !== undefined && carrier !== '' && wanted.toLowerCase() !== carrier.toLowerCase()) {
    findings.push(warning('PACKAGE_CARRIER', `The sender pays for ${shown(wanted)}, not for ${shown(carrier)}.`))
  }
  const plain = normalTracking(trackingNumber)
  if (!/^[A-Z0-9]{6,40}$/.test(plain)) {
    findings.push(violation('PACKAGE_TRACKING', `${shown(trackingNumber)} is not 6 to 40 letters and digits.`))
  } else if (plain === normalTracking(deliveryPackage?.trackingNumber ?? '')) {
    findings.push(violation('PACKAGE_TRACKING', `${shown(trackingNumber)} is the package that brought the drives.`))
  }
  if (driveCount !== drivesHere) {
    findings.push(
      violation(
        'PACKAGE_DRIVES',
        `The package has ${driveCount} drives, and ${drivesHere} ${drivesHere === 1 ? 'is' : 'are'} here.`,
      ),
    )
  }
  if (!/^\d{4}-\d{2}-\d{2}(T|$)/.test(shipDate) || Number.isNaN(Date.parse(shipDate))) {
    findings.push(violation('PACKAGE_DATE', `${shown(shipDate)} is no date such as 2026-11-30.`))
  }
  return findings
}
