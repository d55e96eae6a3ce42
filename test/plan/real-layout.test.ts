// The estimate that spans against the layout of real NTFS volumes: never less than what the layout takes, and close to it.
// What spanning puts onto a drive is then laid out on a volume of exactly that size.

import assert from 'node:assert/strict'
import { accessSync } from 'node:fs'
import { test } from 'node:test'
import { NtfsLayout } from '../../src/addon/ntfs.js'
import { bitlockerFileGroups } from '../../src/drives/bitlocker-regions.js'
import type { FileTree } from '../../src/file-tree.js'
import { driveTree } from '../../src/plan/drive-tree.js'
import { estimateNeed, type VolumeShape } from '../../src/plan/ntfs-need.js'
import { type SpanDrive, spanDrives } from '../../src/plan/span-drives.js'
import { makeSkeleton } from '../../src/prepare/make-skeleton.js'
import { makeTree, numbers, randomTree } from './make-tree.js'

const mkntfs = ['/usr/sbin/mkntfs', '/sbin/mkntfs'].find((path) => {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
})
const needsMkntfs = { skip: mkntfs === undefined ? 'mkntfs is not installed' : false }

interface EmptyVolume {
  skeleton: Buffer
  volumeBytes: number
  shape: VolumeShape
  capacityBytes: number
}

async function emptyVolume(volumeBytes: number, clusterBytes: number, sectorBytes: 512 | 4096): Promise<EmptyVolume> {
  const skeleton = await makeSkeleton({
    volumeBytes,
    sectorBytes,
    clusterBytes,
    partitionStartSector: 34816,
    label: 'x',
  })
  const empty = await NtfsLayout.plan(skeleton, makeTree([]), bitlockerFileGroups(volumeBytes))
  const capacityBytes = empty.stats.freeClustersAfter * clusterBytes
  const shape = { clusterBytes, recordBytes: sectorBytes === 4096 ? 4096 : 1024, indexBytes: 4096 } as const
  return { skeleton, volumeBytes, shape, capacityBytes }
}

/** What the tree takes beyond an empty layout. */
async function realNeed(volume: EmptyVolume, tree: FileTree): Promise<number> {
  const layout = await NtfsLayout.plan(volume.skeleton, tree, bitlockerFileGroups(volume.volumeBytes))
  return volume.capacityBytes - layout.stats.freeClustersAfter * volume.shape.clusterBytes
}

/** Records come 64 at a time, and an empty layout has 58 to spare; some clusters at the start. */
function slackBytes({ shape }: EmptyVolume): number {
  return 80 * shape.recordBytes + 16 * shape.clusterBytes
}

const kinds: [clusterBytes: number, sectorBytes: 512 | 4096][] = [
  [4096, 512],
  [65536, 512],
  [4096, 4096],
  [65536, 4096],
  [512, 512],
  [1024, 512],
]

for (const [clusterBytes, sectorBytes] of kinds) {
  const title = `clusters of ${clusterBytes}, sectors of ${sectorBytes}: a tree never takes more than estimated`
  test(title, needsMkntfs, async () => {
    const volume = await emptyVolume(2 * 2 ** 30, clusterBytes, sectorBytes)
    for (let seed = 1; seed <= 60; seed++) {
      const tree = randomTree(numbers(seed * 2_097_593), seed % 7 === 0 ? 4000 : 200, 100_000)
      const real = await realNeed(volume, tree)
      const estimate = estimateNeed(tree, volume.shape)
      assert.ok(estimate >= real, `seed ${seed}: estimated ${estimate}, taken ${real}`)
      assert.ok(estimate <= real * 1.02 + slackBytes(volume), `seed ${seed}: estimated ${estimate}, taken ${real}`)
    }
  })
}

const shapes: [title: string, tree: () => FileTree][] = [
  ['100,000 files in one folder', () => makeTree(named(100_000, (index) => `folder/file number ${index}.dat`))],
  ['5,000 names of 255 units', () => makeTree(named(5_000, (index) => `f/${String(index).padStart(255, 'x')}`))],
  ['5,000 files in the root', () => makeTree(named(5_000, (index) => `file ${index}`))],
  ['a folder for each of 5,000 files', () => makeTree(named(5_000, (index) => `f/folder ${index}/file`))],
  [
    '5,000 empty folders',
    () => makeTree(Array.from({ length: 5_000 }, (_, index) => [`f/empty ${index}/`, 0] as const)),
  ],
  [
    'folders that just fit their record, and just not',
    () => makeTree(named(4000, (index) => `${index % 500}/${index}`)),
  ],
  ['200 levels', () => makeTree([[`${'deep/'.repeat(200)}file`, 5]])],
]

function named(count: number, path: (index: number) => string): [string, number][] {
  return Array.from({ length: count }, (_, index) => [path(index), index % 5000])
}

for (const [title, tree] of shapes) {
  test(`never more than estimated: ${title}`, needsMkntfs, async () => {
    for (const [clusterBytes, sectorBytes] of kinds.slice(0, 3)) {
      const volume = await emptyVolume(16 * 2 ** 30, clusterBytes, sectorBytes)
      const whole = tree()
      const real = await realNeed(volume, whole)
      const estimate = estimateNeed(whole, volume.shape)
      assert.ok(estimate >= real, `estimated ${estimate}, taken ${real}`)
      assert.ok(estimate <= real * 1.05 + slackBytes(volume), `estimated ${estimate}, taken ${real}`)
    }
  })
}

test('what spanning puts onto real volumes can be laid out there', needsMkntfs, async () => {
  const volumes = [
    await emptyVolume(96 * 2 ** 20, 4096, 512),
    await emptyVolume(160 * 2 ** 20, 65536, 512),
    await emptyVolume(128 * 2 ** 20, 4096, 4096),
  ]
  const given = volumes.map(({ shape, capacityBytes }, index): SpanDrive => {
    return { driveId: `R${index}`, capacityBytes, ...shape }
  })
  let fullest = 0
  for (let seed = 1; seed <= 25; seed++) {
    const next = numbers(seed * 15_485_863)
    const tree = randomTree(next, 2000 + next(4000), 100_000)
    const span = spanDrives({ tree, drives: given })
    for (const drive of span.drives) {
      const { skeleton, volumeBytes, capacityBytes, shape } = volumes[drive] as EmptyVolume
      const part = driveTree(tree, {
        assignments: span.assignments,
        drive,
        emptyDirectories: drive === span.drives[0],
      })
      const layout = await NtfsLayout.plan(skeleton, part.tree, bitlockerFileGroups(volumeBytes))
      const taken = capacityBytes - layout.stats.freeClustersAfter * shape.clusterBytes
      assert.ok(taken <= (span.needBytes[drive] as number), `seed ${seed}: ${taken} > ${span.needBytes[drive]}`)
      fullest = Math.max(fullest, taken / capacityBytes)
    }
  }
  assert.ok(fullest > 0.9, `no drive was filled beyond ${fullest}`)
})
