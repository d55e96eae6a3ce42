import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCopyLog } from '../../src/formats/copy-log-reader.js'
import {
  planRepair,
  type RepairBlob,
  type RepairEnd,
  type RepairRanges,
  type RepairStep,
} from '../../src/plan/repair-plan.js'

async function plan(text: string): Promise<{ steps: RepairStep[]; end: RepairEnd }> {
  const steps: RepairStep[] = []
  for await (const step of planRepair(readCopyLog([Buffer.from(text)]))) steps.push(step)
  const end = steps.pop()
  assert.ok(end?.kind === 'end')
  return { steps, end }
}

const hashes = ['9C8AE14A55241F98533C4D80D85CDC68', 'DF54C531C9B3CA2570FDDDB3BCD0E27D']
const created = '<ImportDisposition Status="Created">rename</ImportDisposition>'
const paths = '<BlobPath>ccc/d/a.bin</BlobPath><FilePath>\\ccc\\d\\a.bin</FilePath>'
function blob(status: string, inside: string, length = 3000, disposition = created, names = paths): string {
  return `<Blob Status="${status}">${names}<Length>${length}</Length>${disposition}${inside}</Blob>`
}
function log(...blobs: string[]): string {
  return `<DriveLog Version="2014-11-01"><DriveId>9WM35C2V</DriveId>${blobs.join('')}<Status>CompletedWithErrors</Status></DriveLog>`
}
function block(index: number, status: string, more = ` Id="AAA${index}" Hash="${hashes[index % 2]}"`): string {
  return `<Block Offset="${index * 1000}" Length="1000"${more} Status="${status}"/>`
}
function blocks(...content: string[]): string {
  return `<BlockList>${content.join('')}</BlockList>`
}
function pages(...ranges: [offset: number, length: number, status: string][]): string {
  const list = ranges.map(
    ([offset, length, status]) => `<PageRange Offset="${offset}" Length="${length}" Status="${status}"/>`,
  )
  return `<PageRangeList>${list.join('')}</PageRangeList>`
}

/** `none`, `whole`, or the ranges as offset+length. */
function dataOf({ data }: RepairBlob): string {
  if (typeof data === 'string') return data
  return Array.from({ length: data.count }, (_, index) => `${data.offsets[index]}+${data.lengths[index]}`).join(' ')
}

