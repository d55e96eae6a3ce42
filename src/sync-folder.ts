// A rename is on stable storage once the folder that holds the name is.

import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** @throws the system's error, EINVAL or ENOTSUP where a file system cannot. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Both names in one folder. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
}
