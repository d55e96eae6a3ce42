// The vault commands as scripts have them: what is wrong is told with the right code, a schedule is stored, run and written as units,
// a restore asks before it overwrites.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { runIn } from '../built-program.js'
import { temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { resticMissing } from '../restic/restic-missing.js'
import { pastedWords } from './pasted-command.js'

const folder = temporaryFolder('vault-words')
writeTree(join(folder, 'server'), { 'a.txt': 'one', 'b.txt': 'two' })
writeFileSync(join(folder, 'password'), 'sesame\n', { mode: 0o600 })
const job = ['--staging', 'staging', '--job', 'seed-1']
const account = ['--account', 'mybackup', '--container', 'backup']
const secret = ['--password-file', 'password']
const utc = { TZ: 'UTC' }

const run = (words: readonly string[], environment?: Record<string, string>) =>
  runIn(folder, ['vault', ...words], environment)

describe('the vault commands', { skip: resticMissing(), timeout: 400_000 }, () => {
  mkdirSync(join(folder, 'empty'))
  const beforeSeed: [
    what: string,
    words: string[],
    status: number,
    says: RegExp,
    environment?: Record<string, string>,
  ][] = [
    ['no staging location', ['status'], 2, /STAGING_NOT_FOUND/],
    [
      'a new job without its account',
      ['seed', ...job, '--container', 'backup', 'server'],
      2,
      /--account and --container/,
    ],
    [
      'a path that is not there',
      ['seed', ...job, ...account, ...secret, 'server', 'nowhere'],
      1,
      /nowhere.*SOURCE_UNREADABLE/,
    ],
    ['no password', ['seed', ...job, ...account, 'server'], 5, /KEY_MISSING[^§]*--make-password/],
    [
      'no restic',
      ['seed', ...job, ...secret, 'server'],
      1,
      /TOOL_MISSING[^§]*apt-get install restic/,
      { PATH: join(folder, 'empty') },
    ],
    ['a vault that was not seeded', ['backup', ...job, ...secret], 8, /VAULT_STATE[^§]*vault seed/],
  ]
  for (const [what, words, status, says, environment] of beforeSeed) {
    test(`${what} is told with exit code ${status}`, () => {
      const result = run(words, environment)
      assert.equal(result.status, status, result.output)
      assert.match(result.output, says)
    })
  }

  test('seed goes on after all of these, and takes the password from the environment too', () => {
    const { status, stdout, output } = run(['seed', ...job, 'server', '--json'], { DISKFERRY_VAULT_PASSWORD: 'sesame' })
    assert.equal(status, 0, output)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(events.at(-1).event, 'vault-backup')
    assert.equal(events.at(-1).files, 2)
    assert.equal(run(['backup', ...job, ...secret]).status, 0)
  })

  test('the next step is printed so that a shell takes it, whatever the staging location is called', () => {
    const staging = "Ada's staging"
    const words = ['seed', '--staging', staging, '--job', 'seed-2', ...account, ...secret, 'server']
    const { stdout, output } = run(words, { XDG_STATE_HOME: join(folder, 'other') })
    const next = ['prepare', '--staging', join(folder, staging), '--job', 'seed-2', '--drive', '…']
    assert.deepEqual(pastedWords(stdout, 'Next: '), next, output)
  })

  const mistakes: [what: string, words: string[], status: number, says: RegExp][] = [
    ['adopting without a service or a reason', ['adopt', ...job, ...secret, '--to', './blobs'], 2, /--subscription/],
    ['adopting into nowhere', ['adopt', ...job, ...secret, '--force', 'x'], 2, /expected --to/],
    [
      'adopting into a word',
      ['adopt', ...job, ...secret, '--force', 'x', '--to', 'mybackup'],
      2,
      /STORAGE_TARGET_INVALID[^§]*https:\/\/mybackup/,
    ],
    ['a share that is none', ['adopt', ...job, ...secret, '--verify', 'some'], 2, /none, all or a share/],
    ['releasing what was not adopted', ['release', ...job], 8, /be released:[^§]*VAULT_STATE[^§]*vault adopt/],
    ['a policy that keeps nothing', ['forget', ...job, ...secret], 2, /at least one --keep/],
    ['four runs a day', ['schedule', ...job, '--at', '1:00,2:00,3:00,4:00'], 2, /one to 3/],
    ['a policy without times', ['schedule', ...job, '--keep-daily', '7'], 2, /expected --at with --keep/],
    ['a part of the data that is none', ['check', ...job, ...secret, '--subset', '8/7'], 2, /5% or 1\/7/],
    ['no part of the data', ['check', ...job, ...secret, '--subset', '0%'], 2, /5% or 1\/7/],
    ['running without a schedule', ['run', ...job, ...secret, '--once'], 8, /VAULT_STATE[^§]*vault schedule/],
    ['the wrong password', ['snapshots', ...job, '--password-file', 'server/a.txt'], 5, /KEY_WRONG/],
    [
      'a snapshot that is not there',
      ['restore', '00000000', ...job, ...secret, '--into', 'out'],
      2,
      /SNAPSHOT_NOT_FOUND/,
    ],
    ['restoring to no place', ['restore', ...job, ...secret], 2, /--into DIR, or --in-place/],
  ]
  for (const [what, words, status, says] of mistakes) {
    test(`${what} ends with ${status}`, () => {
      const result = run(words)
      assert.equal(result.status, status, result.output)
      assert.match(result.output, says)
    })
  }

  test('the vault that was worked with last needs no words; of several jobs the one with a vault is meant', () => {
    const made = runIn(folder, ['stage', 'init', 'staging', '--job', 'files-1', ...account])
    assert.equal(made.status, 0, made.output)
    const environment = { XDG_STATE_HOME: join(folder, 'fresh') }
    assert.equal(run(['run', '--staging', 'staging', '--once', ...secret], environment).status, 8)
    assert.equal(run(['status'], environment).status, 2)
    assert.equal(run(['status', '--staging', 'staging'], environment).status, 0)
    const { status, output } = run(['status'], environment)
    assert.equal(status, 0, output)
    assert.match(output, /Vault +seed-1/)
  })

  test('a name cannot move the cursor or forge a line of an error', () => {
    const { status, output } = run(['status', '--staging', 'no\u001b[2Jwhere\ndiskferry: fine'])
    assert.equal(status, 2)
    assert.match(output, /no\\x1b\[2Jwhere\\x0adiskferry: fine/)
    assert.equal(output.includes('\u001b'), false)
  })

  test('a schedule is stored, shown, run when something is due, and written for systemd', () => {
    // Hours away from now, whenever that is, so that nothing becomes due by itself.
    const hour = (hours: number) => `${String((new Date().getUTCHours() + hours) % 24).padStart(2, '0')}:00`
    const times = [hour(7), hour(19)].sort()
    const words = ['--at', times.join(','), '--keep-last', '1', '--limit-upload', '20M@08:00-18:00']
    const { output } = run(['schedule', ...job, ...words, '--systemd', '--unit-folder', 'units', ...secret], utc)
    assert.match(output, new RegExp(`at ${times.join(', ')}; keeps 1 last; upload at most 21 MB/s 08:00-18:00`))
    const unit = join(folder, 'units/diskferry-vault-mybackup-seed-1')
    assert.match(
      readFileSync(`${unit}.service`, 'utf8'),
      /ExecStart=\S+node \S+main\.js vault run --once --staging \S+ --job mybackup_seed-1 --password-file \S+password\n/,
    )
    const timer = readFileSync(`${unit}.timer`, 'utf8')
    assert.match(timer, new RegExp(`OnCalendar=\\*-\\*-\\* ${times[1]}:00\nPersistent=true`))
    const once = () => run(['run', ...job, ...secret, '--once'], utc).output
    assert.match(once(), /Nothing is due/)
    const path = join(folder, 'staging/mybackup_seed-1/vault/vault.json')
    const state = JSON.parse(readFileSync(path, 'utf8'))
    state.schedule.since = '2026-01-01T00:00:00.000Z'
    writeFileSync(path, JSON.stringify(state))
    assert.match(once(), /Snapshot [0-9a-f]{8} in staging[^§]*Removed 2 snapshots, 1 kept/)
    assert.match(once(), /Nothing is due/)
    assert.match(run(['schedule', ...job, '--off']).output, /No schedule/)
  })

  test('a restore in place asks before it overwrites, and --yes answers', () => {
    writeFileSync(join(folder, 'server/a.txt'), 'spoiled')
    const restore = ['restore', ...job, ...secret, '--in-place']
    assert.match(
      run([...restore, '--dry-run']).output,
      /2 files.*1 the same already\n.*server\/a\.txt {2}\(newer than the snapshot, overwritten\)/,
    )
    const asked = run(restore)
    assert.equal(asked.status, 8, asked.output)
    assert.match(asked.output, /CONFIRMATION_MISSING[^§]*--yes/)
    assert.equal(readFileSync(join(folder, 'server/a.txt'), 'utf8'), 'spoiled')
    assert.equal(run([...restore, '--yes']).status, 0)
    assert.equal(readFileSync(join(folder, 'server/a.txt'), 'utf8'), 'one')
  })

  test('check reads all data', () => {
    assert.match(run(['check', ...job, ...secret, '--read-data']).output, /Sound: all data was read/)
  })
})
