// 100,000 files of 10 KiB onto one drive, scan and layout included, against the rate at which dd moves large files.

import { join } from 'node:path'
import type { BenchCase, Row } from '../case.js'
import { median } from '../measure.js'
import { ddSeconds, withTarget } from '../target.js'
import { prepareTimed } from './prepare-large.js'

const driveBytes = 2600 * 1024 * 1024

export const prepareSmall: BenchCase = {
  name: 'prepare-small',
  describe: '100,000 files of 10 KiB, scan and layout included, against dd of large files',
  run(context): Row[] {
    const { folder: source, bytes } = context.smallFiles()
    const large = context.largeFiles()
    const image = join(context.folder, 'bench.img')
    const ours: number[] = []
    const dd: number[] = []
    let peakBytes = 0
    for (let round = 0; round < context.rounds; round++) {
      dd.push(withTarget(image, 'file', (target) => ddSeconds(context.folder, large.paths, target), driveBytes))
      const result = withTarget(image, 'file', (target) => prepareTimed(context, source, target), driveBytes)
      ours.push(result.seconds)
      peakBytes = Math.max(peakBytes, result.peakBytes)
    }
    const value = median(ours.map((seconds, index) => bytes / seconds / (large.bytes / (dd[index] as number))))
    const work = '100,000 x 10 KiB to a regular file'
    return [
      { work, tool: 'dd of the eight large files, for its rate', seconds: median(dd), bytes: large.bytes },
      {
        work,
        tool: 'diskferry prepare: scan, plan, hash, encrypt, write',
        seconds: median(ours),
        bytes,
        peakBytes,
        ratio: { to: 'dd', value, bound: 0.5 },
      },
    ]
  },
}
