// What people can do on Linux today: cp onto a BitLocker volume through dislocker and ntfs-3g. The volume is one of ours, since
// nothing else on Linux makes one. Moves 256 MiB, because it takes its time.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import { attachLoop, hasLoopDevices, measure, median } from '../measure.js'
import { withTarget } from '../target.js'

const driveBytes = 640 * 1024 * 1024
/** The data partition lies behind Microsoft's reserved one. */
const volumeOffsetBytes = 17 * 1024 * 1024

export const dislocker: BenchCase = {
  name: 'dislocker',
  describe: 'cp of 256 MiB through dislocker and ntfs-3g onto a BitLocker volume',
  run(context): Row[] {
    if (!hasLoopDevices() || !existsSync('/dev/fuse') || !existsSync('/usr/bin/dislocker-fuse')) {
      console.error('dislocker: skipped; it needs root, loop devices, FUSE and dislocker')
      return []
    }
    const { paths, bytes } = context.largeFiles()
    const source = paths[0] as string
    const tiny = join(context.folder, 'tiny.txt')
    writeFileSync(tiny, 'so that there is a volume')
    const image = join(context.folder, 'dislocker.img')
    const onto = <T>(work: (target: string) => T) => withTarget(image, 'loop', work, driveBytes)
    const theirs: number[] = []
    const ours: number[] = []
    for (let round = 0; round < context.rounds; round++) {
      theirs.push(
        onto((target) => copyThroughDislocker(context, source, target, prepare(context, tiny, target).password)),
      )
      ours.push(onto((target) => prepare(context, source, target).seconds))
    }
    const work = '256 MiB onto a BitLocker NTFS volume'
    const moved = bytes / paths.length
    const value = median(ours.map((seconds, index) => (theirs[index] as number) / seconds))
    return [
      { work, tool: 'cp through dislocker and ntfs-3g onto a finished volume', seconds: median(theirs), bytes: moved },
      {
        work,
        tool: 'diskferry prepare, making the volume too',
        seconds: median(ours),
        bytes: moved,
        ratio: { to: 'dislocker', value, bound: 30 },
      },
    ]
  },
}

function prepare(context: BenchContext, source: string, target: string): { seconds: number; password: string } {
  const journal = join(context.folder, 'one.jrn')
  const words = ['prepare', '--from', source, '--to', 'bench/in/', '--drive', `${target},serial=BENCH3`]
  const { seconds } = measure(context.folder, [...context.cli, ...words, '--journal', journal, '--yes', '--no-verify'])
  const password = /(\d{6}-){7}\d{6}/.exec(readFileSync(journal, 'latin1'))?.[0] ?? ''
  rmSync(`${journal}.d`, { recursive: true, force: true })
  rmSync(journal, { force: true })
  return { seconds, password }
}

function copyThroughDislocker(context: BenchContext, source: string, device: string, password: string): number {
  const view = join(context.folder, 'view')
  const mount = join(context.folder, 'mount')
  mkdirSync(view, { recursive: true })
  mkdirSync(mount, { recursive: true })
  execFileSync('dislocker-fuse', ['-O', String(volumeOffsetBytes), '-V', device, `-p${password}`, '--', view])
  try {
    // Through a loop device over dislocker's view, with large writes: the fastest way of this kind.
    const loop = attachLoop(join(view, 'dislocker-file'), { directIo: false })
    try {
      execFileSync('ntfs-3g', ['-o', 'big_writes', loop.device, mount])
      const script = `cp ${source} ${mount}/copy.bin\nsync\numount ${mount}\nsync ${loop.device}`
      return measure(context.folder, ['sh', '-ec', script]).seconds
    } finally {
      loop.detach()
    }
  } finally {
    execFileSync('fusermount3', ['-u', '-z', view])
  }
}
