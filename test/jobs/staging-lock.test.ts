// The lock of a job folder: between processes of this computer, which are really there or really gone, and towards another
// computer, of which only the name and the age of its file are known.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lockName, readLockOwner, takeStagingLock } from '../../src/jobs/staging-lock.js'
import type { LockIdentity } from '../../src/jobs/staging-lock-owner.js'
import { temporaryFolder } from '../prepare/made-tree.js'

const root = temporaryFolder('staging-lock')
const newFolder = () => mkdtempSync(join(root, 'job-'))
const elsewhere: LockIdentity = {
  host: 'copy2',
  pid: 4711,
  startTicks: '1',
  bootId: 'another-boot',
  processSpace: 'pid:[1]',
}

/** Makes the lock look as old as that. */
function age(folder: string, ageMs: number): void {
  const at = new Date(Date.now() - ageMs)
  utimesSync(join(folder, lockName), at, at)
}

test('a folder is locked once, and again after it was released', async () => {
  const folder = newFolder()
  const lock = await takeStagingLock(folder)
  await assert.rejects(takeStagingLock(folder), {
    code: 'STAGING_IN_USE',
    message: new RegExp(`process ${process.pid}`),
  })
  await lock.release()
  await lock.release()
  const again = await takeStagingLock(folder)
  assert.equal(again.tookOverFrom, undefined)
  await again.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('the lock tells a person who has it', async () => {
  const folder = newFolder()
  const lock = await takeStagingLock(folder, { identity: elsewhere })
  assert.match(readFileSync(join(folder, lockName), 'utf8'), /"host": "copy2",\n {2}"pid": 4711/)
  const owner = await readLockOwner(folder)
  assert.deepEqual([owner?.host, owner?.pid, owner?.isAlive], ['copy2', 4711, true])
  await lock.release()
  assert.equal(await readLockOwner(folder), undefined)
})

describe('of another computer', () => {
  test('a lock with a recent sign of life holds; the message says who, since when and how long to wait', async () => {
    const folder = newFolder()
    await takeStagingLock(folder, { identity: elsewhere })
    age(folder, 4 * 60_000)
    await assert.rejects(takeStagingLock(folder), (error: { code: string; message: string; hint: string }) => {
      assert.equal(error.code, 'STAGING_IN_USE')
      assert.match(error.message, /copy2, process 4711, since \d{4}-.* last seen 4 min ago/)
      assert.match(error.hint, /in 6 min/)
      return true
    })
  })

  test('one without a sign of life for ten minutes is taken over, and its owner finds out', async () => {
    const folder = newFolder()
    const first = await takeStagingLock(folder, { identity: elsewhere, beatEveryMs: 20 })
    await first.assertHeld()
    const second = await takeStagingLock(folder, { staleAfterMs: 0 })
    assert.match(second.tookOverFrom ?? '', /copy2/)
    await assert.rejects(first.assertHeld(), { code: 'STAGING_IN_USE' })
    for (let waitedMs = 0; !first.signal.aborted && waitedMs < 30_000; waitedMs += 20) await sleep(20)
    assert.ok(first.signal.aborted)
    await first.release()
    await second.assertHeld()
    await second.release()
  })

  test('its sign of life keeps a lock from getting old', async () => {
    const folder = newFolder()
    const lock = await takeStagingLock(folder, { identity: elsewhere, beatEveryMs: 30 })
    age(folder, 3_600_000)
    for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 30) {
      await sleep(30)
      if (((await readLockOwner(folder))?.ageMs ?? Number.POSITIVE_INFINITY) < 60_000) break
    }
    assert.ok((await readLockOwner(folder))?.isAlive)
    await lock.release()
  })
})

describe('on this computer', () => {
  test('the lock of a process that was killed is taken over at once', async () => {
    const folder = newFolder()
    const child = await lockingProcess(folder)
    await assert.rejects(takeStagingLock(folder, { staleAfterMs: 0 }), { code: 'STAGING_IN_USE' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await takeStagingLock(folder)
    assert.match(lock.tookOverFrom ?? '', new RegExp(`process ${child.pid}`))
    await lock.release()
  })

  test('six processes that find a stale lock at once: one gets it', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, lockName), JSON.stringify(elsewhere))
    age(folder, 3_600_000)
    const children = Array.from({ length: 6 }, () => start(folder))
    const words = await Promise.all(children.map((child) => once(child.stdout, 'data') as Promise<[Buffer]>))
    // Held until all have tried.
    for (const child of children) child.stdin.end()
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
    const outcomes = words.map(([word]) => word.toString().trim()).sort()
    assert.deepEqual(outcomes, ['held', ...Array.from({ length: 5 }, () => 'in use')].sort())
  })

  for (const hardLinks of [true, false]) {
    const on = hardLinks ? '' : ', on a file system without hard links'
    test(`a stale lock that eight ask for at every moment of a takeover: one has it in the end, ten times${on}`, async () => {
      for (let round = 0; round < 10; round++) {
        const folder = newFolder()
        writeFileSync(join(folder, lockName), JSON.stringify(elsewhere))
        age(folder, 3_600_000)
        const takes = Array.from({ length: 8 }, (_, index) => {
          return takeStagingLock(folder, {
            identity: { ...elsewhere, host: `copy${index}`, bootId: `boot${index}` },
            hardLinks,
          })
        })
        const locks = (await Promise.allSettled(takes)).flatMap((take) =>
          take.status === 'fulfilled' ? [take.value] : [],
        )
        const held = (await Promise.allSettled(locks.map((lock) => lock.assertHeld()))).filter(
          ({ status }) => status === 'fulfilled',
        )
        assert.equal(held.length, 1)
        for (const lock of locks) await lock.release()
        assert.deepEqual(readdirSync(folder), [])
      }
    })
  }
})

describe('what somebody else put in its place', () => {
  const planted: [what: string, plant: (path: string) => void, code: string][] = [
    ['text that is no lock, and is new', (path) => writeFileSync(path, '{'), 'STAGING_IN_USE'],
    ['a lock that names no process', (path) => writeFileSync(path, '{"pid":"x","host":7}'), 'STAGING_IN_USE'],
    ['far too much text', (path) => writeFileSync(path, 'x'.repeat(100_000)), 'STAGING_INVALID'],
    ['a link', (path) => symlinkSync('/etc/hostname', path), 'STAGING_INVALID'],
  ]
  for (const [what, plant, code] of planted) {
    test(what, async () => {
      const folder = newFolder()
      plant(join(folder, lockName))
      await assert.rejects(takeStagingLock(folder), { code })
    })
  }

  test('text that is no lock, and is old, is taken over', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, lockName), 'garbage')
    age(folder, 3_600_000)
    const lock = await takeStagingLock(folder)
    assert.match(lock.tookOverFrom ?? '', /an unknown computer/)
    await lock.release()
  })

  test('an escape sequence for a host does not reach the terminal', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, lockName), JSON.stringify({ ...elsewhere, host: '\u001b[2J' }))
    await assert.rejects(takeStagingLock(folder), { message: /\\x1b\[2J/ })
  })
})

const script = fileURLToPath(new URL('./hold-staging-lock.ts', import.meta.url))

function start(folder: string) {
  return spawn(process.execPath, ['--import', 'tsx', script, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 240_000,
  })
}

async function lockingProcess(folder: string) {
  const child = start(folder)
  const [word] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(word.toString().trim(), 'held')
  assert.ok(existsSync(join(folder, lockName)))
  return child
}
