import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FoundFileSystem, type FoundVolume, planSkipRanges } from '../../src/plan/skip-ranges.js'
import { xorshift } from '../formats/mutate.js'

const mebibyte = 1 << 20
const deviceBytes = 100 * mebibyte

function volume(
  number: number,
  offsetMebibytes: number,
  sizeMebibytes: number,
  used: readonly (readonly [offset: number, length: number])[],
  more: Partial<FoundFileSystem> & { mountPoint?: string } = {},
): FoundVolume {
  const { mountPoint, ...rest } = more
  return {
    number,
    offsetBytes: offsetMebibytes * mebibyte,
    sizeBytes: sizeMebibytes * mebibyte,
    found: {
      fileSystem: 'ext4',
      label: '',
      state: 'clean',
      reason: '',
      offsetBytes: Float64Array.from(used, ([offset]) => offset),
      lengthBytes: Float64Array.from(used, ([, length]) => length),
      ...rest,
    },
    ...(mountPoint === undefined ? {} : { mountPoint }),
  }
}

const nothing = (sizeMebibytes: number) =>
  volume(0, 0, sizeMebibytes, [[0, sizeMebibytes * mebibyte]], {
    fileSystem: '',
    state: 'unknown',
    reason: 'No file system was recognized.',
  })
const plan = (
  volumes: FoundVolume[],
  more: { trustUnclean?: boolean; tableDoubt?: string; sectorBytes?: number } = {},
) => planSkipRanges({ deviceBytes, sectorBytes: 512, volumes, ...more })
const pairs = (skipped: { offsetBytes: number; lengthBytes: number }[]) =>
  skipped.map(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes])

test('free room of clean partitions is left out; all outside of partitions is read', () => {
  const { skipped, volumes, notes } = plan([
    nothing(100),
    volume(1, 1, 9, [
      [0, mebibyte],
      [4 * mebibyte, mebibyte],
    ]),
    volume(2, 20, 10, [[0, 4096]], { fileSystem: 'swap', label: 'paging' }),
  ])
  assert.deepEqual(pairs(skipped), [
    [2 * mebibyte, 3 * mebibyte],
    [6 * mebibyte, 4 * mebibyte],
    [20 * mebibyte + 4096, 10 * mebibyte - 4096],
  ])
  assert.deepEqual(volumes, [
    { number: 1, fileSystem: 'ext4', label: '', state: 'clean', usedBytes: 2 * mebibyte },
    { number: 2, fileSystem: 'swap', label: 'paging', state: 'clean', usedBytes: 4096 },
  ])
  assert.deepEqual(notes, [])
})

test('a device without partitions may be one file system', () => {
  const { skipped, volumes } = plan([volume(0, 0, 100, [[0, 10 * mebibyte]])])
  assert.deepEqual(pairs(skipped), [[10 * mebibyte, 90 * mebibyte]])
  assert.equal(volumes[0]?.number, 0)
})

test('sectors of which a part is in use are read', () => {
  const { skipped } = plan(
    [
      volume(0, 0, 100, [
        [0, 1000],
        [5000, 100 * mebibyte - 5000],
      ]),
    ],
    { sectorBytes: 512 },
  )
  assert.deepEqual(pairs(skipped), [[1024, 4608 - 1024]])
  const large = plan(
    [
      volume(0, 0, 100, [
        [0, 1000],
        [5000, 100 * mebibyte - 5000],
      ]),
    ],
    { sectorBytes: 4096 },
  )
  assert.deepEqual(large.skipped, [])
})

