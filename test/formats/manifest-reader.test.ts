import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import {
  type ManifestPart,
  type ManifestReaderOptions,
  type ReadManifestBlob,
  type ReadManifestHeader,
  readManifest,
} from '../../src/formats/manifest-reader.js'
import { type ManifestBlob, type ManifestHeader, writeManifest } from '../../src/formats/manifest-writer.js'
import { mutate, xorshift } from './mutate.js'

async function read(text: string | Buffer, options: ManifestReaderOptions = {}, chunkBytes = 1 << 20) {
  const bytes = Buffer.from(text)
  const chunks = function* () {
    for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes)
  }
  const parts: ManifestPart[] = []
  for await (const part of readManifest(chunks(), options)) parts.push(part)
  const [header, ...blobs] = parts as [ReadManifestHeader, ...ReadManifestBlob[]]
  return { header, blobs }
}

const hash = '9C8AE14A55241F98533C4D80D85CDC68'
const otherHash = 'DF54C531C9B3CA2570FDDDB3BCD0E27D'
const start =
  '<?xml version="1.0" encoding="UTF-8"?>\n<DriveManifest Version="2014-11-01"><Drive>\n<DriveId>9WM35C2V</DriveId>\n'
const end = '</Drive></DriveManifest>'
const paths = '<BlobPath>pictures/a.jpg</BlobPath><FilePath>\\pictures\\a.jpg</FilePath>'
const block = `<Block Offset="0" Length="10" Hash="${hash}"/>`
const goodBlob = `<Blob>${paths}<Length>10</Length><BlockList>${block}</BlockList></Blob>`

function withBlob(blob: string): string {
  return `${start}<BlobList>\n${blob}</BlobList>${end}`
}
function withBlocks(length: number | string, blocks: string, list = 'BlockList'): string {
  return withBlob(`<Blob>${paths}<Length>${length}</Length><${list}>\n${blocks}</${list}></Blob>`)
}

test('what the writer wrote is read back, whatever the size of the chunks', async () => {
  const random = xorshift(3)
  const lists = [
    { id: 's-0', metadata: { path: '\\m.xml', hash } },
    { id: 's-1', properties: { path: '\\p.xml', hash: otherHash } },
  ]
  const header: ManifestHeader = {
    driveId: 'X1',
    clientCreator: 'a & b',
    credential: { containerSas: 'c?x=1&y=2' },
    lists,
  }
  const blobs: ManifestBlob[] = Array.from({ length: 60 }, (_, index) => ({
    blobPath: `container/größe 🚢 ${index}/a&b<c>"d"'.txt`,
    filePath: `\\container\\größe 🚢 ${index}\\a&b.txt`,
    lengthBytes: [0, 1, 1024 * (1 + random(100))][index % 3] as number,
    blobType: index % 3 === 1 || random(2) === 0 ? 'block' : 'page',
    disposition: (['rename', 'no-overwrite', 'overwrite'] as const)[index % 3] as 'rename',
    blockBytes: 4096,
    list: index < 30 ? 0 : 1,
    ...(index % 7 === 0 ? { metadata: { path: '\\own.xml', hash: otherHash } } : {}),
  }))
  const digests = blobs.map(({ lengthBytes }) => {
    const bytes = Buffer.alloc(16 * Math.ceil(lengthBytes / 4096))
    for (let index = 0; index < bytes.length; index++) bytes[index] = random(256)
    return bytes
  })
  const text = Buffer.concat([
    ...writeManifest(header, blobs, (index) => digests[index] as Buffer, { padToBytes: 300_000 }),
  ])
  for (const chunkBytes of [1, 1000, 65_537, 1 << 20]) {
    const back = await read(text, {}, chunkBytes)
    assert.deepEqual(back.header, {
      kind: 'header',
      version: '2014-11-01',
      driveId: 'X1',
      clientCreator: 'a & b',
      credential: { containerSas: 'c?x=1&y=2' },
    })
    assert.equal(back.blobs.length, blobs.length)
    for (const [index, blob] of back.blobs.entries()) {
      const wanted = blobs[index] as ManifestBlob
      assert.equal(blob.kind, wanted.blobType)
      assert.equal(blob.blobPath, wanted.blobPath)
      assert.equal(blob.filePath, wanted.filePath)
      assert.equal(blob.lengthBytes, wanted.lengthBytes)
      assert.equal(blob.disposition, wanted.disposition)
      assert.deepEqual(blob.digests, digests[index])
      assert.deepEqual(
        [...blob.offsets],
        Array.from(blob.offsets, (_, place) => place * 4096),
      )
      assert.equal(
        blob.lengths.reduce((sum, length) => sum + length, 0),
        wanted.lengthBytes,
      )
      assert.deepEqual(blob.metadata, wanted.metadata)
      assert.equal(blob.list.id, `s-${wanted.list}`)
      assert.deepEqual(blob.list.metadata, lists[wanted.list]?.metadata)
      assert.deepEqual(blob.list.properties, lists[wanted.list]?.properties)
      const ids = Array.from(
        blob.offsets,
        (_, place) => `MD5/${blob.digests.toString('base64', place * 16, place * 16 + 16)}`,
      )
      assert.deepEqual(blob.ids, wanted.blobType === 'block' && ids.length > 0 ? ids : undefined)
    }
  }
})

