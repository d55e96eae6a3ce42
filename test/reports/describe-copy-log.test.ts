import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blobMeanings, driveMeanings, finalMeanings, meaningOf } from '../../src/formats/copy-log-codes.js'
import { readCopyLog } from '../../src/formats/copy-log-reader.js'
import { copyLogToJson, describeCopyLog } from '../../src/reports/describe-copy-log.js'

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
async function describe(text: string, all = false): Promise<string> {
  return (await collect(describeCopyLog(readCopyLog([Buffer.from(text)]), { all }))).join('\n')
}
async function objects(text: string, all = false): Promise<Record<string, unknown>[]> {
  return collect(copyLogToJson(readCopyLog([Buffer.from(text)]), { all }))
}

const block = (offset: number, status: string) => `<Block Offset="${offset}" Length="6000" Status="${status}"/>`
const text = `<DriveLog Version="2018-10-01"><DriveId>9WM35C2V</DriveId>
<Summary><ValidationErrors><None Count="1200"/></ValidationErrors><CopyErrors><Completed Count="2"/></CopyErrors></Summary>
<Blob Status="FileNotFound"><BlobPath>zoo/wombat.jpg</BlobPath><FilePath>\\zoo\\wombat.jpg</FilePath><Length>18000</Length>
<BlockList>${block(0, 'Cancelled')}${block(6000, 'Cancelled')}${block(12_000, 'Odd')}</BlockList></Blob>
<Blob Status="Completed"><BlobPath>zoo/bear.jpg</BlobPath><FilePath>\\zoo\\bear.jpg</FilePath><ImportDisposition Status="Skipped">no-overwrite</ImportDisposition></Blob>
<Blob Status="Completed"><BlobPath>zoo/fox (2).jpg</BlobPath><FilePath>\\zoo\\fox.jpg</FilePath><ImportDisposition Status="Renamed">rename</ImportDisposition></Blob>
<Blob Status="Completed"><BlobPath>zoo/owl.jpg</BlobPath><FilePath>\\zoo\\owl.jpg</FilePath><Properties Status="XmlReadFailed"><Path>\\zoo\\p.xml</Path></Properties></Blob>
<Status>CompletedWithErrors</Status></DriveLog>`

test('a log in words: what failed where and what to do, what has another name, and the rest counted', async () => {
  assert.equal(
    await describe(text),
    `Drive 9WM35C2V, copy log of format 2018-10-01
FileNotFound  zoo/wombat.jpg
  the file is not on the drive; \\zoo\\wombat.jpg, 17.6 KiB
  3 blocks of 3 in this log not imported:
    bytes 0 to 11,999 (2): Cancelled, not tried after an earlier failure
    bytes 12,000 to 17,999: Odd, a code that is not known here
  next: Look for the file where it came from, then run diskferry repair with this log.
Completed  zoo/fox (2).jpg
  completed; \\zoo\\fox.jpg
  a blob of its name was there, so it has this new name
Completed  zoo/owl.jpg
  completed; \\zoo\\owl.jpg
  properties: XmlReadFailed, its file cannot be read as XML; \\zoo\\p.xml
  next: Run diskferry repair with this log and the folder that the files came from.
In this log: 4 blobs, 2 completed, 1 of them under another name, 1 of them skipped because the blob was there, 2 failed.
Validation before the copy: None 1,200
Copy: Completed 2
CompletedWithErrors: some blobs, metadata or properties were not imported. Run diskferry repair with this log and the folder that the files came from.`.replace(
      'not imported.',
      'not imported.',
    ),
  )
})

test('--all shows what completed too', async () => {
  assert.doesNotMatch(await describe(text), /bear/)
  assert.match(
    await describe(text, true),
    /Completed {2}zoo\/bear.jpg\n {2}completed; \\zoo\\bear.jpg\n.*left as it is/,
  )
})

