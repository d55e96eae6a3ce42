// Names and kinds of files that diskferry itself never writes: hard links, short names, named streams, reparse points.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertReadsAlike, foreignUnavailable, formatForeign, mounted, setAttribute } from './made-foreign.js'

const skip = foreignUnavailable('/usr/bin/setfattr')
const folder = temporaryFolder('names')

test('hard links are a file at each of their paths, short names are none', { skip }, async () => {
  const path = join(folder, 'links')
  formatForeign(path)
  mounted(path, 'streams_interface=windows', (point) => {
    mkdirSync(join(point, 'a/b'), { recursive: true })
    mkdirSync(join(point, 'a directory with a long name'))
    setAttribute(join(point, 'a directory with a long name'), 'system.ntfs_dos_name', 'ADIREC~1')
    writeFileSync(join(point, 'a/original'), contentOf(9, 100_000))
    linkSync(join(point, 'a/original'), join(point, 'a/second'))
    linkSync(join(point, 'a/original'), join(point, 'a/b/third'))
    writeFileSync(join(point, 'Ein langer Name.dokument'), 'short beside long')
    setAttribute(join(point, 'Ein langer Name.dokument'), 'system.ntfs_dos_name', 'EINLAN~1.DOK')
    writeFileSync(join(point, 'a directory with a long name/inside'), 'inside')
    // So many names that they need records of their own.
    writeFileSync(join(point, 'a/many'), 'one content')
    for (let index = 0; index < 100; index++) linkSync(join(point, 'a/many'), join(point, 'a/b', `name ${index}`))
  })
  await assertReadsAlike(path, {}, ({ tree, find }) => {
    assert.equal(tree.fileRecord[find('a/original')], tree.fileRecord[find('a/b/third')])
    assert.equal(tree.fileRecord[find('a/many')], tree.fileRecord[find('a/b/name 77')])
    assert.equal(tree.fileRecord.length, 3 + 1 + 1 + 101)
  })
})

test('named streams are not the file', { skip }, async () => {
  const path = join(folder, 'streams')
  formatForeign(path)
  mounted(path, 'streams_interface=windows', (point) => {
    for (const name of ['small', 'large']) {
      const size = name === 'small' ? 10 : 300_000
      writeFileSync(join(point, name), contentOf(1, size))
      for (let stream = 0; stream < 20; stream++) {
        writeFileSync(join(point, `${name}:stream number ${stream}`), contentOf(stream + 2, stream * 3000))
      }
    }
    writeFileSync(join(point, 'empty'), '')
    writeFileSync(join(point, 'empty:Zone.Identifier'), '[ZoneTransfer]\r\nZoneId=3\r\n')
  })
  await assertReadsAlike(path, {}, ({ tree, find }) => {
    assert.equal(tree.fileSizeBytes[find('small')], 10)
    assert.equal(tree.fileSizeBytes[find('empty')], 0)
  })
})

test('links, pipes and unknown reparse points are listed, and reading them says what they are', { skip }, async () => {
  const path = join(folder, 'reparse')
  formatForeign(path)
  mounted(path, 'special_files=wsl', (point) => {
    writeFileSync(join(point, 'target'), 'there')
    symlinkSync('target', join(point, 'link'))
    execFileSync('mkfifo', [join(point, 'pipe')])
    writeFileSync(join(point, 'placeholder'), '')
    // Kind 9000001A: a file that lies in a cloud. Eight bytes of header, four of data.
    setAttribute(join(point, 'placeholder'), 'system.ntfs_reparse_data', '0x1a00009004000000deadbeef')
  })
  const unreadable = ['link', 'pipe', 'placeholder']
  await assertReadsAlike(path, { unreadable }, async ({ volume, tree, find }) => {
    for (const [name, words] of [
      ['link', /is a symbolic link/],
      ['pipe', /is a socket, pipe or device/],
      ['placeholder', /its content lies in a cloud/],
    ] as const) {
      await assert.rejects(volume.readFile(tree.fileRecord[find(name)] as number, 0, 1), (error: unknown) => {
        assert.ok(error instanceof TransferError)
        assert.equal(error.code, 'NTFS_UNSUPPORTED')
        return words.test(error.message)
      })
    }
  })
})
