import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { parseDataset } from '../../src/formats/dataset.js'
import { mutate, xorshift } from './mutate.js'

const newest = 'BasePath,DstItemPathOrPrefix,ItemType,Disposition,MetadataFile,PropertiesFile'
const oldest = 'BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile'
const short = 'BasePath,DstItemPathOrPrefix,ItemType'

function problemsOf(text: string): readonly { message: string; line?: number; column?: number }[] {
  try {
    parseDataset(text)
  } catch (error) {
    assert.ok(error instanceof TransferError && error.code === 'DATASET_INVALID', String(error))
    return error.problems
  }
  assert.fail('the dataset was accepted')
}

test('all three generations of the header are read, in any case, with a byte order mark, blanks and Windows line ends', () => {
  const row = '"/srv/data set/","container/prefix/",BlockBlob,no-overwrite,"None",none'
  const expected = [
    {
      basePath: '/srv/data set',
      isDirectory: true,
      destination: 'container/prefix/',
      blobType: 'block',
      disposition: 'no-overwrite',
      line: 2,
    },
  ]
  assert.deepEqual(parseDataset(`${newest}\n${row}\n`), expected)
  assert.deepEqual(parseDataset(`${oldest}\n${row}`), expected)
  assert.deepEqual(parseDataset(`\uFEFF${newest.toUpperCase()}\r\n${row}\r\n`), expected)
  assert.deepEqual(
    parseDataset(` ${oldest.toLowerCase().replaceAll(',', ' , ')}\n  ${row.replaceAll(',', ' ,\t')} \n\n`),
    expected,
  )
  assert.deepEqual(parseDataset(`${short}\n"/srv/data set/",container/prefix/,block\n`), [
    { ...expected[0], disposition: 'rename' },
  ])
})

test('a file has the whole path of its blob as destination, and goes under its own name into a folder', () => {
  const text = `${oldest}\n/srv/disk.vhd,container/disks/one.vhd,PageBlob,Overwrite,/srv/meta.xml,/srv/properties.xml\n/srv/a.txt,container/,,,,\n`
  assert.deepEqual(parseDataset(text), [
    {
      basePath: '/srv/disk.vhd',
      isDirectory: false,
      destination: 'container/disks/one.vhd',
      blobType: 'page',
      disposition: 'overwrite',
      metadataFile: '/srv/meta.xml',
      propertiesFile: '/srv/properties.xml',
      line: 2,
    },
    {
      basePath: '/srv/a.txt',
      isDirectory: false,
      destination: 'container/a.txt',
      blobType: 'auto',
      disposition: 'rename',
      line: 3,
    },
  ])
})

test('a backslash at the end makes a folder, as a slash does, and the root itself is one', () => {
  const rows = parseDataset(`${short}\n/srv/data\\,container/,auto\n/,container/root/,\n/srv//,container/x/\n`)
  assert.deepEqual(
    rows.map(({ basePath, isDirectory }) => [basePath, isDirectory]),
    [
      ['/srv/data', true],
      ['/', true],
      ['/srv', true],
    ],
  )
})

test('the line of a row counts the line breaks in quoted cells and empty lines before it', () => {
  const text = `${short}\n"/srv/odd\nname/",container/,\n\n/srv/b/,container/,\n  \n,,\n`
  assert.deepEqual(
    parseDataset(text).map(({ basePath, line }) => [basePath, line]),
    [
      ['/srv/odd\nname', 2],
      ['/srv/b', 5],
    ],
  )
})

