// Records, indexes and clusters for 1,000,000 files on a 4 TB volume: seconds of the layout, memory of the whole process.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, Row } from '../case.js'
import { median } from '../measure.js'

export const layout: BenchCase = {
  name: 'layout',
  describe: 'laying out 1,000,000 files on a 4 TB volume',
  run(context): Row[] {
    const seconds: number[] = []
    let peakBytes = 0
    for (let round = 0; round < context.rounds; round++) {
      const timing = join(context.folder, 'timing')
      const program = [process.execPath, '--import', 'tsx', 'bench/layout-million.ts']
      const output = execFileSync('/usr/bin/time', ['-f', '%M', '-o', timing, ...program], { encoding: 'utf8' })
      seconds.push(Number(output.split(' ')[0]))
      peakBytes = Math.max(peakBytes, Number(readFileSync(timing, 'utf8').trim()) * 1024)
    }
    const work = 'laying out 1,000,000 files'
    return [
      {
        work,
        tool: 'diskferry',
        seconds: median(seconds),
        limit: { what: 'seconds', value: median(seconds), bound: 5 },
      },
      {
        work,
        tool: 'diskferry, the whole process',
        seconds: median(seconds),
        peakBytes,
        limit: { what: 'peak MiB', value: peakBytes / 1024 / 1024, bound: 600 },
      },
    ]
  },
}
