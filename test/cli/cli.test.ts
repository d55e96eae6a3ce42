// The command line as a user has it: the built program in a child process, its output, its exit codes.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { runIn } from '../built-program.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'

const folder = temporaryFolder('cli')
writeTree(join(folder, 'source'), {
  'a.txt': 'first',
  'b/large.bin': contentOf(1, 5_000_000),
  'b/disk.vhd': Buffer.concat([Buffer.alloc(8 << 20), contentOf(2, 4096), Buffer.alloc(1 << 20)]),
})

const diskferry = (...words: string[]) => runIn(folder, words)

describe('help', () => {
  const commands = 'drives plan prepare verify inspect list extract repair logs job service'.split(' ')
  test('names every command, the exit codes, and what is destroyed', () => {
    const { stdout, status } = diskferry('--help')
    assert.equal(status, 0)
    for (const command of commands) {
      assert.match(stdout, new RegExp(`diskferry ${command}`))
    }
    assert.match(stdout, /ERASES/)
    assert.match(stdout, /130 interrupted/)
  })

  for (const command of commands) {
    test(`diskferry ${command} --help works without a built module`, () => {
      const { stdout, status } = diskferry(command, '--help')
      assert.equal(status, 0)
      assert.match(stdout, /Exit status/)
    })
  }

  test('--version is the package version', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    assert.equal(diskferry('--version').stdout.trim(), version)
  })
})

const wrong: [name: string, words: string[], exitCode: number, says: RegExp][] = [
  ['no command', [], 2, /Which command/],
  ['an unknown command', ['prepar'], 2, /prepare/],
  ['an unknown option', ['plan', '--form', 'x'], 2, /form/],
  ['no source', ['plan', '--drive', 'x.img:1G'], 2, /--from/],
  ['no drive', ['plan', '--from', 'source', '--to', 'c00/'], 2, /--drive/],
  [
    'a container name that Azure refuses',
    ['plan', '--from', 'source', '--to', 'UPPER/', '--drive', 'x.img:160M'],
    2,
    /UPPER|lowercase|lower-case/,
  ],
  ['a source that is not there', ['plan', '--from', 'nowhere', '--to', 'ccc/', '--drive', 'x.img:160M'], 1, /nowhere/],
  ['an image without a size', ['plan', '--from', 'source', '--to', 'ccc/', '--drive', 'x.img'], 2, /size/],
  ['a size that is none', ['plan', '--from', 'source', '--to', 'ccc/', '--drive', 'x.img:much'], 2, /size/],
  [
    'a drive that is too small',
    ['plan', '--from', 'source', '--to', 'ccc/', '--drive', 'x.img:20M'],
    8,
    /96 MiB|smallest/,
  ],
  [
    'a device that is not there',
    ['plan', '--from', 'source', '--to', 'ccc/', '--drive', '/dev/nothing'],
    1,
    /\/dev\/nothing/,
  ],
  [
    'a session name that is too short',
    ['plan', '--from', 'source', '--to', 'ccc/', '--drive', 'x.img:160M', '--session', 'a'],
    2,
    /session/,
  ],
  [
    'drives that are too small',
    ['plan', '--from', 'source', '--to', 'ccc/', '--drive', 'x.img:96M', '--cluster', '65536', '--drive', 'x.img:96M'],
    2,
    /one drive id|twice|once/,
  ],
  [
    'a replacement that names sources',
    ['prepare', '--journal', 'x.jrn', '--replace', 'WD1', '--drive', 'x.img:160M', '--from', 'source'],
    2,
    /--replace without --from/,
  ],
  [
    'a replacement in a journal that is not there',
    ['prepare', '--journal', 'x.jrn', '--replace', 'WD1', '--drive', 'x.img:160M'],
    1,
    /x\.jrn cannot be read/,
  ],
  ['--replace-prepared without a drive', ['prepare', '--journal', 'x.jrn', '--replace-prepared'], 2, /--replace DRIVE/],
  ['no key', ['verify', '--drive', 'source/a.txt'], 5, /key/i],
]
for (const [name, words, exitCode, says] of wrong) {
  test(`${name} ends with exit code ${exitCode} and a sentence`, () => {
    const { status, stderr, stdout } = diskferry(...words)
    assert.equal(status, exitCode, stderr)
    assert.match(stderr, says)
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack without --verbose')
    assert.equal(stdout, '')
  })
}

test('with --json an error is an object too', () => {
  const { events, status } = diskferry('plan', '--from', 'nowhere', '--to', 'ccc/', '--drive', 'x.img:160M', '--json')
  assert.equal(status, 1)
  assert.deepEqual([events()[0].event, events()[0].code], ['error', 'SOURCE_READ_FAILED'])
})

