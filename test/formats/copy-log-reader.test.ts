import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TransferError } from '../../src/errors.js'
import {
  type CopyLogBlobPart,
  type CopyLogPart,
  type CopyLogReaderOptions,
  readCopyLog,
} from '../../src/formats/copy-log-reader.js'
import {
  type CopyLogBlob,
  encodeCopyLogBlob,
  encodeCopyLogHead,
  encodeCopyLogTail,
} from '../../src/formats/copy-log-writer.js'
import { mutate, xorshift } from './mutate.js'

async function read(text: string | Buffer, options: CopyLogReaderOptions = {}, chunkBytes = 1 << 20) {
  const bytes = Buffer.from(text)
  const chunks = function* () {
    for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes)
  }
  const parts: CopyLogPart[] = []
  for await (const part of readCopyLog(chunks(), options)) parts.push(part)
  const [header, ...rest] = parts
  assert.ok(header?.kind === 'header')
  const end = rest.pop()
  assert.ok(end?.kind === 'end')
  const only = <Kind extends CopyLogPart['kind']>(kind: Kind) =>
    rest.filter((part): part is Extract<CopyLogPart, { kind: Kind }> => part.kind === kind)
  return { header, end, blobs: only('blob'), errors: only('error'), summaries: only('summary') }
}

function rangesOf({ ranges }: CopyLogBlobPart) {
  if (ranges === undefined) return undefined
  return Array.from({ length: ranges.count }, (_, index) => {
    const digest = ranges.digests?.subarray(index * 16, index * 16 + 16).toString('hex')
    return {
      offsetBytes: ranges.offsets[index],
      lengthBytes: ranges.lengths[index],
      status: ranges.statusNames[ranges.statuses[index] as number],
      ...(ranges.ids === undefined ? {} : { id: ranges.ids[index] }),
      ...(digest === undefined ? {} : { hash: digest.toUpperCase() }),
    }
  })
}

const hash = '9C8AE14A55241F98533C4D80D85CDC68'
const otherHash = 'DF54C531C9B3CA2570FDDDB3BCD0E27D'

function log(content: string, attributes = ' Version="2014-11-01"'): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n<DriveLog${attributes}>\n<DriveId>9WM35C2V</DriveId>${content}</DriveLog>`
}
const paths = '<BlobPath>c/a.txt</BlobPath><FilePath>\\c\\a.txt</FilePath>'

describe('what the writer wrote is read back', () => {
  const random = xorshift(11)
  const blobs = Array.from({ length: 40 }, (_, index): CopyLogBlob => {
    const kind = index % 2 === 0 ? 'block' : 'page'
    return {
      status: (['Completed', 'CompletedWithErrors', 'FileNotFound', 'ContainerRenamed'] as const)[
        index % 4
      ] as 'Failed',
      blobPath: `container/größe 🚢 ${index}/a&b<c>"d"'.txt`,
      filePath: `\\container\\größe 🚢 ${index}\\a&b.txt`,
      lengthBytes: 40_960,
      disposition: { wanted: 'overwrite', status: index % 3 === 0 ? 'Overwritten' : 'Cancelled' },
      kind,
      ranges: Array.from({ length: index % 5 }, (_, range) => ({
        offsetBytes: range * 512,
        lengthBytes: 512,
        status: (['Completed', 'Committed', 'Corrupted'] as const)[random(3)] as 'Completed',
        ...(kind === 'block' ? { id: 'AAAAAA==' } : {}),
        ...(index % 7 === 0 ? { hash } : {}),
      })),
      metadata: index % 6 === 0 ? { path: '\\m.xml', hash, status: 'Completed', isGlobal: true } : undefined,
      properties: index % 9 === 0 ? { path: '\\p.xml', status: 'XmlReadFailed' } : undefined,
    }
  })
  const text = [
    encodeCopyLogHead({
      driveId: 'X & Y',
      validationErrors: { None: 40 },
      copyErrors: { Completed: 10, FileNotFound: 10 },
    }),
    ...blobs.flatMap((blob) => [...encodeCopyLogBlob(blob)]),
    encodeCopyLogTail('CompletedWithErrors'),
  ].join('')
  for (const chunkBytes of [1, 777, 1 << 20]) {
    test(`in chunks of ${chunkBytes} bytes`, async () => {
      const back = await read(text, {}, chunkBytes)
      assert.deepEqual(back.header, {
        kind: 'header',
        generation: '2018-10-01',
        version: '2018-10-01',
        driveId: 'X & Y',
      })
      assert.deepEqual(back.end, {
        kind: 'end',
        driveId: 'X & Y',
        status: 'CompletedWithErrors',
        itemsTotal: undefined,
        itemsFailed: undefined,
      })
      assert.deepEqual(back.summaries[0], {
        kind: 'summary',
        validationErrors: [{ code: 'None', count: 40, description: undefined }],
        copyErrors: [
          { code: 'Completed', count: 10, description: 'completed' },
          { code: 'FileNotFound', count: 10, description: 'the file is not on the drive' },
        ],
      })
      assert.equal(back.blobs.length, blobs.length)
      for (const [index, blob] of blobs.entries()) {
        const got = back.blobs[index] as CopyLogBlobPart
        const { ranges, metadata, properties, kind, ...same } = blob
        const attachment = (of: typeof metadata) => of && { hash: undefined, isGlobal: false, ...of }
        assert.deepEqual(rangesOf(got), ranges)
        assert.deepEqual(
          { ...got, ranges: 0, line: 0 },
          {
            ...same,
            kind: 'blob',
            blobKind: kind,
            ranges: 0,
            metadata: attachment(metadata),
            properties: attachment(properties),
            snapshot: undefined,
            lastModified: undefined,
            crc64: undefined,
            line: 0,
          },
        )
      }
    })
  }
})

