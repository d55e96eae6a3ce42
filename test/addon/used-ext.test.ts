import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../drives/loop-device.js'
import { lacks, needsRoot } from '../lacks.js'
import {
  assertHoldsFiles,
  inMount,
  isKept,
  makeFiles,
  makeImage,
  overwriteFreeOf,
  runQuietly,
  usedOf,
  writeFiles,
} from './made-volume.js'

const mebibyte = 1 << 20
const skip = lacks('/usr/sbin/mke2fs', '/usr/sbin/debugfs', '/usr/sbin/e2fsck')

/** By debugfs: no mount, so no root. */
function fill(image: string, folder: string, seed: number) {
  const files = makeFiles(seed)
  const source = join(folder, 'source')
  writeFiles(source, files)
  const folders = [...new Set(files.flatMap(({ path }) => (path.includes('/') ? [path.split('/')[0]] : [])))]
  const lines = [
    ...folders.map((name) => `mkdir ${name}`),
    ...files.map(({ path }) => `write ${join(source, path)} ${path}`),
    ...files.filter((file, index) => !isKept(file, index)).map(({ path }) => `rm ${path}`),
  ]
  runQuietly('/usr/sbin/debugfs', ['-w', '-f', '-', image], `${lines.join('\n')}\n`)
  return files.filter(isKept)
}

/** e2fsck does not look at the copies of superblock and descriptors: every block that dumpe2fs names must have stayed. */
function assertKeepsMetadata(image: string, copy: string): void {
  const dump = runQuietly('/usr/sbin/dumpe2fs', [image])
  const blockBytes = Number(/^Block size: +(\d+)/m.exec(dump)?.[1])
  const places = dump.matchAll(/(superblock|[Dd]escriptors?|GDT blocks|bitmap|Inode table) at (\d+)(?:-(\d+))?/g)
  const [before, after] = [readFileSync(image), readFileSync(copy)]
  let count = 0
  for (const [what, , first, last = first] of places) {
    const part = [Number(first) * blockBytes, (Number(last) + 1) * blockBytes] as const
    assert.ok(before.subarray(...part).equals(after.subarray(...part)), what)
    count++
  }
  assert.ok(count >= 4, `${count} places are named`)
}

const kinds: readonly (readonly [title: string, name: string, sizeMebibytes: number, words: string[]])[] = [
  ['ext2, 1 KiB', 'ext2', 28, ['-t', 'ext2', '-b', '1024']],
  ['ext2, 4 KiB', 'ext2', 40, ['-t', 'ext2', '-b', '4096', '-g', '2048']],
  ['ext2 of the first revision', 'ext2', 40, ['-t', 'ext2', '-r', '0', '-b', '1024']],
  [
    'ext2 with all copies of its superblock',
    'ext2',
    40,
    ['-t', 'ext2', '-b', '1024', '-O', '^sparse_super,^resize_inode'],
  ],
  ['ext3, 1 KiB', 'ext3', 36, ['-t', 'ext3', '-b', '1024']],
  ['ext3, 4 KiB', 'ext3', 48, ['-t', 'ext3', '-b', '4096', '-g', '2048']],
  ['ext4, 1 KiB', 'ext4', 36, ['-t', 'ext4', '-b', '1024']],
  ['ext4, 4 KiB', 'ext4', 64, ['-t', 'ext4', '-b', '4096', '-g', '2048']],
  ['ext4 whose last group is short', 'ext4', 57.37109375, ['-t', 'ext4', '-b', '4096', '-g', '2048']],
  ['ext4 without 64 bits', 'ext4', 36, ['-t', 'ext4', '-b', '1024', '-O', '^64bit']],
  ['ext4 with CRC-16', 'ext4', 36, ['-t', 'ext4', '-b', '1024', '-O', 'uninit_bg,^metadata_csum']],
  [
    'ext4 with CRC-16 without 64 bits',
    'ext4',
    36,
    ['-t', 'ext4', '-b', '1024', '-O', 'uninit_bg,^metadata_csum,^64bit'],
  ],
  ['ext4 without checksums', 'ext4', 36, ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,^uninit_bg']],
  ['ext4 without flexible groups', 'ext4', 36, ['-t', 'ext4', '-b', '1024', '-O', '^flex_bg']],
  ['ext4 with meta groups', 'ext4', 36, ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'meta_bg,^resize_inode']],
  [
    'ext4 with meta groups and CRC-16',
    'ext4',
    36,
    ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'meta_bg,^resize_inode,^flex_bg,uninit_bg,^metadata_csum'],
  ],
  [
    'ext4 with two copies of its superblock',
    'ext4',
    36,
    ['-t', 'ext4', '-b', '1024', '-O', 'sparse_super2,^resize_inode'],
  ],
  [
    'ext4 with large clusters',
    'ext4',
    64,
    ['-t', 'ext4', '-b', '4096', '-O', 'bigalloc', '-C', '65536', '-g', '16384'],
  ],
  [
    'ext4 with large clusters of 1 KiB blocks',
    'ext4',
    64,
    ['-t', 'ext4', '-b', '1024', '-O', 'bigalloc', '-C', '16384'],
  ],
  ['ext4 with its metadata packed', 'ext4', 36, ['-t', 'ext4', '-b', '1024', '-E', 'packed_meta_blocks=1']],
  [
    'ext4 with a seed, mount protection and large attributes',
    'ext4',
    36,
    ['-t', 'ext4', '-b', '1024', '-O', 'metadata_csum_seed,mmp,ea_inode'],
  ],
  ['ext4 with blocks of 64 KiB', 'ext4', 160, ['-t', 'ext4', '-b', '65536', '-J', 'size=64']],
]

