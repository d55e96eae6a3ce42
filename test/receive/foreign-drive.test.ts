// A drive that another system filled: BitLocker outside, an NTFS that ntfs-3g wrote inside, with compressed, sparse, resident and
// fragmented files, other block lengths than ours, metadata, and a manifest under another name.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileAccess } from '../../src/addon/ntfs.js'
import { encodeMetadata } from '../../src/formats/blob-properties.js'
import { type BlobType, type ManifestBlob, writeManifest } from '../../src/formats/manifest-writer.js'
import { filePath, openDrive } from '../../src/index.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { foreignUnavailable, setAttribute } from '../addon/made-foreign.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { hashesInStore, makeDrives, receive } from './made-import.js'

const skip = foreignUnavailable('/usr/bin/dislocker-fuse', '/usr/bin/setfattr')
const volumeOffsetBytes = 17 << 20
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

interface Wanted {
  path: string
  blockBytes: number
  blobType?: BlobType
}

const wanted: Wanted[] = [
  { path: 'packed/text', blockBytes: 65_536 },
  { path: 'packed/large', blockBytes: 4 << 20 },
  { path: 'holes.vhd', blockBytes: 4 << 20, blobType: 'page' },
  { path: 'tiny', blockBytes: 4 << 20 },
  { path: 'fragments', blockBytes: 6062 },
  { path: 'plain 64 KiB blocks', blockBytes: 65_536 },
  { path: 'plain', blockBytes: 4 << 20 },
  { path: 'empty', blockBytes: 4 << 20 },
]

/** Busy for as long as ntfs-3g, which was told to end, has it open. */
function unmountView(view: string): void {
  const until = Date.now() + 60_000
  for (;;) {
    const { status, stderr } = spawnSync('fusermount3', ['-u', view], { encoding: 'utf8' })
    if (status === 0) return
    if (!/busy/i.test(stderr) || Date.now() > until) throw new Error(`${view} cannot be unmounted: ${stderr}`)
    spawnSync('sleep', ['0.1'])
  }
}

/** Writes to the decrypted volume through dislocker and ntfs-3g. */
function onVolume(folder: string, image: string, password: string, work: (point: string) => void): void {
  const view = join(folder, 'view')
  const point = join(folder, 'mount')
  for (const path of [view, point]) mkdirSync(path)
  execFileSync('dislocker-fuse', ['-O', String(volumeOffsetBytes), '-V', image, `-p${password}`, '--', view])
  try {
    execFileSync('ntfs-3g', ['-o', 'compression', join(view, 'dislocker-file'), point])
    try {
      work(point)
    } finally {
      execFileSync('umount', [point])
    }
  } finally {
    unmountView(view)
  }
}

function fill(point: string): void {
  rmSync(join(point, 'DriveManifest.xml'))
  mkdirSync(join(point, 'packed'))
  setAttribute(join(point, 'packed'), 'system.ntfs_attrib_be', '0x00000800')
  const log = Buffer.alloc(9_000_000, 'a line of a log that repeats itself, as logs do\n')
  writeFileSync(join(point, 'packed/text'), log.subarray(0, 300_001))
  writeFileSync(join(point, 'packed/large'), log)
  const holes = openSync(join(point, 'holes.vhd'), 'w')
  writeSync(holes, contentOf(1, 1 << 20), 0, 1 << 20, 4 << 20)
  ftruncateSync(holes, 12 << 20)
  closeSync(holes)
  writeFileSync(join(point, 'tiny'), 'in its record')
  writeFileSync(join(point, 'empty'), '')
  const files = ['fragments', 'between'].map((name) => openSync(join(point, name), 'w'))
  for (let at = 0; at < 200_000; at += 5000) {
    for (const file of files) writeSync(file, contentOf(at + 1, 5000), 0, 5000, at)
  }
  for (const file of files) closeSync(file)
  writeFileSync(join(point, 'plain 64 KiB blocks'), contentOf(5, 1_000_000))
  writeFileSync(join(point, 'plain'), contentOf(6, 9_000_000))
}