// Each row stands in line 2; the place is that of the cell.
const invalid: readonly (readonly [row: string, column: number, message: RegExp])[] = [
  ['"F:\\50M_original\\","containername/",BlockBlob,rename,"None",None', 1, /path on a Windows drive/],
  ['\\\\server\\share\\,container/,BlockBlob,rename,None,None', 1, /network path/],
  ['//server/share/,container/,BlockBlob,rename,None,None', 1, /network path/],
  ['srv/data/,container/,BlockBlob,rename,None,None', 1, /not absolute/],
  [',container/,BlockBlob,rename,None,None', 1, /BasePath is missing/],
  ['/srv/,,BlockBlob,rename,None,None', 7, /destination is missing/],
  ['/srv/,container,BlockBlob,rename,None,None', 7, /ends with a slash/],
  ['/srv/,container/prefix,BlockBlob,rename,None,None', 7, /ends with a slash/],
  ['/srv/,Container/,BlockBlob,rename,None,None', 7, /lowercase/],
  ['/srv/,/container/,BlockBlob,rename,None,None', 7, /begins with its container/],
  ['/srv/,$root/x/,BlockBlob,rename,None,None', 7, /root container has no folders/],
  ['/srv/a,container,BlockBlob,rename,None,None', 8, /name of the blob is missing/],
  ['"/srv/a, b/" , "container/" ,file,rename,None,None', 30, /Azure Files shares are not supported/],
  ['/srv/,container/,blob,rename,None,None', 18, /ItemType is "blob"/],
  ['/srv/,container/,constructor,rename,None,None', 18, /ItemType is "constructor"/],
  ['/srv/,container/,block,replace,None,None', 24, /Disposition is "replace"/],
  ['/srv/,container/,block,rename,meta.xml,None', 31, /MetadataFile "meta.xml" is not absolute/],
  ['/srv/,container/,block,rename,None,/srv/', 36, /PropertiesFile "\/srv\/" is a folder/],
  ['/srv/,container/,block,rename,None,None,more', 41, /cell 7 is "more"/],
]

for (const [row, column, message] of invalid) {
  test(`refused with its place: ${row}`, () => {
    const problems = problemsOf(`${newest}\n${row}\n`)
    assert.equal(problems.length, 1, JSON.stringify(problems))
    assert.match(problems[0]?.message ?? '', message)
    assert.deepEqual([problems[0]?.line, problems[0]?.column], [2, column])
  })
}

test('everything that is wrong is listed at once; the message has the first and the count', () => {
  const text = `${newest}\n/srv/,Container/,block,replace,None,None\n/srv/,container/,block,rename,None,None\nC:\\x\\,container/,file\n`
  assert.throws(() => parseDataset(text, 'my.csv'), {
    code: 'DATASET_INVALID',
    path: 'my.csv',
    line: 2,
    column: 7,
    message:
      'my.csv, line 2, column 7: The destination "Container/" is not usable: ' +
      "a container's name has only lowercase letters, digits and hyphens (the first of 4 problems)",
  })
  assert.deepEqual(
    problemsOf(text).map(({ line }) => line),
    [2, 2, 4, 4],
  )
})

const unreadable = [
  ['an empty file', '', /the file is empty/],
  ['an unknown header', 'Path,Where\n/srv/,container/\n', /the header is "Path,Where"/],
  ['a file without rows', `${newest}\n`, /no row below the header/],
  ['a quotation mark that is never closed', `${newest}\n"/srv/,container/,,,,\n`, /never closed/],
  ['a quotation mark inside a cell', `${newest}\n/s"rv/,container/,,,,\n`, /quotation mark/],
  ['text behind a closing quotation mark', `${newest}\n"/srv/"x,container/,,,,\n`, /quotation mark/],
] as const

for (const [what, text, message] of unreadable) {
  test(`${what} is refused`, () => {
    const problems = problemsOf(text)
    assert.equal(problems.length, 1)
    assert.match(problems[0]?.message ?? '', message)
  })
}

test('damage of any kind gives rows or DATASET_INVALID', () => {
  const random = xorshift(42)
  const whole = Buffer.from(
    `${newest}\r\n"/srv/a ""b"", c/",container/prefix/,BlockBlob,rename,None,"None"\r\n/srv/x.vhd,$root/x.vhd,PageBlob,overwrite,/m.xml,/p.xml\r\n`,
  )
  let accepted = 0
  for (let round = 0; round < 3000; round++) {
    try {
      for (const { basePath, destination } of parseDataset(mutate(whole, random).toString('utf8'))) {
        assert.ok(basePath.startsWith('/') && destination.includes('/'))
      }
      accepted += 1
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'DATASET_INVALID', String(error))
    }
  }
  assert.ok(accepted > 100 && accepted < 2900, `${accepted} were accepted`)
})