test('an export manifest as the service writes it is read', async () => {
  // Shape and values of the sample in "Repairing an export job" of the documentation of Azure Import/Export.
  const text = `<?xml version="1.0" encoding="utf-8"?>
<DriveManifest Version="2011-10-01"><Drive>
  <DriveId>9WM35C3U</DriveId><ClientCreator>Windows Azure Import/Export service</ClientCreator>
  <BlobList><Blob><BlobPath>pictures/city/redmond.jpg</BlobPath><FilePath>\\pictures\\city\\redmond.jpg</FilePath><Length>15360</Length>
    <PageRangeList><PageRange Offset="0" Length="3584" Hash="72FC55ED9AFDD40A0C8D5C4193208416" /><PageRange Offset="7168" Length="3584" Hash="BF23DC4C5E5C5E5A5F5D5C5B5A595857" /></PageRangeList>
    <PropertiesPath Hash="E72A22EA959566066AD89E3B49020C0A">\\pictures\\city\\redmond.jpg.properties</PropertiesPath></Blob>
   <Blob><BlobPath>pictures/wild/canyon.jpg</BlobPath><FilePath>\\pictures\\wild\\canyon.jpg</FilePath><Length>10884</Length>
    <BlockList><Block Offset="0" Length="2721" Id="AAAAAA==" Hash="263DC9C4B99C2177769C5EBE04787037" /><Block Offset="2721" Length="2721" Id="AQAAAA==" Hash="0C52BAE2CC20EFEC15CC1E3045517AA6" /><Block Offset="5442" Length="5442" Id="AgAAAA==" Hash="73D1CB62CB426230C34C9F57B7148F10" /></BlockList></Blob></BlobList>
</Drive></DriveManifest>`
  const { header, blobs } = await read(text)
  assert.deepEqual([header.version, header.driveId, header.credential], ['2011-10-01', '9WM35C3U', undefined])
  assert.deepEqual(
    blobs.map(({ kind, disposition, line }) => [kind, disposition, line]),
    [
      ['page', undefined, 4],
      ['block', undefined, 7],
    ],
  )
  assert.deepEqual([...(blobs[0]?.offsets ?? [])], [0, 7168])
  assert.equal(blobs[0]?.properties?.path, '\\pictures\\city\\redmond.jpg.properties')
  assert.deepEqual(blobs[1]?.ids, ['AAAAAA==', 'AQAAAA==', 'AgAAAA=='])
})

