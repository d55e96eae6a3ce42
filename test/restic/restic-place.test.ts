// Which backend, and that no secret is where others can see it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ErrorCode } from '../../src/errors.js'
import { parseStorageTarget } from '../../src/formats/storage-target.js'
import { backupWords } from '../../src/restic/back-up.js'
import { isOlder, parseVersion } from '../../src/restic/find-restic.js'
import { resticError } from '../../src/restic/restic-errors.js'
import { resticPlace } from '../../src/restic/restic-place.js'
import { escapePattern } from '../../src/restic/snapshots.js'
import type { AzureCredential } from '../../src/storage/azure-credential.js'

const key = (accountName: string): AzureCredential => ({ kind: 'key', accountName, accountKey: 'c2VjcmV0a2V5' })
const signature = (isContainerOnly: boolean): AzureCredential => {
  return { kind: 'signature', query: 'sv=1&sig=c2VjcmV0a2V5', isContainerOnly }
}
const place = { container: 'backup', prefix: 'seed-1' }
const rclone = 'rclone:vault:backup/seed-1'

const cases: [target: string, AzureCredential | undefined, backend: string, repository: string, names: string[]][] = [
  ['./blobs', undefined, 'folder', 'blobs/backup/seed-1', []],
  [
    'https://mybackup.blob.core.windows.net',
    key('mybackup'),
    'azure',
    'azure:backup:/seed-1',
    ['AZURE_ACCOUNT_NAME', 'AZURE_ACCOUNT_KEY'],
  ],
  [
    'https://mybackup.blob.core.windows.net',
    signature(true),
    'azure',
    'azure:backup:/seed-1',
    ['AZURE_ACCOUNT_NAME', 'AZURE_ACCOUNT_SAS'],
  ],
  [
    'https://mybackup.blob.core.chinacloudapi.cn',
    key('mybackup'),
    'rclone',
    rclone,
    ['RCLONE_CONFIG_VAULT_ENDPOINT', 'RCLONE_CONFIG_VAULT_KEY'],
  ],
  [
    'http://127.0.0.1:10000/devstoreaccount1',
    key('devstoreaccount1'),
    'rclone',
    rclone,
    ['RCLONE_CONFIG_VAULT_USE_EMULATOR', 'RCLONE_CONFIG_VAULT_KEY'],
  ],
  ['https://mybackup.blob.core.usgovcloudapi.net', signature(true), 'rclone', rclone, ['RCLONE_CONFIG_VAULT_SAS_URL']],
]
for (const [target, credential, backend, repository, names] of cases) {
  test(`${target} with ${credential?.kind ?? 'nothing'} is reached by ${backend}`, () => {
    const found = resticPlace(parseStorageTarget(target), place, credential)
    assert.equal(found.backend, backend)
    assert.equal(found.repository, repository)
    for (const name of names) assert.ok(name in found.environment, name)
    assert.equal(found.repository.includes('c2VjcmV0'), false)
  })
}

test('an upload limit that changes by time of day takes rclone, and a signature of a container its address', () => {
  const target = parseStorageTarget('https://mybackup.blob.core.windows.net')
  const found = resticPlace(target, place, signature(true), { prefersRclone: true })
  assert.equal(found.backend, 'rclone')
  assert.match(found.environment.RCLONE_CONFIG_VAULT_SAS_URL ?? '', /windows\.net\/backup\?sv=1/)
})

test('who is signed in can be used by neither, and is told so', () => {
  const token = { kind: 'token', credential: { getToken: async () => null } } as AzureCredential
  const target = parseStorageTarget('https://mybackup.blob.core.windows.net')
  assert.throws(() => resticPlace(target, place, token), { code: 'CREDENTIAL_INVALID' })
})

describe('what restic says', () => {
  const words: [said: string, code: ErrorCode][] = [
    ['Fatal: wrong password or no key found', 'KEY_WRONG'],
    [
      'unable to create lock in backend: repository is already locked exclusively by PID 14 on vm by root',
      'VAULT_IN_USE',
    ],
    ['Save(<data/aa>) returned error: write /s/x: no space left on device', 'STAGING_FULL'],
    ['Fatal: unable to open config file: stat /s/config: no such file or directory', 'VAULT_NOT_FOUND'],
    ['Pack ID does not match, want aa, got bb\nFatal: repository contains errors', 'VAULT_DAMAGED'],
    ['Fatal: no matching ID found for prefix "0000"', 'SNAPSHOT_NOT_FOUND'],
    ['List returned error: dial tcp 127.0.0.1:1: connect: connection refused', 'STORAGE_UNREACHABLE'],
    ['RESPONSE 403: 403 Server failed to authenticate the request.', 'STORAGE_DENIED'],
    ['Fatal: something that nobody has seen', 'TOOL_FAILED'],
  ]
  for (const [said, code] of words) {
    test(`${said.slice(0, 60)} is ${code}`, () => {
      const failure = { command: 'backup', exitCode: 1, signal: null, lastWords: said, place: 'staging' }
      assert.equal(resticError(failure).code, code)
    })
  }

  const exits: [exitCode: number, code: ErrorCode][] = [
    [10, 'VAULT_NOT_FOUND'],
    [11, 'VAULT_IN_USE'],
    [12, 'KEY_WRONG'],
    [1, 'TOOL_FAILED'],
  ]
  for (const [exitCode, code] of exits) {
    test(`exit code ${exitCode} without known words is ${code}`, () => {
      assert.equal(resticError({ command: 'ls', exitCode, signal: null, lastWords: '', place: 'x' }).code, code)
    })
  }

  test('keys in its words are taken out', () => {
    const accountKey = `${'A'.repeat(86)}==`
    const lastWords = `Fatal: key ${accountKey} is odd`
    const error = resticError({ command: 'init', exitCode: 1, signal: null, lastWords, place: 'x' })
    assert.equal(`${error.message} ${(error.cause as Error).message}`.includes(accountKey), false)
  })
})

test('versions are read from both programs and compared by number', () => {
  assert.equal(parseVersion('restic', 'restic 0.14.0 compiled with go1.19.8 on linux/amd64'), '0.14.0')
  assert.equal(parseVersion('rclone', 'rclone v1.60.1-DEV\n- os/version: debian'), '1.60.1')
  assert.equal(parseVersion('restic', 'busybox'), undefined)
  assert.deepEqual(
    ['0.9.6', '0.13.1', '0.14.0', '0.17.3', '1.0.0'].map((version) => isOlder(version, [0, 14])),
    [true, true, false, false, false],
  )
})

test('a path that begins with a dash or has a pattern in it stays a path', () => {
  const words = backupWords({ paths: ['-rf', '/srv'], host: 'h', tags: ['t'], packMebibytes: 64 })
  assert.deepEqual(words.slice(-3), ['--', '-rf', '/srv'])
  assert.equal(escapePattern('/a/[b]*?\\c'), '/a/\\[b]\\*\\?\\\\c')
})
