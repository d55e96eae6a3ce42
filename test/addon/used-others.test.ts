import assert from 'node:assert/strict'
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { temporaryFolder } from '../drives/loop-device.js'
import { lacks, needsRoot } from '../lacks.js'
import {
  assertHoldsFiles,
  inMount,
  isKept,
  type MadeFile,
  makeFiles,
  makeImage,
  overwriteFreeOf,
  runQuietly,
  usedOf,
  writeFiles,
} from './made-volume.js'

const mebibyte = 1 << 20

function removeSome(folder: string, files: readonly MadeFile[]): void {
  for (const [index, file] of files.entries()) if (!isKept(file, index)) rmSync(join(folder, file.path))
}

describe('FAT', { skip: lacks('/usr/sbin/mkfs.fat', '/usr/bin/mcopy', '/usr/sbin/fsck.fat') }, () => {
  const kinds: readonly (readonly [title: string, name: string, mebibytes: number, words: string[]])[] = [
    ['FAT12', 'fat12', 16, ['-F', '12', '-s', '32']],
    ['FAT16', 'fat16', 48, ['-F', '16']],
    ['FAT16 with one table', 'fat16', 48, ['-F', '16', '-f', '1']],
    ['FAT32', 'fat32', 64, ['-F', '32', '-s', '1']],
    ['FAT32 with sectors of 4096 bytes', 'fat32', 300, ['-F', '32', '-S', '4096', '-s', '1']],
  ]
  for (const [title, name, mebibytes, words] of kinds) {
    test(`${title}: what is free may be overwritten`, async (t) => {
      const folder = temporaryFolder(t)
      const image = makeImage(join(folder, 'volume.img'), mebibytes * mebibyte)
      runQuietly('/usr/sbin/mkfs.fat', ['-n', 'TRIAL', ...words, image])
      const files = makeFiles(mebibytes, 30, 400_000)
      const source = join(folder, 'source')
      writeFiles(source, files)
      const tree = ['/usr/bin/mcopy', ['-i', image, '-s', '-Q', source, '::/kept']] as const
      runQuietly(...tree)
      const removed = files.filter((file, index) => !isKept(file, index)).map(({ path }) => `::/kept/${path}`)
      runQuietly('/usr/bin/mdel', ['-i', image, ...removed])
      const copy = await overwriteFreeOf(image, name, 0.6)
      runQuietly('/usr/sbin/fsck.fat', ['-n', copy])
      mkdirSync(join(folder, 'out'))
      runQuietly('/usr/bin/mcopy', ['-i', copy, '-s', '-n', '-Q', '::/kept', join(folder, 'out')])
      assertHoldsFiles(join(folder, 'out/kept'), files.filter(isKept))
      assert.equal((await usedOf(image)).label, 'TRIAL')
    })
  }

  test('tables that differ are not believed, a volume marked dirty is told', async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 48 * mebibyte)
    runQuietly('/usr/sbin/mkfs.fat', ['-F', '16', image])
    const start = readFileSync(image).subarray(0, 512)
    const tableBytes = start.readUInt16LE(22) * 512
    const file = openSync(image, 'r+')
    writeSync(file, Buffer.from([0x01]), 0, 1, 0x25)
    assert.equal((await usedOf(image)).state, 'dirty')
    writeSync(file, Buffer.from([0x00]), 0, 1, 0x25)
    writeSync(file, Buffer.from([0x99]), 0, 1, start.readUInt16LE(14) * 512 + tableBytes + 300)
    const used = await usedOf(image)
    assert.deepEqual([used.state, used.reason], ['unknown', 'Its two tables differ.'])
    assert.deepEqual([[...used.offsetBytes], [...used.lengthBytes]], [[0], [48 * mebibyte]])
  })
})

