// Before anything is sent: is what lies in the container the other half of this vault, and does nobody else adopt it now? A small
// blob that can be made only once says who adopts; whoever has the same vault.json has the same claim and may go on.

import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { TransferError } from '../errors.js'
import { identityDifference, identityName, parseIdentity } from '../formats/vault-identity.js'
import { formatBytes } from '../reports/format-bytes.js'
import type { VaultFolder } from './vault-folder.js'
import type { VaultPlace } from './vault-place.js'

export const claimName = 'diskferry-adopt.json'

export interface ArrivedHalf {
  hasIdentity: boolean
  hasConfig: boolean
  /** The drives were written from an earlier list than the one that is frozen now. */
  generation?: number
}

/** @throws TransferError VAULT_OTHER */
export async function recogniseHalf(vault: VaultFolder, place: VaultPlace): Promise<ArrivedHalf> {
  const ours = vault.identity
  const text = await place.readSmall(identityName)
  const where = `${place.name}/${identityName}`
  const theirs = text === undefined ? undefined : parseIdentity(text.toString('utf8'), where)
  const difference = theirs === undefined ? undefined : identityDifference(ours, theirs)
  if (difference !== undefined) throw otherVault(place, difference)
  const config = await place.readSmall('config')
  if (config !== undefined && createHash('sha256').update(config).digest('hex') !== ours.configHash) {
    throw otherVault(place, 'its config is of another repository')
  }
  return {
    hasIdentity: theirs !== undefined,
    hasConfig: config !== undefined,
    ...(theirs === undefined ? {} : { generation: theirs.generation }),
  }
}

/** A slip in the address would send over the line all that the drives carried. @throws TransferError VAULT_OTHER */
export async function requireArrived({ state }: VaultFolder, place: VaultPlace, arrived: ArrivedHalf): Promise<void> {
  const { frozen, job } = state
  if (state.state !== 'frozen' || frozen === undefined || arrived.hasConfig || arrived.hasIdentity) return
  if (await hasPacks(place)) return
  const message = `${place.name} has nothing of what the drives of job ${job} carried: ${frozen.files} files, ${formatBytes(frozen.bytes)}.`
  throw new TransferError('VAULT_OTHER', message, {
    hint: 'Give the account that they were imported into. --force REASON sends all of it over the network.',
  })
}

async function hasPacks(place: VaultPlace): Promise<boolean> {
  try {
    for await (const _pack of place.list('data/')) return true
  } catch (error) {
    // No container yet.
    if (!(error instanceof TransferError) || error.code !== 'STORAGE_NOT_FOUND') throw error
  }
  return false
}

export function otherVault(place: VaultPlace, why: string): TransferError {
  return new TransferError('VAULT_OTHER', `${place.name} is not the other half of this vault: ${why}.`, {
    hint: 'Nothing was sent. Give the account and container that the drives were imported into.',
  })
}

/** @param takesOver the claim of somebody who is known to be gone. @throws TransferError VAULT_IN_USE */
export async function claimPlace(place: VaultPlace, claim: string, takesOver: boolean): Promise<void> {
  const document = { claim, host: hostname(), at: new Date().toISOString() }
  const bytes = Buffer.from(`${JSON.stringify(document)}\n`)
  if (await place.create(claimName, bytes)) return
  const found = readClaim((await place.readSmall(claimName))?.toString('utf8') ?? '')
  if (found.claim === claim) return
  if (takesOver) {
    await place.send(claimName, pieces(bytes), bytes.length, { replaces: true })
    return
  }
  const message = `${place.name} is being adopted, or was, by ${found.host} since ${found.at}, from another copy of this vault.`
  throw new TransferError('VAULT_IN_USE', message, {
    hint: 'Go on there. If that copy is gone, --take-over makes this one count.',
  })
}

function readClaim(text: string): { claim: string; host: string; at: string } {
  try {
    const { claim, host, at } = JSON.parse(text) as Record<string, unknown>
    return { claim: String(claim), host: String(host).slice(0, 255), at: String(at).slice(0, 40) }
  } catch {
    return { claim: '', host: 'an unknown computer', at: 'an unknown time' }
  }
}

async function* pieces(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes
}
