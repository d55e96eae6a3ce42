// Which snapshots are kept, in restic's words.

import { type Retention, retentionNames } from '../formats/vault-schedule.js'

/** @throws TypeError for a policy that keeps nothing, or numbers that are none. */
export function retentionWords(keep: Retention): string[] {
  const words: string[] = []
  for (const name of retentionNames) {
    const count = keep[name]
    if (count === undefined) continue
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new TypeError(`expected a whole number for --keep-${name} but received ${count}`)
    }
    if (count > 0) words.push(`--keep-${name}`, String(count))
  }
  if (words.length === 0) throw new TypeError('expected at least one --keep-… above 0: nothing would be kept')
  return words
}
