// One owner at a time, whatever a crash or a slow machine left in the lock file.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { startTicks, takeProcessLock } from '../../src/journal/process-lock.js'
import { temporaryFolder } from '../drives/loop-device.js'

const placeOf = (context: TestContext) => join(temporaryFolder(context), 'a.lock')

const take = (path: string) =>
  takeProcessLock(path, (processId) => new TransferError('JOURNAL_IN_USE', `owned by ${processId}`))

test('a lock has one owner, until it is released', async (context) => {
  const path = placeOf(context)
  const lock = await take(path)
  await assert.rejects(take(path), { code: 'JOURNAL_IN_USE', message: `owned by ${process.pid}` })
  await lock.release()
  assert.equal(existsSync(path), false)
  await (await take(path)).release()
})

const left: [what: string, text: string][] = [
  ['a process that is gone', '999999999 5\n'],
  ['another process that had this number', `${process.pid} 1\n`],
  ['a process that ended before it wrote it', ''],
  ['nobody, in words', 'nonsense'],
]
for (const [what, text] of left) {
  test(`a lock of ${what} is taken over`, async (context) => {
    const path = placeOf(context)
    writeFileSync(path, text)
    const lock = await take(path)
    assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid} \\d+\n$`))
    await lock.release()
  })
}

test('a lock that its owner has made and not yet written is not taken from him', async (context) => {
  const path = placeOf(context)
  writeFileSync(path, '')
  const owner = `${process.pid} ${await startTicks(process.pid)}\n`
  setTimeout(() => writeFileSync(path, owner), 300)
  await assert.rejects(take(path), { code: 'JOURNAL_IN_USE' })
  assert.equal(readFileSync(path, 'utf8'), owner)
})

test('of many who ask at once one gets it', async (context) => {
  const path = placeOf(context)
  const asked = await Promise.allSettled(Array.from({ length: 8 }, () => take(path)))
  const got = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  assert.equal(got.length, 1)
  await got[0]?.release()
})
