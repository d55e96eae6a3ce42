// The comparison that adopt makes: every file of staging, of the vault and of the list of what travelled, by name and size; for a
// sample or all of what arrived also by content. It changes nothing, and holds only what is wrong.

import type { NamedSize } from '../formats/frozen-list.js'
import { compareRepositories, judgeFile } from '../plan/compare-repositories.js'
import { hashInName, travels } from '../plan/repository-files.js'
import { throwIfAborted } from '../storage/local-rules.js'
import { claimName } from './adopt-claim.js'
import { frozenFiles } from './frozen-files.js'
import { isSound } from './named-content.js'
import { listRepository } from './staged-repository.js'
import type { VaultFolder } from './vault-folder.js'
import type { VaultPlace } from './vault-place.js'

export interface Tally {
  files: number
  bytes: number
}

export interface HalvesSurvey {
  /** In both, of one size. */
  same: Tally
  /** In staging alone; to be sent. `arrived` of them travelled and did not arrive. */
  missing: Tally
  notArrived: Tally
  /** Of another size, or found damaged: names. */
  damaged: string[]
  /** They travelled, and are on neither side. */
  lost: string[]
  foreign: Tally
  /** Read in the vault and compared with their names. */
  hashed: Tally
}

export interface SurveyOptions {
  /** Whether the content of a file is to be read and compared. */
  hashes: (file: NamedSize) => boolean
  onProgress?: (survey: HalvesSurvey) => void
  signal?: AbortSignal
  concurrency?: number
}

export async function surveyHalves(
  vault: VaultFolder,
  place: VaultPlace,
  options: SurveyOptions,
): Promise<HalvesSurvey> {
  const sides = [listRepository(vault.repositoryPath), withoutOurs(place), frozenFiles(vault)] as const
  return await surveyLists(sides, (name) => isSound(place, name), options)
}

export async function surveyLists(
  [staging, vault, frozen]: readonly [AsyncIterable<NamedSize>, AsyncIterable<NamedSize>, AsyncIterable<NamedSize>],
  isSoundThere: (name: string) => Promise<boolean>,
  { hashes, onProgress, signal, concurrency = 4 }: SurveyOptions,
): Promise<HalvesSurvey> {
  const survey = emptySurvey()
  const reading = new Set<Promise<void>>()
  for await (const file of compareRepositories(staging, vault, frozen)) {
    throwIfAborted(signal)
    const { name, stagingBytes, vaultBytes = 0, frozenBytes } = file
    const verdict = judgeFile(file)
    if (verdict === 'missing') {
      add(survey.missing, stagingBytes)
      if (frozenBytes !== undefined) add(survey.notArrived, stagingBytes)
    } else if (verdict === 'differs') survey.damaged.push(name)
    else if (verdict === 'lost') survey.lost.push(name)
    else if (verdict === 'foreign') add(survey.foreign, vaultBytes)
    else if (verdict === 'same') {
      add(survey.same, stagingBytes)
      if (hashInName(name) === undefined || !hashes({ name, sizeBytes: vaultBytes })) continue
      const read = isSoundThere(name).then((sound) => {
        add(survey.hashed, vaultBytes)
        if (!sound) survey.damaged.push(name)
        onProgress?.(survey)
        reading.delete(read)
      })
      reading.add(read)
      // Whatever fails is thrown here or below.
      read.catch(() => {})
      if (reading.size >= concurrency) await Promise.race(reading)
    }
    onProgress?.(survey)
  }
  await Promise.all(reading)
  return survey
}

function emptySurvey(): HalvesSurvey {
  const none = () => ({ files: 0, bytes: 0 })
  const counts = { same: none(), missing: none(), notArrived: none(), foreign: none(), hashed: none() }
  return { ...counts, damaged: [], lost: [] }
}

export function add(tally: Tally, bytes = 0): void {
  tally.files++
  tally.bytes += bytes
}

/** What restic and this program keep there beside the repository is no part of it. */
async function* withoutOurs(place: VaultPlace): AsyncIterable<NamedSize> {
  for await (const file of place.list()) {
    if (file.name !== claimName && !file.name.startsWith('locks/') && (travels(file.name) || file.name.includes('/'))) {
      yield file
    }
  }
}
