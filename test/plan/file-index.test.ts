import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileTree, filePath, NameColumnBuilder } from '../../src/file-tree.js'
import { FileIndex } from '../../src/plan/file-index.js'

function treeOf(directories: [parent: number, name: string][], files: [directory: number, name: string][]): FileTree {
  const directoryNames = new NameColumnBuilder()
  for (const [, name] of directories) directoryNames.push(name)
  const fileNames = new NameColumnBuilder()
  for (const [, name] of files) fileNames.push(name)
  return {
    directoryParent: Uint32Array.from(directories, ([parent]) => parent),
    directoryNames: directoryNames.finish(),
    fileDirectory: Uint32Array.from(files, ([directory]) => directory),
    fileNames: fileNames.finish(),
    fileSizeBytes: new Float64Array(files.length),
    fileModifiedNs: new BigInt64Array(files.length),
  }
}

test('every file of a tree is found by its path, and only by its path', () => {
  const directories: [number, string][] = [
    [0, ''],
    [0, 'a'],
    [1, 'b'],
    [0, 'größe'],
  ]
  const files: [number, string][] = [
    [0, 'root.txt'],
    [3, '文件.txt'],
  ]
  for (let index = 0; index < 5000; index++) files.push([1 + (index % 2), `file-${index}`])
  const tree = treeOf(directories, files)
  const index = new FileIndex(tree)
  for (let file = 0; file < files.length; file++) {
    assert.equal(index.find(`\\${filePath(tree, file, '\\')}`), file)
    assert.equal(index.find(filePath(tree, file, '\\')), file)
  }
  for (const path of ['', '\\', 'a', 'a\\b', 'a\\root.txt', 'A\\file-0', 'none\\file-0', 'file-0', 'a\\file-1']) {
    assert.equal(index.find(path), undefined, path)
  }
})

test('an empty tree holds nothing', () => {
  assert.equal(new FileIndex(treeOf([[0, '']], [])).find('x'), undefined)
})
