import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { parseConnectionString } from '../../src/formats/connection-string.js'
import { parseSharedAccessSignature, requireAccess } from '../../src/formats/shared-access-signature.js'
import { type AccountTarget, parseStorageTarget } from '../../src/formats/storage-target.js'
import { mutate, xorshift } from './mutate.js'

const secret = 'c2VjcmV0c2VjcmV0c2VjcmV0'
const signature = `sv=2021-12-02&ss=b&srt=sco&sp=rwlc&se=2030-01-01T00:00:00Z&sig=${secret}`

const accounts: readonly [
  text: string,
  expected: { [Name in keyof AccountTarget]?: AccountTarget[Name] | undefined },
][] = [
  [
    'https://acct.blob.core.windows.net',
    { endpoint: 'https://acct.blob.core.windows.net', accountName: 'acct', isSecure: true },
  ],
  ['https://acct.blob.core.windows.net/', { endpoint: 'https://acct.blob.core.windows.net' }],
  [
    'HTTPS://Acct.blob.core.chinacloudapi.cn',
    { endpoint: 'https://acct.blob.core.chinacloudapi.cn', accountName: 'acct' },
  ],
  ['https://acct.blob.core.usgovcloudapi.net', { accountName: 'acct', isLoopback: false }],
  [
    'https://acct.z10.blob.storage.azure.net',
    { endpoint: 'https://acct.z10.blob.storage.azure.net', accountName: undefined },
  ],
  ['https://backup.example.org', { endpoint: 'https://backup.example.org', accountName: undefined }],
  ['https://acct.blob.core.windows.net/vault', { endpoint: 'https://acct.blob.core.windows.net', container: 'vault' }],
  ['https://acct.blob.core.windows.net/$root', { container: '$root' }],
  [
    'http://127.0.0.1:10000/devstoreaccount1',
    {
      endpoint: 'http://127.0.0.1:10000/devstoreaccount1',
      accountName: 'devstoreaccount1',
      isLoopback: true,
      isSecure: false,
    },
  ],
  [
    'http://localhost:10000/devstoreaccount1/vault/',
    { accountName: 'devstoreaccount1', container: 'vault', isLoopback: true },
  ],
  ['http://[::1]:10000/a', { endpoint: 'http://[::1]:10000/a', isLoopback: true }],
  ['http://devstoreaccount1.blob.localhost:10000', { accountName: 'devstoreaccount1', isLoopback: true }],
  ['http://azurite:10000/devstoreaccount1', { accountName: 'devstoreaccount1', isLoopback: false }],
  ['http://127.0.0.1.example.org/x-y', { isLoopback: false, container: 'x-y' }],
  [`https://acct.blob.core.windows.net/vault?${signature}`, { container: 'vault', signature }],
]
for (const [text, expected] of accounts) {
  test(`the target ${text.split('?')[0]} is an account`, () => {
    const found = parseStorageTarget(text)
    assert.equal(found.kind, 'account')
    for (const [name, value] of Object.entries(expected)) assert.equal(found[name as keyof typeof found], value, name)
  })
}

test('a target may be a folder or memory', () => {
  assert.deepEqual(parseStorageTarget('memory:'), { kind: 'memory' })
  assert.deepEqual(parseStorageTarget('folder:a b'), { kind: 'folder', path: 'a b', isBare: false })
  for (const path of ['/srv/blobs', './dir', '../dir', '.', '..']) {
    assert.deepEqual(parseStorageTarget(path), { kind: 'folder', path, isBare: false })
  }
  for (const path of ['dir', 'dir/below', 'account.blob.core.windows.net', '.hidden']) {
    assert.deepEqual(parseStorageTarget(path), { kind: 'folder', path, isBare: true })
  }
})

for (const text of [
  '',
  ' ',
  'folder:',
  'a\0b',
  'ftp://host/x',
  'memory:x',
  's3://bucket',
  'https://',
  'https://user:pass@acct.blob.core.windows.net',
  'https://acct.blob.core.windows.net/#x',
  'https://acct.blob.core.windows.net/?comp=list',
  'https://acct.blob.core.windows.net/vault/blob',
  'https://acct.blob.core.windows.net/UP',
  'http://127.0.0.1:10000',
  'http://127.0.0.1:10000/account/vault/blob',
]) {
  test(`the target ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseStorageTarget(text), { code: 'STORAGE_TARGET_INVALID' })
  })
}

const key = Buffer.alloc(64, 7).toString('base64')

test('a connection string tells account, key or signature, and endpoint', () => {
  const portal = `DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=${key};EndpointSuffix=core.usgovcloudapi.net`
  assert.deepEqual(parseConnectionString(portal), {
    accountName: 'acct',
    accountKey: key,
    blobEndpoint: 'https://acct.blob.core.usgovcloudapi.net',
  })
  const own = `BlobEndpoint=https://b.example.org/;QueueEndpoint=https://q.example.org;SharedAccessSignature=?${signature};`
  assert.deepEqual(parseConnectionString(own), {
    sharedAccessSignature: signature,
    blobEndpoint: 'https://b.example.org/',
  })
  assert.equal(
    parseConnectionString(` accountname = acct ; ACCOUNTKEY=${key}`).blobEndpoint,
    'https://acct.blob.core.windows.net',
  )
})

