// Rows of a dataset put together under their blob paths, and what happens when two of them meet.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { filePath } from '../../src/file-tree.js'
import { type MergedTree, mergeTrees, type ScannedRow, sourcePath } from '../../src/plan/merge-trees.js'
import { makeTree, numbers, randomTree } from './make-tree.js'

function pairs(merged: MergedTree): [target: string, source: string, row: number][] {
  return Array.from(merged.tree.fileDirectory, (_, file) => [
    filePath(merged.tree, file),
    sourcePath(merged, file),
    merged.fileRow[file] as number,
  ])
}

function conflicts(rows: ScannedRow[]): TransferError {
  try {
    mergeTrees(rows)
  } catch (error) {
    assert.ok(error instanceof TransferError && error.code === 'DATASET_INVALID')
    return error
  }
  return assert.fail('expected a conflict')
}

const folderRow = (basePath: string, destination: string, ...files: string[]): ScannedRow => ({
  basePath,
  destination,
  tree: makeTree(files.map((path, index) => [path, index + 1] as const)),
})

const fileRow = (path: string, destination: string): ScannedRow => {
  const cut = path.lastIndexOf('/')
  const tree = makeTree([[path.slice(cut + 1), 5]])
  return { basePath: path.slice(0, cut), destination, tree, isSingleFile: true }
}

test('a folder goes below its prefix and keeps its own structure', () => {
  const merged = mergeTrees([folderRow('/data', 'cont/pre/fix/', 'a', 'd/b', 'd/e/c', 'empty/')])
  assert.deepEqual(pairs(merged), [
    ['cont/pre/fix/a', '/data/a', 0],
    ['cont/pre/fix/d/b', '/data/d/b', 0],
    ['cont/pre/fix/d/e/c', '/data/d/e/c', 0],
  ])
  assert.deepEqual([...merged.tree.fileSizeBytes], [1, 2, 3])
  assert.equal(merged.tree.directoryParent.length, 1 + 3 + 3)
})

test('a prefix without its slash is a prefix all the same, and the file system root is a base path', () => {
  assert.deepEqual(pairs(mergeTrees([folderRow('/', 'cont', 'x/a')])), [['cont/x/a', '/x/a', 0]])
})

test('a single file takes the name of its blob path, or keeps its own below a prefix', () => {
  const merged = mergeTrees([fileRow('/data/one.bin', 'cont/dir/renamed.bin'), fileRow('/data/two.bin', 'cont/dir/')])
  assert.deepEqual(pairs(merged), [
    ['cont/dir/renamed.bin', '/data/one.bin', 0],
    ['cont/dir/two.bin', '/data/two.bin', 1],
  ])
})

test('rows share the folders in which they meet', () => {
  const merged = mergeTrees([
    folderRow('/one', 'cont/', 'shared/a', 'x'),
    folderRow('/two', 'cont/shared/', 'b', 'deep/c'),
    folderRow('/three', 'other/', 'shared/a'),
  ])
  assert.deepEqual(
    pairs(merged).map(([target]) => target),
    ['cont/shared/a', 'cont/x', 'cont/shared/b', 'cont/shared/deep/c', 'other/shared/a'],
  )
  assert.equal(merged.tree.directoryParent.length, 1 + 3 + 2)
})

test('two files at one target path are refused, all of them, with line and both sources', () => {
  const rows = [
    folderRow('/one', 'cont/', 'd/a', 'd/b', 'd/c'),
    { ...folderRow('/two', 'cont/d/', 'a', 'other', 'c'), line: 7 },
    { ...fileRow('/three/z', 'cont/d/other'), line: 8 },
  ]
  const error = conflicts(rows)
  assert.equal(
    error.message,
    'Two sources go to one place: cont/d/a would be both /one/d/a and /two/a (and 2 more like it).',
  )
  assert.deepEqual(
    error.problems.map(({ message, line }) => [line, message]),
    [
      [7, 'cont/d/a would be both /one/d/a and /two/a'],
      [7, 'cont/d/c would be both /one/d/c and /two/c'],
      [8, 'cont/d/other would be both /two/other and /three/z'],
    ],
  )
})

test('a file where another row has a folder is refused', () => {
  const error = conflicts([folderRow('/one', 'cont/', 'name/a'), fileRow('/two/name', 'cont/name')])
  assert.match(error.message, /cont\/name is a folder of one row and the file \/two\/name/)
})

test('the same folder to two containers is no conflict', () => {
  const merged = mergeTrees([folderRow('/one', 'first/', 'a'), folderRow('/one', 'second/', 'a')])
  assert.equal(merged.tree.fileDirectory.length, 2)
})

test('below $root there are no folders, and what is left out is counted', () => {
  const merged = mergeTrees([folderRow('/one', '$root/', 'a', 'd/b', 'd/e/c', 'z')])
  assert.deepEqual(
    pairs(merged).map(([target]) => target),
    ['$root/a', '$root/z'],
  )
  assert.deepEqual(merged.leftOutOfRoot, [{ row: 0, files: 2 }])
  assert.equal(merged.tree.directoryParent.length, 2)
})

test('names that are not UTF-8 keep their bytes', () => {
  const row = folderRow('/one', 'cont/', 'd/xx')
  row.tree.fileNames.bytes.set([0xff, 0xfe])
  const merged = mergeTrees([row])
  assert.deepEqual([...merged.tree.fileNames.bytes], [0xff, 0xfe])
  assert.deepEqual([...merged.fileSourceNames.bytes], [0xff, 0xfe])
})

test('random trees merged side by side keep every file, its source and its columns', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const next = numbers(seed * 271)
    const rows = Array.from({ length: 1 + next(4) }, (_, index): ScannedRow => {
      return { basePath: `/base${index}`, destination: `c${next(2)}/p${index}/`, tree: randomTree(next, 40, 1e6) }
    })
    const merged = mergeTrees(rows)
    let at = 0
    rows.forEach((row, index) => {
      for (let file = 0; file < row.tree.fileDirectory.length; file++, at++) {
        assert.equal(filePath(merged.tree, at), row.destination + filePath(row.tree, file))
        assert.equal(sourcePath(merged, at), `${row.basePath}/${filePath(row.tree, file)}`)
        assert.equal(merged.fileRow[at], index)
        assert.equal(merged.tree.fileSizeBytes[at], row.tree.fileSizeBytes[file])
        assert.equal(merged.tree.fileModifiedNs[at], row.tree.fileModifiedNs[file])
      }
    })
    assert.equal(at, merged.tree.fileDirectory.length)
    merged.tree.directoryParent.forEach((parent, directory) => {
      assert.ok(parent < directory || directory === 0)
    })
  }
})

test('more rows than a column can number are the caller’s mistake', () => {
  const row = fileRow('/a', 'c/a')
  assert.throws(() => mergeTrees(Array.from({ length: 65_536 }, () => row)), RangeError)
})
