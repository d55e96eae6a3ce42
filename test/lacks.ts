// Why a test is left out: a program or a right that this machine has not. False where there is nothing to say.

import { accessSync } from 'node:fs'

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
