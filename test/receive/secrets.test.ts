// Recovery passwords, account keys and signatures appear nowhere: the command is run with all of them, well and badly, and
// everything that it wrote, sent and showed is searched.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBlobStore } from '../../src/index.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { azuriteAccount, azuriteKey, azuriteMissing, startAzurite } from '../storage/azurite.js'
import { accountSignature } from '../storage/signatures.js'
import { makeDrives, otherPassword } from './made-import.js'
import { type CommandRun, runCommand } from './run-command.js'

const folder = temporaryFolder('receive-secrets')

const signatureIn = (query: string) => new URLSearchParams(query).get('sig') as string

test('no secret is shown, written or sent', { skip: azuriteMissing(), timeout: 500_000 }, async (context) => {
  const made = await makeDrives(folder, { 'a.txt': 'content', 'b.bin': contentOf(1, 5 << 20) }, ['100M'])
  const [drive] = made.drives
  assert.ok(drive?.secret.kind === 'recovery-password')
  const { password } = drive.secret
  const azurite = await startAzurite()
  context.after(() => azurite.stop())

  const secretFolder = join(folder, 'secret')
  const outFolder = join(folder, 'out')
  mkdirSync(secretFolder)
  mkdirSync(outFolder)
  const otherKey = Buffer.from(contentOf(5, 64)).toString('base64')
  const wrongPassword = otherPassword(password)
  const good = accountSignature('rwlac')
  const readOnly = accountSignature('rl')
  const foreign = accountSignature('rwlac', { accountKey: otherKey })
  const connection = azurite.connectionString
  const secretFile = (name: string, text: string) => {
    const path = join(secretFolder, name)
    writeFileSync(path, `${text}\n`, { mode: 0o600 })
    return path
  }
  const passwordFile = secretFile('password', password)
  const keyFile = secretFile('key', azuriteKey)
  const goodFile = secretFile('sas', good)
  let run = 0
  const receive = (
    words: string[],
    environment: Record<string, string> = {},
    to = azurite.url,
  ): Promise<CommandRun> => {
    const out = (name: string) => join(outFolder, `${run}-${name}`)
    run++
    const all = ['receive', '--drive', drive.path, '--to', to, '--state', out('state'), '--verbose', '--verbose-log']
    return runCommand(
      [...all, '--backup-manifest', '--json', '--report', out(run % 2 === 0 ? 'report.html' : 'report.json'), ...words],
      environment,
    )
  }
  const withPassword = ['--recovery-password-file', passwordFile]
  // What, exit code, the run.
  const runs: [string, number, () => Promise<CommandRun>][] = [
    ['an account key', 0, () => receive([...withPassword, '--account-key-file', keyFile])],
    ['a signature', 0, () => receive([...withPassword, '--sas-file', goodFile])],
    [
      'a journal, and a connection string',
      0,
      () => receive(['--journal', join(folder, 'job.jrn')], { AZURE_STORAGE_CONNECTION_STRING: connection }),
    ],
    ['the environment', 0, () => receive([], { DISKFERRY_RECOVERY_PASSWORD: password, AZURE_STORAGE_SAS_TOKEN: good })],
    ['another account key', 9, () => receive([...withPassword, '--account-key-file', secretFile('other', otherKey)])],
    ['a signature that may only read', 9, () => receive([...withPassword, '--sas-file', secretFile('read', readOnly)])],
    ['a signature of another key', 9, () => receive([...withPassword, '--sas-file', secretFile('foreign', foreign)])],
    [
      'another recovery password',
      5,
      () => receive(['--recovery-password-file', secretFile('wrong', wrongPassword), '--account-key-file', keyFile]),
    ],
    [
      'a connection string that is none',
      2,
      () => receive([...withPassword, '--connection-string-file', secretFile('broken', `AccountKey=${azuriteKey};x`)]),
    ],
    ['a signature in the address', 9, () => receive(withPassword, {}, `${azurite.url}?${foreign}`)],
    [
      'a service that is not there',
      9,
      () => receive([...withPassword, '--sas-file', goodFile], {}, `http://127.0.0.1:1/${azuriteAccount}`),
    ],
  ]
  const seen: [string, string][] = []
  for (const [what, exitCode, start] of runs) {
    // A minute of tries again has nothing to show here.
    if (what === 'a service that is not there' && process.env.DISKFERRY_LONG_TESTS !== '1') continue
    const result = await start()
    assert.equal(result.exitCode, exitCode, `${what}: ${result.stderr}`)
    seen.push([`stdout with ${what}`, result.stdout], [`stderr with ${what}`, result.stderr])
    // Whoever writes a signature into an address shows it to the whole machine; docs/storage.md says so.
    if (what !== 'a signature in the address') seen.push([`the command line with ${what}`, result.commandLine])
    assert.match(result.commandLine, /receive/)
  }
  for (const entry of readdirSync(outFolder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if (entry.isFile()) seen.push([path, readFileSync(path, 'latin1')])
  }
  const store = await openBlobStore(azurite.url, { accountKey: azuriteKey })
  for await (const { name } of store.list('waimportexport', '')) {
    const parts: Uint8Array[] = []
    for await (const part of store.read({ container: 'waimportexport', name })) parts.push(part)
    seen.push([name, Buffer.concat(parts).toString('latin1')])
  }
  await store.close()
  assert.ok(seen.length > 60, `${seen.length} places`)

  const secrets = [password, wrongPassword, azuriteKey, otherKey, ...[good, readOnly, foreign].map(signatureIn)]
  for (const [place, text] of seen) {
    for (const secret of secrets) {
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
        assert.ok(!text.includes(form), `${place} has ${form.slice(0, 4)}…`)
      }
    }
  }
})
