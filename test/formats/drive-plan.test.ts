import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { type NameColumn, NameColumnBuilder } from '../../src/file-tree.js'
import { type DrivePlan, encodeDrivePlan, parseDrivePlan } from '../../src/formats/drive-plan.js'
import { mutate, xorshift } from './mutate.js'

function names(...list: (string | Buffer)[]): NameColumn {
  const builder = new NameColumnBuilder()
  for (const name of list) builder.push(name)
  return builder.finish()
}

const plan: DrivePlan = {
  header: {
    sessionId: 'session#1',
    driveId: '9WM35C2V',
    createdBy: 'diskferry 0.1.0',
    volume: { offsetBytes: 17825792, sizeBytes: 85983232, clusterBytes: 4096, sectorBytes: 512 },
    method: 'xts-128',
    label: 'größe "1"',
    diskGuid: '01234567-89AB-CDEF-0123-456789ABCDEF',
    blobLists: [{}, { metadata: { path: '\\m.xml', hash: 'A'.repeat(32) } }],
    extra: { anything: [1, 'two', null] },
  },
  tree: {
    directoryParent: Uint32Array.of(0, 0, 1),
    directoryNames: names('', 'container', 'größe 🚢'),
    fileDirectory: Uint32Array.of(2, 1, 2, 0),
    fileNames: names('a "quoted"\nname', 'disk.vhd', 'x', 'DriveManifest.xml'),
    fileSizeBytes: Float64Array.of(0, 2 ** 52, 1, 123456),
    fileModifiedNs: BigInt64Array.of(1700000000123456789n, -1n, -(2n ** 63n), 2n ** 63n - 1n),
  },
  sourceDirectories: names('/srv/data', Buffer.from('/srv/caf\xe9', 'latin1')),
  fileSourceDirectory: Uint32Array.of(0, 1, 0, 0xffff_ffff),
  fileSourceNames: names('a "quoted"\nname', 'Disk.VHD', Buffer.from([0xff, 0xfe]), 'DriveManifest.xml'),
  fileBlobType: Uint8Array.of(1, 2, 1, 0),
  fileDisposition: Uint8Array.of(0, 1, 2, 0),
  fileList: Uint16Array.of(0, 1, 0, 0),
  fileBlockBytes: Float64Array.of(4194304, 4194304, 8388608, 0),
}
const text = [...encodeDrivePlan(plan)].join('')

/** The same text with a trailer that fits. */
function resealed(changed: string): string {
  const body = changed.slice(0, changed.lastIndexOf('{"sha256"'))
  return `${body}{"sha256":"${createHash('sha256').update(body).digest('hex')}"}\n`
}

function parse(source: string | Buffer, chunkBytes = 1 << 16): Promise<DrivePlan> {
  const bytes = Buffer.from(source)
  return parseDrivePlan(
    (function* () {
      for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes)
    })(),
  )
}

test('a plan survives being stored, whatever the size of the chunks', async () => {
  for (const chunkBytes of [1, 7, 1 << 16]) assert.deepEqual(await parse(text, chunkBytes), plan)
})

test('the same plan has the same text', () => {
  assert.equal([...encodeDrivePlan(plan)].join(''), text)
})

test('source names that do not differ share the column of the names', async () => {
  const same = { ...plan, fileSourceNames: plan.tree.fileNames }
  const back = await parse([...encodeDrivePlan(same)].join(''))
  assert.equal(back.fileSourceNames, back.tree.fileNames)
  assert.deepEqual(back, same)
})

test('an empty plan has its root', async () => {
  const empty: DrivePlan = {
    ...plan,
    tree: {
      directoryParent: Uint32Array.of(0),
      directoryNames: names(''),
      fileDirectory: new Uint32Array(0),
      fileNames: names(),
      fileSizeBytes: new Float64Array(0),
      fileModifiedNs: new BigInt64Array(0),
    },
    sourceDirectories: names(),
    fileSourceDirectory: new Uint32Array(0),
    fileSourceNames: names(),
    fileBlobType: new Uint8Array(0),
    fileDisposition: new Uint8Array(0),
    fileList: new Uint16Array(0),
    fileBlockBytes: new Float64Array(0),
  }
  assert.deepEqual(await parse([...encodeDrivePlan(empty)].join('')), empty)
})

test('columns of different lengths are refused when a plan is written', () => {
  assert.throws(() => [...encodeDrivePlan({ ...plan, fileList: new Uint16Array(3) })], RangeError)
})

