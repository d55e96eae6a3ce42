// Verifying a prepared drive against reading its bytes with dd and direct I/O.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, Row } from '../case.js'
import { measure, median } from '../measure.js'
import { withTarget } from '../target.js'

const driveBytes = 2200 * 1024 * 1024

export const verify: BenchCase = {
  name: 'verify',
  describe: 'diskferry verify of a full drive, against dd with direct I/O reading it',
  run(context): Row[] {
    const { folder: source, bytes } = context.largeFiles()
    const image = join(context.folder, 'verify.img')
    const journal = join(context.folder, 'verify.jrn')
    const rows = withTarget(
      image,
      'file',
      (target) => {
        const prepare = ['prepare', '--from', source, '--to', 'bench/in/', '--drive', target, '--journal', journal]
        measure(context.folder, [...context.cli, ...prepare, '--yes', '--no-verify'])
        const dd: number[] = []
        const ours: number[] = []
        for (let round = 0; round < context.rounds; round++) {
          const read = [
            'dd',
            `if=${target}`,
            'of=/dev/null',
            'bs=4M',
            'iflag=direct',
            `count=${Math.ceil(bytes / (4 << 20))}`,
          ]
          dd.push(measure(context.folder, [...read, 'status=none']).seconds)
          ours.push(
            measure(context.folder, [...context.cli, 'verify', '--drive', target, '--journal', journal]).seconds,
          )
        }
        const value = median(ours.map((seconds, index) => (dd[index] as number) / seconds))
        const work = 'reading back 2 GiB'
        return [
          { work, tool: 'dd bs=4M iflag=direct', seconds: median(dd), bytes },
          { work, tool: 'diskferry verify', seconds: median(ours), bytes, ratio: { to: 'dd', value, bound: 0.8 } },
        ]
      },
      driveBytes,
    )
    if (!readFileSync(journal, 'latin1').includes('sealed')) throw new Error('the drive was not written')
    rmSync(`${journal}.d`, { recursive: true, force: true })
    rmSync(journal)
    return rows
  },
}