/** To e2fsck and debugfs the copy, whose free room was overwritten, is what the image is. */
function assertKeepsAll(image: string, copy: string, files: ReturnType<typeof fill>, folder: string): void {
  runQuietly('/usr/sbin/e2fsck', ['-f', '-n', copy])
  assertKeepsMetadata(image, copy)
  const out = join(folder, 'out')
  mkdirSync(out)
  runQuietly('/usr/sbin/debugfs', ['-R', `rdump / ${out}`, copy])
  assertHoldsFiles(out, files)
}

for (const [title, name, mebibytes, words] of kinds) {
  test(`${title}: what is free may be overwritten`, { skip }, async (t) => {
    const folder = temporaryFolder(t)
    const image = makeImage(join(folder, 'volume.img'), Math.round(mebibytes * mebibyte))
    runQuietly('/usr/sbin/mke2fs', ['-q', '-F', '-L', 'Trial', ...words, image])
    const files = fill(image, folder, mebibytes)
    const copy = await overwriteFreeOf(image, name, 0.75)
    assertKeepsAll(image, copy, files, folder)
    assert.equal((await usedOf(image)).label, 'Trial')
  })
}

const changes: readonly (readonly [title: string, made: string[], change: (image: string) => void])[] = [
  ['grown', ['-t', 'ext4', '-b', '1024', '-g', '1024'], (image) => resize(image, '44M')],
  [
    'grown beyond its reserved descriptors',
    ['-t', 'ext4', '-b', '1024', '-g', '512', '-E', 'resize=26M'],
    (image) => resize(image, '44M'),
  ],
  [
    'grown with meta groups',
    ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'meta_bg,^resize_inode'],
    (image) => resize(image, '44M'),
  ],
  ['shrunk', ['-t', 'ext4', '-b', '1024', '-g', '1024'], (image) => resize(image, '20M')],
  [
    'brought to 64 bits',
    ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', '^64bit'],
    (image) => runQuietly('/usr/sbin/resize2fs', ['-f', '-b', image]),
  ],
  [
    'given checksums later',
    ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,^uninit_bg'],
    (image) => runQuietly('/usr/sbin/tune2fs', ['-O', 'metadata_csum', image]),
  ],
  [
    'given another identifier',
    ['-t', 'ext4', '-b', '1024', '-O', 'metadata_csum_seed'],
    (image) => runQuietly('/usr/sbin/tune2fs', ['-U', 'random', image]),
  ],
  [
    'without its journal',
    ['-t', 'ext4', '-b', '1024'],
    (image) => runQuietly('/usr/sbin/tune2fs', ['-O', '^has_journal', image]),
  ],
]

function resize(image: string, size: string): void {
  runQuietly('/usr/sbin/resize2fs', ['-f', image, size])
}

for (const [title, made, change] of changes) {
  test(`ext4 ${title}: what is free may be overwritten`, { skip }, async (t) => {
    const folder = temporaryFolder(t)
    const image = makeImage(join(folder, 'volume.img'), 24 * mebibyte)
    runQuietly('/usr/sbin/mke2fs', ['-q', '-F', ...made, image])
    const files = fill(image, folder, 77)
    if (statSync(image).size < 44 * mebibyte) truncateSync(image, 44 * mebibyte)
    runQuietly('/usr/sbin/e2fsck', ['-f', '-y', image])
    change(image)
    const copy = await overwriteFreeOf(image, 'ext4', title === 'shrunk' ? 1 : 0.75)
    assertKeepsAll(image, copy, files, folder)
  })
}

const mountedKinds: readonly (readonly [title: string, words: string[]])[] = [
  ['ext4', ['-b', '4096', '-g', '4096']],
  ['ext4 with inline data', ['-b', '4096', '-g', '4096', '-I', '256', '-O', 'inline_data']],
  ['ext4 with large clusters', ['-b', '4096', '-O', 'bigalloc', '-C', '32768']],
]
for (const [title, words] of mountedKinds) {
  test(`${title}, filled and emptied by the kernel: what is free may be overwritten`, {
    skip: skip || needsRoot,
  }, async (t) => {
    const folder = temporaryFolder(t)
    const image = makeImage(join(folder, 'volume.img'), 96 * mebibyte)
    runQuietly('/usr/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', ...words, image])
    const files = makeFiles(7, 120)
    inMount(image, 'loop', (mounted) => {
      writeFiles(mounted, files)
      for (const [index, file] of files.entries()) if (!isKept(file, index)) rmSync(join(mounted, file.path))
    })
    const copy = await overwriteFreeOf(image, 'ext4', 0.75)
    runQuietly('/usr/sbin/e2fsck', ['-f', '-n', copy])
    inMount(copy, 'loop,ro', (mounted) => assertHoldsFiles(mounted, files.filter(isKept)))
  })
}

test('a mounted ext4 needs recovery, an ext2 is dirty', { skip: skip || needsRoot }, async (t) => {
  const folder = temporaryFolder(t)
  for (const [kind, state, reason] of [
    ['ext4', 'needs-recovery', /journal has not been replayed/],
    ['ext2', 'dirty', /not unmounted/],
  ] as const) {
    const image = makeImage(join(folder, `${kind}.img`), 32 * mebibyte)
    runQuietly('/usr/sbin/mke2fs', ['-q', '-F', '-t', kind, image])
    const mounted = `${image}.mount`
    mkdirSync(mounted)
    runQuietly('mount', ['-o', 'loop', image, mounted])
    try {
      writeFiles(mounted, makeFiles(3, 5))
      runQuietly('sync', ['-f', mounted])
      const used = await usedOf(image)
      assert.equal(used.state, state)
      assert.match(used.reason, reason)
    } finally {
      runQuietly('umount', [mounted])
    }
    assert.equal((await usedOf(image)).state, 'clean')
  }
})