test('with --json an error says its place, and everything that is wrong', () => {
  writeFileSync(join(folder, 'wrong.csv'), 'BasePath,DstItemPathOrPrefix\n')
  const [head] = diskferry(
    'prepare',
    '--dataset',
    'wrong.csv',
    '--drive',
    'x.img:160M',
    '--journal',
    'x.jrn',
    '--json',
  ).events()
  assert.deepEqual([head.code, head.path, head.line], ['DATASET_INVALID', 'wrong.csv', 1])
  writeTree(join(folder, 'names'), { 'a:b': '1', 'c?d': '2' })
  const [names] = diskferry('plan', '--from', 'names', '--to', 'ccc/', '--drive', 'x.img:160M', '--json').events()
  assert.equal(names.code, 'NTFS_NAMES')
  assert.deepEqual(
    names.problems.map(({ message }: { message: string }) => message.slice(0, 7)),
    ['ccc/a:b', 'ccc/c?d'],
  )
})

test('plan writes nothing', () => {
  const { status, stdout } = diskferry('plan', '--from', 'source', '--to', 'archive/in/', '--drive', 'planned.img:160M')
  assert.equal(status, 0)
  assert.match(stdout, /3 files/)
  assert.equal(existsSync(join(folder, 'planned.img')), false)
})

describe('logs show', () => {
  const text = `<DriveLog><DriveId>9WM35C2V</DriveId>
<Blob Status="FileNotFound"><BlobPath>zoo/wombat.jpg</BlobPath><FilePath>\\zoo\\wombat.jpg</FilePath><Length>12</Length></Blob>
<Blob Status="Completed"><BlobPath>zoo/bear.jpg</BlobPath><FilePath>\\zoo\\bear.jpg</FilePath></Blob>
<Status>CompletedWithErrors</Status></DriveLog>`

  test('says what failed and what to do next', () => {
    writeFileSync(join(folder, 'log.xml'), text)
    const { status, stdout } = diskferry('logs', 'show', 'log.xml')
    assert.equal(status, 0)
    assert.match(stdout, /FileNotFound {2}zoo\/wombat.jpg\n.*not on the drive/)
    assert.doesNotMatch(stdout, /bear/)
    assert.match(diskferry('logs', 'show', 'log.xml', '--all').stdout, /bear/)
    const events = diskferry('logs', 'show', 'log.xml', '--json').events()
    assert.deepEqual(
      events.map(({ event }) => event),
      ['log', 'log-blob', 'log-end'],
    )
  })

  test('a log that is cut off and one that is not there are errors', () => {
    writeFileSync(join(folder, 'torn.xml'), text.slice(0, -30))
    const torn = diskferry('logs', 'show', 'torn.xml')
    assert.equal(torn.status, 1)
    assert.match(torn.stderr, /torn.xml, line \d+, column \d+.*COPY_LOG_INVALID/)
    assert.match(diskferry('logs', 'show', 'nowhere.xml').stderr, /nowhere.xml cannot be read.*SOURCE_READ_FAILED/)
  })
})

