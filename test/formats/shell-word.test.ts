import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { shellWord } from '../../src/formats/shell-word.js'

test('a plain path stays as it is', () => assert.equal(shellWord('/srv/staging-1/job_2.x'), '/srv/staging-1/job_2.x'))

for (const word of ['', 'two words', "it's", '$(id) `id` "x"', 'a\nb', '~', '*', 'größe']) {
  test(`a shell gives back ${JSON.stringify(word)}`, () =>
    assert.equal(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' }), word))
}
