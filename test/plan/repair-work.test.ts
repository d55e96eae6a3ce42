import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { readCopyLog } from '../../src/formats/copy-log-reader.js'
import type { ReadManifestBlob } from '../../src/formats/manifest-reader.js'
import { planRepair, type RepairBlob } from '../../src/plan/repair-plan.js'
import { completeBlocks, type RepairWork, workFromLog, workFromManifest } from '../../src/plan/repair-work.js'

const hashOf = (index: number) => createHash('md5').update(String(index)).digest()
const idOf = (index: number) => Buffer.from([index, 0, 0, 0]).toString('base64')

/** Blocks or pages of 512 bytes. */
function element(index: number, { kind = 'Block', id = true, hash = true, status = 'Corrupted', bytes = 512 } = {}) {
  const idText = id && kind === 'Block' ? ` Id="${idOf(index)}"` : ''
  const hashText = hash ? ` Hash="${hashOf(index).toString('hex').toUpperCase()}"` : ''
  return `<${kind} Offset="${index * 512}" Length="${bytes}"${idText}${hashText} Status="${status}"/>`
}

const created = '<ImportDisposition Status="Created">rename</ImportDisposition>'
async function stepOf(
  inside: string,
  { length = 2048, path = 'ccc/a.bin', disposition = created } = {},
): Promise<RepairBlob> {
  const text = `<DriveLog><Blob Status="CompletedWithErrors"><BlobPath>${path}</BlobPath><FilePath>\\ccc\\a.bin</FilePath><Length>${length}</Length>${disposition}${inside}</Blob></DriveLog>`
  for await (const step of planRepair(readCopyLog([Buffer.from(text)]))) if (step.kind === 'blob') return step
  throw new Error('nothing to repair')
}
const blocks = (...elements: string[]) => `<BlockList>${elements.join('')}</BlockList>`
const pages = (...elements: string[]) => `<PageRangeList>${elements.join('')}</PageRangeList>`

const manifest: ReadManifestBlob = {
  kind: 'block',
  blobPath: 'ccc/a.bin',
  filePath: '\\ccc\\a.bin',
  lengthBytes: 2048,
  offsets: Float64Array.of(0, 512, 1024, 1536),
  lengths: Float64Array.of(512, 512, 512, 512),
  digests: Buffer.concat([0, 1, 2, 3].map(hashOf)),
  ids: [0, 1, 2, 3].map(idOf),
  disposition: 'no-overwrite',
  snapshot: undefined,
  metadata: undefined,
  properties: undefined,
  list: { id: undefined, metadata: undefined, properties: undefined },
  line: 1,
}

test('with the manifest everything is known, and the log says what is missing', async () => {
  const work = workFromManifest(await stepOf(blocks(element(1), element(3))), manifest) as RepairWork
  assert.deepEqual([...work.isMissing], [0, 1, 0, 1])
  assert.deepEqual([work.data, work.isComplete, work.blob.disposition], ['part', true, 'overwrite'])
  const undecided = '<ImportDisposition Status="Cancelled">no-overwrite</ImportDisposition>'
  const whole = workFromManifest(await stepOf('', { disposition: undecided }), manifest) as RepairWork
  assert.deepEqual([[...whole.isMissing], whole.data, whole.blob.disposition], [[1, 1, 1, 1], 'whole', 'no-overwrite'])
})

for (const [name, inside, options, says] of [
  ['another length', blocks(element(1)), { length: 4096 }, /4096 bytes, the manifest of the drive 2048/],
  ['another kind', pages(element(1, { kind: 'PageRange' })), {}, /page blob, the manifest of the drive a block blob/],
  ['another container', blocks(element(1)), { path: 'ddd/a.bin' }, /ddd\/a\.bin/],
  ['another name', blocks(element(1)), { path: 'ccc/b.bin' }, /ccc\/b\.bin/],
  [
    'another hash',
    blocks(
      element(1)
        .replace(/Hash="./, 'Hash="0')
        .replace(/Hash="0./, 'Hash="00'),
    ),
    {},
    /other hashes/,
  ],
] as const) {
  test(`a log with ${name} than the manifest is not followed`, async () => {
    const refusal = workFromManifest(await stepOf(inside, options), manifest)
    assert.ok('refused' in refusal)
    assert.match(refusal.refused, says)
  })
}

test('a blob that was renamed when it was imported is the same blob', async () => {
  const work = workFromManifest(await stepOf(blocks(element(1)), { path: 'ccc/a (12).bin' }), manifest)
  assert.equal('refused' in work ? work.refused : work.blob.blobPath, 'ccc/a (12).bin')
})

for (const [name, inside, options, says] of [
  ['no hashes', blocks(element(1, { hash: false })), {}, /no hashes/],
  ['no blocks', '<BlockList/>', {}, /none of its blocks/],
  ['blocks that do not begin at 0', blocks(element(1, { id: false }), element(2)), {}, /begins at 512/],
  ['pages that are none', pages(element(0, { kind: 'PageRange', bytes: 100 })), {}, /whole 512-byte pages/],
  ['a block that is longer than any', blocks(element(0, { bytes: 300 << 20 })), { length: 400 << 20 }, /at most/],
  ['an id that is none', blocks(element(1).replace(/Id="[^"]*"/, 'Id="%%%%"')), {}, /Base64/],
] as const) {
  test(`a log alone with ${name} is not enough`, async () => {
    const refusal = workFromLog(await stepOf(inside, options))
    assert.ok('refused' in refusal)
    assert.match(refusal.refused, says)
    assert.match(refusal.refused, /--drive/)
  })
}

const stored = (...indexes: number[]) => indexes.map((index) => ({ id: idOf(index), sizeBytes: 512 }))
for (const [name, committed, ids] of [
  ['those around them', stored(0, 2), [0, 1, 2, 3]],
  ['those around them and old ones of the same id', stored(0, 1, 2, 3), [0, 1, 2, 3]],
  ['too few', stored(0), undefined],
  ['too many', stored(0, 2, 5), undefined],
  ['one of another length', [{ id: idOf(0), sizeBytes: 500 }, ...stored(2)], undefined],
  ['none', [], undefined],
] as const) {
  test(`missing blocks and ${name} ${ids === undefined ? 'do not make a blob' : 'make the blob'}`, async () => {
    const part = workFromLog(await stepOf(blocks(element(3), element(1)))) as RepairWork
    assert.deepEqual([part.isComplete, [...part.blob.offsets]], [false, [512, 1536]])
    const complete = completeBlocks(part, committed)
    assert.deepEqual(complete?.blob.ids, ids?.map(idOf))
    if (complete === undefined) return
    assert.deepEqual([...complete.isMissing], [0, 1, 0, 1])
    assert.deepEqual(complete.blob.digests.subarray(16, 32), hashOf(1))
  })
}
