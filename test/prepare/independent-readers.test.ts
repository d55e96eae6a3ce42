// Every file of a prepared drive through readers that share no code with us: dislocker and libbde for BitLocker, ntfs-3g and
// 7-Zip for NTFS, cryptsetup for the metadata, ntfsresize for every run against $Bitmap.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import type { DriveResult } from '../../src/index.js'
import { lacks, needsRoot } from '../lacks.js'
import { prepare, requestFor } from './made-drive.js'
import { assertSameFiles, awkwardTree, hashesBelow, temporaryFolder, writeTree } from './made-tree.js'

const volumeOffsetBytes = 17 * 1024 * 1024

const missing = (...paths: string[]) => lacks(...paths) || needsRoot

const folder = temporaryFolder('readers')
const source = join(folder, 'source')
const expected = new Map<string, string>()

/** Mounts with the first command, works on the mount point, and unmounts whatever happens. */
function mounted<T>(name: string, mount: (point: string) => string[], work: (point: string) => T): T {
  const point = join(folder, name)
  mkdirSync(point, { recursive: true })
  const [program = '', ...words] = mount(point)
  execFileSync(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    return work(point)
  } finally {
    spawnSync('fusermount3', ['-u', '-z', point])
  }
}

/** Opens the decrypted view of the drive's volume as the file `dislocker-file` below `point`. */
function dislocker(drive: DriveResult, point: string): string[] {
  const where = ['-O', String(volumeOffsetBytes), '-V', drive.path]
  return ['dislocker-fuse', '-r', ...where, `-p${drive.recoveryPassword}`, '--', point]
}

function throughNtfs3g(view: string, name: string): void {
  mounted(
    name,
    (point) => ['ntfs-3g', '-o', 'ro', view, point],
    (point) => {
      assertSameFiles(hashesBelow(join(point, 'archive/in')), expected)
    },
  )
}

const variants = [
  { name: 'XTS-AES-128, 512-byte sectors', method: 'xts-128', sector: 512, cluster: 4096 },
  { name: 'XTS-AES-256, 64 KiB clusters', method: 'xts-256', sector: 512, cluster: 65536 },
  { name: 'AES-CBC-128, 4096-byte sectors', method: 'cbc-128', sector: 4096, cluster: 4096 },
  { name: 'AES-CBC-256, 512-byte sectors', method: 'cbc-256', sector: 512, cluster: 4096 },
] as const

for (const variant of variants) {
  describe(`a drive with ${variant.name}`, () => {
    let drive: DriveResult
    const id = `${variant.method}-${variant.sector}-${variant.cluster}`
    before(async () => {
      if (expected.size === 0) {
        writeTree(source, awkwardTree())
        for (const [path, hash] of hashesBelow(source)) expected.set(path, hash)
      }
      const spec = `${join(folder, `${id}.img`)}:192M,sector=${variant.sector}`
      const request = requestFor(source, [spec], { method: variant.method, clusterBytes: variant.cluster })
      const result = await prepare(request, { journalPath: join(folder, `${id}.jrn`) })
      drive = result.drives[0] as DriveResult
      assert.equal(drive.outcome, 'prepared')
    })

    test('reads byte for byte through dislocker and ntfs-3g', {
      skip: missing('/usr/bin/dislocker-fuse', '/usr/bin/ntfs-3g', '/dev/fuse'),
    }, () => {
      mounted(
        `${id}-dislocker`,
        (point) => dislocker(drive, point),
        (point) => throughNtfs3g(join(point, 'dislocker-file'), `${id}-ntfs`),
      )
    })

    test('reads byte for byte through libbde and ntfs-3g', {
      // libbde 20190102 refuses XTS-AES-256, also on volumes that Windows made.
      skip:
        variant.method === 'xts-256'
          ? 'libbde cannot read XTS-AES-256'
          : missing('/usr/bin/bdemount', '/usr/bin/ntfs-3g', '/dev/fuse'),
    }, () => {
      mounted(
        `${id}-bde`,
        (point) => ['bdemount', '-r', drive.recoveryPassword, '-o', String(volumeOffsetBytes), drive.path, point],
        (point) => throughNtfs3g(join(point, 'bde1'), `${id}-bde-ntfs`),
      )
    })

    test('has runs, bitmap and records that ntfsresize and 7-Zip find sound', {
      skip: missing('/usr/bin/dislocker-fuse', '/usr/sbin/ntfsresize', '/usr/bin/7z', '/dev/fuse'),
    }, () => {
      mounted(
        `${id}-check`,
        (point) => dislocker(drive, point),
        (point) => {
          const view = join(point, 'dislocker-file')
          const resize = spawnSync('ntfsresize', ['--info', '--force', '--no-progress-bar', view], { encoding: 'utf8' })
          assert.equal(resize.status, 0, resize.stdout + resize.stderr)
          // 7-Zip 16.02 reads no NTFS with 4096-byte sectors.
          if (variant.sector === 4096) return
          const listed = execFileSync('7z', ['l', '-slt', '-tntfs', view], { encoding: 'utf8', maxBuffer: 1 << 26 })
          for (const path of ['archive/in/sizes/9000001.bin', 'DriveManifest.xml'])
            assert.match(listed, new RegExp(path))
          const checked = spawnSync('7z', ['t', '-tntfs', view], { encoding: 'utf8', maxBuffer: 1 << 26 })
          assert.equal(checked.status, 0, checked.stdout.slice(-2000))
        },
      )
    })

    test('is opened by cryptsetup with the recovery password, and not with another', {
      skip: missing('/usr/sbin/cryptsetup', '/usr/sbin/losetup', '/dev/loop-control'),
    }, () => {
      const words = [
        '--find',
        '--show',
        '--read-only',
        '--offset',
        String(volumeOffsetBytes),
        '--sector-size',
        String(variant.sector),
      ]
      const loop = execFileSync('losetup', [...words, drive.path], { encoding: 'utf8' }).trim()
      try {
        const dump = execFileSync('cryptsetup', ['bitlkDump', loop], { encoding: 'utf8' })
        assert.match(dump, variant.method.startsWith('xts') ? /aes-xts-plain64/ : /aes-cbc-eboiv/)
        assert.match(dump, /Protection:\s+VMK protected with recovery passphrase/)
        const open = ['open', '--type', 'bitlk', '--test-passphrase', '--key-file', '-', loop]
        execFileSync('cryptsetup', open, { input: drive.recoveryPassword })
        const wrong = spawnSync('cryptsetup', open, {
          input: '000000-000011-000022-000033-000044-000055-000066-000077',
        })
        assert.notEqual(wrong.status, 0)
      } finally {
        execFileSync('losetup', ['--detach', loop])
      }
    })
  })
}
