// /proc/self/mountinfo and /proc/swaps as data (proc(5)). Blanks and backslashes in paths are octal escapes.

import type { Mount } from './block-facts.js'

export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , number, , mountPoint] = before.split(' ')
    const [, source] = after.split(' ')
    if (number === undefined || mountPoint === undefined || source === undefined) return []
    return [{ number, source: unescapeOctal(source), mountPoint: unescapeOctal(mountPoint) }]
  })
}

/** Paths of active swap devices and files, as /proc/swaps names them. */
export function parseSwaps(swaps: string): string[] {
  return swaps
    .split('\n')
    .slice(1)
    .map((line) => unescapeOctal(line.split(/\s/)[0] ?? ''))
    .filter((path) => path !== '')
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
