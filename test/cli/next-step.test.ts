// The command that is printed as the next step does what it says when it is pasted into a shell, whatever the folder's name.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runIn } from '../built-program.js'
import { temporaryFolder } from '../prepare/made-tree.js'
import { pastedWords } from './pasted-command.js'

const folder = temporaryFolder('next-step')
const names = ['plain', 'two words', "it's", '$(touch here)', '*;exit']
const job = ['--job', 'seed-1', '--account', 'mybackup', '--container', 'backup']

for (const name of names) {
  test(`a staging location called ${name} is found again by what stage init and diskprep print`, () => {
    const made = runIn(folder, ['stage', 'init', name, ...job])
    assert.equal(made.status, 0, made.output)
    assert.deepEqual(pastedWords(made.stdout, 'Next: '), ['diskprep', `s:${name}`])
    const early = runIn(folder, ['diskprep', 'u:', `s:${name}`])
    assert.equal(early.status, 2, early.output)
    assert.deepEqual(pastedWords(early.stderr, 'First: '), ['diskprep', `s:${name}`])
    const listed = runIn(folder, pastedWords(early.stderr, 'First: '))
    assert.match(listed.output, /Import job seed-1/)
  })

  test(`an empty one called ${name} is what the printed command makes a job in`, () => {
    const empty = `empty ${name}`
    mkdirSync(join(folder, empty))
    const { output } = runIn(folder, ['diskprep', `s:${empty}`])
    assert.deepEqual(pastedWords(output, 'Make one: '), ['stage', 'init', empty, '--job', '…'])
  })
}