describe('exFAT', {
  skip: lacks('/usr/sbin/mkfs.exfat', '/usr/sbin/fsck.exfat', '/usr/sbin/mount.exfat-fuse', '/dev/fuse') || needsRoot,
}, () => {
  for (const words of [
    ['-c', '4K'],
    ['-c', '128K'],
  ]) {
    test(`with clusters of ${words[1]}: what is free may be overwritten`, async (t) => {
      const folder = temporaryFolder(t)
      const image = makeImage(join(folder, 'volume.img'), 64 * mebibyte)
      runQuietly('/usr/sbin/mkfs.exfat', ['-L', 'Trial', ...words, image])
      const files = makeFiles(11, 60)
      inMount(
        image,
        'loop,rw',
        (mounted) => {
          writeFiles(mounted, files)
          removeSome(mounted, files)
        },
        ['-t', 'exfat-fuse'],
      )
      const copy = await overwriteFreeOf(image, 'exfat', 0.7)
      runQuietly('/usr/sbin/fsck.exfat', ['-n', copy])
      inMount(copy, 'loop,ro', (mounted) => assertHoldsFiles(mounted, files.filter(isKept)), ['-t', 'exfat-fuse'])
      assert.equal((await usedOf(image)).label, 'Trial')
    })
  }
})

describe('NTFS', {
  skip: lacks('/usr/sbin/mkntfs', '/usr/sbin/ntfscp', '/usr/sbin/ntfsresize', '/usr/bin/ntfscat'),
}, () => {
  const format = (image: string, words: string[]) =>
    runQuietly('/usr/sbin/mkntfs', ['-Q', '-F', '-q', '-L', 'Trial', ...words, image])

  for (const words of [
    ['-c', '4096'],
    ['-c', '512'],
    ['-c', '65536'],
  ]) {
    test(`with clusters of ${words[1]} bytes: what is free may be overwritten`, async (t) => {
      const folder = temporaryFolder(t)
      const image = makeImage(join(folder, 'volume.img'), 64 * mebibyte)
      format(image, words)
      const files = makeFiles(13, 16).map((file) => ({ ...file, path: basename(file.path) }))
      writeFiles(join(folder, 'source'), files)
      for (const { path } of files) runQuietly('/usr/sbin/ntfscp', ['-q', image, join(folder, 'source', path), path])
      const copy = await overwriteFreeOf(image, 'ntfs', 0.7)
      runQuietly('/usr/sbin/ntfsresize', ['--info', '--force', copy])
      runQuietly('/usr/bin/ntfsfix', ['-n', copy])
      mkdirSync(join(folder, 'out'))
      for (const { path } of files) {
        runQuietly('sh', ['-c', '/usr/bin/ntfscat "$1" "$2" > "$3"', 'sh', copy, path, join(folder, 'out', path)])
      }
      assertHoldsFiles(join(folder, 'out'), files)
      assert.equal((await usedOf(image)).label, 'Trial')
    })
  }

  test('filled and emptied by ntfs-3g: what is free may be overwritten', {
    skip: lacks('/usr/bin/ntfs-3g', '/dev/fuse') || needsRoot,
  }, async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 64 * mebibyte)
    format(image, ['-c', '4096'])
    const files = makeFiles(17, 150)
    inMount(
      image,
      'rw',
      (mounted) => {
        writeFiles(mounted, files)
        removeSome(mounted, files)
      },
      ['-t', 'ntfs-3g'],
    )
    const copy = await overwriteFreeOf(image, 'ntfs', 0.7)
    runQuietly('/usr/sbin/ntfsresize', ['--info', '--force', copy])
    inMount(copy, 'ro', (mounted) => assertHoldsFiles(mounted, files.filter(isKept)), ['-t', 'ntfs-3g'])
  })
})