const metadataFailed = `<Metadata Status="XmlReadFailed"><Path Hash="${hashes[0]}">\\m.xml</Path></Metadata>`
const table: [name: string, text: string, data: string | undefined, disposition?: string][] = [
  ['a blob that completed', blob('Completed', blocks(block(0, 'Completed'), block(1, 'Committed'))), undefined],
  ['one damaged block', blob('CompletedWithErrors', blocks(block(1, 'Corrupted'))), '1000+1000'],
  [
    'one damaged block in a verbose log',
    blob('CompletedWithErrors', blocks(block(0, 'Committed'), block(1, 'Failed'), block(2, 'Committed'))),
    '1000+1000',
  ],
  [
    'a block that was sent and not committed',
    blob('CompletedWithErrors', blocks(block(2, 'Uncommitted'))),
    '2000+1000',
  ],
  [
    'blocks out of order',
    blob('CompletedWithErrors', blocks(block(2, 'Failed'), block(0, 'IOFailed'))),
    '0+1000 2000+1000',
  ],
  ['a status that is not known', blob('CompletedWithErrors', blocks(block(1, 'Melted'))), '1000+1000'],
  [
    'all blocks',
    blob('CompletedWithErrors', blocks(block(0, 'Failed'), block(1, 'Failed'), block(2, 'Failed'))),
    'whole',
  ],
  ['a damaged block without an id', blob('CompletedWithErrors', blocks(block(1, 'Corrupted', ''))), 'whole'],
  ['blocks that overlap', blob('CompletedWithErrors', blocks(block(1, 'Failed'), block(1, 'Failed'))), 'whole'],
  ['a blob that somebody else changed', blob('BlobUnexpectedChange', blocks(block(1, 'Failed'))), 'whole'],
  ['a lease, no blocks listed', blob('LeasePresent', ''), 'whole'],
  [
    'a failure after all blocks',
    blob('BlobRequestFailed', blocks(block(0, 'Completed'), block(1, 'Completed'))),
    'whole',
  ],
  ['errors that are not named', blob('CompletedWithErrors', ''), 'whole'],
  ['metadata alone', blob('CompletedWithErrors', metadataFailed), 'none'],
  ['metadata of a blob that completed', blob('Completed', metadataFailed), 'none'],
  ['pages', blob('CompletedWithErrors', pages([0, 512, 'Completed'], [512, 1024, 'Corrupted']), 4096), '512+1024'],
  ['pages that are no pages', blob('CompletedWithErrors', pages([10, 512, 'Corrupted']), 4096), 'whole'],
  ['a container under another name', blob('ContainerRenamed', ''), undefined],
  [
    'a file that was not found: the name is still to be decided',
    blob(
      'FileNotFound',
      blocks(block(0, 'Cancelled'), block(1, 'Cancelled')),
      2000,
      '<ImportDisposition Status="Cancelled">no-overwrite</ImportDisposition>',
    ),
    'whole',
    'no-overwrite',
  ],
  [
    'a part, while the name is still to be decided',
    blob(
      'Failed',
      blocks(block(1, 'Cancelled')),
      3000,
      '<ImportDisposition Status="Cancelled">overwrite</ImportDisposition>',
    ),
    'whole',
    'overwrite',
  ],
  [
    'a part in a log without dispositions',
    blob('CompletedWithErrors', blocks(block(1, 'Corrupted')), 3000, ''),
    '1000+1000',
  ],
  ['a whole blob in a log without dispositions', blob('Failed', '', 3000, ''), 'whole', 'rename'],
  [
    'a blob that was left alone',
    blob(
      'CompletedWithErrors',
      metadataFailed,
      3000,
      '<ImportDisposition Status="Skipped">no-overwrite</ImportDisposition>',
    ),
    undefined,
  ],
]
for (const [name, text, data, disposition] of table) {
  test(`${name}: ${data ?? 'nothing to do'}`, async () => {
    const { steps, end } = await plan(log(text))
    if (data === undefined) {
      assert.deepEqual(steps, [])
      assert.equal(end.sound, 1)
      return
    }
    const [step] = steps as [RepairBlob]
    assert.equal(step.kind, 'blob')
    assert.equal(dataOf(step), data)
    assert.equal(step.disposition, disposition)
  })
}

test('a damaged block keeps its id and hash, and a renamed blob its new name', async () => {
  const renamed = '<BlobPath>ccc/d/a (2).bin</BlobPath><FilePath>\\ccc\\d\\a.bin</FilePath>'
  const { steps, end } = await plan(
    log(
      blob(
        'CompletedWithErrors',
        blocks(block(2, 'Corrupted'), block(1, 'Corrupted')) + metadataFailed,
        3000,
        '<ImportDisposition Status="Renamed">rename</ImportDisposition>',
        renamed,
      ),
    ),
  )
  const [step] = steps as [RepairBlob]
  const data = step.data as RepairRanges
  assert.deepEqual([step.blobPath, step.filePath, step.disposition], ['ccc/d/a (2).bin', '\\ccc\\d\\a.bin', undefined])
  assert.deepEqual(data.ids, ['AAA1', 'AAA2'])
  assert.equal(data.digests?.toString('hex').toUpperCase(), `${hashes[1]}${hashes[0]}`)
  assert.deepEqual(step.metadata, { status: 'XmlReadFailed', path: '\\m.xml', hash: hashes[0], isGlobal: false })
  assert.equal(step.properties, undefined)
  assert.deepEqual(end, {
    kind: 'end',
    driveId: '9WM35C2V',
    status: 'CompletedWithErrors',
    sound: 0,
    whole: 0,
    inPart: 1,
    attachmentsOnly: 0,
    impossible: 0,
    bytes: 2000,
  })
})

