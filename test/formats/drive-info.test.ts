import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeDriveInfo, encodeDriveInfoXml, parseDriveInfo } from '../../src/formats/drive-info.js'
import { encodeRecord } from '../../src/formats/journal.js'
import { mutate, xorshift } from './mutate.js'

const info = {
  driveId: '9CA995BB',
  bitLockerKey: '238810-662376-448998-450120-652806-203390-606320-483076',
  manifestFile: '\\DriveManifest.xml',
  manifestHash: '109B21108597EF36D5785F08303F3638',
}
const time = new Date('2016-11-01T21:22:25.379Z')
const written = encodeDriveInfo(info, time).toString()

test('the file is the record that the documentation of WAImportExport shows', () => {
  assert.equal(
    written,
    `[BeginUpdateRecord][2016/11/01 21:22:25.379][Type:ActivityRecord]
ActivityId: DriveInfo
DriveState: [BeginValue]
<?xml version="1.0" encoding="UTF-8"?>
<Drive>
   <DriveId>9CA995BB</DriveId>
   <BitLockerKey>238810-662376-448998-450120-652806-203390-606320-483076</BitLockerKey>
   <ManifestFile>\\DriveManifest.xml</ManifestFile>
   <ManifestHash>109B21108597EF36D5785F08303F3638</ManifestHash>
</Drive>
[EndValue]
SaveCommandOutput: Completed
[EndUpdateRecord]
`,
  )
})

test('both forms are read, with Windows line ends and a byte order mark too', () => {
  for (const text of [written, encodeDriveInfoXml(info)]) {
    for (const variant of [
      text,
      text.replaceAll('\n', '\r\n'),
      `\uFEFF${text}`,
      text.replace(/109B\w+/, (hash) => hash.toLowerCase()),
    ]) {
      assert.deepEqual(parseDriveInfo(variant), info)
    }
  }
})

test('of several drive records the last one counts', () => {
  const older = encodeDriveInfo({ ...info, manifestHash: 'A'.repeat(32) }, time).toString()
  const other = encodeRecord({ time, type: 'ActivityRecord', fields: [['ActivityId', 'Session']] }).toString()
  assert.deepEqual(parseDriveInfo(older + written + other), info)
})

const refused: readonly (readonly [string, string, RegExp, number?])[] = [
  ['an empty file', '', /no record has the state of a drive/],
  ['a journal without a drive', encodeRecord({ time, type: 'A', fields: [] }).toString(), /no record has the state/],
  ['a missing value', written.replace(/ {3}<ManifestFile>.*\n/, ''), /ManifestFile is there 0 times/, 5],
  ['a value twice', written.replace(/( {3}<DriveId>.*\n)/, '$1$1'), /DriveId is there 2 times/, 5],
  ['another root', encodeDriveInfoXml(info).replaceAll('Drive>', 'Disk>'), /root element is Disk/, 2],
  ['a serial number that is a path', written.replace('9CA995BB', '../x'), /DriveId is no serial number/, 6],
  [
    'a mistyped key',
    written.replace('238810', '238811'),
    /BitLockerKey: group 1 of the recovery password is mistyped/,
    7,
  ],
  ['a manifest outside', written.replace('\\DriveManifest', '\\..\\DriveManifest'), /ManifestFile: a part of it/, 8],
  ['a hash of 64 digits', written.replace(/109B\w+/, 'A'.repeat(64)), /ManifestHash is not 32/, 9],
  ['an entity', written.replace('9CA995BB', '&x;'), /entity/],
  ['a document type', '<!DOCTYPE a><Drive/>', /document type/],
]
for (const [what, text, message, line] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => parseDriveInfo(text),
      (error) => {
        assert.ok(error instanceof TransferError && error.code === 'JOURNAL_INVALID', String(error))
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /662376/)
        if (line !== undefined) assert.equal(error.line, line)
        return true
      },
    )
  })
}

test('damage of any kind gives a drive or JOURNAL_INVALID', () => {
  const random = xorshift(11)
  for (const whole of [Buffer.from(written), Buffer.from(encodeDriveInfoXml(info))]) {
    for (let round = 0; round < 2000; round++) {
      try {
        assert.match(parseDriveInfo(mutate(whole, random).toString('utf8')).manifestHash, /^[0-9A-F]{32}$/)
      } catch (error) {
        assert.ok(error instanceof TransferError && error.code === 'JOURNAL_INVALID', String(error))
      }
    }
  }
})
