// After the import: what arrived becomes the vault. Compared with staging and with the list of what travelled, completed and
// repaired from staging, checked by restic, and only then the place for new backups. The same again goes on.

import { randomUUID } from 'node:crypto'
import { TransferError } from '../errors.js'
import type { NamedSize } from '../formats/frozen-list.js'
import type { VaultAdoption, VaultTarget } from '../formats/vault-state.js'
import { sideOf } from '../plan/vault-actions.js'
import { checkRepository, repositoryId } from '../restic/repository.js'
import type { RateLimit } from '../storage/rate-limit.js'
import { claimPlace, otherVault, recogniseHalf, requireArrived } from './adopt-claim.js'
import { soundContent } from './named-content.js'
import { sendMissing, sentSoFar } from './send-missing.js'
import { type HalvesSurvey, surveyHalves, type Tally } from './survey-halves.js'
import { openRestic, type VaultAccess, withLocksCleared } from './vault-access.js'
import type { VaultFolder } from './vault-folder.js'
import { BlobVaultPlace, openVaultPlace, type VaultPlace } from './vault-place.js'

export interface AdoptOptions extends VaultAccess {
  target: VaultTarget
  /** What the job service said, or why it was not waited for. */
  job: { state: string } | { forcedBecause: string }
  /** Share of the packs whose content is read and compared, 0 to 1; indexes, snapshots and keys always are. */
  hashShare: number
  /** Also let restic read and compare all data. */
  readsData?: boolean
  dryRun?: boolean
  takesOver?: boolean
  concurrency?: number
  rateLimit?: RateLimit
  onStage?: (stage: 'comparing' | 'sending' | 'checking') => void
  onSurvey?: (survey: HalvesSurvey) => void
  onSent?: (sent: Tally, missing: Tally) => void
}

export interface AdoptResult {
  survey: HalvesSurvey
  /** What went by disk and by network, over all runs. */
  disk: Tally
  network: Tally
  repaired: number
  place: string
  isAdopted: boolean
}

/** @throws TransferError VAULT_WAITING, VAULT_STATE, VAULT_OTHER, VAULT_IN_USE, VAULT_DAMAGED, STORAGE_…, KEY_WRONG */
export async function adoptVault(vault: VaultFolder, options: AdoptOptions): Promise<AdoptResult> {
  sideOf('adopt', vault.state)
  refuseOther(vault, options.target)
  refuseWaiting(vault, options.job)
  const { container, prefix } = vault.state
  const { target, credentials, signal } = options
  const place = await openVaultPlace({
    address: target.address,
    container,
    prefix,
    ...(credentials === undefined ? {} : { credentials }),
    ...(signal === undefined ? {} : { signal }),
  })
  try {
    return await adoptAt(vault, place, options)
  } finally {
    await place.close()
  }
}

async function adoptAt(vault: VaultFolder, place: VaultPlace, options: AdoptOptions): Promise<AdoptResult> {
  const { dryRun = false, signal, concurrency = 4, rateLimit, target } = options
  // Whether the password is right is better known before hours of sending.
  await repositoryId(await openRestic(vault.jobFolder, vault.state, 'staging', options))
  const arrived = await recogniseHalf(vault, place)
  if (!('forcedBecause' in options.job)) await requireArrived(vault, place, arrived)
  const adoption = vault.state.adoption ?? newAdoption(options.job)
  if (!dryRun) {
    await vault.update({ adoption, target }, `adopts ${place.name}`)
    if (place instanceof BlobVaultPlace) await place.makeContainer()
    await claimPlace(place, adoption.claim, options.takesOver ?? false)
  }
  options.onStage?.('comparing')
  const survey = await surveyHalves(vault, place, {
    hashes: chooser(options.hashShare),
    ...(signal === undefined ? {} : { signal }),
    ...(options.onSurvey === undefined ? {} : { onProgress: options.onSurvey }),
  })
  refuseBroken(place, survey, arrived.hasConfig || arrived.hasIdentity)
  await requireSoundStaging(vault, survey.damaged)
  if (dryRun) return await resultOf(vault, place, { survey, all: survey.same, repaired: 0, isAdopted: false })
  options.onStage?.('sending')
  const { repaired } = await sendMissing(vault, place, {
    damaged: new Set(survey.damaged),
    concurrency,
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(signal === undefined ? {} : { signal }),
    onSent: (sent) => options.onSent?.(sent, survey.missing),
  })
  if (repaired > 0) await vault.note(`repaired ${repaired} files of the vault from staging`)
  const all = await requireComplete(vault, place)
  options.onStage?.('checking')
  const restic = await openRestic(vault.jobFolder, vault.state, 'vault', options)
  await withLocksCleared(restic, () => checkRepository(restic, { readData: options.readsData ?? false }))
  const result = await resultOf(vault, place, { survey, all, repaired, isAdopted: true })
  await recordAdopted(vault, adoption, result, options.readsData ?? false)
  return result
}