const impossible: [name: string, names: string, reason: RegExp][] = [
  [
    'a file path that leads out of the drive',
    '<BlobPath>ccc/a</BlobPath><FilePath>\\ccc\\..\\..\\etc\\passwd</FilePath>',
    /file cannot be looked for/,
  ],
  [
    'a file path with slashes',
    '<BlobPath>ccc/a</BlobPath><FilePath>\\ccc/../../etc</FilePath>',
    /file cannot be looked for/,
  ],
  [
    'a blob path that leads elsewhere',
    '<BlobPath>ccc/../ddd/a</BlobPath><FilePath>\\ccc\\a</FilePath>',
    /blob cannot be named so/,
  ],
  ['no blob path', '<FilePath>\\ccc\\a</FilePath>', /does not name its blob/],
  ['no file path', '<BlobPath>ccc/a</BlobPath>', /does not name its file/],
]
for (const [name, names, reason] of impossible) {
  test(`not repaired and said so: ${name}`, async () => {
    const { steps, end } = await plan(log(blob('Failed', '', 1, created, names)))
    const [step] = steps
    assert.ok(step?.kind === 'impossible')
    assert.match(step.reason, reason)
    assert.equal(end.impossible, 1)
  })
}

test('2021-08-01: errors become whole blobs, containers and files of shares are named', async () => {
  const { steps, end } = await plan(
    `<ErroredEntity Path="ccc\\d/a.bin"><Category>UploadErrorCloudHttp</Category></ErroredEntity>
<ErroredEntity Path="ccc"><Category>UploadErrorCloudHttp</Category><Type>Container</Type></ErroredEntity>
<ErroredEntity Path="CV"><Category>ContainerRenamed</Category></ErroredEntity><File Path="ccc/ok"/>
<CopyLog><DriveId>72a1</DriveId><Status>Failed</Status></CopyLog>`,
  )
  assert.deepEqual(
    steps.map((step) => (step.kind === 'blob' ? [step.blobPath, step.filePath, step.data] : [step.kind])),
    [['ccc/d/a.bin', '\\ccc\\d\\a.bin', 'whole'], ['impossible']],
  )
  assert.deepEqual([end.sound, end.whole, end.impossible, end.driveId], [2, 1, 1, '72a1'])
  const share = await plan(
    '<DriveLog><File Status="Failed"><FileStoragePath>sss/a</FileStoragePath><FilePath>\\AzureFile\\sss\\a</FilePath></File></DriveLog>',
  )
  assert.ok(share.steps[0]?.kind === 'impossible' && /file of a share/.test(share.steps[0].reason))
})

test('a million bad pages of one blob are a plan of columns', async () => {
  const count = 1_000_000
  const chunks = function* () {
    yield Buffer.from(
      `<DriveLog><Blob Status="Failed">${paths}<Length>${count * 1024}</Length>${created}<PageRangeList>`,
    )
    for (let start = 0; start < count; start += 1000) {
      let text = ''
      for (let index = start; index < start + 1000; index++) {
        text += `<PageRange Offset="${index * 1024}" Length="512" Status="Corrupted"/>`
      }
      yield Buffer.from(text)
    }
    yield Buffer.from('</PageRangeList></Blob></DriveLog>')
  }
  const steps: RepairStep[] = []
  for await (const step of planRepair(readCopyLog(chunks()))) steps.push(step)
  const [step, end] = steps as [RepairBlob, RepairEnd]
  assert.equal((step.data as RepairRanges).count, count)
  assert.deepEqual([end.inPart, end.bytes], [1, count * 512])
})