const accepted: readonly (readonly [string, string])[] = [
  ['a byte order mark', `\uFEFF${withBlob(goodBlob)}`],
  ['no XML declaration', withBlob(goodBlob).replace(/^.*\n/, '')],
  ['a comment', withBlob(`<!-- x -->${goodBlob}`)],
  ['a name in CDATA', withBlob(goodBlob.replace('pictures/a.jpg', '<![CDATA[pictures/a.jpg]]>'))],
  [
    'client data of any content',
    withBlob(goodBlob.replace('<Length>', '<ClientData>x<y z="1">t</y></ClientData><Length>')),
  ],
  ['a list without blobs', withBlob('')],
  ['a hash in lower case', withBlob(goodBlob.replace(hash, hash.toLowerCase()))],
  ['an empty file with no block', withBlocks(0, '')],
  ['an empty file with an empty block', withBlocks(0, block.replace('"10"', '"0"'))],
  [
    'equal blocks with equal ids',
    withBlocks(20, [0, 10].map((at) => `<Block Offset="${at}" Length="10" Id="AAAA" Hash="${hash}"/>`).join('')),
  ],
  ['a page blob without ranges', withBlocks(512, '', 'PageRangeList')],
  ['blobs of the root container', withBlob(goodBlob.replace('pictures/a', '$root/a'))],
]
for (const [what, text] of accepted) {
  test(`${what} is accepted`, async () => void (await read(text)))
}

