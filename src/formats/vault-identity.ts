// diskferry-vault.json: a small file that lies with the repository, travels on the drives and arrives in the container. It says
// which seed this is a half of, so that two halves of different seeds are never put together.

import { TransferError } from '../errors.js'
import { rootOf } from './json-value.js'

export const identityName = 'diskferry-vault.json'
export const identityBytesMax = 16_384

export interface VaultIdentity {
  seedId: string
  generation: number
  job: string
  container: string
  prefix: string
  /** SHA-256 of the repository's config. */
  configHash: string
}

const format = 'diskferry-vault'

export function encodeIdentity({ seedId, generation, job, container, prefix, configHash }: VaultIdentity): string {
  const document = { format, version: 1, seedId, generation, job, container, prefix, configHash }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/** @throws TransferError VAULT_OTHER for anything else: it is no half of a vault of ours. */
export function parseIdentity(text: string, where: string): VaultIdentity {
  const fail = (problem: string): never => {
    throw new TransferError('VAULT_OTHER', `${where}: ${problem}.`, { path: where })
  }
  let document: unknown
  try {
    if (text.length <= identityBytesMax) document = JSON.parse(text)
  } catch {}
  const root = rootOf(document, fail)
  if (root.get('format')?.text() !== format) fail('this is no identity of a vault')
  return {
    seedId: root.need('seedId').text(36),
    generation: root.need('generation').number(),
    job: root.need('job').text(24),
    container: root.need('container').text(63),
    prefix: root.need('prefix').text(512),
    configHash: root.need('configHash').text(64),
  }
}

/** What keeps the two from being halves of one vault; undefined when nothing does. */
export function identityDifference(ours: VaultIdentity, theirs: VaultIdentity): string | undefined {
  if (theirs.seedId !== ours.seedId)
    return `it is of seed ${theirs.seedId} (job ${theirs.job}), expected ${ours.seedId}`
  if (theirs.configHash !== ours.configHash) return 'it is of another repository of the same seed'
  if (theirs.container !== ours.container || theirs.prefix !== ours.prefix) {
    return `it belongs into ${theirs.container}/${theirs.prefix}, expected ${ours.container}/${ours.prefix}`
  }
  return undefined
}
