// What people read: sizes, tables, plans, findings; and what must never be read: secrets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redact } from '../../src/formats/redact.js'
import { describeInspection, describeVerification } from '../../src/reports/describe-checks.js'
import { describeDrives, describeFile } from '../../src/reports/describe-drives.js'
import { describePlan, describeSession, planToJson, sessionToJson } from '../../src/reports/describe-session.js'
import { formatBytes, formatDuration, formatRate, table } from '../../src/reports/format-bytes.js'
import { counted, grouped, printable } from '../../src/reports/printable.js'
import { folderSpread } from '../../src/reports/whole-folders.js'
import { makeTree } from '../plan/make-tree.js'

test('sizes have one digit behind the point and never read 1024.0', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [2 * 1024 ** 3, '2.0 GiB'],
    [8_001_563_222_016, '7.3 TiB'],
    [2 ** 63, '8192.0 PiB'],
  ]
  for (const [bytes, text] of sizes) assert.equal(formatBytes(bytes), text)
})

test('rates and times', () => {
  assert.equal(formatRate(0), '0.0 MB/s')
  assert.equal(formatRate(1_234_567), '1.2 MB/s')
  assert.equal(formatRate(1_166_400_000), '1166 MB/s')
  const times: [number, string][] = [
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [200, '3 min 20 s'],
    [3599.4, '59 min 59 s'],
    [3599.6, '1 h 00 min'],
    [18_420, '5 h 07 min'],
    [7199, '2 h 00 min'],
    [200_000, '2 d 8 h'],
    [Number.NaN, 'unknown'],
    [Number.POSITIVE_INFINITY, 'unknown'],
    [-1, 'unknown'],
  ]
  for (const [seconds, text] of times) assert.equal(formatDuration(seconds), text)
})

test('columns line up, numbers to the right', () => {
  const rows = [
    ['/dev/sdb', '1,234', '1.5 GiB', 'yes'],
    ['/dev/nvme0n1', '7', '10.0 TiB', 'no'],
  ]
  assert.equal(
    table(['PATH', 'FILES', 'SIZE', 'FIT'], rows),
    [
      'PATH          FILES      SIZE  FIT',
      '/dev/sdb      1,234   1.5 GiB  yes',
      '/dev/nvme0n1      7  10.0 TiB  no',
    ].join('\n'),
  )
  assert.equal(table(['A', 'B'], []), 'A  B')
})

test('counts are grouped and have the right number', () => {
  assert.equal(grouped(0), '0')
  assert.equal(grouped(999), '999')
  assert.equal(grouped(1000), '1,000')
  assert.equal(grouped(1234567), '1,234,567')
  assert.equal(counted(1, 'file'), '1 file')
  assert.equal(counted(1_000_000, 'file'), '1,000,000 files')
})

test('a name cannot move the cursor, forge a line or turn the text around', () => {
  assert.equal(printable('a\u001b[2Jb\nc\u0085d\u202egnp.exe'), 'a\\x1b[2Jb\\x0ac\\x85d\\u{202e}gnp.exe')
  assert.equal(printable('türkçe 中文 😀'), 'türkçe 中文 😀')
  const line = describeFile({ path: 'c/evil\nname', sizeBytes: 5, modified: '2026-01-02T03:04:05.678Z' })
  assert.equal(line, '              5  2026-01-02 03:04:05  c/evil\\x0aname')
})

const password = '060456-014509-132033-080300-252615-584177-672089-411631'
const accountKey = `${'Abc/+123'.repeat(10)}Abcdef==`

const secrets: [title: string, text: string, secret: string][] = [
  ['a recovery password', `key ${password}.`, password],
  ['one in XML', `<BitLockerKey>${password}</BitLockerKey>`, password],
  ['one with blanks', `key ${password.replaceAll('-', ' ')}`, '014509'],
  ['one with spaced hyphens', `key ${password.replaceAll('-', ' - ')}`, '014509'],
  ['one with a mistyped group', `key ${password.replace('014509', '01450')}`, '132033'],
  ['one without hyphens', `key ${password.replaceAll('-', '')}`, '014509132033'],
  ['an account key', `AccountKey ${accountKey}`, accountKey],
  ['a connection string', `AccountName=x;AccountKey=${accountKey};EndpointSuffix=y`, accountKey],
  ['a short key in one', 'AccountName=x;AccountKey=c2hvcnQ=;EndpointSuffix=y', 'c2hvcnQ='],
  ['a shared access signature', 'https://x/c?sv=2020&sig=aB%2Fc%3D&se=1', 'aB%2Fc'],
  ['one at the start', 'sig=aB%2Fc%3D', 'aB%2Fc'],
  ['one in capitals', 'https://x/c?SIG=secretsecret', 'secretsecret'],
  ['a bearer token', 'Authorization: Bearer eyJhbGci.eyJ.x-_', 'eyJhbGci'],
]