// Place: line and column of the element; the first column is 1.
type Refused = readonly (readonly [what: string, text: string, message: RegExp, line?: number, column?: number])[]
const refused: Refused = [
  ['another root', '<Drive></Drive>', /root element is "Drive"/, 1, 1],
  ['no version', withBlob(goodBlob).replace(' Version="2014-11-01"', ''), /Version is missing/, 2, 1],
  ['no drive', '<DriveManifest Version="2014-11-01"></DriveManifest>', /no Drive/],
  ['a second drive', withBlob(goodBlob).replace('</Drive>', '</Drive><Drive></Drive>'), /second Drive/],
  ['no blob list', `${start}${end}`, /no BlobList/],
  [
    'a blob list before the DriveId',
    `${start.replace(/<DriveId>.*<\/DriveId>/, '')}<BlobList/>${end}`,
    /DriveId has to stand before/,
    4,
    1,
  ],
  [
    'a ClientCreator behind a blob list',
    `${start}<BlobList/><ClientCreator>x</ClientCreator>${end}`,
    /before the first BlobList/,
  ],
  [
    'two credentials',
    `${start}<StorageAccountKey>a</StorageAccountKey><ContainerSas>b</ContainerSas><BlobList/>${end}`,
    /both a StorageAccountKey/,
  ],
  [
    'an unknown element',
    withBlob(goodBlob.replace('<Length>', '<Size>1</Size><Length>')),
    /Blob has no element "Size"/,
    5,
    78,
  ],
  [
    'an unknown attribute',
    withBlocks(10, block.replace('Offset', 'Crc="1" Offset')),
    /Block has no attribute "Crc"/,
    6,
    1,
  ],
  ['text between elements', withBlob(`stray${goodBlob}`), /BlobList has text in it: "stray"/],
  [
    'a list property behind blobs',
    withBlob(`${goodBlob}<MetadataPath Hash="${hash}">\\m</MetadataPath>`),
    /before its blobs/,
  ],
  ['a blob without a path', withBlob(goodBlob.replace(/<BlobPath>.*<\/BlobPath>/, '')), /no BlobPath/, 5, 1],
  [
    'a blob without a length',
    withBlob(goodBlob.replace('<Length>10</Length>', '')),
    /Length has to stand before BlockList/,
  ],
  [
    'a blob without blocks',
    withBlob(`<Blob>${paths}<Length>10</Length></Blob>`),
    /neither a PageRangeList nor a BlockList/,
    5,
    1,
  ],
  ['both lists', withBlob(goodBlob.replace('</Blob>', '<PageRangeList/></Blob>')), /not both/],
  ['two block lists', withBlob(goodBlob.replace('</Blob>', '<BlockList/></Blob>')), /second BlockList/],
  ['two lengths', withBlob(goodBlob.replace('<Length>', '<Length>9</Length><Length>')), /second Length/],
  ['a negative length', withBlocks(-1, block), /Length is "-1"/],
  ['a length beyond 2^53', withBlocks('9007199254740993', block), /Length is "9007199254740993"/],
  [
    'an unknown disposition',
    withBlob(goodBlob.replace('<BlockList>', '<ImportDisposition>Rename</ImportDisposition><BlockList>')),
    /ImportDisposition is "Rename"/,
  ],
  [
    'a metadata path without a hash',
    withBlob(goodBlob.replace('</Blob>', '<MetadataPath>\\m</MetadataPath></Blob>')),
    /Hash is missing/,
  ],
]
const refusedPaths: Refused = [
  ['a path that climbs', withBlob(goodBlob.replace('\\pictures\\', '\\..\\')), /a part of it is "\.\."/],
  ['a path without a backslash', withBlob(goodBlob.replace('\\pictures\\', 'pictures\\')), /begins with a backslash/],
  ['a path with a stream', withBlob(goodBlob.replace('\\a.jpg', '\\a.jpg:x')), /has no ":"/],
  [
    'a metadata path that climbs',
    withBlob(goodBlob.replace('</Blob>', `<MetadataPath Hash="${hash}">\\..\\m</MetadataPath></Blob>`)),
    /a part of it/,
  ],
  ['a blob without a container', withBlob(goodBlob.replace('pictures/a', '/a')), /no container/],
  ['a container in capitals', withBlob(goodBlob.replace('pictures/a', 'Pictures/a')), /lowercase/],
  ['a blob name that climbs', withBlob(goodBlob.replace('pictures/a', 'pictures/../a')), /\. or \.\./],
  ['a blob name with a line break', withBlob(goodBlob.replace('pictures/a', 'pictures/a&#10;b')), /has no "\\n"/],
]
const refusedBlocks: Refused = [
  ['a hash of 31 digits', withBlocks(10, block.replace(hash, hash.slice(1))), /expected 32 hexadecimal digits/, 6, 1],
  [
    'a gap between blocks',
    withBlocks(20, `${block}\n${block.replace('"0"', '"11"')}`),
    /begins at 11, but the one before it ends at 10/,
    7,
    1,
  ],
  ['overlapping blocks', withBlocks(20, `${block}\n${block.replace('"0"', '"9"')}`), /begins at 9/, 7, 1],
  ['blocks that end early', withBlocks(11, block), /pictures\/a\.jpg: its blocks end at byte 10 of 11/, 5, 1],
  ['blocks that end late', withBlocks(9, block), /past the end of the file, 9/, 6, 1],
  ['an empty block', withBlocks(10, `<Block Offset="0" Length="0" Hash="${hash}"/>`), /has no bytes/],
  ['a block over 4 MiB', withBlocks(4194305, block.replace('"10"', '"4194305"')), /at most 4194304 are allowed/, 6, 1],
  ['a blob larger than any', withBlocks(50_000 * 100 * 1048576 + 1, block), /more than a block blob holds/],
  [
    'ids for some blocks only',
    withBlocks(20, `${block}<Block Offset="10" Length="10" Id="AAAA" Hash="${hash}"/>`),
    /others before it have none/,
  ],
  [
    'ids for the first blocks only',
    withBlocks(20, `<Block Offset="0" Length="10" Id="AAAA" Hash="${hash}"/>${block.replace('"0"', '"10"')}`),
    /others before it have one/,
  ],
  [
    'ids of different lengths',
    withBlocks(
      20,
      `<Block Offset="0" Length="10" Id="AAAA" Hash="${hash}"/><Block Offset="10" Length="10" Id="AAAAAAAA" Hash="${hash}"/>`,
    ),
    /another length/,
  ],
  ['an id that is no Base64', withBlocks(10, block.replace('Hash', 'Id="A*==" Hash')), /expected Base64/],
  [
    'an id of 65 bytes',
    withBlocks(10, block.replace('Hash', `Id="${Buffer.alloc(67).toString('base64')}" Hash`)),
    /expected Base64/,
  ],
  [
    'one id for different blocks',
    withBlocks(
      20,
      `<Block Offset="0" Length="10" Id="AAAA" Hash="${hash}"/><Block Offset="10" Length="10" Id="AAAA" Hash="${otherHash}"/>`,
    ),
    /same id and different hashes/,
  ],
  [
    'no ids over 64 MiB',
    withBlocks(
      67108865,
      Array.from(
        { length: 17 },
        (_, index) => `<Block Offset="${index * 4194304}" Length="${index === 16 ? 1 : 4194304}" Hash="${hash}"/>`,
      ).join(''),
    ),
    /have no ids/,
  ],
  ['a page blob of no whole pages', withBlocks(513, '', 'PageRangeList'), /not a whole number of 512-byte pages/],
  [
    'an unaligned range',
    withBlocks(1024, `<PageRange Offset="256" Length="512" Hash="${hash}"/>`, 'PageRangeList'),
    /whole 512-byte pages/,
    6,
    1,
  ],
  [
    'a range of odd length',
    withBlocks(1024, `<PageRange Offset="0" Length="100" Hash="${hash}"/>`, 'PageRangeList'),
    /whole 512-byte pages/,
  ],
  [
    'a range over 4 MiB',
    withBlocks(8388608, `<PageRange Offset="0" Length="4194816" Hash="${hash}"/>`, 'PageRangeList'),
    /at most 4194304/,
  ],
  [
    'ranges out of order',
    withBlocks(
      1024,
      `<PageRange Offset="512" Length="512" Hash="${hash}"/><PageRange Offset="0" Length="512" Hash="${hash}"/>`,
      'PageRangeList',
    ),
    /before the end of the one before it/,
  ],
  [
    'a range past the end',
    withBlocks(512, `<PageRange Offset="512" Length="512" Hash="${hash}"/>`, 'PageRangeList'),
    /past the end of the file/,
  ],
]
const refusedXml: Refused = [
  ['an empty file', '', /cut off|root element/],
  [
    'a document type',
    `<!DOCTYPE x [<!ENTITY e "y">]>${withBlob(goodBlob).replace(/^.*\n/, '')}`,
    /document type is not allowed/,
  ],
  ['an entity', withBlob(goodBlob.replace('a.jpg', '&e;')), /entity/],
  ['another encoding', withBlob(goodBlob).replace('UTF-8', 'UTF-16'), /encoding is UTF-16/, 1, 1],
  ['an unclosed element', withBlob(goodBlob).slice(0, -10), /unclosed|cut off/],
  ['a second root', `${withBlob(goodBlob)}<DriveManifest/>`, /one root|follows the end/],
  ['text behind the root', `${withBlob(goodBlob)}${' '.repeat(200_000)}x`, /follows the end/],
  ['a control character', withBlob(goodBlob.replace('a.jpg', '&#1;')), /character/],
]
for (const [code, rows] of [
  ['MANIFEST_INVALID', refused],
  ['MANIFEST_PATH', refusedPaths],
  ['MANIFEST_BLOCKS', refusedBlocks],
  ['MANIFEST_XML', refusedXml],
] as const) {
  for (const [what, text, message, line, column] of rows) {
    test(`${what} is refused as ${code}`, async () => {
      await assert.rejects(read(text), (error) => {
        assert.ok(error instanceof TransferError)
        assert.match(error.message, message)
        assert.equal(error.code, code)
        if (line !== undefined) assert.equal(error.line, line)
        if (column !== undefined) assert.equal(error.column, column)
        return true
      })
    })
  }
}

