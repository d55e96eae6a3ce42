import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodePathMap, parsePathMap } from '../../src/formats/path-map.js'
import { mutate, xorshift } from './mutate.js'

test('a map has the lines that are filled in, by path in lower case', () => {
  const text =
    '\ufeff\\zoo\\Wombat.jpg\t/mnt/a\tb.jpg\r\n\r\n\\zoo\\bear.jpg\t\n\\zoo\\owl.jpg\n\\zoo\\fox.jpg\tC:\\Users\\fox.jpg'
  assert.deepEqual(
    [...parsePathMap(text)],
    [
      ['\\zoo\\wombat.jpg', '/mnt/a\tb.jpg'],
      ['\\zoo\\fox.jpg', 'C:\\Users\\fox.jpg'],
    ],
  )
})

test('what is written for people to fill in is read as not filled in', () => {
  const text = encodePathMap(['\\zoo\\wombat.jpg', '\\zoo\\größe.jpg'])
  assert.equal(text, '\\zoo\\wombat.jpg\t\n\\zoo\\größe.jpg\t\n')
  assert.equal(parsePathMap(text).size, 0)
  assert.throws(() => encodePathMap(['\\a\nb']), RangeError)
})

test('all bad lines are named', () => {
  assert.throws(
    () => parsePathMap('zoo\\a\t/x\n\\ok\t/y\n\\b\\..\\c\t/z\n\\OK\t/w\n', 'map.txt'),
    (error) => {
      assert.ok(error instanceof TransferError)
      assert.equal(error.code, 'PATH_MAP_INVALID')
      assert.match(error.message, /^map.txt, line 1: /)
      assert.deepEqual(
        error.problems.map(({ line }) => line),
        [1, 3, 4],
      )
      assert.match(error.problems[2]?.message ?? '', /line 2 already/)
      return true
    },
  )
})

test('no mutation of a map makes the parser throw anything else', () => {
  const random = xorshift(9)
  const original = Buffer.from('\\zoo\\Wombat.jpg\t/mnt/a.jpg\r\n\\zoo\\bear.jpg\t\n\\zoo\\fox.jpg\tC:\\fox.jpg')
  let read = 0
  for (let round = 0; round < 5000; round++) {
    try {
      parsePathMap(mutate(original, random).toString('utf8'))
      read += 1
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'PATH_MAP_INVALID', String(error))
    }
  }
  assert.ok(read > 500 && read < 5000, `${read} maps were read`)
})
