// What a restore would do to each file, before it does it: from what the snapshot has and what is there now.

export interface RestorableFile {
  sizeBytes: number
  /** Milliseconds since 1970. */
  modifiedMs: number
}

export type RestoreEffect = 'new' | 'unchanged' | 'overwrites-newer' | 'overwrites-older' | 'in-the-way'

/** @param there undefined when nothing is; `other` when it is no regular file. */
export function restoreEffect(file: RestorableFile, there: RestorableFile | 'other' | undefined): RestoreEffect {
  if (there === undefined) return 'new'
  if (there === 'other') return 'in-the-way'
  // File systems keep times more or less finely.
  const isSameTime = Math.abs(there.modifiedMs - file.modifiedMs) < 2
  if (isSameTime && there.sizeBytes === file.sizeBytes) return 'unchanged'
  return there.modifiedMs > file.modifiedMs ? 'overwrites-newer' : 'overwrites-older'
}

export interface RestorePreview {
  files: number
  bytes: number
  effects: Record<RestoreEffect, number>
  /** Paths that would be overwritten or are in the way, the first of them. */
  examples: { path: string; effect: RestoreEffect }[]
}

export const previewExamplesMax = 1000

export function emptyPreview(): RestorePreview {
  const effects = { new: 0, unchanged: 0, 'overwrites-newer': 0, 'overwrites-older': 0, 'in-the-way': 0 }
  return { files: 0, bytes: 0, effects, examples: [] }
}

export function addToPreview(preview: RestorePreview, path: string, file: RestorableFile, effect: RestoreEffect): void {
  preview.files++
  preview.bytes += file.sizeBytes
  preview.effects[effect]++
  addExample(preview, path, effect)
}

/** A link or a device of the snapshot: counted where something else loses its place to it. */
export function addObstacle(preview: RestorePreview, path: string, effect: RestoreEffect): void {
  if (isHarmless(effect)) return
  preview.effects[effect]++
  addExample(preview, path, effect)
}

function addExample({ examples }: RestorePreview, path: string, effect: RestoreEffect): void {
  if (!isHarmless(effect) && examples.length < previewExamplesMax) examples.push({ path, effect })
}

function isHarmless(effect: RestoreEffect): boolean {
  return effect === 'new' || effect === 'unchanged'
}

/** How many files lose what they have now. */
export function overwritten({ effects }: RestorePreview): number {
  return effects['overwrites-newer'] + effects['overwrites-older'] + effects['in-the-way']
}
