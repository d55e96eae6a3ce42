// Spanning against every possible arrangement on small inputs, against provable bounds on large ones, and on sets that are
// known to fool simple packing rules.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { type FileTree, filePath, NameColumnBuilder } from '../../src/file-tree.js'
import { driveTree } from '../../src/plan/drive-tree.js'
import { driveNeed, estimateNeed } from '../../src/plan/ntfs-need.js'
import { unassigned } from '../../src/plan/placed-items.js'
import { type DriveSpan, type SpanDrive, type SpanInput, spanDrives } from '../../src/plan/span-drives.js'
import { makeTree, numbers, randomTree } from './make-tree.js'

const shape = { clusterBytes: 4096, recordBytes: 1024, indexBytes: 4096 } as const
const gigabyte = 1e9

function drives(...capacities: number[]): SpanDrive[] {
  return capacities.map((capacityBytes, index) => ({ driveId: `DRIVE${index}`, capacityBytes, ...shape }))
}

/** Every file is on one drive, everything fits by the estimate of the drive's own tree, and nothing is on an unused drive. */
function checkSpan(input: SpanInput, span: DriveSpan): void {
  const chosen = new Set(input.files === undefined ? input.tree.fileDirectory.keys() : Array.from(input.files))
  const left = new Set(span.leftOver)
  const used = new Set<number>()
  span.assignments.forEach((drive, file) => {
    const isPlaced = chosen.has(file) && !left.has(file)
    assert.equal(drive !== unassigned, isPlaced, `file ${file} is on ${drive}`)
    if (isPlaced) used.add(drive)
  })
  assert.deepEqual(
    [...used].sort((left, right) => left - right),
    span.drives,
  )
  assert.equal(span.drivesUsed, span.drives.length)
  for (const drive of used) {
    const request = { assignments: span.assignments, drive, emptyDirectories: drive === span.drives[0] }
    const { tree } = driveTree(input.tree, request)
    const { capacityBytes } = input.drives[drive] as SpanDrive
    const need = estimateNeed(tree, input.drives[drive] as SpanDrive)
    assert.ok(need <= (span.needBytes[drive] as number), `drive ${drive}: ${need} > ${span.needBytes[drive]}`)
    assert.ok((span.needBytes[drive] as number) <= capacityBytes)
  }
}

/** Least number of drives that any arrangement needs, found by trying all; Infinity when none fits. */
function bestCount(tree: FileTree, given: readonly SpanDrive[]): number {
  const files = tree.fileDirectory.length
  const assignments = new Uint16Array(files)
  let best = Infinity
  for (let code = 0; code < given.length ** files; code++) {
    let rest = code
    for (let file = 0; file < files; file++) {
      assignments[file] = rest % given.length
      rest = Math.floor(rest / given.length)
    }
    const used = new Set(assignments)
    if (used.size >= best) continue
    const fits = [...used].every((drive) => {
      return (
        estimateNeed(driveTree(tree, { assignments, drive }).tree, shape) <= (given[drive] as SpanDrive).capacityBytes
      )
    })
    if (fits) best = used.size
  }
  return best
}

test('on small inputs the number of drives is the least possible, or one more, and the bound never lies', () => {
  let exact = 0
  let solved = 0
  for (let seed = 1; seed <= 200; seed++) {
    const next = numbers(seed * 7919)
    const tree = makeTree(
      Array.from({ length: 1 + next(6) }, (_, index) => {
        const folder = ['', 'a/', 'a/b/', 'c/'][next(4)] as string
        return [`${folder}file${index}`, next(6) * 4096 * 25 + next(100_000)] as const
      }),
    )
    const given = drives(...Array.from({ length: 1 + next(3) }, () => driveNeed(shape) + 200_000 + next(1_500_000)))
    const best = bestCount(tree, given)
    try {
      const span = spanDrives({ tree, drives: given })
      checkSpan({ tree, drives: given }, span)
      assert.ok(span.lowerBound <= best, `seed ${seed}: bound ${span.lowerBound}, possible ${best}`)
      if (span.leftOver.length === 0) {
        solved++
        if (span.drivesUsed === best) exact++
        assert.ok(span.drivesUsed <= best + 1, `seed ${seed}: ${span.drivesUsed} drives, possible ${best}`)
      } else {
        const smaller = drives(...given.map((drive) => drive.capacityBytes - 100_000))
        assert.equal(bestCount(tree, smaller), Infinity, `seed ${seed}: left something over that fits`)
      }
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'FILE_TOO_LARGE') throw error
      const smaller = drives(...given.map((drive) => drive.capacityBytes - 50_000))
      assert.equal(bestCount(tree, smaller), Infinity, `seed ${seed}: calls a file too large that fits`)
    }
  }
  assert.ok(solved >= 100 && exact >= 0.97 * solved, `${exact} of ${solved} exact`)
})

