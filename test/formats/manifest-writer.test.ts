import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  blockBytesFor,
  type ManifestBlob,
  type ManifestHeader,
  manifestBlobLength,
  manifestFrameLength,
  writeManifest,
} from '../../src/formats/manifest-writer.js'
import { xorshift } from './mutate.js'

const header: ManifestHeader = { driveId: '9WM35C2V', clientCreator: 'diskferry 0.1.0', lists: [{ id: 'session#1-0' }] }
const hash = 'd863fe44f861ae0da4dceaeefffcCCE6'.padEnd(32, '8')

function blob(overrides: Partial<ManifestBlob> = {}): ManifestBlob {
  return {
    blobPath: 'pictures/bob/wild/desert.jpg',
    filePath: '\\pictures\\bob\\wild\\desert.jpg',
    lengthBytes: 98304,
    blobType: 'block',
    disposition: 'overwrite',
    blockBytes: 65536,
    list: 0,
    ...overrides,
  }
}

function countedLength(manifest: ManifestHeader, blobs: readonly ManifestBlob[]): number {
  return blobs.reduce((sum, each) => sum + manifestBlobLength(each), manifestFrameLength(manifest))
}

function digestsFor({ lengthBytes, blockBytes }: ManifestBlob, seed = 1): Buffer {
  const digests = Buffer.alloc(16 * Math.ceil(lengthBytes / blockBytes))
  const random = xorshift(seed)
  for (let index = 0; index < digests.length; index++) digests[index] = random(256)
  return digests
}

function written(
  manifest: ManifestHeader,
  blobs: readonly ManifestBlob[],
  digests?: (index: number) => Buffer,
): string {
  return Buffer.concat([
    ...writeManifest(manifest, blobs, digests ?? ((i) => digestsFor(blobs[i] as ManifestBlob))),
  ]).toString()
}

test('a manifest has the elements of the grammar in their order, hashes in upper case, and ids made of the digest', () => {
  // The id and hash of one block come from a real copy log in the documentation of Azure Import/Export.
  const first = Buffer.from('700CE7E21ED55525977FAF7AAA9E546B', 'hex')
  const second = Buffer.from('DF54C531C9B3CA2570FDDDB3BCD0E27D', 'hex')
  const lists = [{ id: 'session#1-0', metadata: { path: '\\path\\metadata.xml', hash } }]
  assert.equal(
    written({ ...header, lists }, [blob()], () => Buffer.concat([first, second])),
    `<?xml version="1.0" encoding="UTF-8"?>
<DriveManifest Version="2014-11-01">
<Drive>
<DriveId>9WM35C2V</DriveId>
<ClientCreator>diskferry 0.1.0</ClientCreator>
<BlobList Id="session#1-0">
<MetadataPath Hash="${hash.toUpperCase()}">\\path\\metadata.xml</MetadataPath>
<Blob><BlobPath>pictures/bob/wild/desert.jpg</BlobPath><FilePath>\\pictures\\bob\\wild\\desert.jpg</FilePath><Length>98304</Length><ImportDisposition>overwrite</ImportDisposition><BlockList>
<Block Offset="0" Length="65536" Id="MD5/cAzn4h7VVSWXf696qp5Uaw==" Hash="700CE7E21ED55525977FAF7AAA9E546B"/>
<Block Offset="65536" Length="32768" Id="MD5/31TFMcmzyiVw/d2zvNDifQ==" Hash="DF54C531C9B3CA2570FDDDB3BCD0E27D"/>
</BlockList></Blob>
</BlobList>
</Drive>
</DriveManifest>
`,
  )
})

test('a credential stands behind the DriveId, and only when it is asked for', () => {
  assert.match(
    written({ ...header, credential: { storageAccountKey: 'a+b/c==' } }, []),
    /<\/DriveId>\n<StorageAccountKey>a\+b\/c==<\//,
  )
  assert.match(
    written({ ...header, credential: { containerSas: 'c?sv=1&sig=x' } }, []),
    /<\/DriveId>\n<ContainerSas>c\?sv=1&amp;sig=x<\/ContainerSas>\n<ClientCreator>/,
  )
  assert.doesNotMatch(written(header, []), /StorageAccountKey|ContainerSas/)
})

