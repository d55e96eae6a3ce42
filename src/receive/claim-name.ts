// Finds the name under which a large blob goes into the account, before anything of it is sent.

import type { BlobOutcome, RangeRun } from '../plan/import-state.js'
import { renamedBlob } from '../plan/renamed-blob.js'
import type { BlobFacts, BlobPlace } from '../storage/blob-store.js'
import { type BlobTask, namesTriedMax } from './blob-sink.js'
import { type ImportContext, placeOf } from './import-context.js'

export type ClaimedName =
  | { kind: 'write'; place: BlobPlace; outcome: BlobOutcome }
  /** The blob that is there is ours, from an earlier run. */
  | { kind: 'ours'; place: BlobPlace; outcome: BlobOutcome }
  | { kind: 'skipped' }
  /** Another blob of this import is being sent under this name. */
  | { kind: 'busy' }
  | { kind: 'taken' }

/** @param isOurs of a blob that is there: made by an earlier run of this import. */
export async function claimName(
  context: ImportContext,
  { number, blob }: BlobTask,
  isOurs: (place: BlobPlace, found: BlobFacts) => Promise<boolean>,
): Promise<ClaimedName> {
  const { store, journal, lane, names, signal } = context
  const { container, name } = placeOf(blob.blobPath)
  const disposition = blob.disposition ?? 'rename'
  const chosen = journal.state.renamed.get(number)
  const first = chosen === undefined ? 1 : copyNumber(name, chosen)
  for (let copy = first; copy < first + namesTriedMax; copy++) {
    const place = { container, name: copy === 1 ? name : renamedBlob(name, copy) }
    const outcome = copy === 1 ? 'created' : 'renamed'
    const isFree = names.take(place)
    if (!isFree && disposition !== 'rename') return { kind: 'busy' }
    if (!isFree) continue
    const found = await lane.run(() => store.head(place, { signal }))
    if (found !== undefined && (await isOurs(place, found))) return { kind: 'ours', place, outcome }
    if (found === undefined) {
      if (copy > 1 && chosen !== place.name) await journal.named(number, place.name)
      return { kind: 'write', place, outcome }
    }
    if (disposition === 'no-overwrite') return { kind: 'skipped' }
    if (disposition === 'overwrite') return { kind: 'write', place, outcome: 'overwritten' }
  }
  return { kind: 'taken' }
}

function copyNumber(name: string, chosen: string): number {
  for (let copy = 2; copy <= namesTriedMax; copy++) if (renamedBlob(name, copy) === chosen) return copy
  return 1
}

export function busyResult({ blob }: BlobTask) {
  const message = `Another blob of this import is being sent as ${blob.blobPath}.`
  return { status: 'BlobUnexpectedChange' as const, message, ranges: [] }
}

/** @param ranges what became of the content, where some of it was sent. */
export function changedResult({ container, name }: BlobPlace, ranges: RangeRun[] = []) {
  const message = `${container}/${name} was made by somebody else during the import.`
  return { status: 'BlobUnexpectedChange' as const, message, ranges }
}

export function takenResult({ blob }: BlobTask) {
  const message = `${blob.blobPath} and ${namesTriedMax - 1} other names of it are taken.`
  return { status: 'RenameFailed' as const, message, ranges: [] }
}