describe('2014-11-01', () => {
  test('a file that was not found: every block of it was cancelled', async () => {
    const blocks = [0, 6000].map(
      (offset) =>
        `<Block Offset="${offset}" Length="6000" Id="MD5/cAzn4h7VVSWXf696qp5Uaw==" Hash=" ${hash}" Status="Cancelled" />`,
    )
    const { header, end, blobs } = await read(
      log(
        `<Blob Status="FileNotFound"><BlobPath>zoo/wombat.jpg</BlobPath><FilePath>\\zoo\\wombat.jpg</FilePath>
<Length>12000</Length><ImportDisposition Status="Cancelled">rename</ImportDisposition><BlockList>${blocks.join('\n')}</BlockList></Blob>
<Status>CompletedWithErrors</Status>`,
      ),
    )
    assert.equal(header.generation, '2014-11-01')
    assert.equal(header.driveId, '9WM35C2V')
    assert.equal(end.status, 'CompletedWithErrors')
    const [blob] = blobs as [CopyLogBlobPart]
    assert.equal(blob.status, 'FileNotFound')
    assert.equal(blob.line, 3)
    assert.deepEqual(blob.disposition, { wanted: 'rename', status: 'Cancelled' })
    assert.equal(blob.ranges?.count, 2)
    // The blank before the digits is no part of the hash.
    assert.equal(blob.ranges?.digests?.subarray(16, 32).toString('hex').toUpperCase(), hash)
    assert.equal(blob.ranges?.ids?.[1], 'MD5/cAzn4h7VVSWXf696qp5Uaw==')
  })

  test('an export log without a version, its elements in another order', async () => {
    const { header, blobs } = await read(
      log(
        `<Status>Completed</Status><Blob Status="Completed"><PageRangeList><PageRange Offset="0" Length="512" Hash="${hash}" Status="Completed"/></PageRangeList>
<LastModified>2013-01-02T03:04:05Z</LastModified><Length>512</Length><Snapshot>2013-01-01</Snapshot>
<Properties Status="Completed"><GlobalPath Hash="${otherHash}">\\all.xml</GlobalPath><Path Hash=" ${hash.toLowerCase()}">\\a.properties</Path></Properties>
<FilePath>\\c\\a.vhd</FilePath><BlobPath>c/a.vhd</BlobPath></Blob>`,
        '',
      ),
    )
    assert.deepEqual(header, { kind: 'header', generation: '2014-11-01', version: undefined, driveId: '9WM35C2V' })
    const [blob] = blobs as [CopyLogBlobPart]
    assert.equal(blob.blobKind, 'page')
    assert.equal(blob.lengthBytes, 512)
    assert.equal(blob.lastModified, '2013-01-02T03:04:05Z')
    assert.equal(blob.snapshot, '2013-01-01')
    assert.equal(blob.disposition, undefined)
    assert.deepEqual(blob.properties, { status: 'Completed', path: '\\a.properties', hash, isGlobal: false })
  })

  test('an empty list is a list, no list is none', async () => {
    const { blobs } = await read(
      log(`<Blob Status="Completed">${paths}<BlockList /></Blob><Blob Status="Failed">${paths}</Blob>`),
    )
    assert.equal(blobs[0]?.ranges?.count, 0)
    assert.equal(blobs[0]?.blobKind, 'block')
    assert.equal(blobs[1]?.ranges, undefined)
    assert.equal(blobs[1]?.blobKind, undefined)
  })

  test('a drive that names itself after its blobs is known at the end', async () => {
    const { header, end } = await read(
      `<DriveLog><Blob Status="Completed">${paths}</Blob><DriveId>LATE</DriveId><Status>Completed</Status></DriveLog>`,
    )
    assert.equal(header.driveId, undefined)
    assert.equal(end.driveId, 'LATE')
  })
})

