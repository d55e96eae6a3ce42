// Keys from files.

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSecretFile } from '../../src/drives/unlock-secret.js'
import { TransferError } from '../../src/errors.js'
import { temporaryFolder } from './loop-device.js'

const password = '060456-014509-132033-080300-252615-584177-672089-411631'

const contents: [title: string, content: string | Buffer][] = [
  ['one line', `${password}\n`],
  ['no end of line', password],
  ['Windows line ends and a second line', `${password}\r\nnote to self\r\n`],
  ['blanks around it', `  ${password}\t \n`],
  ['a byte order mark', `\ufeff${password}\n`],
  ['UTF-16 of Notepad', Buffer.from(`\ufeff${password}\r\nmore`, 'utf16le')],
]

for (const [title, content] of contents) {
  test(`the first line is the key: ${title}`, async (context) => {
    const path = join(temporaryFolder(context), 'key')
    writeFileSync(path, content, { mode: 0o600 })
    const warnings: string[] = []
    assert.equal(await readSecretFile(path, (message) => warnings.push(message)), password)
    assert.deepEqual(warnings, [])
  })
}

test('a file that others can read is used with a warning that does not repeat the key', async (context) => {
  const path = join(temporaryFolder(context), 'key')
  writeFileSync(path, password)
  chmodSync(path, 0o644)
  const warnings: string[] = []
  await readSecretFile(path, (message) => warnings.push(message))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /mode 0644/)
  assert.ok(!warnings[0]?.includes(password))
})

test('no file, an empty one and a folder are a missing key', async (context) => {
  const folder = temporaryFolder(context)
  writeFileSync(join(folder, 'empty'), '\n\nsecond')
  mkdirSync(join(folder, 'folder'))
  for (const name of ['nothing', 'empty', 'folder']) {
    await assert.rejects(
      readSecretFile(join(folder, name)),
      (error) => error instanceof TransferError && error.code === 'KEY_MISSING',
    )
  }
})

test('an endless file is read only as far as a key can reach', { timeout: 120_000 }, async () => {
  const secret = await readSecretFile('/dev/zero').catch((error: Error) => error)
  assert.ok(secret instanceof Error || secret.length <= 4096)
})
