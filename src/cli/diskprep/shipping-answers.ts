// What has to be said about the package and its way back: from options, from what was said before, and asked where that is open.

import {
  knownCarriers,
  type ReturnAddress,
  type ReturnShipping,
  type ShippedPackage,
  type StagedShipping,
} from '../../index.js'
import { readWayBack } from '../address-options.js'
import type { Terminal } from '../terminal.js'
import type { DiskprepOptions } from './options.js'

const addressQuestions = [
  ['recipientName', 'Return to: recipient', '--return-name', true],
  ['streetAddress1', 'Return to: street', '--return-street', true],
  ['streetAddress2', 'Return to: second line (may be empty)', '--return-street2', false],
  ['city', 'Return to: city', '--return-city', true],
  ['stateOrProvince', 'Return to: state or province (may be empty)', '--return-state', false],
  ['postalCode', 'Return to: postal code', '--return-postal-code', true],
  ['countryOrRegion', 'Return to: country', '--return-country', true],
  ['phone', 'Contact: phone', '--return-phone', true],
  ['email', 'Contact: e-mail', '--return-email', true],
] as const

export interface ShippingAnswers {
  package: ShippedPackage
  returnAddress: ReturnAddress
  returnShipping: ReturnShipping
}

export interface ShippingQuestions {
  options: DiskprepOptions
  terminal: Terminal
  /** What was said before; offered again. */
  before: StagedShipping
  /** Carriers that go to the datacenter. */
  carriers: readonly string[]
  today: string
}

/** Asks nothing where nobody is: then what is open stays open, and the rules say so. */
export async function readShipping(questions: ShippingQuestions): Promise<ShippingAnswers> {
  const { options, terminal, before, carriers, today } = questions
  const sent = before.deliveryPackage ?? {}
  const carrierName =
    options.carrier ?? (await askCarrier('Carrier', sent.carrierName, carriers, '--carrier', terminal))
  const trackingNumber =
    options.tracking ?? (await askText('Tracking number', sent.trackingNumber, '--tracking', terminal))
  const shipDate =
    options.shipDate ?? (await askText('Ship date', sent.shipDate?.slice(0, 10) ?? today, '--ship-date', terminal))
  const back = await askWayBack(options, before, terminal, carrierName)
  return {
    package: { carrierName: carrierName ?? '', trackingNumber: trackingNumber ?? '', shipDate: shipDate ?? today },
    ...back,
  }
}

export async function askWayBack(
  options: DiskprepOptions,
  before: StagedShipping,
  terminal: Terminal,
  carrierBefore?: string,
): Promise<{ returnAddress: ReturnAddress; returnShipping: ReturnShipping }> {
  const given = await readWayBack(options)
  const returnAddress: ReturnAddress = {}
  for (const [name, question, flag, isNeeded] of addressQuestions) {
    const known = before.returnAddress?.[name]
    // Whoever gave an address by options said with it that the rest is empty.
    const isOpen = isNeeded || given.returnAddress === undefined
    const value = given.returnAddress?.[name] ?? (isOpen ? await askText(question, known, flag, terminal) : known)
    if (value !== undefined && value !== '') returnAddress[name] = value
  }
  const { carrierName = before.returnShipping?.carrierName ?? carrierBefore } = given.returnShipping ?? {}
  const account = before.returnShipping?.carrierAccountNumber
  const carrier =
    given.returnShipping?.carrierName ??
    (await askCarrier('Carrier for the way back', carrierName, knownCarriers, '--return-carrier', terminal))
  const number =
    given.returnShipping?.carrierAccountNumber ??
    (await askText('Your account number with that carrier', account, '--return-account', terminal))
  return {
    returnAddress,
    returnShipping: {
      ...(carrier === undefined ? {} : { carrierName: carrier }),
      ...(number === undefined ? {} : { carrierAccountNumber: number }),
    },
  }
}

async function askText(
  question: string,
  initial: string | undefined,
  flag: string,
  terminal: Terminal,
): Promise<string | undefined> {
  if (!terminal.isInteractive) return initial
  const options = initial === undefined ? { flag } : { initial, flag }
  return (await terminal.ask(question, options)).trim()
}

async function askCarrier(
  question: string,
  known: string | undefined,
  carriers: readonly string[],
  flag: string,
  terminal: Terminal,
): Promise<string | undefined> {
  if (!terminal.isInteractive || carriers.length === 0) return askText(question, known, flag, terminal)
  const initial = carriers.find((name) => name.toLowerCase() === known?.toLowerCase())
  const choices = carriers.map((name) => ({ value: name, label: name }))
  return terminal.choose(question, choices, initial === undefined ? { flag } : { initial, flag })
}
