import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { createMemoryFile, NtfsLayout, NtfsVolume, readSkeleton } from '../../src/addon/ntfs.js'
import { type FileTree, filePath, NameColumnBuilder } from '../../src/file-tree.js'

const sizeBytes = 64 << 20
const mkntfs = ['/usr/sbin/mkntfs', '/sbin/mkntfs', '/usr/bin/mkntfs'].find(existsSync)
const skip = mkntfs === undefined ? 'mkntfs is not installed' : false
const fileCount = 120
let folder = ''
let device: Device
let layout: NtfsLayout

const treeOfFiles = (): FileTree => {
  const directoryNames = new NameColumnBuilder()
  for (const name of ['', 'data', 'inner']) directoryNames.push(name)
  const fileNames = new NameColumnBuilder()
  for (let file = 0; file < fileCount; file++) fileNames.push(`Datei ${file} ü.bin`)
  const indices = Array.from({ length: fileCount }, (_, index) => index)
  return {
    directoryParent: Uint32Array.of(0, 0, 1),
    directoryNames: directoryNames.finish(),
    fileDirectory: Uint32Array.from(indices, (index) => index % 3),
    fileNames: fileNames.finish(),
    fileSizeBytes: Float64Array.from(indices, (index) => index * 999),
    fileModifiedNs: BigInt64Array.from(indices, (index) => 1_600_000_000_000_000_000n + BigInt(index) * 700n),
  }
}

function formatTo(descriptor: number): void {
  const words = ['-Q', '-F', '-q', '-s', '512', '-p', '2048', '-H', '255', '-S', '63', '-L', 'Messwerte ß']
  const made = spawnSync(mkntfs as string, [...words, '/proc/self/fd/3'], {
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe', descriptor],
  })
  assert.equal(made.status, 0, made.stderr.toString())
}

/** Each file is filled with its own index. */
async function fillFiles(): Promise<void> {
  const { firstExtent, offsetBytes, lengthBytes } = layout.extents()
  for (let file = 0; file < fileCount; file++) {
    for (let at = firstExtent[file] as number; at < (firstExtent[file + 1] as number); at++) {
      await device.write(offsetBytes[at] as number, Buffer.alloc(lengthBytes[at] as number, file))
    }
  }
}

