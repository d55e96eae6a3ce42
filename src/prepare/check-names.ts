// Every name of a dataset that Windows, NTFS or blob storage cannot hold, found before anything is written: all at once, so
// that they are mended in one go.

import { type NameProblem, NtfsLayout, nameProblemsOf } from '../addon/ntfs.js'
import { type Problem, TransferError } from '../errors.js'
import { directoryPath, type FileTree, filePath } from '../file-tree.js'

const reasons: Readonly<Record<NameProblem['reason'], string>> = {
  'invalid-character': 'has a character that Windows does not allow in names (< > : " \\ | ? * or a control character)',
  'trailing-dot-or-space': 'ends in a dot or a blank, which Windows does not allow',
  'device-name': 'is a name that Windows keeps for a device',
  'too-long': 'is longer than 255 UTF-16 units',
  'invalid-utf8': 'is not valid UTF-8',
  duplicate: 'differs only by case from',
  reserved: 'is a name that the file system keeps for itself',
}

/**
 * @param skeleton of any drive of the session: it has the table by which NTFS compares names.
 * @param blobProblems what is known already.
 * @throws TransferError NTFS_NAMES, or DESTINATION_INVALID when only blob storage minds.
 */
export async function checkNames(tree: FileTree, skeleton: Buffer, blobProblems: readonly Problem[]): Promise<void> {
  const ntfsProblems = await findNameProblems(tree, skeleton)
  const problems = [...ntfsProblems, ...blobProblems]
  if (problems.length === 0) return
  const what = ntfsProblems.length > 0 ? 'names cannot be stored on NTFS or as blobs' : 'files cannot become blobs'
  const message = `${problems.length} ${what}; nothing was written. First: ${problems[0]?.message}.`
  throw new TransferError(ntfsProblems.length > 0 ? 'NTFS_NAMES' : 'DESTINATION_INVALID', message, {
    problems,
    hint: 'Rename them, or leave them out of the dataset.',
  })
}

// The layout looks at names before it looks at room, so any volume will do for the whole tree.
async function findNameProblems(tree: FileTree, skeleton: Buffer): Promise<Problem[]> {
  try {
    await NtfsLayout.plan(skeleton, tree, [])
    return []
  } catch (error) {
    if (error instanceof TransferError && error.code === 'NTFS_NO_SPACE') return []
    const found = nameProblemsOf(error)
    if (found === undefined) throw error
    return found.map((problem) => ({ message: describe(tree, problem) }))
  }
}

// The layout knows indexes; people know paths.
function describe(tree: FileTree, { kind, index, reason, other }: NameProblem): string {
  const pathOf = (what: NameProblem['kind'], at: number) =>
    what === 'file' ? filePath(tree, at) : directoryPath(tree, at)
  const suffix = other === undefined ? '' : ` ${pathOf(other.kind, other.index)}`
  return `${pathOf(kind, index)} ${reasons[reason]}${suffix}`
}