test('lists without blobs are written too, and blobs stand in their list', () => {
  const lists = [{ id: 'a-0' }, { id: 'a-1' }, { id: 'a-2' }]
  const text = written({ ...header, lists }, [blob({ list: 1, lengthBytes: 0 })])
  assert.deepEqual(
    [...text.matchAll(/<(BlobList Id="[^"]*"|\/BlobList|Blob)>/g)].map(([, found]) => found),
    ['BlobList Id="a-0"', '/BlobList', 'BlobList Id="a-1"', 'Blob', '/BlobList', 'BlobList Id="a-2"', '/BlobList'],
  )
})

test('the counted length is the written length for every shape of blob without zero ranges', () => {
  const random = xorshift(99)
  const lists = [
    { id: 'é&-0', metadata: { path: '\\m&m.xml', hash } },
    { id: 'x-1', properties: { path: '\\p.xml', hash } },
  ]
  const manifest = { ...header, clientCreator: 'a < b > "c"', lists }
  const names = ['a', 'größe', '🚢 & <x>"y"', "it's", '\u0085', 'x'.repeat(1000), 'tab\there']
  const blobs: ManifestBlob[] = []
  for (let index = 0; index < 600; index++) {
    const isPage = random(2) === 1
    const blockBytes = [512, 4096, 65536, 4 << 20][random(4)] as number
    const units = random(isPage ? 300 : 300_000)
    const lengthBytes = [0, isPage ? 512 : 1, blockBytes, isPage ? units * 512 : units, blockBytes * random(40)][
      random(5)
    ] as number
    const name = names[random(names.length)] as string
    blobs.push({
      ...blob({ blobPath: `container/${name}`, filePath: `\\container\\${name}`, lengthBytes, blockBytes }),
      blobType: isPage ? 'page' : 'block',
      disposition: (['rename', 'no-overwrite', 'overwrite'] as const)[random(3)] as 'rename',
      list: index < 300 ? 0 : 1,
      ...(random(4) === 0 ? { metadata: { path: `\\${name}.xml`, hash } } : {}),
      ...(random(4) === 0 ? { properties: { path: `\\${name}.p&p`, hash } } : {}),
    })
  }
  assert.equal(Buffer.byteLength(written(manifest, blobs)), countedLength(manifest, blobs))
  for (const each of blobs) {
    assert.equal(Buffer.byteLength(written(manifest, [each])), countedLength(manifest, [each]), JSON.stringify(each))
  }
})

test('offsets of a blob with as many blocks as there can be are counted like they are written', () => {
  for (const lengthBytes of [50_000 * (4 << 20), 50_000 * (4 << 20) + 1, 50_000 * 100 * (1 << 20) - 1]) {
    const each = blob({ lengthBytes, blockBytes: blockBytesFor(lengthBytes) })
    let bytes = 0
    for (const piece of writeManifest(header, [each], () => digestsFor(each))) bytes += piece.length
    assert.equal(bytes, countedLength(header, [each]))
  }
})

test('page ranges of zeros are left out, so the text is shorter than counted by just these', () => {
  const random = xorshift(5)
  for (let round = 0; round < 50; round++) {
    const lengthBytes = 512 * (1 + random(200))
    const page = blob({ blobType: 'page', lengthBytes, blockBytes: 4096 })
    const digests = digestsFor(page, round + 1)
    let left = ''
    for (let offset = 0, place = 0; offset < lengthBytes; offset += 4096, place += 16) {
      const length = Math.min(4096, lengthBytes - offset)
      if (random(2) === 0) continue
      const zeros = createHash('md5').update(Buffer.alloc(length)).digest()
      zeros.copy(digests, place)
      left += `<PageRange Offset="${offset}" Length="${length}" Hash="${zeros.toString('hex').toUpperCase()}"/>\n`
    }
    const text = written(header, [page], () => digests)
    assert.equal(text.length + left.length, countedLength(header, [page]))
    assert.doesNotMatch(text, / Id="MD5/)
  }
})

test('a page blob of nothing but zeros keeps an empty list', () => {
  const page = blob({ blobType: 'page', lengthBytes: 4096, blockBytes: 4096 })
  const zeros = createHash('md5').update(Buffer.alloc(4096)).digest()
  assert.match(
    written(header, [page], () => zeros),
    /<PageRangeList>\n<\/PageRangeList><\/Blob>/,
  )
})

test('padding behind the root element brings the manifest to the counted length', () => {
  const page = blob({ blobType: 'page', lengthBytes: 3 << 20, blockBytes: 512 })
  const zeros = createHash('md5').update(Buffer.alloc(512)).digest()
  const digests = Buffer.concat(Array.from({ length: 6144 }, () => zeros))
  const padToBytes = countedLength(header, [page]) + (2 << 20)
  const pieces = [...writeManifest(header, [page], () => digests, { padToBytes })]
  const text = Buffer.concat(pieces).toString()
  assert.equal(text.length, padToBytes)
  assert.match(text, /<\/DriveManifest>\n+$/)
  assert.throws(() => [...writeManifest(header, [page], () => digests, { padToBytes: 10 })], RangeError)
})

test('a long manifest comes in pieces of about a mebibyte', () => {
  const blobs = Array.from({ length: 20_000 }, (_, index) => blob({ blobPath: `container/${index}` }))
  const sizes = [...writeManifest(header, blobs, () => Buffer.alloc(32, 1))].map((piece) => piece.length)
  assert.ok(sizes.length > 5)
  assert.ok(sizes.every((size) => size < 1.1 * 1024 ** 2))
})

const refused: readonly (readonly [string, ManifestHeader, ManifestBlob, Buffer])[] = [
  ['a missing digest', header, blob(), Buffer.alloc(16)],
  ['a digest too many', header, blob(), Buffer.alloc(48)],
  ['a list that is not there', header, blob({ list: 1 }), Buffer.alloc(32)],
  ['more than 50,000 blocks', header, blob({ lengthBytes: 50_001, blockBytes: 1 }), Buffer.alloc(16 * 50_001)],
  ['a name that XML cannot hold', header, blob({ blobPath: 'c/\uFFFE' }), Buffer.alloc(32)],
  ['half a surrogate pair', header, blob({ filePath: '\\c\\\uD800' }), Buffer.alloc(32)],
  ['a control character', header, blob({ filePath: '\\c\\\u0001' }), Buffer.alloc(32)],
  ['a page blob of no whole pages', header, blob({ blobType: 'page', lengthBytes: 513 }), Buffer.alloc(16)],
  ['no list at all', { ...header, lists: [] }, blob(), Buffer.alloc(32)],
  [
    'a hash that is none',
    { ...header, lists: [{ id: 'a', metadata: { path: '\\m', hash: '12' } }] },
    blob(),
    Buffer.alloc(32),
  ],
]
for (const [what, manifest, each, digests] of refused) {
  test(`${what} is the caller's mistake`, () => {
    assert.throws(() => [...writeManifest(manifest, [each], () => digests)], RangeError)
  })
}

test('blobs that come after those of a later list are refused', () => {
  const lists = [{ id: 'a-0' }, { id: 'a-1' }]
  assert.throws(() => written({ ...header, lists }, [blob({ list: 1 }), blob({ list: 0 })]), RangeError)
})
