import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeByteRanges, invertRanges, mergeRanges, parseByteRanges } from '../../src/formats/byte-ranges.js'
import { encodeRescueMap, parseRescueMap, partsWith, rescueParts } from '../../src/formats/ddrescue-map.js'
import { mutate, xorshift } from './mutate.js'

const skip = spawnSync('ddrescuelog', ['--version']).status === 0 ? false : 'needs gddrescue'
const made = {
  by: 'diskferry',
  command: 'diskferry image capture\n/dev/sdb',
  startedAt: 'a',
  finishedAt: 'b',
  isFinished: true,
}
const unreadable = [
  { offsetBytes: 65_536, lengthBytes: 512 },
  { offsetBytes: 1 << 20, lengthBytes: 4096 },
]

function temporary(context: { after(step: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'diskferry-map-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a map comes back as it was written', () => {
  const parts = rescueParts(unreadable, 4 << 20)
  assert.deepEqual(
    parts.map(({ status }) => status),
    ['+', '-', '+', '-', '+'],
  )
  assert.deepEqual(parseRescueMap(encodeRescueMap(parts, made), 'a.map'), parts)
  assert.deepEqual(partsWith(parts, '-', 4 << 20), unreadable)
  assert.deepEqual(partsWith(parts, '-', (1 << 20) + 512), [unreadable[0], { offsetBytes: 1 << 20, lengthBytes: 512 }])
})

test('what a capture did not reach was not tried', () => {
  const parts = rescueParts(unreadable, 8 << 20, 4 << 20)
  assert.deepEqual(parts.at(-1), { offsetBytes: 4 << 20, lengthBytes: 4 << 20, status: '?' })
})

test('ddrescuelog reads our map, and counts the same bad bytes', { skip }, (context) => {
  const path = join(temporary(context), 'a.map')
  writeFileSync(path, encodeRescueMap(rescueParts(unreadable, 4 << 20), made))
  const blocks = execFileSync('ddrescuelog', ['--block-size=512', '--list-blocks=-', path], { encoding: 'utf8' })
  assert.deepEqual(blocks.trim().split(/\s+/).map(Number), [128, 2048, 2049, 2050, 2051, 2052, 2053, 2054, 2055])
})

test('a map that ddrescue wrote is read', { skip }, (context) => {
  const folder = temporary(context)
  const path = join(folder, 'b.map')
  writeFileSync(join(folder, 'a.bin'), Buffer.alloc(300_000, 1))
  execFileSync('ddrescue', ['-q', '--size=200000', join(folder, 'a.bin'), join(folder, 'b.bin'), path])
  const parts = parseRescueMap(readFileSync(path, 'utf8'), path)
  assert.deepEqual(partsWith(parts, '+', 300_000), [{ offsetBytes: 0, lengthBytes: 200_000 }])
})

test('hexadecimal, decimal and octal, gaps, and states of old versions are understood', () => {
  const text = '# a\n0x10 ?\n 0 0x200 + # read\n0x200 512 -\n02000 01000 *\n2048 512 /\n'
  assert.deepEqual(
    parseRescueMap(text, 'm').map(({ offsetBytes, lengthBytes, status }) => [offsetBytes, lengthBytes, status]),
    [
      [0, 512, '+'],
      [512, 512, '-'],
      [1024, 512, '*'],
      [1536, 512, '?'],
      [2048, 512, '/'],
    ],
  )
})

const bad: [what: string, text: string, line: number][] = [
  ['is empty', '', 1],
  ['has no state', '# only a comment\n', 1],
  ['has a state of its own', '0x0 X 1\n', 1],
  ['has a part of two words', '0 + 1\n0 512\n', 2],
  ['has an unknown status', '0 + 1\n0 512 %\n', 2],
  ['has a number that is none', '0 + 1\n0 512k +\n', 2],
  ['has an empty part', '0 + 1\n0 0 +\n', 2],
  ['overlaps itself', '0 + 1\n0 512 +\n256 512 -\n', 3],
  ['goes beyond 2^53', '0 + 1\n0 0xFFFFFFFFFFFFFF +\n', 2],
]
for (const [what, text, line] of bad) {
  test(`a map that ${what} is refused with its line`, () => {
    assert.throws(() => parseRescueMap(text, 'm'), { code: 'RESCUE_MAP_INVALID', line })
  })
}

test('whatever is done to a map, reading it ends with ordered parts or a TransferError', () => {
  const random = xorshift(5)
  const map = Buffer.from(encodeRescueMap(rescueParts(unreadable, 4 << 20), made))
  for (let round = 0; round < 4000; round++) {
    try {
      let end = 0
      for (const { offsetBytes, lengthBytes } of parseRescueMap(mutate(map, random).toString('latin1'), 'm')) {
        assert.equal(offsetBytes, end)
        end += lengthBytes
      }
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
    }
  }
})

test('ranges are merged, inverted, and kept as text', () => {
  const ranges = mergeRanges([
    { offsetBytes: 10, lengthBytes: 5 },
    { offsetBytes: 0, lengthBytes: 4 },
    { offsetBytes: 15, lengthBytes: 1 },
    { offsetBytes: 30, lengthBytes: 0 },
  ])
  assert.equal(encodeByteRanges(ranges), '0+4 10+6')
  assert.deepEqual(parseByteRanges('0+4 10+6'), ranges)
  assert.deepEqual(invertRanges(ranges, 20), [
    { offsetBytes: 4, lengthBytes: 6 },
    { offsetBytes: 16, lengthBytes: 4 },
  ])
  for (const text of ['0+0', '4+4 0+4', 'x', '0+4  8+4', '9007199254740990+9']) {
    assert.equal(parseByteRanges(text), undefined, text)
  }
})
