// Where the password and the account's key can be seen: restic and rclone are replaced by scripts that write down what they were given
// and then run the real ones.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { main } from '../built-program.js'
import { hashesBelow, temporaryFolder } from '../prepare/made-tree.js'
import { rcloneMissing } from '../restic/restic-missing.js'
import { azuriteKey, azuriteMissing } from '../storage/azurite.js'
import { importIntoAzurite, password, seed, stageVault } from './made-vault.js'

test('secrets are seen by restic alone', { skip: rcloneMissing() || azuriteMissing(), timeout: 300_000 }, async () => {
  const root = temporaryFolder('vault-secrets')
  const made = await stageVault(root)
  await seed(made)
  const azurite = await importIntoAzurite(made)
  const bin = join(root, 'bin')
  mkdirSync(bin)
  // A file for each process: they may write at once.
  const logs = join(root, 'logs')
  mkdirSync(logs)
  for (const name of ['restic', 'rclone']) {
    const script = `#!/bin/sh\n{ echo "== ${name}"; echo "words: $*"; /usr/bin/env; } >> ${logs}/$$\nexec /usr/bin/${name} "$@"\n`
    writeFileSync(join(bin, name), script)
    chmodSync(join(bin, name), 0o755)
  }
  for (const [name, secret] of Object.entries({ password, key: azuriteKey })) {
    writeFileSync(join(root, name), `${secret}\n`, { mode: 0o600 })
  }
  const vault = ['--staging', made.location, '--job', made.job, '--password-file', join(root, 'password')]
  const words = ['vault', 'adopt', ...vault, '--to', azurite.url, '--account-key-file', join(root, 'key')]
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: root, UNRELATED_TOKEN: 'somebody else’s secret' }
  let output = ''
  for (const command of [
    [...words, '--force', 'a test', '--json', '--verbose'],
    ['vault', 'backup', ...vault, '--json'],
  ]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...command], {
      env,
      encoding: 'utf8',
      timeout: 240_000,
    })
    assert.equal(status, 0, stderr)
    output += stdout + stderr
  }
  assert.match(output, /"event":"vault-adopted"[^§]*"event":"vault-backup"/)
  const seen = readdirSync(logs)
    .map((name) => readFileSync(join(logs, name), 'utf8'))
    .join('')
  assert.match(seen, /== restic\nwords: .*--password-file \/dev\/fd\/3/)
  assert.match(seen, /== rclone/)
  assert.equal(seen.includes(password), false, 'the password stands in words or environment')
  assert.equal(seen.includes('somebody else'), false, 'the environment was passed on')
  const sections = seen.split('== ').slice(1)
  for (const section of sections) {
    assert.equal(/words: [^\n]*/.exec(section)?.[0].includes(azuriteKey), false)
    const isLocal = !section.includes('RCLONE_CONFIG_VAULT_KEY')
    if (isLocal) assert.equal(section.includes(azuriteKey), false)
  }
  assert.ok(sections.some((section) => section.startsWith('restic') && section.includes('RCLONE_CONFIG_VAULT_KEY')))
  for (const secret of [password, azuriteKey]) {
    assert.equal(output.includes(secret), false)
    for (const path of hashesBelow(made.jobFolder).keys()) {
      assert.equal(readFileSync(join(made.jobFolder, path)).includes(secret), false, path)
    }
  }
})
