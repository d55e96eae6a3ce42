// Which blob names are paths. A name that a file system cannot hold as it is, or would take for another one, gets no path of
// its own: its content stays in the hidden folder, under a name of ours.

import { lstat, mkdir, open, realpath, rm, rmdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { hiddenFolder } from './folder-records.js'

const maxSegmentBytes = 255
/** Below PATH_MAX, with room for the folder's own path. */
const maxPathBytes = 3072

/** The path of a blob relative to its container; undefined when its name is none. */
export function plainPath(name: string): string | undefined {
  const segments = name.split('/')
  if (segments[0]?.toLowerCase() === hiddenFolder || Buffer.byteLength(name) > maxPathBytes) return undefined
  const isPlain = segments.every((segment) => {
    if (segment === '' || segment === '.' || segment === '..') return false
    return Buffer.byteLength(segment) <= maxSegmentBytes && !segment.includes('\0')
  })
  // Half a character would become another one in UTF-8.
  return isPlain && !/\p{Surrogate}/u.test(name) ? name : undefined
}

/**
 * Takes the path for the blob with an empty file. Undefined when it cannot be had: a file of somebody else or a folder is
 * there, a blob lies where a folder is needed, the file system refuses the name or folds it with another one, or a link
 * leads out of the container.
 */
export async function reservePath(container: string, name: string): Promise<string | undefined> {
  const path = plainPath(name)
  if (path === undefined) return undefined
  const target = join(container, path)
  try {
    await mkdir(dirname(target), { recursive: true })
    const [root, folder] = await Promise.all([realpath(container), realpath(dirname(target))])
    if (folder !== root && !folder.startsWith(root + sep)) return undefined
    await (await open(target, 'wx')).close()
    return path
  } catch (error) {
    if (unusable.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Removes the blob's file, and the folders above it that it leaves empty. */
export async function removePath(container: string, path: string): Promise<void> {
  await rm(join(container, path), { force: true })
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const isRemoved = await rmdir(join(container, folder)).then(
      () => true,
      () => false,
    )
    if (!isRemoved) return
  }
}

const unusable = new Set([
  'EEXIST',
  'EISDIR',
  'ENOTDIR',
  'ENAMETOOLONG',
  'EINVAL',
  'EILSEQ',
  'ELOOP',
  // A folder above it was removed in the same moment, with the last blob in it.
  'ENOENT',
])

export async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
      throw error
    },
  )
}
