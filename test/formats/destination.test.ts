import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  blobNameProblem,
  containerNameProblem,
  parseBlobPath,
  parseDestination,
} from '../../src/formats/destination.js'

test('a destination is a container and a prefix that is empty or ends with a slash', () => {
  assert.deepEqual(parseDestination('container/'), { container: 'container', prefix: '' })
  assert.deepEqual(parseDestination('container/a/b c/'), { container: 'container', prefix: 'a/b c/' })
  assert.deepEqual(parseDestination('$root/'), { container: '$root', prefix: '' })
  assert.deepEqual(parseBlobPath('container/a/größe.txt'), { container: 'container', blobName: 'a/größe.txt' })
  assert.deepEqual(parseBlobPath('$root/x.vhd'), { container: '$root', blobName: 'x.vhd' })
})

for (const text of [
  '',
  'container',
  'container/prefix',
  'co/',
  'container//',
  'container/a//b/',
  'container/./',
  '$root/a/',
  '$logs/',
]) {
  test(`the destination ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseDestination(text), { code: 'DESTINATION_INVALID' })
  })
}
for (const text of ['container', 'container/', 'container/a/', '$root/a/b', '/container/a', 'container/a.']) {
  test(`the blob ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseBlobPath(text), { code: 'DESTINATION_INVALID' })
  })
}

// Rules of "Naming and referencing containers, blobs, and metadata" of Azure Blob storage.
const containers: readonly (readonly [string, boolean])[] = [
  ['abc', true],
  ['a-1', true],
  ['0'.repeat(63), true],
  ['$root', true],
  ['ab', false],
  ['a'.repeat(64), false],
  ['Abc', false],
  ['a_b', false],
  ['-abc', false],
  ['abc-', false],
  ['a--b', false],
  ['$web', false],
  ['abç', false],
]
for (const [name, isValid] of containers) {
  test(`the container name ${name} is ${isValid ? 'allowed' : 'refused'}`, () => {
    assert.equal(containerNameProblem(name) === undefined, isValid)
  })
}

const deep = (parts: number) => Array.from({ length: parts }, () => 'a').join('/')
const names: readonly (readonly [name: string, problem: RegExp | undefined])[] = [
  ['a', undefined],
  ['.hidden/file.txt', undefined],
  ['a b/ü/🚢/\uE000\uFFFD', undefined],
  ['x'.repeat(1024), undefined],
  [deep(254), undefined],
  ['', /empty/],
  ['x'.repeat(1025), /1025 characters/],
  ['🚢'.repeat(513), /1026 characters/],
  [deep(255), /255 parts/],
  ['/a', /empty part/],
  ['a//b', /empty part/],
  ['a/', /ends with a slash/],
  ['a.', /ends with a dot/],
  ['a./b', /ends with a dot/],
  ['..', /ends with a dot/],
  ['a/../b', /ends with a dot/],
  ['a\\b', /backslash/],
  ['a\nb', /U\+000A at position 2/],
  ['a\u007f', /U\+007F/],
  ['\u0081', /U\+0081/],
  ['a\uFFFE', /U\+FFFE/],
  ['a\uFFFF', /U\+FFFF/],
  ['a\uD800', /U\+D800/],
  ['\uD800a', /U\+D800/],
  ['\uDC00\uD800', /U\+DC00/],
]
for (const [name, problem] of names) {
  test(`the blob name ${JSON.stringify(name.slice(0, 30))} of ${name.length} units is ${problem === undefined ? 'allowed' : 'refused'}`, () => {
    const found = blobNameProblem(name)
    if (problem === undefined) assert.equal(found, undefined)
    else assert.match(found ?? 'allowed', problem)
  })
}
