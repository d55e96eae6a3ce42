// An image onto a fresh device, and an image checked without one.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import { lz4ThroughDd, type Peer, restorePeers } from '../image-peers.js'
import { hasLoopDevices, median } from '../measure.js'
import { withTarget } from '../target.js'
import { type MeasuredPeer, rowOf, runPeer } from './image-capture.js'

export const imageRestore: BenchCase = {
  name: 'image-restore',
  describe: 'an image onto a device, against lz4 -d | dd with direct I/O',
  run(context): Row[] {
    if (!hasLoopDevices()) return skipped()
    const { device, file, bytes } = context.imagedDevice()
    const images = { lz4: join(context.folder, 'whole.img.lz4'), qcow2: join(context.folder, 'whole.qcow2'), raw: file }
    captureOnce(context, images.lz4)
    const convert = ['convert', '-T', 'none', '-f', 'raw', '-O', 'qcow2', '-c', '-o', 'compression_type=zstd']
    execFileSync('qemu-img', [...convert, device, images.qcow2])
    const work = `an image of ${bytes / 2 ** 30} GiB onto a loop device`
    const onto = (peerOf: (target: string) => Peer) =>
      withTarget(
        join(context.folder, 'restored.raw'),
        'loop',
        (target) => ({ peer: peerOf(target), measured: runPeer(context, peerOf(target)) }),
        bytes,
      )
    const theirs: MeasuredPeer[] = []
    const ours: MeasuredPeer[] = []
    const own = (target: string): Peer => ({
      tool: 'diskferry image restore',
      hashes: 'XXH32 and MD5 of blocks checked',
      line: [...context.cli, 'image', 'restore', images.lz4, target, '--yes'].join(' '),
    })
    for (let round = 0; round < context.rounds; round++) {
      theirs.push(onto((target) => lz4ThroughDd(images.lz4, target)).measured)
      ours.push(onto(own).measured)
    }
    const others = restorePeers(images, '').map((_, index) => {
      const { peer, measured } = onto((target) => restorePeers(images, target)[index] as Peer)
      return rowOf(work, peer, [measured], bytes)
    })
    for (const image of [images.lz4, images.qcow2]) rmSync(image)
    const value = median(ours.map(({ seconds }, index) => (theirs[index] as MeasuredPeer).seconds / seconds))
    return [
      ...others,
      rowOf(work, lz4ThroughDd('', ''), theirs, bytes),
      { ...rowOf(work, own(''), ours, bytes), ratio: { to: 'lz4 -d | dd', value, bound: 3 } },
    ]
  },
}

export const imageVerify: BenchCase = {
  name: 'image-verify',
  describe: 'an image checked, against lz4 -t',
  run(context): Row[] {
    if (!hasLoopDevices()) return skipped()
    const { bytes } = context.imagedDevice()
    const image = join(context.folder, 'whole.img.lz4')
    captureOnce(context, image)
    const lz4 = { ...lz4ThroughDd('', ''), tool: 'lz4 -t', hashes: 'XXH32 checked', line: `lz4 -t -q ${image}` }
    const own: Peer = {
      tool: 'diskferry image verify',
      hashes: 'XXH32 and MD5 of blocks checked',
      line: [...context.cli, 'image', 'verify', image].join(' '),
    }
    const theirs: MeasuredPeer[] = []
    const ours: MeasuredPeer[] = []
    for (let round = 0; round < context.rounds; round++) {
      theirs.push(runPeer(context, lz4))
      ours.push(runPeer(context, own))
    }
    rmSync(image)
    const work = `an image of ${bytes / 2 ** 30} GiB checked`
    const value = median(ours.map(({ seconds }, index) => (theirs[index] as MeasuredPeer).seconds / seconds))
    return [
      rowOf(work, lz4, theirs, bytes),
      { ...rowOf(work, own, ours, bytes), ratio: { to: 'lz4 -t', value, bound: 1 } },
    ]
  },
}

function skipped(): Row[] {
  console.error('skipped: it needs root and loop devices')
  return []
}

function captureOnce(context: BenchContext, image: string): void {
  const [program, ...words] = [...context.cli, 'image', 'capture', context.imagedDevice().device, image] as const
  execFileSync(program as string, words, { stdio: 'pipe' })
}
