// What travels in the demo: real files of this checkout's own packages, one large and many of all sizes, staged as a backup
// would leave them.

import { cpSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../setup.mjs'

const packages = ['node_modules/@biomejs', 'node_modules/typescript']

/** Copies them into the job's folder. @returns blob name to path, and the sizes of two drives that both are needed */
export function stageFiles(jobFolder) {
  const target = join(jobFolder, 'files')
  for (const path of packages) {
    cpSync(join(root, path), join(target, relative('node_modules', path)), { recursive: true })
  }
  const files = new Map()
  let largest = 0
  let bytes = 0
  for (const entry of readdirSync(target, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath ?? entry.path, entry.name)
    files.set(relative(target, path), path)
    const { size } = statSync(path)
    largest = Math.max(largest, size)
    bytes += size
  }
  // The large file fits on the first drive, and not everything.
  return { files, bytes, sizes: [`${Math.ceil(largest / 2 ** 20) + 28}M`, '100M'] }
}