describe('the whole trip', () => {
  const drive = ['--drive', 'drive.img']
  const journal = ['--journal', 'trip.jrn']

  test('prepare writes and verifies a drive, and says its key once', () => {
    const words = ['prepare', '--from', 'source', '--to', 'archive/in/', '--drive', 'drive.img:160M', ...journal]
    const dry = diskferry(...words, '--dry-run')
    assert.equal(dry.status, 0)
    assert.equal(existsSync(join(folder, 'drive.img')), false)
    const { status, stdout, stderr } = diskferry(...words)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /prepared/)
    assert.equal(stdout.match(/(\d{6}-){7}\d{6}/g)?.length, 1)
    assert.doesNotMatch(stderr, /(\d{6}-){7}\d{6}/)
    assert.equal(statSync(join(folder, 'trip.jrn')).mode & 0o777, 0o600)
  })

  test('the same command again changes nothing', () => {
    const words = [
      'prepare',
      '--from',
      'source',
      '--to',
      'archive/in/',
      '--drive',
      'drive.img:160M',
      ...journal,
      '--json',
    ]
    const before = readFileSync(join(folder, 'drive.img'))
    const { status, events, stderr } = diskferry(...words)
    assert.equal(status, 0, stderr)
    assert.equal(events().at(-1).drives[0].outcome, 'prepared')
    assert.ok(before.equals(readFileSync(join(folder, 'drive.img'))))
  })

  test('verify finds it sound', () => {
    const { status, events } = diskferry('verify', ...drive, ...journal, '--json')
    assert.equal(status, 0)
    assert.deepEqual([events()[0].sound, events()[0].files], [true, 3])
  })

  test('inspect works without and with the key', () => {
    assert.equal(diskferry('inspect', ...drive).status, 0)
    assert.match(diskferry('inspect', ...drive, ...journal).stdout, /NTFS/)
  })

  test('the key may come from a file, and a wrong one is exit code 5', () => {
    const password = /(\d{6}-){7}\d{6}/.exec(readFileSync(join(folder, 'trip.jrn'), 'utf8'))?.[0] as string
    writeFileSync(join(folder, 'key.txt'), `${password}\n`, { mode: 0o600 })
    assert.equal(diskferry('verify', ...drive, '--recovery-password-file', 'key.txt').status, 0)
    writeFileSync(join(folder, 'wrong.txt'), '000011-000022-000033-000044-000055-000066-000077-000088', { mode: 0o600 })
    assert.equal(diskferry('verify', ...drive, '--recovery-password-file', 'wrong.txt').status, 5)
    writeFileSync(
      join(folder, 'typo.txt'),
      password.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)),
      { mode: 0o600 },
    )
    const typo = diskferry('verify', ...drive, '--recovery-password-file', 'typo.txt')
    assert.equal(typo.status, 5)
    assert.match(typo.stderr, /group 8/i)
  })

  test('list and extract give the files back', () => {
    assert.match(diskferry('list', ...drive, ...journal).stdout, /5000000 .*archive\/in\/b\/large\.bin/)
    assert.equal(
      diskferry('list', 'archive/in/b', ...drive, ...journal)
        .stdout.trim()
        .split('\n').length,
      2,
    )
    assert.equal(diskferry('extract', 'archive/in/b', ...drive, ...journal, '--into', 'out').status, 0)
    for (const name of ['large.bin', 'disk.vhd']) {
      const original = readFileSync(join(folder, 'source/b', name))
      assert.ok(original.equals(readFileSync(join(folder, 'out/archive/in/b', name))), name)
    }
    const again = diskferry('extract', 'archive/in/b', ...drive, ...journal, '--into', 'out')
    assert.equal(again.status, 1)
    assert.match(again.stderr, /--overwrite/)
    assert.equal(diskferry('extract', 'archive/none', ...drive, ...journal, '--into', 'out').status, 1)
  })

  test('a virtual disk became a page blob without its zero ranges', () => {
    assert.equal(diskferry('extract', 'DriveManifest.xml', ...drive, ...journal, '--into', 'manifest').status, 0)
    const manifest = readFileSync(join(folder, 'manifest/DriveManifest.xml'), 'utf8')
    const entry = manifest.slice(manifest.indexOf('disk.vhd'))
    assert.match(
      entry,
      /<PageRangeList>\s*<PageRange Offset="8388608" Length="1052672" Hash="[0-9A-F]{32}"\/>\s*<\/PageRangeList>/,
    )
    assert.doesNotMatch(manifest, /StorageAccountKey|ContainerSas/)
  })

  test('a drive with data on it is not erased without --yes when nobody can answer', () => {
    const words = ['prepare', '--from', 'source', '--to', 'archive/in/', ...drive, '--journal', 'other.jrn']
    const before = readFileSync(join(folder, 'drive.img'))
    const { status, stderr } = diskferry(...words)
    assert.equal(status, 8, stderr)
    assert.ok(before.equals(readFileSync(join(folder, 'drive.img'))))
  })
})

test("WAImportExport's CSV files drive a session", () => {
  const source = join(folder, 'source')
  const rows = [
    'BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile',
    `"${source}/b/","archive/csv/",BlockBlob,overwrite,"None",${join(folder, 'properties.xml')}`,
    `"${source}/a.txt","archive/renamed.txt",,no-overwrite,None,None`,
  ]
  writeFileSync(join(folder, 'dataset.csv'), rows.join('\r\n'))
  writeFileSync(
    join(folder, 'properties.xml'),
    '<?xml version="1.0" encoding="UTF-8"?><Properties><Cache-Control>no-cache</Cache-Control></Properties>',
  )
  const drives = [
    'DriveLetter,FormatOption,SilentOrPromptOnFormat,Encryption,ExistingBitLockerKey',
    'csv.img:160M,Format,SilentMode,Encrypt,',
  ]
  writeFileSync(join(folder, 'driveset.csv'), drives.join('\n'))
  const words = [
    '--dataset',
    'dataset.csv',
    '--driveset',
    'driveset.csv',
    '--journal',
    'csv.jrn',
    '--session',
    'session#1',
  ]
  const { status, stderr } = diskferry('prepare', ...words)
  assert.equal(status, 0, stderr)
  const { stdout } = diskferry('list', '--drive', 'csv.img', '--journal', 'csv.jrn')
  for (const path of ['archive/csv/large.bin', 'archive/renamed.txt', '_lists/properties-0.xml'])
    assert.match(stdout, new RegExp(path))
  diskferry('extract', 'DriveManifest.xml', '--drive', 'csv.img', '--journal', 'csv.jrn', '--into', 'csv')
  const manifest = readFileSync(join(folder, 'csv/DriveManifest.xml'), 'utf8')
  assert.match(
    manifest,
    /<BlobList Id="session#1-0">\s*<PropertiesPath Hash="[0-9A-F]{32}">\\_lists\\properties-0\.xml<\/PropertiesPath>/,
  )
  assert.match(manifest, /<ImportDisposition>no-overwrite<\/ImportDisposition>/)
  assert.match(manifest, /disk\.vhd[\s\S]*<BlockList>/, 'the dataset says BlockBlob')
})

test('a value that is no choice is refused in one line', () => {
  const { stderr, status } = diskferry('image', 'capture', 'a', 'b', '--level', 'x')
  assert.equal(status, 2)
  assert.match(stderr, /^diskferry: Invalid values: Argument: level, Given: "x", Choices: "fast", .*\(USAGE\)\n/)
})
