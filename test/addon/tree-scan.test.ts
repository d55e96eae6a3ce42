import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, link, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ScannedTree, scanTree } from '../../src/addon/tree-scan.js'
import { TransferError } from '../../src/errors.js'
import { directoryPath, filePath } from '../../src/file-tree.js'
import { contentOf } from '../prepare/made-tree.js'

let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-scan-'))
  await chmod(folder, 0o755)
})
after(() => rm(folder, { recursive: true, force: true }))

function files(tree: ScannedTree): string[] {
  return Array.from(tree.fileDirectory, (_, index) => filePath(tree, index))
}

function directories(tree: ScannedTree): string[] {
  return Array.from(tree.directoryParent, (_, index) => directoryPath(tree, index))
}

async function makeFiles(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), path)
  }
}

describe('scanTree', () => {
  it('finds files in one fixed order, with sizes and times', async () => {
    const root = join(folder, 'order')
    await makeFiles(root, ['b/2', 'b/10', 'b/c/x', 'Z', 'a', 'a.dir/1', 'é/ü', 'empty/.keep'])
    await writeFile(join(root, 'empty', '.keep'), '')
    await utimes(join(root, 'a'), 1_700_000_000.25, 1_700_000_000.25)
    const tree = await scanTree(root, { followSymlinks: false })
    assert.deepEqual(files(tree), ['Z', 'a', 'a.dir/1', 'b/10', 'b/2', 'b/c/x', 'empty/.keep', 'é/ü'])
    assert.deepEqual(directories(tree), ['', 'a.dir', 'b', 'b/c', 'empty', 'é'])
    assert.equal(tree.fileSizeBytes[2], 'a.dir/1'.length)
    assert.equal(tree.fileSizeBytes[6], 0)
    assert.equal(tree.fileModifiedNs[1], 1_700_000_000_250_000_000n)
    assert.deepEqual(tree.skipped, [])
    for (const [index, parent] of tree.directoryParent.entries()) assert.ok(index === 0 || parent < index)
  })

  it('gives an empty directory as one directory without files', async () => {
    const root = join(folder, 'nothing')
    await mkdir(join(root, 'a', 'b'), { recursive: true })
    const tree = await scanTree(root, { followSymlinks: false })
    assert.deepEqual(directories(tree), ['', 'a', 'a/b'])
    assert.equal(tree.fileSizeBytes.length, 0)
    assert.equal(tree.fileNames.bytes.length, 0)
  })

  it('takes a file once for each of its hard links', async () => {
    const root = join(folder, 'hard')
    await makeFiles(root, ['one', 'sub/other'])
    await link(join(root, 'one'), join(root, 'sub', 'two'))
    assert.deepEqual(files(await scanTree(root, { followSymlinks: false })), ['one', 'sub/other', 'sub/two'])
  })

  it('skips and lists symbolic links, or follows them and names loops and dangling ones', async () => {
    const root = join(folder, 'links')
    await makeFiles(root, ['data/file', 'data/deep/leaf'])
    await makeFiles(join(folder, 'elsewhere'), ['far'])
    await symlink('data/file', join(root, 'to-file'))
    await symlink('data', join(root, 'to-directory'))
    await symlink('../elsewhere', join(root, 'to-outside'))
    await symlink('nowhere', join(root, 'dangling'))
    await symlink('..', join(root, 'data', 'up'))
    await symlink('self', join(root, 'self'))
    const plain = await scanTree(root, { followSymlinks: false })
    assert.deepEqual(files(plain), ['data/file', 'data/deep/leaf'])
    assert.deepEqual(
      plain.skipped.map(({ path, reason }) => `${reason} ${path}`).sort(),
      ['dangling', 'data/up', 'self', 'to-directory', 'to-file', 'to-outside'].map((path) => `symlink ${path}`),
    )
    const followed = await scanTree(root, { followSymlinks: true })
    assert.deepEqual(
      new Set(files(followed)),
      new Set([
        'data/file',
        'data/deep/leaf',
        'to-file',
        'to-directory/file',
        'to-directory/deep/leaf',
        'to-outside/far',
      ]),
    )
    assert.deepEqual(followed.skipped.map(({ path, reason }) => `${reason} ${path}`).sort(), [
      'loop data/up',
      'loop self',
      'loop to-directory/up',
      'unreadable dangling',
    ])
  })

  it('follows a root that is itself a symbolic link', async () => {
    await makeFiles(join(folder, 'real'), ['x'])
    await symlink('real', join(folder, 'root-link'))
    assert.deepEqual(files(await scanTree(join(folder, 'root-link'), { followSymlinks: false })), ['x'])
  })

  it('finds the same, in the same order, however many directories are read ahead', async () => {
    const root = join(folder, 'wide')
    const names = Array.from({ length: 300 }, (_, at) => `d${at % 7}/e${at}/f${at}`)
    const many = Array.from({ length: 3000 }, (_, at) => `many/${at}`)
    await makeFiles(root, [...names, ...many])
    const tree = await scanTree(root, { followSymlinks: false })
    assert.deepEqual(files(tree).toSorted(), [...names, ...many].toSorted())
    assert.deepEqual(tree, await scanTree(root, { followSymlinks: false }))
    assert.deepEqual(tree.fileSizeBytes.length, 3300)
  })

  it('skips and lists pipes, sockets and names that are not UTF-8', async () => {
    const root = Buffer.from(join(folder, 'odd'))
    await mkdir(root)
    const inRoot = (name: Buffer) => Buffer.concat([root, Buffer.from('/'), name])
    execFileSync('mkfifo', [join(folder, 'odd', 'pipe')])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(folder, 'odd', 'socket'), resolve))
    try {
      await writeFile(inRoot(Buffer.from('fine-ş')), 'x')
      await writeFile(inRoot(Buffer.from([0x61, 0xff, 0x62])), 'x')
      await writeFile(inRoot(Buffer.from([0xed, 0xa0, 0x80])), 'x') // a lone surrogate in UTF-8 form
      await mkdir(inRoot(Buffer.from([0xc0, 0x80])))
      await writeFile(inRoot(Buffer.from([0xc0, 0x80, 0x2f, 0x61])), 'x')
      const tree = await scanTree(root.toString(), { followSymlinks: false })
      assert.deepEqual(files(tree), ['fine-ş'])
      assert.deepEqual(
        tree.skipped.map(({ path, reason }) => `${reason} ${path}`),
        [
          'invalid-utf8 \\xc0\\x80',
          'invalid-utf8 \\xed\\xa0\\x80',
          'invalid-utf8 a\\xffb',
          'special pipe',
          'special socket',
        ],
      )
    } finally {
      server.close()
    }
  })

  it('lists files and directories that may not be read', async (t) => {
    const root = join(folder, 'secret')
    await makeFiles(root, ['open', 'closed', 'shut/inner'])
    await chmod(join(root, 'closed'), 0)
    await chmod(join(root, 'shut'), 0)
    const asRoot = process.getuid?.() === 0
    try {
      if (asRoot) process.seteuid?.(65534)
      const tree = await scanTree(root, { followSymlinks: false })
      assert.deepEqual(files(tree), ['open'])
      assert.deepEqual(
        tree.skipped.map(({ path, reason }) => `${reason} ${path}`),
        ['unreadable closed', 'unreadable shut'],
      )
      for (const { message } of tree.skipped) assert.match(message, /Permission denied/)
    } finally {
      if (asRoot) process.seteuid?.(0)
      await chmod(join(root, 'shut'), 0o755)
    }
    t.diagnostic(asRoot ? 'ran as nobody' : 'ran as the user')
  })

  it('names a root that is missing or is a file', async () => {
    const code = (wanted: string) => (error: unknown) => error instanceof TransferError && error.code === wanted
    await assert.rejects(scanTree(join(folder, 'missing'), { followSymlinks: false }), code('FILE_NOT_FOUND'))
    await writeFile(join(folder, 'plain'), '')
    await assert.rejects(scanTree(join(folder, 'plain'), { followSymlinks: false }), code('SOURCE_READ_FAILED'))
  })

  it('walks 300 levels and names of 255 bytes', async () => {
    const root = join(folder, 'deep')
    const long = 'n'.repeat(255)
    await makeFiles(root, [`${Array.from({ length: 300 }, () => 'd').join('/')}/leaf`, `${long}/${long}`])
    const tree = await scanTree(root, { followSymlinks: false })
    assert.equal(tree.directoryParent.length, 302)
    assert.ok(files(tree).includes(`${long}/${long}`))
  })

  it('agrees with find(1) on a random tree', async () => {
    const root = join(folder, 'random')
    const paths = Array.from({ length: 400 }, (_, index) => {
      const bytes = contentOf(index, 8)
      return (
        Array.from(bytes.subarray(0, 1 + ((bytes[0] as number) % 4)), (byte) => `e${byte % 6}`).join('/') +
        `/f${bytes.toString('hex')}`
      )
    })
    await makeFiles(root, paths)
    const found = execFileSync('find', ['.', '-type', 'f', '-printf', '%P\n'], { cwd: root, encoding: 'utf8' })
    const tree = await scanTree(root, { followSymlinks: false })
    assert.deepEqual(files(tree).sort(), found.trim().split('\n').sort())
  })
})