test('2018-10-01: files of shares, renamed containers, and elements that are not known', async () => {
  const { header, blobs, summaries } = await read(
    log(
      `<Summary><ValidationErrors><None Count="3" /></ValidationErrors><CopyErrors><ContainerRenamed Count="1" Description="another name" /></CopyErrors></Summary>
<Blob Status="ContainerRenamed"><BlobPath>databox-1234/p.vhd</BlobPath><OriginalFilePath>\\PageBlob\\a b\\p.vhd</OriginalFilePath><SizeInBytes>1024</SizeInBytes></Blob>
<File Status="Completed"><FileStoragePath>share\\dir/f.txt</FileStoragePath><FilePath>\\AzureFile\\share\\dir\\f.txt</FilePath><Length>20</Length><New><Deep>x</Deep></New>
<ImportDisposition Status="Created">rename</ImportDisposition><FileRangeList><FileRange Offset="0" Length="20" Status="Completed" /></FileRangeList></File><Status>Completed</Status>`,
      ' Version="2018-10-01"',
    ),
  )
  assert.equal(header.generation, '2018-10-01')
  assert.deepEqual(summaries[0]?.copyErrors, [{ code: 'ContainerRenamed', count: 1, description: 'another name' }])
  assert.deepEqual(
    blobs.map(({ status, blobKind, blobPath, filePath, lengthBytes }) => [
      status,
      blobKind,
      blobPath,
      filePath,
      lengthBytes,
    ]),
    [
      ['ContainerRenamed', undefined, 'databox-1234/p.vhd', '\\PageBlob\\a b\\p.vhd', 1024],
      ['Completed', 'file', 'share/dir/f.txt', '\\AzureFile\\share\\dir\\f.txt', 20],
    ],
  )
})

test('2021-08-01, verbose: files side by side, separators mixed', async () => {
  const { header, end, blobs } = await read(
    `\ufeff<File CloudFormat="BlockBlob" Path="$root\\a.vhd" Size="1024" crc64="14179624636173788226">\n</File>
<File CloudFormat="AzureFile" Path="share/d\\e.txt" Size="0" crc64="0" ETag="x"></File>`,
  )
  assert.deepEqual([header.generation, header.driveId, end.status], ['2021-08-01', undefined, undefined])
  assert.deepEqual(
    blobs.map(({ blobKind, blobPath, lengthBytes, crc64, status, line }) => [
      blobKind,
      blobPath,
      lengthBytes,
      crc64,
      status,
      line,
    ]),
    [
      ['block', '$root/a.vhd', 1024, '14179624636173788226', 'Completed', 1],
      ['file', 'share/d/e.txt', 0, '0', 'Completed', 3],
    ],
  )
})