test('a plan cut at any byte is refused', async () => {
  const bytes = Buffer.from(text)
  for (let cut = 0; cut < bytes.length; cut++) {
    await assert.rejects(parse(bytes.subarray(0, cut)), { code: 'PLAN_INVALID' }, `cut at ${cut}`)
  }
})

test('a single changed character is found by the digest when nothing else finds it', async () => {
  await assert.rejects(parse(text.replace('/srv/data', '/srv/date')), {
    code: 'PLAN_INVALID',
    message: /was changed/,
    line: 11,
  })
})

const refused: readonly (readonly [what: string, from: string | RegExp, to: string, message: RegExp, line: number])[] =
  [
    ['another format', 'diskferry-drive-plan', 'plan', /no drive plan/, 1],
    ['a later version', '"version":1', '"version":2', /version 2 of the plan is not known/, 1],
    ['a header without a label', '"label"', '"labels"', /a field of the header/, 1],
    ['a list that is none', '"blobLists":[{}', '"blobLists":[5', /a field of the header/, 1],
    ['a negative count', '"files":4', '"files":-4', /count of files/, 1],
    ['a huge count', '"files":4', '"files":4294967295', /count of files/, 1],
    ['no root', '"directories":3', '"directories":0', /counts of directories/, 1],
    ['a root with a name', '[0,""]', '[0,"x"]', /not the root/, 2],
    ['a parent that comes later', '[0,"container"]', '[1,"container"]', /directory 1 has the parent 1/, 3],
    ['a directory that climbs', '"container"]', '".."]', /no name of a file/, 3],
    ['a name with a slash', '"disk.vhd"', '"../disk.vhd"', /no name of a file/, 8],
    ['a name with a NUL', '"disk.vhd"', '"a\\u0000"', /no name of a file/, 8],
    ['an empty name', '"disk.vhd"', '""', /a name is missing/, 8],
    ['a file without its directory', '[1,"disk.vhd"', '[3,"disk.vhd"', /no such directory/, 8],
    ['a negative size', '4503599627370496', '-1', /has no size/, 8],
    ['a size that is no number', '4503599627370496', '"1"', /has no size/, 8],
    ['a time beyond all', '4503599627370496,-1,', '4503599627370496,99999999999,', /no time of modification/, 8],
    ['a time beyond 64 bits', '4503599627370496,-1,', '4503599627370496,9223372036,', /beyond 64 bits/, 8],
    ['a blob type that is none', ',2,1,1,4194304]', ',3,1,1,4194304]', /unknown blob type/, 8],
    ['a list that is not there', ',2,1,1,4194304]', ',2,1,2,4194304]', /in no list/, 8],
    ['a source that is not there', '999999999,1,"Disk', '999999999,2,"Disk', /no such source directory/, 8],
    ['a column too many', ',2,1,1,4194304]', ',2,1,1,4194304,0]', /11 columns/, 8],
    ['a line that is no JSON', '[1,"disk.vhd"', '[1,disk.vhd"', /no JSON/, 8],
  ]
for (const [what, from, to, message, line] of refused) {
  test(`${what} is refused, though the digest fits`, async () => {
    assert.notEqual(text.replace(from, to), text)
    await assert.rejects(parse(resealed(text.replace(from, to))), { code: 'PLAN_INVALID', message, line })
  })
}

test('something behind the last line is refused', async () => {
  await assert.rejects(parse(`${text}\n`), { code: 'PLAN_INVALID', message: /follows the last line/ })
  await assert.rejects(parse(`${text}x`), { code: 'PLAN_INVALID' })
})

test('a line without an end does not grow without limit', async () => {
  const chunk = Buffer.alloc(1 << 20, 'x')
  let given = 0
  const endless = (function* () {
    for (;;) {
      given += 1
      yield chunk
    }
  })()
  await assert.rejects(parseDrivePlan(endless), { code: 'PLAN_INVALID', message: /longer than/ })
  assert.ok(given < 20)
})

test('damage of any kind is refused, and with a digest that fits it gives a plan within its bounds or is refused', async () => {
  const random = xorshift(1)
  const bytes = Buffer.from(text)
  for (let round = 0; round < 2000; round++) {
    const damaged = mutate(bytes, random)
    if (damaged.equals(bytes)) continue
    await assert.rejects(parse(damaged), { code: 'PLAN_INVALID' })
    try {
      const { tree } = await parse(resealed(damaged.toString('utf8')))
      assert.ok(tree.fileDirectory.every((directory) => directory < tree.directoryParent.length))
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'PLAN_INVALID', String(error))
    }
  }
})
