// The files that are copied: made once a run, half random and half text-like, so that nothing along the way can cheat.

import { randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const mebibyte = 1 << 20

/** Eight files of 256 MiB. */
export function makeLargeFiles(folder: string, count = 8, mebibytes = 256): string[] {
  mkdirSync(folder, { recursive: true })
  const piece = Buffer.alloc(mebibyte)
  const text = Buffer.from('The quick brown fox jumps over the lazy dog. 0123456789\n'.repeat(20000)).subarray(
    0,
    mebibyte,
  )
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `large-${index}.bin`)
    const file = openSync(path, 'w')
    for (let at = 0; at < mebibytes; at++) {
      if (index % 2 === 0) randomFillSync(piece)
      else text.copy(piece)
      piece.writeUInt32LE(at, 0)
      writeSync(file, piece)
    }
    closeSync(file)
    return path
  })
}

/** 100,000 files of 10 KiB in 100 folders. */
export function makeSmallFiles(folder: string, count = 100_000, sizeBytes = 10 * 1024): void {
  const content = randomFillSync(Buffer.alloc(sizeBytes))
  for (let index = 0; index < count; index++) {
    const directory = join(folder, `folder-${Math.floor(index / 1000)}`)
    if (index % 1000 === 0) mkdirSync(directory, { recursive: true })
    content.writeUInt32LE(index, 0)
    const file = openSync(join(directory, `file-${index}.bin`), 'w')
    writeSync(file, content)
    closeSync(file)
  }
}
