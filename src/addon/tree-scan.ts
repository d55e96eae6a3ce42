// Finds every file below a directory, natively: a million files in seconds, as columns, in an order that depends on
// names alone.

import { addon, type ScannedTree } from './binding.js'

export type { ScannedTree, SkippedEntry } from './binding.js'

export interface ScanOptions {
  /** Follow symbolic links to files and directories; otherwise they are skipped and listed. */
  followSymlinks: boolean
}

/**
 * Directories in depth-first order, entries bytewise by name. A file with several hard links is found once a link.
 * @throws TransferError FILE_NOT_FOUND, SOURCE_READ_FAILED when `root` itself cannot be read
 */
export function scanTree(root: string, options: ScanOptions): Promise<ScannedTree> {
  return addon.scanTree(root, options.followSymlinks)
}
