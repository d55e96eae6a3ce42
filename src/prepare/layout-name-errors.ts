// The layout names files by index; people know paths. Turns its findings into sentences.

import { type NameProblem, nameProblemsOf } from '../addon/ntfs.js'
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

/** The same error with paths, when it is about names; anything else as it is. */
export function withPaths(error: unknown, tree: FileTree): unknown {
  const found = nameProblemsOf(error)
  if (found === undefined) return error
  const pathOf = (kind: NameProblem['kind'], index: number) =>
    kind === 'file' ? filePath(tree, index) : directoryPath(tree, index)
  const problems = found.map(({ kind, index, reason, other }): Problem => {
    const suffix = other === undefined ? '' : ` ${pathOf(other.kind, other.index)}`
    return { message: `${pathOf(kind, index)} ${reasons[reason]}${suffix}` }
  })
  const message = `${problems.length} names cannot be stored on NTFS; nothing was written. First: ${problems[0]?.message}.`
  return new TransferError('NTFS_NAMES', message, { problems, hint: 'Rename them, or leave them out of the dataset.' })
}
