// SHA-256 of every file of an opened drive below a folder, by path relative to it, through our own reader.

import { createHash } from 'node:crypto'
import { filePath, type OpenedDrive } from '../../src/index.js'

export async function hashesOnDrive(drive: OpenedDrive, below: string): Promise<Map<string, string>> {
  const tree = await drive.ntfs.readTree()
  const hashes = new Map<string, string>()
  for (let file = 0; file < tree.fileDirectory.length; file++) {
    const path = filePath(tree, file)
    if (!path.startsWith(`${below}/`)) continue
    const hash = createHash('sha256')
    const size = tree.fileSizeBytes[file] as number
    for (let at = 0; at < size; at += 1 << 22) {
      hash.update(await drive.ntfs.readFile(tree.fileRecord[file] as number, at, Math.min(1 << 22, size - at)))
    }
    hashes.set(path.slice(below.length + 1), hash.digest('hex'))
  }
  return hashes
}
