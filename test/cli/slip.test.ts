// diskferry job slip as a user has it: the built program, a real service, and the file that it writes.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startIn } from '../built-program.js'
import { drive } from '../formats/sample-job.js'
import { jobBody, shipping, startService, subscriptionId } from '../jobs/local-service.js'
import { temporaryFolder } from '../prepare/made-tree.js'

const folder = temporaryFolder('slip')
const { service, job } = await startService()
await job('PUT', 'seed-one', jobBody('WX1', 'WX2'))
await job('PATCH', 'seed-one', shipping('1Z999AA10123456784', 2))

const today = () => new Date().toISOString().slice(0, 10)

async function slip(...words: string[]) {
  const at = ['--service', service.url, '--token-file', service.tokenPath]
  const group = ['--subscription', subscriptionId, '--resource-group', 'rg']
  return await startIn(folder, ['job', 'slip', ...words, ...at, ...group]).ended
}

for (const extension of ['pdf', 'html']) {
  test(`writes ${extension}, and again over it`, async () => {
    const path = join(folder, `slip.${extension}`)
    const madeOn = today()
    const first = await slip('seed-one', '-o', `slip.${extension}`)
    assert.equal(first.status, 0, first.output)
    const content = readFileSync(path)
    assert.equal(
      content.subarray(0, extension === 'pdf' ? 5 : 15).toString(),
      extension === 'pdf' ? '%PDF-' : '<!doctype html>',
    )
    assert.equal(content.includes(drive.bitLockerKey), false)
    assert.equal((await slip('seed-one', '-o', `slip.${extension}`)).status, 0)
    // The day stands on it.
    if (today() === madeOn) assert.ok(readFileSync(path).equals(content))
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('slip.') && !/^slip\.(pdf|html)$/.test(name)),
      [],
    )
  })
}

test('the page has the job’s tracking number, drives and hashes', async () => {
  assert.equal((await slip('seed-one', '-o', 'page.html')).status, 0)
  const html = readFileSync(join(folder, 'page.html'), 'utf8')
  for (const text of ['1Z999AA10123456784', 'WX1', 'WX2', '109B', 'diskferry local service'])
    assert.ok(html.includes(text), text)
})

const refused: [what: string, words: string[], status: number, says: RegExp][] = [
  ['another kind of file', ['seed-one', '-o', 'journal.jrn'], 2, /\.pdf or \.html/],
  ['a job that is not there', ['nobody', '-o', 'nobody.pdf'], 9, /JOB_NOT_FOUND/],
  ['a folder that is not there', ['seed-one', '-o', 'none/slip.pdf'], 2, /cannot be written/],
]
for (const [what, words, status, says] of refused) {
  test(`${what}: exit code ${status}, nothing is written`, async () => {
    writeFileSync(join(folder, 'journal.jrn'), 'precious')
    const result = await slip(...words)
    assert.equal(result.status, status, result.output)
    assert.match(result.output, says)
    assert.equal(readFileSync(join(folder, 'journal.jrn'), 'utf8'), 'precious')
    assert.equal(existsSync(join(folder, 'nobody.pdf')), false)
  })
}
