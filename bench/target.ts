// A fresh target each time: what is written to it must be allocated, for us as for dd.

import { closeSync, ftruncateSync, openSync, rmSync, statSync } from 'node:fs'
import { attachLoop, measure } from './measure.js'

/** Makes a sparse image, attaches a loop device to it where asked, and removes both afterwards. */
export function withTarget<T>(image: string, kind: 'file' | 'loop', work: (target: string) => T, sizeBytes: number): T {
  const file = openSync(image, 'w')
  ftruncateSync(file, sizeBytes)
  closeSync(file)
  const loop = kind === 'loop' ? attachLoop(image) : undefined
  try {
    return work(loop?.device ?? image)
  } finally {
    loop?.detach()
    rmSync(image)
  }
}

/** Seconds of dd with direct I/O for all files, one behind the other, onto the target, with a sync at the end. */
export function ddSeconds(folder: string, paths: readonly string[], target: string): number {
  let seek = 0
  const lines = paths.map((path) => {
    const line = `dd if=${path} of=${target} bs=4M iflag=direct oflag=direct conv=notrunc seek=${seek} status=none`
    seek += Math.ceil(statSync(path).size / (4 << 20))
    return line
  })
  return measure(folder, ['sh', '-ec', [...lines, `sync ${target}`].join('\n')]).seconds
}