interface Awkward {
  title: string
  sizes: number[]
  capacities: number[]
}

const repeated = (count: number, value: number) => Array.from({ length: count }, () => value)
const awkward: Awkward[] = [
  { title: 'a little over half a drive each', sizes: repeated(12, 5.1), capacities: repeated(14, 10) },
  { title: 'a little over a third each', sizes: repeated(24, 3.4), capacities: repeated(14, 10) },
  { title: 'a little over a quarter each', sizes: repeated(30, 2.6), capacities: repeated(14, 10) },
  {
    title: 'more than half beside nearly half',
    sizes: [...repeated(8, 6), ...repeated(8, 5)],
    capacities: repeated(16, 10),
  },
  {
    title: 'triples that fill a drive only together',
    sizes: [...repeated(6, 4.9), ...repeated(6, 3.1), ...repeated(6, 1.9)],
    capacities: repeated(9, 10),
  },
  {
    title: 'the classic that costs first fit decreasing a fifth',
    sizes: [...repeated(6, 5.1), ...repeated(6, 2.7), ...repeated(6, 2.6), ...repeated(12, 2.3)],
    capacities: repeated(14, 10),
  },
  { title: 'one huge, much dust', sizes: [9.5, ...repeated(2000, 0.01)], capacities: [10, 10, 10, 10] },
  { title: 'small drives first', sizes: repeated(30, 1), capacities: [2.5, 2.5, 2.5, 2.5, 12, 12, 12] },
  {
    title: 'different drives, each with a file that only it can hold',
    sizes: [7.9, 5.9, 3.9, 1.9],
    capacities: [2, 4, 6, 8],
  },
  { title: 'exactly full but for the metadata', sizes: repeated(40, 0.995), capacities: repeated(6, 10) },
]

for (const { title, sizes, capacities } of awkward) {
  test(`within one drive of the proven least: ${title}`, () => {
    const tree = makeTree(
      sizes.map((size, index) => [`c/d${index % 7}/f${index}`, Math.round(size * gigabyte)] as const),
    )
    const input = {
      tree,
      drives: drives(...capacities.map((capacity) => capacity * gigabyte + driveNeed(shape) + 1e6)),
    }
    const span = spanDrives(input)
    checkSpan(input, span)
    assert.equal(span.leftOver.length, 0)
    assert.ok(span.drivesUsed <= span.lowerBound + 1, `${span.drivesUsed} drives, at least ${span.lowerBound}`)
  })
}

test('random large sets stay within one drive of the proven least', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = numbers(seed * 104_729)
    const spread = 1 + next(40)
    const sizes = Array.from({ length: 50 + next(400) }, () => 1e7 + next(spread) * 1e8 + next(1000) * 1e4)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const tree = makeTree(sizes.map((size, index) => [`c/${next(3)}/${next(9)}/f${index}`, size] as const))
    const capacities = Array.from({ length: 16 }, () => Math.max(4.5e9, total / 12) * (1 + next(3) / 2))
    const input = { tree, drives: drives(...capacities) }
    const span = spanDrives(input)
    checkSpan(input, span)
    assert.equal(span.leftOver.length, 0)
    assert.ok(span.drivesUsed <= span.lowerBound + 1, `seed ${seed}: ${span.drivesUsed}, at least ${span.lowerBound}`)
  }
})