for (const [name, first] of [
  ['plain', ''],
  ['after an XML declaration', '<?xml version="1.0" encoding="UTF-8"?>\r\n'],
] as const) {
  test(`2021-08-01, copy log ${name}: errors, then one summary`, async () => {
    const { errors, summaries, end } = await read(
      `${first}<ErroredEntity Path="CV"><Category>ContainerRenamed</Category><ErrorCode>1</ErrorCode><ErrorMessage>renamed to: DataBox-1 :from: CV</ErrorMessage><Type>Container</Type></ErroredEntity>
<CopyLog Summary="Summary"><DriveLogVersion>2021-08-01</DriveLogVersion><DriveId>72a1914a</DriveId><Status>Failed</Status><TotalFiles_Blobs>60</TotalFiles_Blobs><FilesErrored>2</FilesErrored>
<Summary><ValidationErrors><None Count="3" /></ValidationErrors><CopyErrors/></Summary></CopyLog>`,
    )
    assert.deepEqual(errors, [
      {
        kind: 'error',
        path: 'CV',
        category: 'ContainerRenamed',
        errorCode: '1',
        message: 'renamed to: DataBox-1 :from: CV',
        entityType: 'Container',
        line: first === '' ? 1 : 2,
      },
    ])
    assert.deepEqual(end, { kind: 'end', driveId: '72a1914a', status: 'Failed', itemsTotal: 60, itemsFailed: 2 })
    assert.deepEqual(summaries[0]?.validationErrors, [{ code: 'None', count: 3, description: undefined }])
  })
}

const range = '<Block Offset="0" Length="10" Status="Failed"/>'
function withBlob(content: string, status = 'Failed'): string {
  return log(`\n<Blob Status="${status}">${content}</Blob>`)
}
const refused: [name: string, text: string, says: RegExp, options?: CopyLogReaderOptions][] = [
  ['an empty file', '', /line 1, column 1: the copy log is cut off here/],
  ['text alone', 'hello', /cut off|text/],
  ['another document', '<DriveManifest/>', /"DriveManifest" is no element of a copy log/],
  ['a document type', '<!DOCTYPE x [<!ENTITY a "b">]><DriveLog/>', /document type|doctype/],
  ['a document type after a declaration', '<?xml version="1.0"?><!DOCTYPE x><DriveLog/>', /document type|doctype/],
  ['an entity of its own', log('<Status>&boom;</Status>'), /entity/],
  ['an unclosed element', withBlob(paths).slice(0, -20), /cut off/],
  ['a torn tag', '<File Path="a" />\n<Fi', /unexpected end|cut off/],
  ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><DriveLog/>', /encoding is ISO-8859-1/],
  ['deep nesting', log('<a>'.repeat(40)), /nested more than 16 deep/],
  ['a long text', withBlob(`<BlobPath>${'x'.repeat(70_000)}</BlobPath>`), /longer than 65536/],
  ['a long text in pieces', withBlob(`<BlobPath>${'x&amp;'.repeat(70_000)}</BlobPath>`), /longer than 65536/],
  ['a long attribute', withBlob(paths, 'x'.repeat(70_000)), /longer than 65536/],
  ['a comment without end', `<DriveLog><!--${' '.repeat(2 << 20)}`, /longer than 1048576 bytes/],
  ['a blob without a status', log(`<Blob>${paths}</Blob>`), /Blob has no Status/],
  ['a blob without any path', withBlob('<Length>1</Length>'), /neither a BlobPath nor a FilePath/],
  ['a length that is no number', withBlob(`${paths}<Length>1e3</Length>`), /Length is "1e3"/],
  ['two lengths', withBlob(`${paths}<Length>1</Length><Length>2</Length>`), /Blob has a second Length/],
  ['two lists', withBlob(`${paths}<BlockList/><PageRangeList/>`), /no second list/],
  ['an element inside a text', withBlob('<BlobPath>a<b/>c</BlobPath>'), /BlobPath has an element in it/],
  [
    'a range past the end',
    withBlob(`${paths}<BlockList>${range}</BlockList><Length>9</Length>`),
    /9 bytes, but a range that ends at 10/,
  ],
  ['a range without a status', withBlob(`<BlockList><Block Offset="0" Length="1"/></BlockList>`), /has no Status/],
  [
    'a negative offset',
    withBlob(`<BlockList><Block Offset="-1" Length="1" Status="x"/></BlockList>`),
    /Offset is "-1"/,
  ],
  [
    'a short hash',
    withBlob(`<BlockList><Block Offset="0" Length="1" Hash="AB" Status="x"/></BlockList>`),
    /Hash is "AB"/,
  ],
  ['too many ranges', withBlob(`<BlockList>${range.repeat(5)}</BlockList>`), /more than 4 blocks/, { rangesMax: 4 }],
  [
    'more blocks than any blob has',
    withBlob(`<BlockList>${range.repeat(50_001)}</BlockList>`),
    /more than 50000 blocks/,
  ],
  ['too many items', log(`<Blob Status="a">${paths}</Blob>`.repeat(4)), /more than 3 items/, { itemsMax: 3 }],
  ['two drive logs', '<DriveLog/><DriveLog/>', /stands alone/],
  ['a drive log among fragments', '<File Path="a"/><DriveLog/>', /stands alone/],
  ['two summaries', log('<Summary/><Summary/>'), /second Summary/],
  [
    'a count that is no number',
    log('<Summary><CopyErrors><A Count="many"/></CopyErrors></Summary>'),
    /Count is "many"/,
  ],
  ['an error without a category', '<ErroredEntity Path="x"/>', /no Category/],
]
for (const [name, text, says, options] of refused) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(read(text, options), (error) => {
      assert.ok(error instanceof TransferError, String(error))
      assert.equal(error.code, 'COPY_LOG_INVALID')
      assert.match(error.message, says)
      assert.match(error.message, /^copy log, line \d+, column \d+: /)
      assert.ok((error.line ?? 0) > 0 && (error.column ?? 0) > 0)
      return true
    })
  })
}

