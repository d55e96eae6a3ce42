// Which folders of a plan are on one drive as a whole, and which are split: what a reader of the plan wants to know before
// the drives are packed in different boxes.

import { directoryPath, type FileTree } from '../file-tree.js'

export interface PlannedTree {
  tree: FileTree
  /** The first so many files are the dataset's; generated files follow. */
  files: number
}

export interface FolderSpread {
  /** For each drive, the topmost folders that are on no other drive. */
  whole: string[][]
  /** Folders whose own files are on several drives, with the indexes of those drives. */
  split: { path: string; drives: number[] }[]
}

interface Place {
  drive: number
  directory: number
}

/** Folders are compared by path; only those that are on several drives are looked into. */
export function folderSpread(drives: readonly PlannedTree[]): FolderSpread {
  const indexes = drives.map(indexTree)
  const spread: FolderSpread = { whole: drives.map(() => []), split: [] }
  const visit = (places: readonly Place[]): void => {
    const [first] = places as [Place]
    const path = () => directoryPath((drives[first.drive] as PlannedTree).tree, first.directory)
    if (places.length === 1 && (first.directory !== 0 || drives.length === 1)) {
      spread.whole[first.drive]?.push(path())
      return
    }
    const holders = places.filter(({ drive, directory }) => indexes[drive]?.ownFiles[directory] === 1)
    if (holders.length > 1) spread.split.push({ path: path(), drives: holders.map(({ drive }) => drive) })
    const byName = new Map<string, Place[]>()
    for (const { drive, directory } of places) {
      const { tree } = drives[drive] as PlannedTree
      for (const child of indexes[drive]?.children.get(directory) ?? []) {
        const name = nameKey(tree, child)
        byName.set(name, [...(byName.get(name) ?? []), { drive, directory: child }])
      }
    }
    for (const children of byName.values()) visit(children)
  }
  const roots = drives.map((_, drive) => ({ drive, directory: 0 })).filter(({ drive }) => indexes[drive]?.hasFiles[0])
  if (roots.length > 0) visit(roots)
  return spread
}

function indexTree({ tree, files }: PlannedTree) {
  const parents = tree.directoryParent
  const ownFiles = new Uint8Array(parents.length)
  for (let file = 0; file < files; file++) ownFiles[tree.fileDirectory[file] as number] = 1
  const hasFiles = Uint8Array.from(ownFiles)
  const children = new Map<number, number[]>()
  for (let directory = parents.length - 1; directory > 0; directory--) {
    if (hasFiles[directory]) hasFiles[parents[directory] as number] = 1
  }
  for (let directory = 1; directory < parents.length; directory++) {
    if (!hasFiles[directory]) continue
    const parent = parents[directory] as number
    const list = children.get(parent)
    if (list === undefined) children.set(parent, [directory])
    else list.push(directory)
  }
  return { ownFiles, hasFiles, children }
}

function nameKey(tree: FileTree, directory: number): string {
  const { bytes, ends } = tree.directoryNames
  return bytes.toString('latin1', directory === 0 ? 0 : ends[directory - 1], ends[directory])
}
