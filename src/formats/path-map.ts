// Path maps: where the files that a repair needs are now, one a line: path on the drive, tab, real path. Repair writes one with the
// files that it did not find and empty real paths; people fill it in. The form is that of WAImportExport's path map files.

import { type Problem, TransferError } from '../errors.js'
import { drivePathProblem } from './manifest-paths.js'

/** Real paths by path on the drive in lower case: drives do not tell cases apart. Lines that are not filled in are left out. */
export type PathMap = ReadonlyMap<string, string>

const charactersMax = 256 << 20
const problemsMax = 50

/**
 * @param fileName for messages.
 * @throws TransferError PATH_MAP_INVALID with every line that is wrong, up to 50.
 */
export function parsePathMap(text: string, fileName = 'path map'): PathMap {
  if (text.length > charactersMax)
    throw invalid(fileName, [{ message: `it is longer than ${charactersMax} characters`, line: 1 }])
  const map = new Map<string, string>()
  const firstLine = new Map<string, number>()
  const problems: Problem[] = []
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (content.trim() === '') continue
    const line = index + 1
    const tab = content.indexOf('\t')
    const filePath = tab === -1 ? content : content.slice(0, tab)
    const key = filePath.toLowerCase()
    const before = firstLine.get(key)
    const problem =
      drivePathProblem(filePath) ?? (before === undefined ? undefined : `the path stands on line ${before} already`)
    if (problem !== undefined) {
      problems.push({ message: `line ${line}: ${problem}`, line })
      if (problems.length === problemsMax) break
      continue
    }
    firstLine.set(key, line)
    // What follows the first tab is taken as it is: a real path may begin and end with blanks.
    if (tab !== -1 && content.slice(tab + 1).trim() !== '') map.set(key, content.slice(tab + 1))
  }
  if (problems.length > 0) throw invalid(fileName, problems)
  return map
}

/** A map for people to fill in. @throws RangeError for what is no path on a drive. */
export function encodePathMap(filePaths: Iterable<string>): string {
  let text = ''
  for (const filePath of filePaths) {
    if (drivePathProblem(filePath) !== undefined)
      throw new RangeError(`expected a path on a drive but received ${filePath}`)
    text += `${filePath}\t\n`
  }
  return text
}

function invalid(fileName: string, problems: readonly Problem[]): TransferError {
  const [first] = problems as [Problem]
  return new TransferError('PATH_MAP_INVALID', `${fileName}, ${first.message}.`, {
    path: fileName,
    ...(first.line === undefined ? {} : { line: first.line }),
    problems,
    hint: 'A line is a path on the drive such as \\container\\file, a tab, and where that file is now.',
  })
}