function newAdoption(job: AdoptOptions['job']): VaultAdoption {
  const first = { claim: randomUUID(), startedAt: new Date().toISOString() }
  return 'forcedBecause' in job ? { ...first, forcedBecause: job.forcedBecause } : first
}

function refuseWaiting({ state }: VaultFolder, job: AdoptOptions['job']): void {
  const hint = 'Adopt when it is, or give --force with the reason, which is recorded.'
  if ('forcedBecause' in job) {
    if (job.forcedBecause.trim() === '')
      throw new TypeError('expected a reason for adopting before the job is Completed')
    return
  }
  if (state.state === 'seeded') {
    throw new TransferError('VAULT_WAITING', `No drive has anything of the vault of job ${state.job} yet.`, { hint })
  }
  if (job.state === 'Completed') return
  throw new TransferError('VAULT_WAITING', `Import job ${state.job} is ${job.state}, not Completed.`, { hint })
}

/** Adopting once more repairs, as long as staging is the image of what lies there. */
function refuseOther({ state }: VaultFolder, { address }: VaultTarget): void {
  if (state.state !== 'adopted') return
  if (state.thinnedAt !== undefined) {
    const message = `Snapshots of the vault of job ${state.job} were removed since it was adopted; staging would bring them back.`
    throw new TransferError('VAULT_STATE', message, { hint: 'Check it with diskferry vault check.' })
  }
  if (state.target?.address === address) return
  const message = `The vault of job ${state.job} lies in ${state.target?.address} already; asked for is ${address}.`
  throw new TransferError('VAULT_OTHER', message, { hint: 'Leave --to out to check and repair it there.' })
}

/** What is sure to be wanted, and a random share of the packs. */
function chooser(share: number): (file: NamedSize) => boolean {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`expected a share from 0 to 1 but received ${share}`)
  return ({ name }) => !name.startsWith('data/') || Math.random() < share
}

function refuseBroken(place: VaultPlace, survey: HalvesSurvey, isOurs: boolean): void {
  if (!isOurs && survey.foreign.files > 0) {
    throw otherVault(place, `it has ${survey.foreign.files} files that were never part of this seed, and no config`)
  }
  const { lost } = survey
  if (lost.length === 0) return
  throw new TransferError(
    'VAULT_DAMAGED',
    `${lost.length} files that travelled are neither in ${place.name} nor in staging.`,
    {
      hint: 'Import the drives again, or repair the import (diskferry repair).',
      problems: lost.slice(0, 1000).map((name) => ({ message: `${name} is nowhere` })),
    },
  )
}

/** What is to be replaced must be sound here: found before anything is sent. */
async function requireSoundStaging(vault: VaultFolder, damaged: readonly string[]): Promise<void> {
  const problems: { message: string }[] = []
  for (const name of damaged) {
    try {
      for await (const _piece of soundContent(vault.repositoryPath, name));
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
      problems.push({ message: error.message })
    }
  }
  if (problems.length === 0) return
  throw new TransferError('VAULT_DAMAGED', `${problems.length} files are damaged in the vault and in staging.`, {
    hint: 'Nothing was sent. A drive that is still there may have them: diskferry extract.',
    problems,
  })
}

/** Looks once more, at names and sizes. @throws TransferError VAULT_DAMAGED */
async function requireComplete(vault: VaultFolder, place: VaultPlace): Promise<Tally> {
  const { same, missing, damaged } = await surveyHalves(vault, place, { hashes: () => false })
  if (missing.files + damaged.length === 0) return same
  throw new TransferError(
    'VAULT_DAMAGED',
    `${missing.files + damaged.length} files of ${place.name} are still not right.`,
    {
      hint: 'Somebody else changes it. Run the same command again.',
    },
  )
}

/** @param all what is in the vault. */
async function resultOf(
  vault: VaultFolder,
  place: VaultPlace,
  { survey, all, repaired, isAdopted }: Pick<AdoptResult, 'survey' | 'repaired' | 'isAdopted'> & { all: Tally },
): Promise<AdoptResult> {
  const network = await sentSoFar(vault.sentListPath)
  const disk = { files: Math.max(0, all.files - network.files), bytes: Math.max(0, all.bytes - network.bytes) }
  return { survey, disk, network, repaired, place: place.name, isAdopted }
}

async function recordAdopted(
  vault: VaultFolder,
  adoption: VaultAdoption,
  { disk, network, repaired }: AdoptResult,
  readsData: boolean,
): Promise<void> {
  const finishedAt = new Date().toISOString()
  const done = { ...adoption, finishedAt, disk, network, repaired: (adoption.repaired ?? 0) + repaired }
  const checked = readsData ? { checkedAt: finishedAt } : {}
  await vault.update(
    { state: 'adopted', adoption: done, ...checked },
    `adopted: ${disk.bytes} bytes came by disk, ${network.bytes} by network, ${repaired} files were repaired`,
  )
}