const doubts: readonly (readonly [
  what: string,
  more: Parameters<typeof volume>[4],
  note: RegExp,
  canBeTrusted: boolean,
])[] = [
  ['mounted', { mountPoint: '/data' }, /Partition 1 \(ext4\) is mounted at \/data\. It is read whole\./, true],
  [
    'dirty',
    { state: 'dirty', reason: 'It was not unmounted.' },
    /is dirty: It was not unmounted\. It is read whole/,
    true,
  ],
  ['in need of recovery', { state: 'needs-recovery', reason: 'Its journal.' }, /is needs-recovery/, true],
  ['unknown', { fileSystem: '', state: 'unknown', reason: 'Nothing.' }, /no known file system/, false],
]
for (const [what, more, note, canBeTrusted] of doubts) {
  test(`what is ${what} is read whole and said so${canBeTrusted ? ', unless it is to be trusted' : ', whatever is asked'}`, () => {
    const volumes = [volume(1, 1, 9, [[0, mebibyte]], more)]
    const careful = plan(volumes)
    assert.deepEqual([careful.skipped, careful.volumes[0]?.usedBytes], [[], undefined])
    assert.match(careful.notes.join(), note)
    assert.notEqual(careful.volumes[0]?.state, 'clean')
    const trusting = plan(volumes, { trustUnclean: true })
    assert.equal(trusting.skipped.length, canBeTrusted ? 1 : 0)
    assert.match(trusting.notes.join(), canBeTrusted ? /as was asked/ : /read whole/)
  })
}

test('swap that is in use is left out: nothing of it outlives the system', () => {
  const { skipped, notes } = plan([volume(1, 1, 9, [[0, 4096]], { fileSystem: 'swap', mountPoint: '[SWAP]' })])
  assert.equal(skipped.length, 1)
  assert.deepEqual(notes, [])
})

test('where partitions overlap, what one of them uses is read', () => {
  const { skipped } = plan([
    volume(1, 10, 40, [[0, mebibyte]]),
    volume(2, 30, 40, [
      [0, mebibyte],
      [30 * mebibyte, mebibyte],
    ]),
  ])
  assert.deepEqual(pairs(skipped), [
    [11 * mebibyte, 19 * mebibyte],
    [31 * mebibyte, 29 * mebibyte],
    [61 * mebibyte, 9 * mebibyte],
  ])
})

test('a file system over partitions and a table in doubt mean that everything is read', () => {
  const over = plan([volume(0, 0, 100, [[0, mebibyte]]), volume(1, 1, 9, [[0, mebibyte]])], { trustUnclean: true })
  assert.deepEqual(over.skipped, [])
  assert.match(over.notes.join(), /over all of it.*ext4.*read whole/)
  const broken = plan([nothing(100), volume(1, 1, 9, [[0, mebibyte]])], { tableDoubt: 'Two tables differ.' })
  assert.deepEqual(broken.skipped, [])
  assert.match(broken.notes.join(), /Two tables differ\. The device is read whole\./)
})

test('a million ranges are planned', () => {
  const used = Array.from({ length: 1 << 20 }, (_, index) => [index * 96, 40] as const)
  const { skipped } = plan([volume(1, 0, 100, used)], { sectorBytes: 1 })
  assert.equal(skipped.length, 1 << 20)
})

test('whatever file systems say, nothing in use and nothing outside of partitions is left out', () => {
  const random = xorshift(2024)
  for (let round = 0; round < 400; round++) {
    const unit = 64
    const isUsed = new Uint8Array(2048).fill(1)
    const isFree = new Uint8Array(2048)
    const volumes = Array.from({ length: 1 + random(3) }, (_, index) => {
      const first = random(1900)
      const count = 1 + random(2048 - first)
      const used: [number, number][] = []
      for (let at = random(20); at < count; at += 2 + random(60)) used.push([at * unit, (1 + random(30)) * unit])
      used.sort(([left], [right]) => left - right)
      for (let at = first; at < first + count; at++) isFree[at] = 1
      const made = volume(index + 1, 0, 0, used)
      return { ...made, offsetBytes: first * unit, sizeBytes: count * unit }
    })
    for (let at = 0; at < 2048; at++) {
      const inUse = volumes.some(({ offsetBytes, sizeBytes, found }) =>
        Array.from(found.offsetBytes).some((offset, index) => {
          const start = offsetBytes + offset
          const end = Math.min(offsetBytes + sizeBytes, start + (found.lengthBytes[index] as number))
          return at * unit >= start && at * unit < end
        }),
      )
      isUsed[at] = inUse || isFree[at] === 0 ? 1 : 0
    }
    const { skipped } = planSkipRanges({ deviceBytes: 2048 * unit, sectorBytes: unit, volumes })
    const left = new Uint8Array(2048).fill(1)
    for (const { offsetBytes, lengthBytes } of skipped)
      left.fill(0, offsetBytes / unit, (offsetBytes + lengthBytes) / unit)
    assert.deepEqual(left, isUsed, `round ${round}`)
  }
})
