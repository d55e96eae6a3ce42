import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { parseDriveSet } from '../../src/formats/drive-set.js'
import { mutate, xorshift } from './mutate.js'

const header = 'DriveLetter,FormatOption,SilentOrPromptOnFormat,Encryption,ExistingBitLockerKey'
// A valid sample of the documentation of WAImportExport (preparing hard drives for an import job, 2017).
const key = '060456-014509-132033-080300-252615-584177-672089-411631'

function problemsOf(text: string): readonly { message: string; line?: number; column?: number }[] {
  try {
    parseDriveSet(text)
  } catch (error) {
    assert.ok(error instanceof TransferError && error.code === 'DRIVESET_INVALID', String(error))
    return error.problems
  }
  assert.fail('the drive set was accepted')
}

test('devices and image files with their size stand where WAImportExport has drive letters', () => {
  const text = `${header}\n/dev/sdb,Format,SilentMode,Encrypt,\ndisk2.img:1G,format,PROMPTONFORMAT,encrypt\n/dev/sdc,AlreadyFormatted,SilentMode,AlreadyEncrypted,${key}\n`
  assert.deepEqual(parseDriveSet(text), [
    { path: '/dev/sdb', isAlreadyFormatted: false, isAlreadyEncrypted: false, asksBeforeFormat: false, line: 2 },
    {
      path: 'disk2.img',
      sizeBytes: 1024 ** 3,
      isAlreadyFormatted: false,
      isAlreadyEncrypted: false,
      asksBeforeFormat: true,
      line: 3,
    },
    {
      path: '/dev/sdc',
      isAlreadyFormatted: true,
      isAlreadyEncrypted: true,
      asksBeforeFormat: false,
      existingKey: key,
      line: 4,
    },
  ])
})

// The first three messages are WAImportExport's own, word by word.
const invalid: readonly (readonly [row: string, column: number, message: string])[] = [
  ['/dev/sdb,Format,,Encrypt,', 17, 'Incorrect value for SilentOrPromptOnFormat: none'],
  ['/dev/sdb,Format,SilentMode,AlreadyEncrypted,KEY', 28, 'When Format is specified, Encrypt must also be specified'],
  ['/dev/sdb,Format,SilentMode,Encrypt,KEY', 36, 'BitLocker Key should not be specified'],
  ['/dev/sdb,Format,quiet,Encrypt,', 17, 'Incorrect value for SilentOrPromptOnFormat: quiet'],
  ['/dev/sdb,,SilentMode,Encrypt,', 10, 'Incorrect value for FormatOption: none'],
  ['/dev/sdb,Format,SilentMode,No,', 28, 'Incorrect value for Encryption: No'],
  [',Format,SilentMode,Encrypt,', 1, 'Incorrect value for DriveLetter: none'],
  [
    'G,Format,SilentMode,Encrypt,',
    1,
    'The drive "G" is not usable: there are no drive letters on Linux; give a device such as /dev/sdb, or an image file',
  ],
  [
    '/dev/sdb,AlreadyFormatted,SilentMode,AlreadyEncrypted,',
    55,
    'ExistingBitLockerKey is required when AlreadyEncrypted is specified',
  ],
  [
    '/dev/sdb,AlreadyFormatted,SilentMode,AlreadyEncrypted,060456-014509-132033-080301-252615-584177-672089-411631',
    55,
    'ExistingBitLockerKey: group 4 of the recovery password is mistyped',
  ],
  [
    '/dev/sdb,AlreadyFormatted,SilentMode,AlreadyEncrypted,060456',
    55,
    'ExistingBitLockerKey: a recovery password has 8 groups of 6 digits with hyphens, and this has 1',
  ],
]

for (const [row, column, message] of invalid) {
  test(`refused with its place: ${row}`, () => {
    assert.deepEqual(problemsOf(`${header}\n${row.replace('KEY', key)}\n`)[0], { message, line: 2, column })
  })
}

test('a cell that the row does not have is reported at the beginning of the row', () => {
  const [problem] = problemsOf(`${header}\n/dev/sdb,Format\n`)
  assert.deepEqual(problem, { message: 'Incorrect value for SilentOrPromptOnFormat: none', line: 2, column: 1 })
})

test('a drive that is named twice is refused in its second line', () => {
  const text = `${header}\n/dev/sdb,Format,SilentMode,Encrypt,\n/dev/sdb,Format,SilentMode,Encrypt,\n`
  assert.deepEqual(problemsOf(text), [{ message: 'the drive /dev/sdb is in line 2 already', line: 3, column: 1 }])
})

test('no message repeats a recovery password', () => {
  const wrong = key.replace('411631', '411632')
  const text = `${header}\n/dev/sdb,Format,SilentMode,Encrypt,${key}\n/dev/sdc,AlreadyFormatted,SilentMode,AlreadyEncrypted,${wrong}\n`
  assert.throws(
    () => parseDriveSet(text),
    (error) =>
      error instanceof TransferError && error.problems.length === 2 && !JSON.stringify(error).includes('014509'),
  )
})

test('damage of any kind gives rows or DRIVESET_INVALID', () => {
  const random = xorshift(7)
  const whole = Buffer.from(
    `${header}\n/dev/sdb,Format,SilentMode,Encrypt,\ndisk2.img:1G,Format,PromptOnFormat,Encrypt,""\n`,
  )
  let accepted = 0
  for (let round = 0; round < 3000; round++) {
    try {
      for (const { path } of parseDriveSet(mutate(whole, random).toString('utf8'))) assert.notEqual(path, '')
      accepted += 1
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'DRIVESET_INVALID', String(error))
    }
  }
  assert.ok(accepted > 50 && accepted < 2900, `${accepted} were accepted`)
})
