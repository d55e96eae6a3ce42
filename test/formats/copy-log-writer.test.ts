import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CopyLogBlob,
  copyLogName,
  encodeCopyLogBlob,
  encodeCopyLogHead,
  encodeCopyLogTail,
} from '../../src/formats/copy-log-writer.js'

const hash = 'df54c531c9b3ca2570fdddb3bcd0e27d'
const blob: CopyLogBlob = {
  status: 'CompletedWithErrors',
  blobPath: 'pictures/a & b.jpg',
  filePath: '\\pictures\\a & b.jpg',
  lengthBytes: 98_304,
  disposition: { wanted: 'rename', status: 'Created' },
  kind: 'block',
  ranges: [{ offsetBytes: 65_536, lengthBytes: 32_768, id: 'AQAAAA==', hash, status: 'Corrupted' }],
}

test('head, blobs and tail together are a log of 2018-10-01', () => {
  const text = [
    encodeCopyLogHead({
      driveId: '9WM35C2V',
      validationErrors: { None: 2 },
      copyErrors: { Completed: 1, CompletedWithErrors: 1, LeasePresent: 0 },
    }),
    ...encodeCopyLogBlob(blob),
    encodeCopyLogTail('CompletedWithErrors'),
  ].join('')
  assert.equal(
    text,
    `<?xml version="1.0" encoding="UTF-8"?>
<DriveLog Version="2018-10-01">
<DriveId>9WM35C2V</DriveId>
<Summary><ValidationErrors><None Count="2"/></ValidationErrors><CopyErrors><Completed Count="1" Description="completed"/><CompletedWithErrors Count="1" Description="parts of it are missing"/></CopyErrors></Summary>
<Blob Status="CompletedWithErrors"><BlobPath>pictures/a &amp; b.jpg</BlobPath><FilePath>\\pictures\\a &amp; b.jpg</FilePath><Length>98304</Length><ImportDisposition Status="Created">rename</ImportDisposition><BlockList>
<Block Offset="65536" Length="32768" Id="AQAAAA==" Hash="DF54C531C9B3CA2570FDDDB3BCD0E27D" Status="Corrupted"/>
</BlockList></Blob>
<Status>CompletedWithErrors</Status>
</DriveLog>
`,
  )
})

test('metadata and properties say where their file is, and page ranges have no id', () => {
  const [text] = encodeCopyLogBlob({
    ...blob,
    kind: 'page',
    ranges: [{ offsetBytes: 0, lengthBytes: 512, id: 'AQAAAA==', status: 'Completed' }],
    metadata: { path: '\\m.xml', hash, status: 'Completed', isGlobal: true },
    properties: { path: '\\p<1>.xml', status: 'FileNotFound' },
  })
  assert.match(text as string, /<PageRange Offset="0" Length="512" Status="Completed"\/>/)
  assert.match(
    text as string,
    /<Metadata Status="Completed"><GlobalPath Hash="DF54C531C9B3CA2570FDDDB3BCD0E27D">\\m.xml<\/GlobalPath><\/Metadata>/,
  )
  assert.match(text as string, /<Properties Status="FileNotFound"><Path>\\p&lt;1&gt;.xml<\/Path><\/Properties>/)
})

test('a blob without ranges has an empty list, which still says what kind it is', () => {
  const kinds = (['block', 'page'] as const).map((kind) =>
    [...encodeCopyLogBlob({ ...blob, kind, ranges: [] })].join(''),
  )
  assert.match(kinds[0] as string, /<BlockList\/><\/Blob>/)
  assert.match(kinds[1] as string, /<PageRangeList\/><\/Blob>/)
})

test('two million ranges are never one string', () => {
  const count = 2_000_000
  const ranges = (function* () {
    for (let index = 0; index < count; index++) {
      yield { offsetBytes: index * 512, lengthBytes: 512, status: 'Completed' } as const
    }
  })()
  let pieces = 0
  let lines = 0
  let longest = 0
  for (const piece of encodeCopyLogBlob({ ...blob, kind: 'page', ranges })) {
    pieces += 1
    longest = Math.max(longest, piece.length)
    lines += piece.split('<PageRange ').length - 1
  }
  assert.equal(lines, count)
  assert.ok(pieces > 1000, `${pieces} pieces`)
  assert.ok(longest < 70_000, `${longest} characters`)
})

const mistakes: [name: string, act: () => unknown, says: RegExp][] = [
  ['an unknown blob status', () => [...encodeCopyLogBlob({ ...blob, status: 'Fine' as 'Failed' })], /received Fine/],
  ['a name of Object', () => [...encodeCopyLogBlob({ ...blob, status: 'toString' as 'Failed' })], /received toString/],
  ['a fraction of a byte', () => [...encodeCopyLogBlob({ ...blob, lengthBytes: 0.5 })], /received 0.5/],
  ['an unknown drive status', () => encodeCopyLogTail('Done' as 'Completed'), /received Done/],
  [
    'a code that is markup',
    () => encodeCopyLogHead({ driveId: 'X', validationErrors: { 'a b': 1 }, copyErrors: {} }),
    /received a b/,
  ],
  [
    'a negative count',
    () => encodeCopyLogHead({ driveId: 'X', validationErrors: { None: -1 }, copyErrors: {} }),
    /received -1/,
  ],
  [
    'a short hash',
    () => [
      ...encodeCopyLogBlob({ ...blob, ranges: [{ offsetBytes: 0, lengthBytes: 1, hash: 'ab', status: 'Failed' }] }),
    ],
    /received ab/,
  ],
]
for (const [name, act, says] of mistakes) {
  test(`${name} is the caller's mistake`, () => {
    assert.throws(act, (error) => error instanceof RangeError && says.test(error.message))
  })
}

const names: [job: string, driveId: string, kind: 'error' | 'verbose' | 'manifest', name: string][] = [
  ['myjob', '9WM35C2V', 'error', 'waies/myjob_9WM35C2V_20130921-034307-902_error.xml'],
  ['seed-1', 'IMG4F', 'verbose', 'waies/seed-1_IMG4F_20130921-034307-902_verbose.xml'],
  ['seed', 'a/../b\\c?d#\u202e', 'manifest', 'waies/seed_a-..-b-c-d--_20130921-034307-902_manifest.xml'],
]
for (const [job, driveId, kind, name] of names) {
  test(`the ${kind} log of drive ${JSON.stringify(driveId)} is ${name}`, () => {
    assert.equal(copyLogName({ job, driveId, kind, time: new Date('2013-09-21T03:43:07.902Z') }), name)
  })
}
