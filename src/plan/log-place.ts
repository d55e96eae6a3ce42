// Where the copy logs of a job go in the account, from the job's `diagnosticsPath`: a container, with folders behind it.
// Whoever may write into one container only finds them there, below `waimportexport/`, as with the service.

import { blobNameProblem, containerNameProblem } from '../formats/destination.js'

export interface LogPlace {
  container: string
  /** '' or a path that ends with a slash. */
  prefix: string
}

export const defaultDiagnosticsPath = 'waimportexport'

/** What is wrong with it, as a clause; undefined when nothing is. */
export function diagnosticsPathProblem(path: string): string | undefined {
  const { container, prefix } = split(path)
  if (container === '$root') return 'logs have folders in their names, and the root container has none'
  return containerNameProblem(container) ?? (prefix === '' ? undefined : blobNameProblem(prefix.slice(0, -1)))
}

/**
 * @param onlyContainer the one that the store may be asked for, where there is one.
 * @throws RangeError for a path that `diagnosticsPathProblem` has a word on.
 */
export function logPlace(path: string, onlyContainer?: string): LogPlace {
  const problem = diagnosticsPathProblem(path)
  if (problem !== undefined) throw new RangeError(`expected a container for logs but received ${path}: ${problem}`)
  const place = split(path)
  if (onlyContainer === undefined) return place
  const inside = path === defaultDiagnosticsPath ? '' : `${place.container}/${place.prefix}`
  return { container: onlyContainer, prefix: `${defaultDiagnosticsPath}/${inside}` }
}

function split(path: string): LogPlace {
  const plain = path.endsWith('/') ? path.slice(0, -1) : path
  const slash = plain.indexOf('/')
  return slash === -1
    ? { container: plain, prefix: '' }
    : { container: plain.slice(0, slash), prefix: `${plain.slice(slash + 1)}/` }
}