describe('XFS', { skip: lacks('/usr/sbin/mkfs.xfs', '/usr/sbin/xfs_repair', '/usr/sbin/xfs_db') }, () => {
  const kinds: readonly (readonly [title: string, words: string[]])[] = [
    ['version 5', []],
    ['version 5 with reverse mapping', ['-m', 'rmapbt=1']],
    ['version 5, blocks of 1 KiB', ['-b', 'size=1024']],
    ['version 5, sectors of 4096 bytes', ['-s', 'size=4096']],
    ['version 4', ['-m', 'crc=0,finobt=0,reflink=0,bigtime=0,inobtcount=0']],
  ]
  for (const [title, words] of kinds) {
    test(`${title}: what is free may be overwritten`, async (t) => {
      const folder = temporaryFolder(t)
      const image = makeImage(join(folder, 'volume.img'), 320 * mebibyte)
      // A prototype file fills it without a mount.
      const files = makeFiles(19, 30).map((file) => ({ ...file, path: basename(file.path) }))
      writeFiles(join(folder, 'source'), files)
      const lines = files.map(({ path }) => `${path} ---644 0 0 ${join(folder, 'source', path)}`)
      writeFileSync(join(folder, 'prototype'), `boot\n0 0\nd--755 0 0\n${lines.join('\n')}\n$\n`)
      runQuietly('/usr/sbin/mkfs.xfs', ['-q', '-L', 'Trial', '-p', join(folder, 'prototype'), ...words, image])
      const copy = await overwriteFreeOf(image, 'xfs', 0.6)
      runQuietly('/usr/sbin/xfs_repair', ['-n', copy])
      // Kernels of today do not mount version 4 any more.
      if (needsRoot === false && title !== 'version 4')
        inMount(copy, 'loop,ro,norecovery', (mounted) => assertHoldsFiles(mounted, files))
      assert.equal((await usedOf(image)).label, 'Trial')
    })
  }

  test('filled and emptied by the kernel, with a tree of several levels: what is free may be overwritten', {
    skip: needsRoot,
  }, async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 320 * mebibyte)
    runQuietly('/usr/sbin/mkfs.xfs', ['-q', '-b', 'size=1024', '-d', 'agcount=2', image])
    const files = makeFiles(23, 1500, 20_000)
    inMount(image, 'loop', (mounted) => {
      writeFiles(mounted, files)
      runQuietly('sync', ['-f', mounted])
      removeSome(mounted, files)
    })
    const levels = runQuietly('/usr/sbin/xfs_db', ['-r', '-c', 'agf 0', '-c', 'print bnolevel', image])
    assert.match(levels, /bnolevel = [2-9]/)
    const copy = await overwriteFreeOf(image, 'xfs', 0.7)
    runQuietly('/usr/sbin/xfs_repair', ['-n', copy])
    inMount(copy, 'loop,ro,norecovery', (mounted) => assertHoldsFiles(mounted, files.filter(isKept)))
  })

  test('mounted, it needs recovery; unmounted often, with its journal around the ring, it is clean', {
    skip: needsRoot,
  }, async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 320 * mebibyte)
    runQuietly('/usr/sbin/mkfs.xfs', ['-q', image])
    for (let round = 0; round < 6; round++) {
      const mounted = `${image}.mount`
      mkdirSync(mounted, { recursive: true })
      runQuietly('mount', ['-o', 'loop', image, mounted])
      try {
        writeFiles(mounted, makeFiles(round + 1, 20, 20_000))
        runQuietly('sync', ['-f', mounted])
        assert.equal((await usedOf(image)).state, 'needs-recovery')
      } finally {
        runQuietly('umount', [mounted])
      }
      assert.equal((await usedOf(image)).state, 'clean')
    }
  })
})

describe('swap', { skip: lacks('/usr/sbin/mkswap', '/usr/sbin/blkid') }, () => {
  test('only its header is in use, and what lies behind its last page', async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 8 * mebibyte + 1024)
    runQuietly('/usr/sbin/mkswap', ['-L', 'Trial', image])
    const used = await usedOf(image)
    assert.deepEqual([used.fileSystem, used.label, used.state], ['swap', 'Trial', 'clean'])
    assert.deepEqual(
      [[...used.offsetBytes], [...used.lengthBytes]],
      [
        [0, 8 * mebibyte],
        [4096, 1024],
      ],
    )
    const copy = await overwriteFreeOf(image, 'swap', 0.1)
    assert.match(runQuietly('/usr/sbin/blkid', ['-p', copy]), /TYPE="swap"/)
  })

  test('what a hibernated system left in it is kept whole', async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 8 * mebibyte)
    runQuietly('/usr/sbin/mkswap', [image])
    writeSync(openSync(image, 'r+'), Buffer.from('S1SUSPEND\0'), 0, 10, 4086)
    const used = await usedOf(image)
    assert.deepEqual([used.state, [...used.lengthBytes]], ['unknown', [8 * mebibyte]])
  })
})

