// Cutting one drive's tree out of the whole.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directoryPath, filePath } from '../../src/file-tree.js'
import { driveTree, notInWhole } from '../../src/plan/drive-tree.js'
import { makeTree, numbers, randomTree } from './make-tree.js'

const whole = makeTree([
  ['c/a', 1],
  ['c/d/b', 2],
  ['c/d/e/f', 3],
  ['k/g', 4],
  ['k/empty/inner/', 0],
  ['c/d/h', 5],
])

const paths = (tree: typeof whole) => Array.from(tree.fileDirectory, (_, file) => filePath(tree, file))
const folders = (tree: typeof whole) => Array.from(tree.directoryParent, (_, index) => directoryPath(tree, index))

test('a drive has its files and only the folders that they need', () => {
  const drive = driveTree(whole, { assignments: Uint16Array.of(0, 1, 0, 1, 0), drive: 1 })
  assert.deepEqual(paths(drive.tree), ['c/d/b', 'k/g'])
  assert.deepEqual(folders(drive.tree), ['', 'c', 'c/d', 'k'])
  assert.deepEqual([...drive.wholeFile], [1, 3])
  assert.deepEqual(
    Array.from(drive.wholeDirectory, (directory) => directoryPath(whole, directory)),
    folders(drive.tree),
  )
  assert.deepEqual([...drive.tree.fileSizeBytes], [2, 4])
  assert.deepEqual([...drive.tree.fileModifiedNs], [whole.fileModifiedNs[1], whole.fileModifiedNs[3]])
})

test('empty folders go along when asked for', () => {
  const drive = driveTree(whole, { assignments: Uint16Array.of(0, 1, 1, 1, 1), drive: 0, emptyDirectories: true })
  assert.deepEqual(folders(drive.tree), ['', 'c', 'k', 'k/empty', 'k/empty/inner'])
})

test('a drive without files is an empty tree', () => {
  const drive = driveTree(whole, { assignments: new Uint16Array(5), drive: 3 })
  assert.deepEqual(folders(drive.tree), [''])
  assert.equal(drive.tree.fileDirectory.length, 0)
})

test('generated files come last, in folders that are found or made', () => {
  const modifiedNs = 77n
  const drive = driveTree(whole, {
    assignments: Uint16Array.of(0, 1, 1, 1, 1),
    drive: 0,
    generated: [
      { folders: ['c'], name: 'properties.xml', sizeBytes: 10, modifiedNs },
      { folders: ['meta', 'x'], name: 'one', sizeBytes: 11, modifiedNs },
      { folders: ['meta', 'x'], name: 'two', sizeBytes: 12, modifiedNs },
      { name: 'DriveManifest.xml', sizeBytes: 1234, modifiedNs },
    ],
  })
  assert.deepEqual(paths(drive.tree), ['c/a', 'c/properties.xml', 'meta/x/one', 'meta/x/two', 'DriveManifest.xml'])
  assert.deepEqual(folders(drive.tree), ['', 'c', 'meta', 'meta/x'])
  assert.deepEqual([...drive.wholeFile], [0])
  assert.deepEqual([...drive.wholeDirectory].slice(2), [notInWhole, notInWhole])
  assert.deepEqual([...drive.tree.fileSizeBytes], [1, 10, 11, 12, 1234])
  assert.equal(drive.tree.fileModifiedNs[4], 77n)
})

test('the drives of a random tree add up to it', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = numbers(seed * 65_537)
    const tree = randomTree(next, 80, 1e6)
    const assignments = Uint16Array.from(tree.fileDirectory, () => next(3))
    const seen = new Map<string, number>()
    for (let drive = 0; drive < 3; drive++) {
      const part = driveTree(tree, { assignments, drive, emptyDirectories: drive === 0 })
      part.wholeFile.forEach((file, index) => {
        assert.equal(filePath(part.tree, index), filePath(tree, file))
        assert.equal(part.tree.fileSizeBytes[index], tree.fileSizeBytes[file])
        seen.set(filePath(tree, file), drive)
      })
      part.tree.directoryParent.forEach((parent, directory) => {
        assert.ok(parent < directory || directory === 0)
      })
      assert.equal(part.tree.directoryNames.ends.length, part.tree.directoryParent.length)
    }
    assert.equal(seen.size, tree.fileDirectory.length)
  }
})