for (const [title, text, secret] of secrets) {
  test(`taken out: ${title}`, () => {
    assert.ok(text.includes(secret))
    assert.ok(!redact(text).includes(secret), redact(text))
  })
}

test('what is no secret stays as it is', () => {
  const harmless = [
    'D863FE44F861AE0DA4DCEAEEFFCCCE68',
    '5A1D0C1E-9B37-4E2A-8C55-0123456789AB',
    'wrote 123456 of 654321 bytes at offset 1048576-2097152',
    '/data/signature=1/design=2',
    'a design of 20261121-120000',
  ]
  for (const text of harmless) assert.equal(redact(text), text)
  assert.equal(redact('https://x/c?sv=2020&sig=a&se=1'), 'https://x/c?sv=2020&sig=(signature)&se=1')
})

test('redacting takes linear time on hostile text', () => {
  const start = process.cpuUsage()
  for (const text of ['123456-'.repeat(40_000), 'A'.repeat(300_000), 'sig='.repeat(70_000), '12345 '.repeat(40_000)]) {
    redact(text)
  }
  const seconds = process.cpuUsage(start).user / 1e6
  assert.ok(seconds < 12, `${seconds} s`)
})

const first = makeTree([
  ['c/photos/a', 1],
  ['c/photos/b/x', 1],
  ['c/big/1', 1],
  ['c/big/2', 1],
  ['DriveManifest.xml', 9],
])
const second = makeTree([
  ['c/big/3', 1],
  ['c/music/q', 1],
  ['DriveManifest.xml', 9],
])

test('a plan tells which folders are whole and which are split, without the generated files', () => {
  const spread = folderSpread([
    { tree: first, files: 4 },
    { tree: second, files: 2 },
  ])
  assert.deepEqual(spread, {
    whole: [['c/photos'], ['c/music']],
    split: [{ path: 'c/big', drives: [0, 1] }],
  })
  assert.deepEqual(folderSpread([{ tree: first, files: 4 }]).whole, [['']])
})

const plan = {
  sessionId: 'session-1',
  files: 6,
  bytes: 6_000_000,
  lowerBound: 2,
  drives: [
    {
      target: {
        path: '/dev/sdb',
        driveId: 'WD-1',
        sizeBytes: 1e9,
        description: 'WDC, serial WD-1, gpt partition: ext4',
      },
      files: 4,
      bytes: 4_000_000,
      capacityBytes: 1000,
      freeBytes: 500,
      plan: { tree: first },
    },
    {
      target: { path: 'disk2.img', driveId: 'IMG00000001', sizeBytes: 2e9, description: 'new image file' },
      files: 2,
      bytes: 2_000_000,
      capacityBytes: 1000,
      freeBytes: 1,
      plan: { tree: second },
    },
  ],
  unused: [{ path: '/dev/sdc', driveId: 'WD-3' }],
  skipped: [{ path: 'x/link', reason: 'symlink', message: 'is a symbolic link' }],
}

test('a plan is a page of text', () => {
  assert.equal(
    describePlan(plan),
    [
      'Session session-1: 6 files, 5.7 MiB, on 2 drives (no fewer would do).',
      'DRIVE        PATH            SIZE  FILES    BYTES  FULL  NOW',
      'WD-1         /dev/sdb   953.7 MiB      4  3.8 MiB  50 %  WDC, serial WD-1, gpt partition: ext4',
      'IMG00000001  disk2.img    1.9 GiB      2  1.9 MiB  99 %  new image file',
      'Whole on WD-1: c/photos',
      'Whole on IMG00000001: c/music',
      'Split over drives: c/big (WD-1, IMG00000001)',
      'WD-3 (/dev/sdc) is not needed.',
      'Left out: 1',
      '  symlink: x/link',
    ].join('\n'),
  )
})

test('a plan as JSON has no trees in it', () => {
  const json = planToJson(plan)
  assert.deepEqual(json.unused, ['WD-3'])
  assert.deepEqual((json.drives as unknown[])[1], {
    driveId: 'IMG00000001',
    path: 'disk2.img',
    sizeBytes: 2e9,
    description: 'new image file',
    files: 2,
    bytes: 2_000_000,
    capacityBytes: 1000,
    freeBytes: 1,
  })
  assert.ok(JSON.stringify(json).length < 1000)
})

