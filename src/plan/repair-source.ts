// Where a file of a drive may be found again: what the path map says, else the same path below one of the folders, with fewer and
// fewer of its leading parts. Only names are made here; whoever opens them compares length and hashes before using them.

import { drivePathProblem } from '../formats/manifest-paths.js'
import type { PathMap } from '../formats/path-map.js'

export interface RepairSources {
  /** Folders to look in, the best one first. */
  from?: readonly string[]
  pathMap?: PathMap
}

/**
 * Candidates for `\container\dir\file`, the likeliest first: the mapped path alone where there is one; otherwise
 * FROM/container/dir/file in every folder, then FROM/dir/file, then FROM/file.
 * @throws RangeError for a path that is none on a drive, or that would lead out of the folders.
 */
export function* repairSourceCandidates(
  filePath: string,
  { from = [], pathMap }: RepairSources,
): Generator<string, void, undefined> {
  const problem = drivePathProblem(filePath)
  if (problem !== undefined) throw new RangeError(`expected a path on a drive but received ${filePath}: ${problem}`)
  const mapped = pathMap?.get(filePath.toLowerCase())
  if (mapped !== undefined) {
    // A person said where it is: another file of that name is not what was meant.
    yield mapped
    return
  }
  const parts = filePath.slice(1).split('\\')
  for (let first = 0; first < parts.length; first++) {
    const path = parts.slice(first).join('/')
    for (const folder of from) yield folder.endsWith('/') ? `${folder}${path}` : `${folder}/${path}`
  }
}
