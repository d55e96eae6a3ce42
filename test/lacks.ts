// Why a test is left out: a program or a right that this machine has not. False where there is nothing to say.

import { spawnSync } from 'node:child_process'
import { accessSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Paths of programs and of devices. */
export function lacks(...paths: string[]): string | false {
  const absent = paths.filter((path) => {
    try {
      accessSync(path)
      return false
    } catch {
      return true
    }
  })
  return absent.length > 0 && `needs ${absent.join(', ')}`
}

export const needsRoot = process.getuid?.() === 0 ? false : 'needs root'

/** A container may have root and no right to mount. Tries it. */
export function lacksMount(): string | false {
  if (needsRoot) return needsRoot
  const path = mkdtempSync(join(tmpdir(), 'diskferry-mount-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { encoding: 'utf8' })
  if (mounted.status === 0) spawnSync('umount', [path])
  rmdirSync(path)
  return mounted.status === 0
    ? false
    : `no file system can be mounted here: ${mounted.stderr ?? mounted.error?.message}`
}