function writeForeignManifest(point: string): void {
  const metadata = Buffer.from(encodeMetadata([['Origin', 'elsewhere']]))
  writeFileSync(join(point, 'metadata.xml'), metadata)
  const contents = wanted.map(({ path }) => readFileSync(join(point, path)))
  const blobs = wanted.map(({ path, blockBytes, blobType = 'block' }, index): ManifestBlob => {
    const lengthBytes = contents[index]?.length ?? 0
    const filePath = `\\${path.replaceAll('/', '\\')}`
    return {
      blobPath: `archive/in/${path}`,
      filePath,
      lengthBytes,
      blobType,
      blockBytes,
      disposition: 'rename',
      list: 0,
    }
  })
  const list = { id: 'session#1-0', metadata: { path: '\\metadata.xml', hash: md5(metadata).toString('hex') } }
  const header = { driveId: 'DRIVE0', clientCreator: 'somebody else', lists: [list] }
  const digestsOf = (index: number) => {
    const { blockBytes } = wanted[index] as Wanted
    const content = contents[index] as Buffer
    const digests: Buffer[] = []
    for (let at = 0; at < content.length; at += blockBytes) digests.push(md5(content.subarray(at, at + blockBytes)))
    return Buffer.concat(digests)
  }
  const pieces = [...writeManifest(header, blobs, digestsOf)].map((piece) => Buffer.from(piece))
  writeFileSync(join(point, '9WM35C2V.manifest'), Buffer.concat(pieces))
}

it('imports a drive that another system filled, whatever its files are like', { skip }, async () => {
  const folder = temporaryFolder('receive-foreign')
  const made = await makeDrives(folder, { 'first.txt': 'so that there is a volume' }, ['150M'])
  const [drive] = made.drives
  assert.ok(drive?.secret.kind === 'recovery-password')
  const expected = new Map<string, string>()
  onVolume(folder, drive.path, drive.secret.password, (point) => {
    fill(point)
    writeForeignManifest(point)
    for (const { path } of wanted) expected.set(path, sha256(readFileSync(join(point, path))))
  })
  const opened = await openDrive(drive.path, drive.secret)
  const tree = await opened.ntfs.readTree()
  const access = new Map([...tree.fileAccess.entries()].map(([file, how]) => [filePath(tree, file), how]))
  await opened.close()
  for (const path of ['packed/text', 'packed/large', 'holes.vhd', 'tiny'])
    assert.equal(access.get(path), fileAccess.readFile, path)
  assert.equal(access.get('fragments'), fileAccess.extents)

  const { path, secret } = drive
  const store = new MemoryStore()
  const { report, errors } = await receive(made, store, { drives: [{ path, secret }], contentMd5: true })
  assert.deepEqual([...errors.values()], [])
  assert.equal(report.drives[0]?.status, 'Completed', JSON.stringify(report.drives[0]))
  assert.equal(report.drives[0]?.manifest?.checkedAgainst, undefined)
  assert.deepEqual(await hashesInStore(store), new Map([...expected].sort()))
  const facts = await store.head({ container: 'archive', name: 'in/holes.vhd' })
  assert.equal(facts?.kind, 'page')
  assert.deepEqual(facts?.properties.metadata, [['Origin', 'elsewhere']])
  assert.deepEqual(await store.listPageRanges({ container: 'archive', name: 'in/holes.vhd' }), [
    { offsetBytes: 4 << 20, lengthBytes: 4 << 20 },
  ])
  const large = await store.head({ container: 'archive', name: 'in/packed/large' })
  assert.ok(
    Buffer.from(large?.properties.contentMd5 ?? []).equals(
      md5(Buffer.alloc(9_000_000, 'a line of a log that repeats itself, as logs do\n')),
    ),
  )
})
