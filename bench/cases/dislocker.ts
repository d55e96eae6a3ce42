// What people can do on Linux today: cp onto a BitLocker volume through dislocker and ntfs-3g. The volume is one of ours, since
// nothing else on Linux makes one. It moves 256 MiB, because it takes its time, and we 2 GiB, because start-up would weigh on
// less: rates are compared. The loop device between the two is a trick that few know; both forms are measured.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import { attachLoop, hasLoopDevices, measure, median } from '../measure.js'
import { withTarget } from '../target.js'

const smallDriveBytes = 640 * 1024 * 1024
const largeDriveBytes = 2600 * 1024 * 1024
/** The data partition lies behind Microsoft's reserved one. */
const volumeOffsetBytes = 17 * 1024 * 1024

export const dislocker: BenchCase = {
  name: 'dislocker',
  describe: 'a BitLocker NTFS volume filled, against cp through dislocker and ntfs-3g',
  run(context): Row[] {
    if (!hasLoopDevices() || !existsSync('/dev/fuse') || !existsSync('/usr/bin/dislocker-fuse')) {
      console.error('dislocker: skipped; it needs root, loop devices, FUSE and dislocker')
      return []
    }
    const { folder: all, paths, bytes } = context.largeFiles()
    const source = paths[0] as string
    const tiny = join(context.folder, 'tiny.txt')
    writeFileSync(tiny, 'so that there is a volume')
    const image = join(context.folder, 'dislocker.img')
    const onto = <T>(sizeBytes: number, work: (target: string) => T) => withTarget(image, 'loop', work, sizeBytes)
    const theirs = (form: DislockerForm) =>
      onto(smallDriveBytes, (target) =>
        copyThroughDislocker(context, source, target, prepare(context, tiny, target).password, form),
      )
    const plain: number[] = []
    const looped: number[] = []
    const ours: number[] = []
    for (let round = 0; round < context.rounds; round++) {
      plain.push(theirs('plain'))
      looped.push(theirs('through a loop device'))
      ours.push(onto(largeDriveBytes, (target) => prepare(context, all, target).seconds))
    }
    const work = 'onto a BitLocker NTFS volume'
    const oneFile = bytes / paths.length
    const value = (seconds: readonly number[]) => bytes / median(ours) / (oneFile / median(seconds))
    const name = 'dislocker and ntfs-3g (big_writes)'
    return [
      { work, tool: `cp of 256 MiB through ${name}`, seconds: median(plain), bytes: oneFile },
      { work, tool: `cp of 256 MiB through ${name}, a loop device between`, seconds: median(looped), bytes: oneFile },
      {
        work,
        tool: `diskferry prepare of 2 GiB, making the volume too (${value(looped).toFixed(1)} x with the loop device)`,
        seconds: median(ours),
        bytes,
        ratio: { to: 'cp through dislocker', value: value(plain), bound: 30 },
      },
    ]
  },
}

type DislockerForm = 'plain' | 'through a loop device'

function prepare(context: BenchContext, source: string, target: string): { seconds: number; password: string } {
  const journal = join(context.folder, 'one.jrn')
  const words = ['prepare', '--from', source, '--to', 'bench/in/', '--drive', `${target},serial=BENCH3`]
  const { seconds } = measure(context.folder, [...context.cli, ...words, '--journal', journal, '--yes', '--no-verify'])
  const password = /(\d{6}-){7}\d{6}/.exec(readFileSync(journal, 'latin1'))?.[0] ?? ''
  rmSync(`${journal}.d`, { recursive: true, force: true })
  rmSync(journal, { force: true })
  return { seconds, password }
}

function copyThroughDislocker(
  context: BenchContext,
  source: string,
  device: string,
  password: string,
  form: DislockerForm,
): number {
  const view = join(context.folder, 'view')
  const mount = join(context.folder, 'mount')
  mkdirSync(view, { recursive: true })
  mkdirSync(mount, { recursive: true })
  execFileSync('dislocker-fuse', ['-O', String(volumeOffsetBytes), '-V', device, `-p${password}`, '--', view])
  const file = join(view, 'dislocker-file')
  try {
    if (form === 'plain') return copyOnto(context, source, file, mount)
    const loop = attachLoop(file, { directIo: false })
    try {
      return copyOnto(context, source, loop.device, mount)
    } finally {
      loop.detach()
    }
  } finally {
    execFileSync('fusermount3', ['-u', '-z', view])
  }
}

function copyOnto(context: BenchContext, source: string, volume: string, mount: string): number {
  execFileSync('ntfs-3g', ['-o', 'big_writes', volume, mount])
  const script = `cp ${source} ${mount}/copy.bin\nsync\numount ${mount}\nsync ${volume}`
  return measure(context.folder, ['sh', '-ec', script]).seconds
}