before(async () => {
  if (skip !== false) return
  folder = await mkdtemp(join(tmpdir(), 'diskferry-volume-'))
  const descriptor = createMemoryFile(sizeBytes)
  formatTo(descriptor)
  const skeleton = await readSkeleton(descriptor)
  closeSync(descriptor)
  const path = join(folder, 'volume.img')
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  device = await Device.open(path, { access: 'write' })
  layout = await NtfsLayout.plan(skeleton, treeOfFiles(), [])
  await fillFiles()
  await layout.write(device)
})
after(async () => {
  await device?.close()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

describe('NtfsVolume', { skip }, () => {
  it('tells label and cluster size, and finds nothing wrong with a volume of ours', async () => {
    const volume = await NtfsVolume.open(device)
    assert.equal(volume.label, 'Messwerte ß')
    assert.equal(volume.clusterBytes, 4096)
    assert.deepEqual(await volume.check(), [])
  })

  it('reads the tree back: paths, sizes, times, records and extents', async () => {
    const volume = await NtfsVolume.open(device)
    const found = await volume.readTree()
    const tree = treeOfFiles()
    const places = layout.extents()
    assert.equal(found.unreachableRecords, 0)
    const byPath = new Map(Array.from(found.fileRecord, (_, file) => [filePath(found, file), file]))
    assert.equal(byPath.size, fileCount)
    for (let file = 0; file < fileCount; file++) {
      const at = byPath.get(filePath(tree, file))
      assert.ok(at !== undefined, filePath(tree, file))
      assert.equal(found.fileSizeBytes[at], tree.fileSizeBytes[file])
      assert.equal(found.fileModifiedNs[at], tree.fileModifiedNs[file])
      if (tree.fileSizeBytes[file] === 0) continue
      const extent = found.extents.firstExtent[at] as number
      assert.equal(found.extents.offsetBytes[extent], places.offsetBytes[places.firstExtent[file] as number])
    }
  })

  it('reads any part of a file, and refuses what lies behind its end', async () => {
    const volume = await NtfsVolume.open(device)
    const tree = await volume.readTree()
    const at = tree.fileSizeBytes.indexOf(77 * 999)
    const record = tree.fileRecord[at] as number
    assert.deepEqual(await volume.readFile(record, 0, 77 * 999), Buffer.alloc(77 * 999, 77))
    assert.deepEqual(await volume.readFile(record, 4095, 10), Buffer.alloc(10, 77))
    assert.deepEqual(await volume.readFile(record, 77 * 999, 0), Buffer.alloc(0))
    await assert.rejects(volume.readFile(record, 77 * 999 - 5, 6), { code: 'NTFS_DAMAGED' })
    await assert.rejects(volume.readFile(5, 0, 1), { code: 'FILE_NOT_FOUND' })
  })

  it('names the file whose record is damaged, and leaves it out of the tree', async () => {
    const volume = await NtfsVolume.open(device)
    const tree = await volume.readTree()
    const record = tree.fileRecord[7] as number
    const start = await device.read(0, 512)
    // The table begins where the boot sector says, and is in one piece here.
    const offset = Number(start.readBigUInt64LE(0x30)) * 4096 + record * 1024
    const whole = await device.read(offset, 1024)
    const damaged = Buffer.from(whole)
    damaged.fill(0xa5, 256, 272)
    await device.write(offset, damaged)
    try {
      const findings = await volume.check()
      const own = findings.filter(({ structure }) => structure === `MFT record ${record}`)
      assert.ok(own.length > 0, JSON.stringify(findings))
      assert.ok(own.every(({ severity }) => severity === 'damage'))
      damaged.write('BAAD')
      await device.write(offset, damaged)
      const rest = await volume.readTree()
      assert.equal(rest.fileRecord.length, fileCount - 1)
      assert.equal(rest.unreachableRecords, 1)
    } finally {
      await device.write(offset, whole)
    }
    assert.deepEqual(await volume.check(), [])
  })

  it('calls a volume of mkntfs foreign, which is no damage', async () => {
    const path = join(folder, 'foreign.img')
    await writeFile(path, '')
    await truncate(path, sizeBytes)
    const made = spawnSync(mkntfs as string, ['-Q', '-F', '-q', '-p', '2048', '-H', '255', '-S', '63', path])
    assert.equal(made.status, 0, made.stderr.toString())
    const foreign = await Device.open(path, { access: 'read' })
    try {
      const findings = await (await NtfsVolume.open(foreign)).check()
      assert.deepEqual(
        findings.map(({ code, severity }) => [code, severity]),
        [['NTFS_FOREIGN', 'note']],
      )
    } finally {
      await foreign.close()
    }
  })

  it('refuses what is no volume', async () => {
    const path = join(folder, 'zeros.img')
    await writeFile(path, Buffer.alloc(1 << 20))
    const zeros = await Device.open(path, { access: 'read' })
    try {
      await assert.rejects(NtfsVolume.open(zeros), { code: 'NTFS_DAMAGED', name: 'TransferError' })
    } finally {
      await zeros.close()
    }
  })
})

describe('docs/ntfs-checks.md', () => {
  it('has a row for each code that the check gives, and no other', () => {
    const folderOfCheck = 'native/ntfs'
    const sources = readdirSync(folderOfCheck).filter((name) => /^check.*\.cc$/.test(name))
    const text = sources.map((name) => readFileSync(join(folderOfCheck, name), 'utf8')).join('\n')
    const given = new Set(Array.from(text.matchAll(/"(NTFS_[A-Z_]+)"/g), (match) => match[1]))
    const page = readFileSync('docs/ntfs-checks.md', 'utf8')
    const listed = Array.from(page.matchAll(/^\| `(NTFS_[A-Z_]+)` \|/gm), (match) => match[1])
    assert.deepEqual(listed, [...given].sort())
  })
})