for (const text of [
  '',
  'nonsense',
  '=x',
  'AccountName=acct',
  `AccountKey=${key}`,
  `AccountName=a;AccountName=b;AccountKey=${key}`,
  `AccountName=a;AccountKey=${key};SharedAccessSignature=${signature}`,
  'UseDevelopmentStorage=true',
]) {
  test(`the connection string ${JSON.stringify(text.slice(0, 30))} of ${text.length} characters is refused`, () => {
    assert.throws(
      () => parseConnectionString(text),
      (error) => error instanceof TransferError && error.code === 'CREDENTIAL_INVALID' && !error.message.includes(key),
    )
  })
}

const nowMs = Date.parse('2026-11-21T12:00:00Z')
const base = { sv: '2021-12-02', ss: 'b', srt: 'sco', sp: 'rwlc', se: '2026-11-21T12:00:01Z', sig: secret }
const made = (fields: Record<string, string | undefined>) => {
  const given = Object.entries({ ...base, ...fields }).filter(([, value]) => value !== undefined)
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value as string)}`).join('&')
}
const containerOnly = { ss: undefined, srt: undefined, sr: 'c' }

const rights: readonly [fields: Record<string, string | undefined>, problem: RegExp | undefined][] = [
  [{}, undefined],
  [{ sp: 'rcl' }, undefined],
  [containerOnly, undefined],
  [{ ...containerOnly, si: 'policy', sp: undefined, se: undefined }, undefined],
  [{ st: '2026-11-21T12:10:00Z' }, undefined],
  [{ se: '2026-11-21' }, /expired 2026-11-21T00:00:00/],
  [{ se: '2026-11-21T12:00:00Z' }, /expired 2026-11-21T12:00:00.000Z; it is 2026-11-21T12:00:00/],
  [{ st: '2026-11-22' }, /not valid before 2026-11-22/],
  [{ sp: 'rl' }, /lacks create or write \(sp=cw\)/],
  [{ sp: 'w' }, /lacks read \(sp=r\), list \(sp=l\)/],
  [{ ss: 'q' }, /the blob service/],
  [{ srt: 's' }, /objects \(srt=o\), containers \(srt=c\)/],
  [{ ...containerOnly, sr: 'b' }, /for one blob/],
]
for (const [fields, problem] of rights) {
  test(`a signature with ${JSON.stringify(fields)} ${problem === undefined ? 'serves' : 'is refused'}`, () => {
    const parsed = parseSharedAccessSignature(made(fields))
    if (problem === undefined) requireAccess(parsed, 'write', nowMs)
    else assert.throws(() => requireAccess(parsed, 'write', nowMs), { code: 'STORAGE_DENIED', message: problem })
  })
}

test('reading needs no right to write', () => {
  requireAccess(parseSharedAccessSignature(made({ sp: 'rl' })), 'read', nowMs)
})

for (const fields of [
  { sig: undefined },
  { sv: undefined },
  { se: undefined },
  { sp: undefined },
  { se: 'tomorrow' },
  { se: '2026-13-01' },
  { srt: undefined },
  { sr: 'x' },
]) {
  test(`a signature with ${JSON.stringify(Object.entries(fields))} is none`, () => {
    assert.throws(() => parseSharedAccessSignature(made(fields)), { code: 'CREDENTIAL_INVALID' })
  })
}

test('what looks like a target, connection string or signature is read or refused, and no secret is repeated', () => {
  const parsers = [parseStorageTarget, parseConnectionString, parseSharedAccessSignature]
  const originals = [
    `https://acct.blob.core.windows.net/vault?${signature}`,
    `DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=${key};EndpointSuffix=core.windows.net`,
    `?${signature}`,
    'http://127.0.0.1:10000/devstoreaccount1',
  ].map((text) => Buffer.from(text))
  const random = xorshift(7)
  let refused = 0
  for (let round = 0; round < 6000; round++) {
    const text = mutate(originals[round % originals.length] as Buffer, random).toString('latin1')
    for (const parse of parsers) {
      try {
        parse(text)
      } catch (error) {
        assert.ok(error instanceof TransferError, String(error))
        assert.ok(!error.message.includes(secret) && !error.message.includes(key.slice(0, 40)), error.message)
        refused++
      }
    }
  }
  assert.ok(refused > 6000)
})
