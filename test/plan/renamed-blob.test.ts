import assert from 'node:assert/strict'
import { it } from 'node:test'
import { renamedBlob } from '../../src/plan/renamed-blob.js'

for (const [name, copy, expected] of [
  ['Seattle.jpg', 2, 'Seattle (2).jpg'],
  ['Seattle.jpg', 3, 'Seattle (3).jpg'],
  ['Seattle', 2, 'Seattle (2)'],
  ['a/b.tar.gz', 2, 'a/b.tar (2).gz'],
  ['v1.2/readme', 2, 'v1.2/readme (2)'],
  ['a/.profile', 2, 'a/ (2).profile'],
] as const) {
  it(`names copy ${copy} of ${name} ${expected}`, () => {
    assert.equal(renamedBlob(name, copy), expected)
  })
}