test('folders stay whole when that costs no drive', () => {
  const folder = (name: string, files: number, size: number) =>
    Array.from({ length: files }, (_, index) => [`c/${name}/${index}`, size * gigabyte] as const)
  // 6 + 4 and 5 + 5: only one way to keep all four whole. 5 + 4, the order of the list, would have to open one.
  const tree = makeTree([...folder('e', 5, 1), ...folder('w', 4, 1), ...folder('n', 6, 1), ...folder('s', 5, 1)])
  const input = { tree, drives: drives(10.1 * gigabyte, 10.1 * gigabyte) }
  const span = spanDrives(input)
  checkSpan(input, span)
  assert.equal(span.drivesUsed, 2)
  const drivesOf = new Map<number, Set<number>>()
  span.assignments.forEach((drive, file) => {
    const directory = tree.fileDirectory[file] as number
    drivesOf.set(directory, (drivesOf.get(directory) ?? new Set()).add(drive))
  })
  for (const [directory, on] of drivesOf) assert.equal(on.size, 1, `folder ${directory} is split`)
})

test('a folder is split rather than another drive used', () => {
  const files = Array.from({ length: 19 }, (_, index) => [`c/one/${index}`, gigabyte] as const)
  const input = { tree: makeTree(files), drives: drives(10.1 * gigabyte, 10.1 * gigabyte, 10.1 * gigabyte) }
  const span = spanDrives(input)
  checkSpan(input, span)
  assert.equal(span.drivesUsed, 2)
})

test('drives are taken in the given order unless the largest do with fewer', () => {
  const tree = makeTree(Array.from({ length: 9 }, (_, index) => [`c/${index}`, gigabyte] as const))
  const small = spanDrives({ tree, drives: drives(5.1 * gigabyte, 5.1 * gigabyte, 6.1 * gigabyte) })
  assert.deepEqual(small.drives, [0, 1])
  const large = spanDrives({ tree, drives: drives(5.1 * gigabyte, 5.1 * gigabyte, 20 * gigabyte) })
  assert.deepEqual(large.drives, [2])
})

test('a file larger than every drive is refused by name with both sizes', () => {
  const tree = makeTree([
    ['c/small', 10],
    ['c/deep/down/huge.vhd', 11 * gigabyte],
    ['c/other.vhd', 12 * gigabyte],
  ])
  assert.throws(
    () => spanDrives({ tree, drives: drives(8 * gigabyte, 10 * gigabyte) }),
    (error) => {
      assert.ok(error instanceof TransferError)
      assert.equal(error.code, 'FILE_TOO_LARGE')
      assert.match(
        error.message,
        /c\/deep\/down\/huge\.vhd has 11000000000 bytes.*DRIVE1, has room for 99\d{8}\. 1 more/,
      )
      return true
    },
  )
})

test('what does not fit is left over, and is placed on drives that are added later', () => {
  const tree = makeTree(Array.from({ length: 30 }, (_, index) => [`c/${index % 3}/${index}`, gigabyte] as const))
  const first = { tree, drives: drives(10.1 * gigabyte, 10.1 * gigabyte) }
  const span = spanDrives(first)
  checkSpan(first, span)
  assert.equal(span.lowerBound, 3)
  assert.equal(span.leftOver.length, 10)
  assert.equal(span.leftOverBytes, 10 * gigabyte)
  const second = { tree, drives: drives(10.1 * gigabyte), files: span.leftOver, emptyDirectories: false }
  const more = spanDrives(second)
  checkSpan(second, more)
  assert.equal(more.leftOver.length, 0)
})

test('the same input gives the same plan', () => {
  const tree = randomTree(numbers(99), 400, 50_000_000)
  const input = { tree, drives: drives(3e9, 2e9, 4e9, 1e9, 4e9, 4e9) }
  assert.deepEqual(spanDrives(input), spanDrives(input))
})

test('empty folders are counted on the first drive used', () => {
  const empty = Array.from({ length: 5000 }, (_, index) => [`c/empty${index}/inner/`, 0] as const)
  const tree = makeTree([['c/file', 1000], ...empty])
  const capacity = driveNeed(shape) + 2e6
  assert.equal(spanDrives({ tree, drives: drives(capacity) }).leftOver.length, 1)
  assert.equal(spanDrives({ tree, drives: drives(capacity), emptyDirectories: false }).leftOver.length, 0)
  const roomy = { tree, drives: drives(capacity + 5000 * 2 * 1400) }
  const span = spanDrives(roomy)
  checkSpan(roomy, span)
  assert.equal(span.leftOver.length, 0)
})

