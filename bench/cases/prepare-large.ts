// Eight files of 256 MiB onto one drive, hashed and encrypted, against dd of the same files onto the bare target.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import { hasLoopDevices, measure, median } from '../measure.js'
import { ddSeconds, withTarget } from '../target.js'

export const prepareLarge: BenchCase = {
  name: 'prepare-large',
  describe: 'eight 256 MiB files to one drive, against dd with direct I/O onto the bare target',
  run: (context) => [...onto(context, 'file'), ...(hasLoopDevices() ? onto(context, 'loop') : [])],
}

const driveBytes = 2600 * 1024 * 1024

function onto(context: BenchContext, kind: 'file' | 'loop'): Row[] {
  const { folder: source, paths, bytes } = context.largeFiles()
  const image = join(context.folder, 'bench.img')
  const ours: number[] = []
  const dd: number[] = []
  let peakBytes = 0
  for (let round = 0; round < context.rounds; round++) {
    dd.push(withTarget(image, kind, (target) => ddSeconds(context.folder, paths, target), driveBytes))
    const result = withTarget(image, kind, (target) => prepareTimed(context, source, target), driveBytes)
    ours.push(result.seconds)
    peakBytes = Math.max(peakBytes, result.peakBytes)
  }
  const work = `8 x 256 MiB to a ${kind === 'loop' ? 'loop device' : 'regular file'}`
  const value = median(ours.map((seconds, index) => (dd[index] as number) / seconds))
  return [
    { work, tool: 'dd bs=4M iflag=direct oflag=direct, bare', seconds: median(dd), bytes },
    {
      work,
      tool: 'diskferry prepare: scan, plan, hash, encrypt, write',
      seconds: median(ours),
      bytes,
      peakBytes,
      ratio: { to: 'dd', value, bound: 1 },
      limit: { what: 'peak MiB', value: peakBytes / 1024 / 1024, bound: 300 },
    },
  ]
}

export function prepareTimed(context: BenchContext, source: string, target: string) {
  const journal = join(context.folder, 'bench.jrn')
  const words = ['prepare', '--from', source, '--to', 'bench/in/', '--drive', `${target},serial=BENCH1`]
  const result = measure(context.folder, [...context.cli, ...words, '--journal', journal, '--yes', '--no-verify'])
  rmSync(`${journal}.d`, { recursive: true, force: true })
  rmSync(journal, { force: true })
  return result
}
