// What is wrong with the paths that a drive manifest names: they must lead nowhere else.

import { containerNameProblem, maxBlobNameUnits } from './destination.js'

/** What is wrong with a path from the root of a drive, as a clause: it must not lead anywhere else. */
export function drivePathProblem(path: string): string | undefined {
  if (!path.startsWith('\\')) return 'a path on the drive begins with a backslash'
  if (path.length > 32_767) return `a path of ${path.length} characters is too long`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const bad = /[\u0000-\u001f/:]/.exec(path)
  if (bad !== null) return `a path on the drive has no ${JSON.stringify(bad[0])} in it`
  for (const part of path.slice(1).split('\\')) {
    if (part === '' || part === '.' || part === '..') return `a part of it is ${JSON.stringify(part)}`
  }
  return undefined
}

/**
 * What is wrong with `container/name`, as a clause. Export drives have whatever the account had, so only what no account can
 * have, or what would lead elsewhere, is refused.
 */
export function blobPathProblem(path: string): string | undefined {
  const slash = path.indexOf('/')
  if (slash < 1) return 'it has no container or no name'
  const container = path.slice(0, slash)
  const problem = /^\$[a-z]{1,62}$/.test(container) ? undefined : containerNameProblem(container)
  if (problem !== undefined) return problem
  const name = path.slice(slash + 1)
  if (name === '' || name.length > maxBlobNameUnits) return `a blob's name has 1 to ${maxBlobNameUnits} characters`
  if (/(^|[/\\])\.{1,2}([/\\]|$)/.test(name)) return 'a part of it is . or ..'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const bad = /[\u0000-\u001f\ufffe\uffff]/.exec(name)
  if (bad !== null) return `a blob's name has no ${JSON.stringify(bad[0])} in it`
  return undefined
}