test('manifest entries and generated files take their room', () => {
  const tree = makeTree(Array.from({ length: 1000 }, (_, index) => [`c/${index}`, 100] as const))
  const plain = spanDrives({ tree, drives: drives(gigabyte) })
  const manifest = { fixedBytes: 400, fileBytes: () => 500 }
  const full = spanDrives({ tree, drives: drives(gigabyte), manifest, generatedBytes: [5000, 1] })
  const difference = (full.needBytes[0] as number) - (plain.needBytes[0] as number)
  assert.ok(difference >= 500_400 + 8192 + 4096, `${difference}`)
  assert.ok(difference < 500_400 + 40_000, `${difference}`)
})

test('random trees on random drives always fit where they are put', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const next = numbers(seed * 31_337)
    const tree = randomTree(next, 60, 400_000)
    const kinds = [shape, { clusterBytes: 65536, recordBytes: 1024, indexBytes: 4096 } as const]
    const given = Array.from({ length: 1 + next(4) }, (_, index): SpanDrive => {
      const kind = kinds[next(2)] as (typeof kinds)[0]
      return { driveId: `R${index}`, capacityBytes: driveNeed(kind) + 300_000 + next(6_000_000), ...kind }
    })
    const input = { tree, drives: given }
    try {
      checkSpan(input, spanDrives(input))
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'FILE_TOO_LARGE') throw error
    }
  }
})

test('a million files take seconds, in one folder and in a thousand', () => {
  const whole = millionFiles(1000)
  for (const [folders, capacities] of [
    [1, [4e9, 4e9, 4e9, 4e9, 4e9]],
    [1000, [3e9, 5e9, 2.2e9, 7e9, 1e9]],
  ] as const) {
    const tree = folders === 1 ? { ...whole, fileDirectory: new Uint32Array(1_000_000).fill(1) } : whole
    const input = { tree, drives: drives(...capacities), manifest: { fixedBytes: 500, fileBytes: () => 300 } }
    const start = process.cpuUsage()
    const span = spanDrives(input)
    const seconds = process.cpuUsage(start).user / 1e6
    assert.equal(span.leftOver.length, 0)
    assert.ok(span.drivesUsed <= span.lowerBound + 1)
    // Half a second of a quick core; the bound only catches what would be quadratic.
    assert.ok(seconds < 30, `${folders} folders took ${seconds.toFixed(1)} s`)
  }
})

function millionFiles(folders: number): FileTree {
  const count = 1_000_000
  const directoryNames = new NameColumnBuilder()
  directoryNames.push('')
  for (let folder = 0; folder < folders; folder++) directoryNames.push(`folder-${folder}`)
  const fileNames = new NameColumnBuilder()
  const fileDirectory = new Uint32Array(count)
  const fileSizeBytes = new Float64Array(count)
  for (let file = 0; file < count; file++) {
    fileNames.push(`file-with-a-name-${file}.dat`)
    fileDirectory[file] = 1 + Math.floor((file * folders) / count)
    fileSizeBytes[file] = (file * 7919) % 20_000
  }
  return {
    directoryParent: new Uint32Array(folders + 1),
    directoryNames: directoryNames.finish(),
    fileDirectory,
    fileNames: fileNames.finish(),
    fileSizeBytes,
    fileModifiedNs: new BigInt64Array(count),
  }
}

test('files of one drive keep the order of the whole', () => {
  const tree = randomTree(numbers(5), 300, 10_000_000)
  const span = spanDrives({ tree, drives: drives(6e8, 6e8, 6e8, 6e8, 6e8, 6e8) })
  for (const drive of span.drives) {
    const { tree: part, wholeFile } = driveTree(tree, { assignments: span.assignments, drive })
    wholeFile.forEach((file, index) => {
      assert.ok(index === 0 || (wholeFile[index - 1] as number) < file)
      assert.equal(filePath(part, index), filePath(tree, file))
    })
  }
})
