// `node --import tsx test/kernel-check.ts PROGRAM`: prepares a partitioned drive image from made files and lets PROGRAM, an
// independent reader (the Linux kernel's dm-crypt and ntfs3 in an emulated machine), compare every file on it. Called by
// .ci/run where such a program is at hand: PROGRAM IMAGE RECOVERY_PASSWORD SHA256SUMS, exit code 0 when all files are equal.

import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { driveRequestsFromSpecs, prepareSession } from '../src/index.js'

const program = process.argv[2]
if (program === undefined) throw new Error('usage: kernel-check.ts PROGRAM')
const folder = mkdtempSync(join(tmpdir(), 'diskferry-kernel-'))
try {
  const sums: string[] = []
  const add = (path: string, content: Buffer) => {
    const target = join(folder, 'source', path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, content)
    sums.push(`${createHash('sha256').update(content).digest('hex')}  archive/in/${path}\n`)
  }
  for (let index = 0; index < 300; index++) add(`small/${index % 7}/file-${index}.bin`, randomBytes(index * 37))
  add('größe/Ελληνικά-文件.txt', Buffer.from('names beyond ASCII'))
  add(`long/${'n'.repeat(200)}.dat`, randomBytes(5000))
  add('large.bin', randomBytes(40 * 1024 * 1024 + 12345))
  add('empty.txt', Buffer.alloc(0))
  writeFileSync(join(folder, 'sums'), sums.join(''))
  const result = await prepareSession(
    {
      sessionId: 'kernel',
      dataset: [
        {
          basePath: join(folder, 'source'),
          isDirectory: true,
          destination: 'archive/in/',
          blobType: 'auto',
          disposition: 'rename',
          line: 1,
        },
      ],
      drives: driveRequestsFromSpecs([`${join(folder, 'drive.img')}:160M`]),
      method: 'xts-128',
      label: 'kernel',
    },
    { journalPath: join(folder, 'kernel.jrn') },
  )
  const drive = result?.drives[0]
  if (drive?.outcome !== 'prepared') throw new Error('the drive was not prepared')
  const check = spawnSync(program, [drive.path, drive.recoveryPassword, join(folder, 'sums')], { stdio: 'inherit' })
  process.exitCode = check.status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