const session = {
  sessionId: 'session-1',
  journalPath: '/tmp/job.jrn',
  seconds: 12,
  isPartial: true,
  replaced: [{ driveId: 'WD-0', by: ['WD-1', 'WD-2'] }],
  drives: [
    {
      driveId: 'WD-1',
      path: '/dev/sdb',
      outcome: 'prepared',
      files: 4,
      bytes: 4_000_000,
      dropped: ['c/big/1 shrank'],
      recoveryPassword: password,
      seconds: 2,
    },
    {
      driveId: 'WD-2',
      path: '/dev/sdc',
      outcome: 'failed',
      files: 0,
      bytes: 0,
      dropped: [],
      recoveryPassword: password,
      seconds: 1,
      error: Object.assign(new Error('write failed at offset 5'), {
        code: 'DEVICE_WRITE_FAILED',
        hint: 'Give another.',
      }),
    },
  ],
}

test('a result names every drive, its failure and what was left out', () => {
  const text = describeSession(session)
  assert.ok(text.includes(password))
  assert.match(text, /^WD-1 +\/dev\/sdb +prepared +4 +3\.8 MiB +2\.0 MB\/s/m)
  assert.match(text, /^WD-2 failed: write failed at offset 5 \(DEVICE_WRITE_FAILED\)\n {2}Give another\.$/m)
  assert.match(text, /^WD-0 was given up for WD-1, WD-2: do not ship it\.$/m)
  assert.match(text, /^WD-1 left out: c\/big\/1 shrank$/m)
  assert.match(text, /DONE IN PART/)
  const drives = sessionToJson(session).drives as { error?: unknown }[]
  const error = { code: 'DEVICE_WRITE_FAILED', message: 'write failed at offset 5', hint: 'Give another.' }
  assert.deepEqual(drives[1]?.error, error)
})

const finding = (severity: 'note' | 'warning' | 'damage', code: string) => {
  return { severity, code, structure: '', message: `${code} message.` }
}

test('findings come worst first, and only damage makes a drive unsound', () => {
  const report = {
    driveId: 'WD-1',
    manifestHash: 'D863FE44F861AE0DA4DCEAEEFFCCCE68',
    files: 1,
    bytes: 1e9,
    blocks: 239,
    findings: [finding('note', 'N'), finding('damage', 'D'), finding('warning', 'W')],
    checked: ['partition table'],
    sound: false,
    seconds: 2,
  }
  assert.equal(
    describeVerification('/dev/sdb', report),
    [
      '/dev/sdb: drive WD-1, manifest D863FE44F861AE0DA4DCEAEEFFCCCE68',
      '1 file, 953.7 MiB read in 2.0 s, 500 MB/s',
      '  checked: partition table',
      '  damage D: D message.',
      '  warning W: W message.',
      '  note N: N message.',
      'DAMAGED: 1 finding. Do not ship this drive.',
    ].join('\n'),
  )
  assert.match(describeVerification('x', { ...report, findings: [], sound: true }), /Sound: every block equals/)
})

test('an inspection says what it could not look at', () => {
  const report = {
    volume: { offsetBytes: 17 << 20, sizeBytes: 1e9 },
    bitlocker: { state: 'encrypted', method: 'xts-128', description: 'evil\u001b[31m' },
    findings: [],
    checked: ['BitLocker structures without a key'],
    sound: true,
    unlocked: false,
  }
  const text = describeInspection('disk.img', report)
  assert.match(text, /encrypted, xts-128, evil\\x1b\[31m/)
  assert.match(text, /without a key: the structures inside the encryption were not looked at/)
})

test('drives are listed with why they cannot be shipped', () => {
  const text = describeDrives([
    {
      path: '/dev/sdb',
      kind: 'disk',
      model: 'WDC',
      sizeBytes: 8e12,
      logicalSectorBytes: 4096,
      transport: 'sata',
      contents: 'nothing recognised',
      fit: { ok: false, reasons: ['has no serial number, which the import job asks for'], warnings: ['USB: …'] },
    },
  ])
  assert.match(text, /^\/dev\/sdb {2}WDC {4}no serial {2}7\.3 TiB {4}4096 {2}sata {2}no {3}nothing recognised$/m)
  assert.match(text, /^\/dev\/sdb is not fit for shipping: it has no serial number, which the import job asks for\.$/m)
  assert.equal(describeDrives([]), 'No disks were found.')
})