test('bytes that are not UTF-8 are refused with their place', async () => {
  const bytes = Buffer.concat([Buffer.from('<DriveLog>\n<DriveId>'), Buffer.from([0xff, 0x41])])
  await assert.rejects(read(bytes), /line \d+, column \d+: the text near byte \d+ is not UTF-8/)
})

test('half a million blobs pass in bounded memory', async () => {
  const count = 500_000
  const chunks = function* () {
    yield Buffer.from('<DriveLog Version="2018-10-01"><DriveId>X</DriveId>')
    const some = `<Blob Status="Completed">${paths}<Length>1</Length></Blob>\n`.repeat(1000)
    for (let index = 0; index < count; index += 1000) yield Buffer.from(some)
    yield Buffer.from('<Status>Completed</Status></DriveLog>')
  }
  // What is garbage depends on the machine; what is held does not.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heldBytes: number[] = []
  let blobs = 0
  for await (const part of readCopyLog(chunks())) {
    if (part.kind !== 'blob' || ++blobs % 50_000 !== 0) continue
    collect()
    heldBytes.push(process.memoryUsage().heapUsed)
  }
  assert.equal(blobs, count)
  const grownBytes = Math.max(...heldBytes) - (heldBytes[0] as number)
  assert.ok(grownBytes < 4 << 20, `${grownBytes} bytes more are held after ${count} blobs than after 50,000`)
})

test('no mutation of a log hangs the reader or makes it throw anything else', async () => {
  const originals = [
    log(`<Summary><ValidationErrors><None Count="3"/></ValidationErrors></Summary><Blob Status="Failed">${paths}<Length>10</Length>
<ImportDisposition Status="Created">rename</ImportDisposition><BlockList><Block Offset="0" Length="10" Id="AAAA" Hash="${hash}" Status="Failed"/></BlockList>
<Metadata Status="Completed"><Path Hash="${hash}">\\m</Path></Metadata></Blob><Status>CompletedWithErrors</Status>`),
    `<File CloudFormat="PageBlob" Path="$root\\a.vhd" Size="1024" crc64="1"></File><ErroredEntity Path="a"><Category>BlobRenamed</Category><ErrorCode>1</ErrorCode></ErroredEntity><CopyLog><DriveId>1</DriveId><Status>Failed</Status></CopyLog>`,
  ].map((text) => Buffer.from(text))
  const random = xorshift(5)
  let readable = 0
  for (let round = 0; round < 4000; round++) {
    try {
      await read(mutate(originals[round % 2] as Buffer, random), {}, 100)
      readable += 1
    } catch (error) {
      assert.ok(error instanceof TransferError, String((error as Error).stack))
      assert.equal(error.code, 'COPY_LOG_INVALID')
    }
  }
  assert.ok(readable > 50 && readable < 3500, `${readable} mutations were read`)
})