describe('what is not believed', { skip: lacks('/usr/sbin/mke2fs', '/usr/sbin/mkswap') }, () => {
  test('nothing, noise, and the rest of a partition behind its file system', async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 40 * mebibyte)
    assert.deepEqual(
      [(await usedOf(image)).state, (await usedOf(image)).reason],
      ['unknown', 'No file system was recognized.'],
    )
    runQuietly('/usr/sbin/mke2fs', ['-q', '-F', '-b', '1024', image, '16384'])
    const used = await usedOf(image)
    assert.equal(used.state, 'clean')
    assert.equal((used.offsetBytes.at(-1) as number) + (used.lengthBytes.at(-1) as number), 40 * mebibyte)
    assert.ok((used.lengthBytes.at(-1) as number) >= 24 * mebibyte)
    // In a partition that ends too early it claims more than there is.
    assert.match((await usedOf(image, 0, 12 * mebibyte)).reason, /claims 16384 blocks/)
  })

  test('two file systems at one place', async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), 16 * mebibyte)
    runQuietly('/usr/sbin/mke2fs', ['-q', '-F', image])
    writeSync(openSync(image, 'r+'), Buffer.from('SWAPSPACE2'), 0, 10, 4086)
    const used = await usedOf(image)
    assert.deepEqual([used.state, used.fileSystem, used.offsetBytes.length], ['unknown', 'ext+swap', 1])
  })

  const containers: readonly (readonly [name: string, offset: number, mark: Buffer])[] = [
    ['zfs', 128 * 1024 + 5 * 1024, Buffer.from('0cb1ba0000000000', 'hex')],
    ['linux-raid', 4096, Buffer.from('fc4e2ba9', 'hex')],
    ['linux-raid', 16 * mebibyte - 8192, Buffer.from('fc4e2ba9', 'hex')],
    ['linux-raid', 16 * mebibyte - 65536, Buffer.from('fc4e2ba9', 'hex')],
    ['bcache', 4096 + 24, Buffer.from('c68573f64e1a45ca8265f57f48ba6d81', 'hex')],
    ['lvm', 512, Buffer.from('LABELONE')],
    ['luks', 0, Buffer.from('LUKS\xba\xbe', 'latin1')],
    ['btrfs', 0x10040, Buffer.from('_BHRfS_M')],
  ]
  for (const [name, offset, mark] of containers) {
    test(`${name} (at ${offset}) over an ext4 that was there before`, async (t) => {
      const image = makeImage(join(temporaryFolder(t), 'volume.img'), 16 * mebibyte)
      runQuietly('/usr/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', image])
      writeSync(openSync(image, 'r+'), mark, 0, mark.length, offset)
      const used = await usedOf(image)
      assert.deepEqual(
        [used.state, used.fileSystem.split('+').sort(), [...used.lengthBytes]],
        ['unknown', ['ext', name].sort(), [16 * mebibyte]],
      )
    })
  }

  test('a range outside the device is refused', async (t) => {
    const image = makeImage(join(temporaryFolder(t), 'volume.img'), mebibyte)
    await assert.rejects(usedOf(image, 0, 2 * mebibyte), { code: 'DEVICE_RANGE' })
    await assert.rejects(usedOf(image, 100, 512), { code: 'DEVICE_RANGE' })
    await assert.rejects(async () => usedOf(image, -1, 512), RangeError)
  })
})