test('as objects: outcome, failed ranges put together, counts', async () => {
  const all = await objects(text, true)
  assert.deepEqual(
    all.map(({ event, outcome }) => [event, outcome]),
    [
      ['log', undefined],
      ['log-summary', undefined],
      ['log-blob', 'failed'],
      ['log-blob', 'skipped'],
      ['log-blob', 'renamed'],
      ['log-blob', 'failed'],
      ['log-end', undefined],
    ],
  )
  assert.deepEqual(all[2]?.failedRanges, [
    { offsetBytes: 0, lengthBytes: 12_000, status: 'Cancelled', count: 2 },
    { offsetBytes: 12_000, lengthBytes: 6000, status: 'Odd', count: 1 },
  ])
  const end = all.at(-1)
  assert.deepEqual(
    [end?.blobs, end?.failed, end?.renamed, end?.skipped, end?.status],
    [4, 2, 1, 1, 'CompletedWithErrors'],
  )
  assert.equal((await objects(text)).length, 6)
})

test('a blob with damage everywhere is shown in part, with the number of the rest', async () => {
  const blocks = Array.from({ length: 3000 }, (_, index) => block(index * 12_000, 'Corrupted')).join('')
  const log = `<DriveLog><DriveId>X</DriveId><Blob Status="CompletedWithErrors"><BlobPath>c/a</BlobPath><BlockList>${blocks}</BlockList></Blob></DriveLog>`
  const shown = await describe(log)
  assert.match(shown, /3,000 blocks of 3,000 in this log not imported/)
  assert.match(shown, /and 2,992 more places/)
  assert.ok(shown.split('\n').length < 20)
  const [, blob] = await objects(log)
  assert.ok(Array.isArray(blob?.failedRanges))
  assert.deepEqual([blob.failedRanges.length, blob.failedRangesLeftOut], [1000, 2000])
})

test('2021-08-01: errors and changed names are told apart', async () => {
  const shown = await describe(
    `<ErroredEntity Path="CV"><Category>ContainerRenamed</Category><ErrorCode>1</ErrorCode><ErrorMessage>renamed to: DataBox-1</ErrorMessage><Type>Container</Type></ErroredEntity>
<ErroredEntity Path="a/b"><Category>UploadErrorCloudHttp</Category><ErrorCode>409</ErrorCode></ErroredEntity>
<CopyLog><DriveId>72a1</DriveId><Status>Failed</Status><TotalFiles_Blobs>60</TotalFiles_Blobs><FilesErrored>1</FilesErrored></CopyLog>`,
  )
  assert.match(shown, /^Drive not named, copy log of format 2021-08-01/)
  assert.match(shown, /ContainerRenamed \(1\) {2}CV \[Container\]\n.*\n {2}the service says: renamed to: DataBox-1/)
  assert.match(
    shown,
    /Drive 72a1\n1 error\. 1 change of a name\.\nThe log counts 60 files and blobs, 1 of them failed\.\nFailed: /,
  )
})

test('names cannot move the cursor or forge a line', async () => {
  const shown = await describe(
    `<DriveLog><DriveId>X&#x202e;&#10;Y</DriveId><Blob Status="Fai&#x9b;led"><BlobPath>a/b&#10;Completed &#x2066;</BlobPath></Blob></DriveLog>`,
  )
  assert.doesNotMatch(shown, /[\u202e\u2066\u009b]|^Completed /m)
})

test('every failure says what to do next, and no meaning ends with a full stop', () => {
  for (const table of [driveMeanings, blobMeanings, finalMeanings]) {
    for (const code of Object.keys(table)) {
      const { outcome, says, next } = meaningOf(code, table)
      assert.doesNotMatch(says, /\.$/, code)
      if (outcome === 'failed') assert.match(next ?? '', /^[A-Z].*\.$/, code)
    }
  }
  assert.equal(meaningOf('toString', blobMeanings).outcome, 'failed')
})
