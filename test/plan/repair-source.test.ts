import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePathMap } from '../../src/formats/path-map.js'
import { repairSourceCandidates } from '../../src/plan/repair-source.js'

const paths: [filePath: string, from: string[], candidates: string[]][] = [
  ['\\ccc\\dir\\file', ['/old'], ['/old/ccc/dir/file', '/old/dir/file', '/old/file']],
  ['\\file', ['/old/'], ['/old/file']],
  ['\\ccc\\a b', ['one', 'two'], ['one/ccc/a b', 'two/ccc/a b', 'one/a b', 'two/a b']],
  ['\\ccc\\file', ['/'], ['/ccc/file', '/file']],
  ['\\ccc\\file', [], []],
]
for (const [filePath, from, candidates] of paths) {
  test(`${filePath} is looked for in ${from.join(', ') || 'no folder'}`, () => {
    assert.deepEqual([...repairSourceCandidates(filePath, { from })], candidates)
  })
}

test('a mapped path is the only candidate, whatever the case of its letters', () => {
  const pathMap = parsePathMap('\\Zoo\\Wombat.jpg\t/mnt/pictures/w 1.jpg\n')
  assert.deepEqual(
    [...repairSourceCandidates('\\zoo\\wombat.JPG', { from: ['/old'], pathMap })],
    ['/mnt/pictures/w 1.jpg'],
  )
  assert.deepEqual(
    [...repairSourceCandidates('\\zoo\\bear.jpg', { from: ['/old'], pathMap })],
    ['/old/zoo/bear.jpg', '/old/bear.jpg'],
  )
})

for (const filePath of ['\\a\\..\\..\\etc\\passwd', 'a\\b', '\\a/../b', '\\a\\\\b', '\\a\\.', '\\C:\\x', '\\']) {
  test(`${JSON.stringify(filePath)} is never looked for`, () => {
    assert.throws(() => [...repairSourceCandidates(filePath, { from: ['/old'] })], RangeError)
  })
}
