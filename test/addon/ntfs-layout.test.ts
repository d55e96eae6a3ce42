import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Device } from '../../src/addon/device.js'
import {
  createMemoryFile,
  NtfsLayout,
  NtfsVolume,
  nameProblemsOf,
  readSkeleton,
  type SystemFileGroup,
} from '../../src/addon/ntfs.js'
import { TransferError } from '../../src/errors.js'
import { type FileTree, filePath, NameColumnBuilder, nameAt } from '../../src/file-tree.js'

const megabyte = 1 << 20
const mkntfs = ['/usr/sbin/mkntfs', '/sbin/mkntfs', '/usr/bin/mkntfs'].find(existsSync)
const skip = mkntfs === undefined ? 'mkntfs is not installed' : false
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-layout-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function skeletonOf(sizeBytes: number, clusterBytes = 4096): Promise<Buffer> {
  const descriptor = createMemoryFile(sizeBytes)
  try {
    const words = ['-Q', '-F', '-q', '-c', String(clusterBytes), '-s', '512', '-p', '2048', '-H', '255', '-S', '63']
    const made = spawnSync(mkntfs as string, [...words, '-L', 'Layout', '/proc/self/fd/3'], {
      stdio: ['ignore', 'pipe', 'pipe', descriptor],
    })
    assert.equal(made.status, 0, made.stderr.toString())
    return await readSkeleton(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

interface Entry {
  directory: number
  name: string | Buffer
  sizeBytes: number
}

function treeOf(directories: { parent: number; name: string }[], files: Entry[]): FileTree {
  const directoryNames = new NameColumnBuilder()
  directoryNames.push('')
  for (const { name } of directories) directoryNames.push(name)
  const fileNames = new NameColumnBuilder()
  for (const { name } of files) fileNames.push(name)
  return {
    directoryParent: Uint32Array.from([0, ...directories.map(({ parent }) => parent)]),
    directoryNames: directoryNames.finish(),
    fileDirectory: Uint32Array.from(files, ({ directory }) => directory),
    fileNames: fileNames.finish(),
    fileSizeBytes: Float64Array.from(files, ({ sizeBytes }) => sizeBytes),
    fileModifiedNs: BigInt64Array.from(files, (_, index) => 1_700_000_000_000_000_000n + BigInt(index) * 100n),
  }
}

function groupsOf(sizeBytes: number): SystemFileGroup[] {
  const place = (part: number) => Math.floor((sizeBytes * part) / 65536) * 65536
  return [
    {
      notBeforeBytes: place(1 / 8),
      files: [
        { name: 'FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.1', sizeBytes: 65536 },
        { name: 'FVE2.{24e6f0ae-6a00-4f73-984b-75ce9942852d}', sizeBytes: 8192 },
      ],
    },
    {
      notBeforeBytes: place(2 / 3),
      files: [{ name: 'FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.2', sizeBytes: 65536 }],
    },
  ]
}

const sample = () =>
  treeOf(
    [
      { parent: 0, name: 'container' },
      { parent: 1, name: 'in' },
    ],
    Array.from({ length: 200 }, (_, index) => ({
      directory: index % 3,
      name: `file-${index}-\u{1F600}.bin`,
      sizeBytes: index * 700,
    })),
  )

async function imageOf(name: string, sizeBytes: number): Promise<Device> {
  const path = join(folder, name)
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  return await Device.open(path, { access: 'write' })
}

describe('NtfsLayout', { skip }, () => {
  it('plans the same places again, and says what they take', async () => {
    const skeleton = await skeletonOf(64 * megabyte)
    const tree = sample()
    const [first, second] = await Promise.all([
      NtfsLayout.plan(skeleton, tree, groupsOf(64 * megabyte)),
      NtfsLayout.plan(skeleton, tree, groupsOf(64 * megabyte)),
    ])
    assert.deepEqual(first.stats, second.stats)
    assert.deepEqual(first.extents(), second.extents())
    assert.deepEqual(first.systemFileOffsets, second.systemFileOffsets)
    const { freeClustersBefore, metadataClusters, dataClusters, freeClustersAfter, clusterBytes, volumeBytes } =
      first.stats
    assert.equal(freeClustersBefore, metadataClusters + dataClusters + freeClustersAfter)
    assert.equal(clusterBytes, 4096)
    assert.equal(volumeBytes, 64 * megabyte)
    const clusters = tree.fileSizeBytes.reduce((sum, size) => sum + Math.ceil(size / 4096), 0)
    assert.equal(dataClusters, clusters)
  })

  it('gives each file extents of its size that overlap nothing', async () => {
    const tree = sample()
    const layout = await NtfsLayout.plan(await skeletonOf(64 * megabyte), tree, groupsOf(64 * megabyte))
    const { firstExtent, offsetBytes, lengthBytes } = layout.extents()
    assert.equal(firstExtent.length, tree.fileSizeBytes.length + 1)
    const taken: [number, number][] = layout.systemFileOffsets.flat().map((offset) => [offset, 8192])
    for (let file = 0; file < tree.fileSizeBytes.length; file++) {
      let bytes = 0
      for (let at = firstExtent[file] as number; at < (firstExtent[file + 1] as number); at++) {
        bytes += lengthBytes[at] as number
        taken.push([offsetBytes[at] as number, lengthBytes[at] as number])
      }
      assert.equal(bytes, Math.ceil((tree.fileSizeBytes[file] as number) / 4096) * 4096)
    }
    taken.sort((one, other) => one[0] - other[0])
    for (let at = 1; at < taken.length; at++) {
      const [offset, length] = taken[at - 1] as [number, number]
      assert.ok(offset + length <= (taken[at] as [number, number])[0])
    }
  })

  it('writes a volume that its own check, ntfsresize and 7-Zip find nothing wrong with', async (context) => {
    const tree = sample()
    const layout = await NtfsLayout.plan(await skeletonOf(64 * megabyte), tree, groupsOf(64 * megabyte))
    const device = await imageOf('volume.img', 64 * megabyte)
    const ranges = await layout.write(device)
    for (const { offsetBytes, lengthBytes, md5, structure } of ranges) {
      assert.ok(lengthBytes <= 4 * megabyte)
      const digest = createHash('md5')
        .update(await device.read(offsetBytes, lengthBytes))
        .digest()
      assert.deepEqual(digest, Buffer.from(md5), structure)
    }
    assert.ok(ranges.some(({ structure }) => structure === 'index of \\container\\in'))
    const volume = await NtfsVolume.open(device)
    assert.deepEqual(await volume.check(), [])
    const read = await volume.readTree()
    const paths = (from: FileTree) =>
      Array.from(from.fileSizeBytes, (size, file) => `${filePath(from, file)} ${size}`).sort()
    assert.deepEqual(paths(read), paths(tree))
    await device.close()
    for (const [program, ...words] of [
      ['ntfsresize', '--info', '-f'],
      ['7z', 't', '-tNTFS'],
    ]) {
      const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
      const ran = spawnSync(program as string, [...words, device.path], { encoding: 'utf8', env: environment })
      if (ran.error !== undefined) context.diagnostic(`skipped: ${program} is not installed`)
      else assert.equal(ran.status, 0, ran.stdout + ran.stderr)
    }
  })

  it('leaves dropped files out and gives back what shorter files do not need', async () => {
    const tree = sample()
    const layout = await NtfsLayout.plan(await skeletonOf(64 * megabyte), tree, [])
    const device = await imageOf('dropped.img', 64 * megabyte)
    const actualSizes = new Map([
      [199, 0],
      [198, 5000],
    ])
    await layout.write(device, { dropped: Uint32Array.of(3, 10, 11), actualSizes })
    const volume = await NtfsVolume.open(device)
    assert.deepEqual(await volume.check(), [])
    const read = await volume.readTree()
    const sizes = new Map(Array.from(read.fileSizeBytes, (size, file) => [nameAt(read.fileNames, file), size]))
    assert.equal(sizes.size, 197)
    assert.equal(sizes.get('file-198-\u{1F600}.bin'), 5000)
    assert.equal(sizes.get('file-199-\u{1F600}.bin'), 0)
    assert.equal(sizes.has('file-10-\u{1F600}.bin'), false)
    await device.close()
  })

  it('lists every name that cannot be stored, and plans nothing', async () => {
    const files = ['fine', 'NUL.txt', 'Fine', 'a?', 'end.', '$mft', Buffer.from([0x66, 0xff])]
    const tree = treeOf(
      [{ parent: 0, name: 'System Volume Information' }],
      files.map((name) => ({ directory: 0, name, sizeBytes: 1 })),
    )
    const skeleton = await skeletonOf(16 * megabyte)
    const failed = await NtfsLayout.plan(skeleton, tree, []).then(
      () => assert.fail('it was planned'),
      (error: unknown) => error,
    )
    assert.ok(failed instanceof TransferError && failed.code === 'NTFS_NAMES')
    assert.deepEqual(nameProblemsOf(failed), [
      { kind: 'directory', index: 1, reason: 'reserved' },
      { kind: 'file', index: 1, reason: 'device-name' },
      { kind: 'file', index: 2, reason: 'duplicate', other: { kind: 'file', index: 0 } },
      { kind: 'file', index: 3, reason: 'invalid-character' },
      { kind: 'file', index: 4, reason: 'trailing-dot-or-space' },
      { kind: 'file', index: 5, reason: 'reserved' },
      { kind: 'file', index: 6, reason: 'invalid-utf8' },
    ])
  })

  it('says how many bytes are needed and free when it does not fit', async () => {
    const tree = treeOf([], [{ directory: 0, name: 'large', sizeBytes: 20 * megabyte }])
    await assert.rejects(NtfsLayout.plan(await skeletonOf(16 * megabyte), tree, []), (error: unknown) => {
      return (
        error instanceof TransferError &&
        error.code === 'NTFS_NO_SPACE' &&
        /needed \d+ bytes, free \d+ bytes/.test(error.message)
      )
    })
  })

  it('refuses a skeleton that was changed', async () => {
    const skeleton = await skeletonOf(16 * megabyte)
    skeleton.writeUInt8(skeleton.readUInt8(5000) ^ 1, 5000)
    await assert.rejects(NtfsLayout.plan(skeleton, sample(), []), { code: 'NTFS_DAMAGED' })
  })

  it('plans 100,000 files quickly', async () => {
    const files = Array.from({ length: 100_000 }, (_, index) => ({
      directory: 0,
      name: `f${index}`,
      sizeBytes: 10_240,
    }))
    const tree = treeOf([], files)
    const layout = await NtfsLayout.plan(await skeletonOf(4096 * megabyte), tree, groupsOf(4096 * megabyte))
    assert.equal(layout.stats.dataClusters, 300_000)
    assert.equal(layout.extents().firstExtent.length, 100_001)
  })
})
