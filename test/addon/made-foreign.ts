// NTFS volumes that are not ours: made by mkntfs, filled through a mount of ntfs-3g, and compared file by file with what
// ntfs-3g itself reads from them.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Device } from '../../src/addon/device.js'
import { type Finding, fileAccess, type NtfsTree, NtfsVolume } from '../../src/addon/ntfs.js'
import { filePath } from '../../src/file-tree.js'
import { unmountImage } from '../drives/loop-device.js'
import { lacks, needsRoot } from '../lacks.js'
import { assertSameFiles } from '../prepare/made-tree.js'

/** Why foreign volumes cannot be made here; false when they can. */
export function foreignUnavailable(...alsoNeeded: string[]): string | false {
  return lacks('/usr/sbin/mkntfs', '/usr/bin/ntfs-3g', '/dev/fuse', ...alsoNeeded) || needsRoot
}

export interface ForeignKind {
  sizeBytes?: number
  clusterBytes?: number
  sectorBytes?: number
  /** More words for mkntfs. */
  words?: string[]
}

export function formatForeign(path: string, kind: ForeignKind = {}): void {
  const { sizeBytes = 64 << 20, clusterBytes = 4096, sectorBytes = 512, words = [] } = kind
  writeFileSync(path, '')
  truncateSync(path, sizeBytes)
  const geometry = ['-c', String(clusterBytes), '-s', String(sectorBytes), '-p', '2048', '-H', '255', '-S', '63']
  execFileSync('/usr/sbin/mkntfs', ['-Q', '-F', '-q', ...geometry, '-L', 'Foreign', ...words, path], { stdio: 'pipe' })
}

/** Mounts with ntfs-3g, works in the mount point, and unmounts whatever happens. */
export function mounted<T>(path: string, options: string, work: (point: string) => T): T {
  const point = `${path}.mount`
  mkdirSync(point, { recursive: true })
  execFileSync('/usr/bin/ntfs-3g', ['-o', options, path, point], { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    return work(point)
  } finally {
    unmountImage(point, path)
  }
}

export function setAttribute(path: string, name: string, value: string): void {
  execFileSync('setfattr', ['-h', '-n', name, '-v', value, path], { stdio: 'pipe' })
}

const pieceBytes = 4 << 20

export async function readWhole(volume: NtfsVolume, tree: NtfsTree, file: number): Promise<string> {
  const size = tree.fileSizeBytes[file] as number
  const hash = createHash('sha256')
  for (let offset = 0; offset < size; offset += pieceBytes) {
    hash.update(await volume.readFile(tree.fileRecord[file] as number, offset, Math.min(pieceBytes, size - offset)))
  }
  return hash.digest('hex')
}

async function readExtents(device: Device, tree: NtfsTree, file: number): Promise<string> {
  const { firstExtent, offsetBytes, lengthBytes } = tree.extents
  const hash = createHash('sha256')
  let left = tree.fileSizeBytes[file] as number
  for (let at = firstExtent[file] as number; at < (firstExtent[file + 1] as number); at++) {
    const content = await device.read(offsetBytes[at] as number, lengthBytes[at] as number)
    hash.update(content.subarray(0, left))
    left = Math.max(0, left - content.length)
  }
  assert.equal(left, 0, `the extents of ${filePath(tree, file)} end ${left} bytes before the file`)
  return hash.digest('hex')
}

export const damage = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity === 'damage')

export interface OpenedForeign {
  device: Device
  volume: NtfsVolume
  tree: NtfsTree
  /** Index of the file with that path. */
  find(path: string): number
  findings: Finding[]
}

export async function withForeign(
  path: string,
  sectorBytes: number,
  use: (opened: OpenedForeign) => Promise<void>,
): Promise<void> {
  const device = await Device.open(path, { access: 'read', logicalSectorBytes: sectorBytes as 512 | 4096 })
  try {
    const volume = await NtfsVolume.open(device)
    const tree = await volume.readTree()
    const paths = new Map(Array.from(tree.fileRecord.keys(), (file) => [filePath(tree, file), file]))
    const find = (wanted: string) => {
      const file = paths.get(wanted)
      assert.ok(file !== undefined, `${wanted} is not in the tree`)
      return file
    }
    await use({ device, volume, tree, find, findings: await volume.check() })
  } finally {
    await device.close()
  }
}

// Opening a pipe would wait for its other end.
function hashesOfRegular(point: string): Map<string, string> {
  const hashes = new Map<string, string>()
  for (const path of readdirSync(point, { recursive: true, encoding: 'utf8' })) {
    if (!lstatSync(join(point, path)).isFile()) continue
    hashes.set(
      path,
      createHash('sha256')
        .update(readFileSync(join(point, path)))
        .digest('hex'),
    )
  }
  return hashes
}

/** What ntfs-3g reads, we read; raw where we say that may be done; and nothing is called damaged. */
export async function assertReadsAlike(
  path: string,
  options: ForeignKind & { unreadable?: string[] } = {},
  more: (opened: OpenedForeign) => Promise<void> | void = () => {},
): Promise<void> {
  const { sectorBytes = 512, unreadable = [] } = options
  const expected = mounted(path, 'ro', hashesOfRegular)
  for (const name of unreadable) expected.delete(name)
  await withForeign(path, sectorBytes, async (opened) => {
    const { device, volume, tree, findings } = opened
    const found = new Map<string, string>()
    const refused: string[] = []
    for (const file of tree.fileRecord.keys()) {
      const name = filePath(tree, file)
      if (tree.fileAccess[file] === fileAccess.none) refused.push(name)
      else found.set(name, await readWhole(volume, tree, file))
      if (tree.fileAccess[file] === fileAccess.extents) {
        assert.equal(await readExtents(device, tree, file), found.get(name), `the extents of ${name}`)
      }
    }
    assert.deepEqual(refused.sort(), [...unreadable].sort())
    assertSameFiles(found, expected)
    assert.equal(tree.unreachableRecords, 0)
    assert.deepEqual(damage(findings), [])
    await more(opened)
  })
}