test('a file above 200 GB may have larger blocks, just as many as it needs', async () => {
  const count = 25_001
  const length = 8 * 1048576
  const blocks = Array.from(
    { length: count },
    (_, index) => `<Block Offset="${index * length}" Length="${length}" Id="AAAA" Hash="${hash}"/>`,
  )
  const { blobs } = await read(withBlocks(count * length, blocks.join('\n')))
  assert.equal(blobs[0]?.offsets.length, count)
})

test('text that is not UTF-8 is refused', async () => {
  const text = Buffer.from(withBlob(goodBlob))
  text[text.indexOf('a.jpg')] = 0xff
  await assert.rejects(read(text), { code: 'MANIFEST_XML', message: /not UTF-8/ })
})

const limited: readonly (readonly [string, string, ManifestReaderOptions, RegExp])[] = [
  [
    'depth',
    withBlob(goodBlob.replace('<Length>', `<ClientData>${'<x>'.repeat(50)}${'</x>'.repeat(50)}</ClientData><Length>`)),
    {},
    /more than 32 deep/,
  ],
  ['text', withBlob(goodBlob.replace('a.jpg', 'a'.repeat(70_000))), {}, /longer than 65536/],
  ['text in parts', withBlob(goodBlob.replace('a.jpg', `a${'a<!---->'.repeat(70_000)}`)), {}, /longer than 65536/],
  ['an attribute', withBlob(goodBlob.replace(hash, 'A'.repeat(70_000))), {}, /longer than 65536/],
  [
    'a tag of attributes',
    `<DriveManifest ${Array.from({ length: 300_000 }, (_, index) => `a${index}="1"`).join(' ')}>`,
    {},
    /longer than/,
  ],
  ['a comment', withBlob(`<!--${'x'.repeat(3 << 20)}-->`), {}, /longer than 1048576 bytes/],
  ['a tag', `<DriveManifest${' '.repeat(3 << 20)}>`, {}, /longer than 1048576 bytes/],
  ['a name', `<${'D'.repeat(3 << 20)}>`, {}, /longer than 1048576 bytes/],
  ['blobs', withBlob(goodBlob.repeat(3)), { blobsMax: 2 }, /more than 2 blobs/],
  [
    'ranges',
    withBlocks(
      1024,
      [0, 512].map((at) => `<PageRange Offset="${at}" Length="512" Hash="${hash}"/>`).join(''),
      'PageRangeList',
    ),
    { rangesMax: 1 },
    /more than 1 blocks/,
  ],
]
for (const [what, text, options, message] of limited) {
  test(`there is a limit for ${what}`, async () => {
    await assert.rejects(read(text, options), (error) => {
      assert.ok(error instanceof TransferError)
      assert.match(error.message, message)
      const other = { blobs: 'MANIFEST_INVALID', ranges: 'MANIFEST_BLOCKS' }
      assert.equal(error.code, (other as Record<string, string>)[what] ?? 'MANIFEST_XML')
      return true
    })
  })
}

test('damage of any kind gives a manifest within the rules or one of its errors', async () => {
  const random = xorshift(2014)
  const whole = Buffer.from(
    withBlob(
      `<MetadataPath Hash="${hash}">\\m.xml</MetadataPath>${goodBlob}<Blob>${paths}<Length>1024</Length><ImportDisposition>rename</ImportDisposition>` +
        `<PageRangeList><PageRange Offset="512" Length="512" Hash="${hash}"/></PageRangeList></Blob>`,
    ),
  )
  let refusals = 0
  for (let round = 0; round < 4000; round++) {
    try {
      const { header, blobs } = await read(mutate(whole, random))
      assert.notEqual(header.driveId, '')
      for (const { filePath, digests, offsets } of blobs) {
        assert.ok(filePath.startsWith('\\') && !filePath.split('\\').includes('..'))
        assert.equal(digests.length, offsets.length * 16)
      }
    } catch (error) {
      assert.ok(
        error instanceof TransferError && /^MANIFEST_(INVALID|XML|PATH|BLOCKS)$/.test(error.code),
        String(error),
      )
      refusals += 1
    }
  }
  assert.ok(refusals > 1000 && refusals < 4000, `${refusals} were refused`)
})
