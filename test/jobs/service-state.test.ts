// What the local service says is done is done: through kill -9 at any moment, a full disk, and a second process.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TransferError } from '../../src/errors.js'
import { startLocalService } from '../../src/jobs/service/local-service.js'
import { encodeState, parseState } from '../../src/jobs/service/state-file.js'
import { startServiceProgram } from '../built-program.js'
import { mutate, xorshift } from '../formats/mutate.js'
import { callers, jobBody, shipping, startService, temporaryData } from './local-service.js'

/** `diskferry service` in a process of its own. */
async function spawnService(dataFolder: string, ...more: string[]) {
  const { child, line, url, tokenPath } = await startServiceProgram(dataFolder, ...more)
  const token = readFileSync(tokenPath, 'utf8').trim()
  const end = async (signal: NodeJS.Signals) => {
    const ended = once(child, 'exit')
    child.kill(signal)
    return (await ended) as [number | null, NodeJS.Signals | null]
  }
  return { url, token, line, end, ...callers(url, token) }
}

test('after kill -9 every job that was answered for is there, with its state and its keys', async () => {
  const dataFolder = temporaryData()
  const answered = new Map<string, string>()
  let count = 0
  for (const killAfterAnswers of [3, 20]) {
    const { job, end } = await spawnService(dataFolder)
    const work = async () => {
      for (;;) {
        count += 1
        const name = `job-${count}`
        const made = await job('PUT', name, jobBody(`D-${name}`)).catch(() => undefined)
        if (made?.status !== 201) return
        answered.set(name, 'Creating')
        const sent = await job('PATCH', name, shipping(`1ZKILL${name.replace('-', '')}`)).catch(() => undefined)
        if (sent?.status !== 200) return
        answered.set(name, 'Shipping')
      }
    }
    const workers = [work(), work(), work()]
    for (const untilMs = Date.now() + 60_000; answered.size < killAfterAnswers && Date.now() < untilMs; ) await sleep(1)
    await end('SIGKILL')
    await Promise.all(workers)
    assert.ok(answered.size >= killAfterAnswers, `${answered.size} jobs`)
  }
  const { client, end, line } = await spawnService(dataFolder)
  assert.equal(line.includes(readFileSync(join(dataFolder, 'token'), 'utf8').trim()), false)
  const found = new Map((await client.list()).map(({ name, state }) => [name, state]))
  for (const [name, state] of answered) {
    // What was under way when it was killed may have happened or not; what was answered for has.
    assert.ok(
      found.get(name) === state || found.get(name) === 'Shipping',
      `${name} was ${state}, is ${found.get(name)}`,
    )
  }
  const [first] = answered.keys()
  assert.equal((await client.listBitLockerKeys(first as string)).size, 1)
  assert.deepEqual(await end('SIGTERM'), [0, null])
})

test('one process at a time serves a folder; one that was killed does not block it', async () => {
  const { dataFolder, service } = await startService()
  await assert.rejects(startLocalService({ dataFolder }), (error: unknown) => {
    return (
      error instanceof TransferError && error.code === 'SERVICE_DATA_IN_USE' && error.message.includes(`${process.pid}`)
    )
  })
  await service.close()
  writeFileSync(join(dataFolder, '.lock'), `${process.pid} 1\n`)
  const again = await startLocalService({ dataFolder })
  await again.close()
})

test('a port in use is said so, and the folder is free again', async () => {
  const { service } = await startService()
  const dataFolder = temporaryData()
  const port = Number(new URL(service.url).port)
  await assert.rejects(startLocalService({ dataFolder, port }), { code: 'SERVICE_START_FAILED' })
  await (await startLocalService({ dataFolder })).close()
})

test('a change that the disk does not take has not happened', async () => {
  const { dataFolder, job } = await startService()
  assert.equal((await job('PUT', 'kept', jobBody('KEPT'))).status, 201)
  // A folder where the new state would be written: no process can write there, root neither.
  const { mkdirSync, rmdirSync } = await import('node:fs')
  mkdirSync(join(dataFolder, 'state.json.new'))
  const { status, json } = await job('PUT', 'lost', jobBody('LOST'))
  assert.deepEqual([status, json.error.code], [500, 'InternalServerError'])
  assert.doesNotMatch(json.error.message, /state\.json/)
  assert.equal((await job('GET', 'lost')).status, 404)
  rmdirSync(join(dataFolder, 'state.json.new'))
  assert.equal((await job('PUT', 'lost', jobBody('LOST'))).status, 201)
})

describe('the state file', () => {
  const state = { jobs: [], notices: [{ at: '2026-11-22T00:00:00Z', text: 'x', isProblem: false }], clockAheadMs: 5 }

  test('is read as it was written', () => {
    assert.deepEqual(parseState(encodeState(state), 'state.json'), state)
  })

  test('with any damage is refused, never served', () => {
    const original = Buffer.from(encodeState(state))
    const random = xorshift(11)
    for (let round = 0; round < 1000; round++) {
      const damaged = mutate(original, random)
      if (damaged.equals(original)) continue
      const text = damaged.toString('utf8')
      assert.throws(() => parseState(text, 'state.json'), { code: 'SERVICE_DATA_INVALID' }, JSON.stringify(text))
    }
  })

  test('that is damaged keeps the service from starting', async () => {
    const dataFolder = temporaryData()
    writeFileSync(join(dataFolder, 'state.json'), encodeState(state).replace('"x"', '"y"'))
    await assert.rejects(startLocalService({ dataFolder }), { code: 'SERVICE_DATA_INVALID', hint: /copy/ })
    writeFileSync(join(dataFolder, 'state.json'), encodeState(state))
    await (await startLocalService({ dataFolder })).close()
  })
})

const lists: [title: string, text: string][] = [
  ['no JSON', '['],
  ['no list', '{}'],
  ['an empty list', '[]'],
  ['a location without a name', '[{"city":"x"}]'],
]
for (const [title, text] of lists) {
  test(`locations.json that is ${title} is refused by name`, async () => {
    const dataFolder = temporaryData()
    writeFileSync(join(dataFolder, 'locations.json'), text)
    await assert.rejects(startLocalService({ dataFolder }), {
      code: 'SERVICE_DATA_INVALID',
      message: /locations\.json/,
    })
  })
}
