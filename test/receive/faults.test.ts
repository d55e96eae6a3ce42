// Services that fail in the middle of an import: what passes is survived, what does not ends the import so that the same call
// goes on where it was, and either way every blob is there once. A real Azurite behind a proxy that does the harm.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { receiveExitCode } from '../../src/cli/receive-exit-code.js'
import { type BlobStore, openBlobStore, type StorageCredentials } from '../../src/index.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { type Azurite, azuriteAccount, azuriteKey, azuriteMissing, startAzurite } from '../storage/azurite.js'
import { type Fault, type FaultProxy, type FaultRule, startFaultProxy } from '../storage/fault-proxy.js'
import { accountSignature, containerSignature } from '../storage/signatures.js'
import { assertArrived, type MadeDrives, makeDrives, receive } from './made-import.js'

const mebibyte = 1 << 20
const folder = temporaryFolder('receive-faults')
const patient = { tries: 80, firstDelayMs: 20, maxDelayMs: 1500, tryTimeoutMs: 30_000 }
const hasty = { tries: 2, firstDelayMs: 10, maxDelayMs: 20, tryTimeoutMs: 30_000 }

/** Every request but each so manyth goes through unharmed; those go wrong in turn. */
function oneOf(every: number, faults: readonly Fault[]): FaultRule {
  let count = 0
  let next = 0
  return ({ repeats }) => (repeats === 0 && ++count % every === 0 ? faults[next++ % faults.length] : undefined)
}

describe('an import while its service fails', { skip: azuriteMissing(), timeout: 900_000 }, () => {
  let made: MadeDrives
  let azurite: Azurite
  let proxy: FaultProxy
  let run = 0

  before(async () => {
    const files: Record<string, Buffer> = {
      'large.bin': contentOf(1, 13 * mebibyte + 5),
      'disk.vhd': Buffer.concat([contentOf(2, 5 * mebibyte), Buffer.alloc(7 * mebibyte), contentOf(3, 512)]),
      'empty.txt': Buffer.alloc(0),
    }
    for (let index = 0; index < 60; index++) files[`small/${index}`] = contentOf(index, 50 + index)
    made = await makeDrives(folder, files)
  })

  /** Each import has a service of its own. */
  async function serviceFor(work: () => Promise<void>, rule: FaultRule = () => undefined): Promise<void> {
    azurite = await startAzurite()
    proxy = await startFaultProxy(azurite.port, rule)
    run++
    try {
      await work()
    } finally {
      await proxy.stop()
      await azurite.stop()
    }
  }

  async function withStore<T>(
    retry: typeof hasty,
    work: (store: BlobStore) => Promise<T>,
    credentials: StorageCredentials = { accountKey: azuriteKey },
  ): Promise<T> {
    const store = await openBlobStore(`http://127.0.0.1:${proxy.port}/${azuriteAccount}`, credentials, { retry })
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }

  const importInto = (store: BlobStore, changes = {}) =>
    receive(made, store, { statePath: join(folder, `import-${run}`), ...changes })

  const arrives = (changes = {}, credentials?: StorageCredentials) =>
    withStore(
      patient,
      async (store) => {
        const { report, errors } = await importInto(store, changes)
        assert.deepEqual([...errors.values()], [])
        assert.equal(report.drives[0]?.status, 'Completed')
        await assertArrived(made, store)
      },
      credentials,
    )

  const passing: readonly (readonly [string, Fault[], every?: number])[] = [
    ['answers 500 and 503', [500, 503].map((status) => ({ kind: 'answer', status, body: '' }) as const)],
    // Each of them costs a whole second.
    ['asks to come back later', [{ kind: 'answer', status: 503, headers: { 'retry-after': '1' }, body: '' }], 12],
    [
      'cuts connections on the way there and back',
      [
        { kind: 'cut-request', afterBytes: 10 },
        { kind: 'cut-answer', afterBytes: 0 },
      ],
    ],
    ['does what it is asked and loses its answers', [{ kind: 'lose-answer' }]],
  ]
  for (const [what, faults, every = 3] of passing) {
    it(`ends well when it ${what}`, async () => {
      await serviceFor(
        async () => {
          await arrives()
          assert.ok(proxy.faultCount > 30 / every, `${proxy.faultCount} faults`)
        },
        oneOf(every, faults),
      )
    })
  }

  it('ends well when it does not answer in time', async () => {
    await serviceFor(async () => {
      const quick = { ...patient, tryTimeoutMs: 3000 }
      let slow = 0
      proxy.setRule(({ repeats }) =>
        repeats === 0 && ++slow % 20 === 0 ? { kind: 'delay', delayMs: 60_000 } : undefined,
      )
      await withStore(quick, async (store) => {
        const { errors } = await importInto(store)
        assert.deepEqual([...errors.values()], [])
        await assertArrived(made, store)
      })
      assert.ok(proxy.faultCount > 1)
    })
  })

  it('ends well when it is stopped and started again in the middle', async () => {
    await serviceFor(async () => {
      let restarted: Promise<void> | undefined
      let isEnding = false
      // Ended politely, and not before it has answered: Azurite keeps what it has confirmed in memory for seconds, and forgets
      // what it confirms while it ends, unlike a service that may be believed.
      const restart = async () => {
        isEnding = true
        const underWay = proxy.seen.slice(0, -1)
        const until = Date.now() + 60_000
        while (underWay.some(({ status }) => status === undefined) && Date.now() < until) await sleep(5)
        await azurite.kill('SIGTERM')
        isEnding = false
        await azurite.restart()
      }
      proxy.setRule(() => {
        if (proxy.seen.length > 40) restarted ??= restart()
        return isEnding ? { kind: 'cut-request', afterBytes: 0 } : undefined
      })
      await arrives()
      assert.ok(restarted !== undefined)
      await restarted
    })
  })

  it('ends with exit code 9 when it stays away, and the same call goes on where it was', async () => {
    await serviceFor(async () => {
      const sentBefore = new Set<string>()
      for (const requests of [3, 25, 60]) {
        const from = proxy.seen.length
        proxy.setRule(() =>
          proxy.seen.length - from > requests ? { kind: 'answer', status: 503, body: '' } : undefined,
        )
        const startedMs = performance.now()
        const result = await withStore(hasty, (store) => importInto(store))
        assert.equal(receiveExitCode(result), 9)
        assert.equal([...result.errors.values()][0]?.code, 'STORAGE_UNREACHABLE')
        assert.ok(performance.now() - startedMs < 120_000)
        // What was on its way arrives, and nothing goes on afterwards.
        await sleep(200)
        const count = proxy.seen.length
        await sleep(200)
        assert.equal(proxy.seen.length, count)
        for (const { method, url, status, range = '' } of proxy.seen) {
          if (method === 'PUT' && status === 201 && !/restype=|comp=(blocklist|properties|metadata)/.test(url))
            sentBefore.add(url + range)
        }
      }
      proxy.setRule(() => undefined)
      const from = proxy.seen.length
      await arrives()
      const again = proxy.seen
        .slice(from)
        .filter(({ method, url, range = '' }) => method === 'PUT' && sentBefore.has(url + range))
      assert.deepEqual(
        again.map(({ url }) => url),
        [],
      )
    })
  })

  it('ends with exit code 9 when its signature expires in the middle, and goes on with a new one', async () => {
    await serviceFor(async () => {
      const lastingMs = 6000
      const short = accountSignature('rwlac', { lifeMs: lastingMs })
      const startMs = Date.now()
      // As slow as it takes to outlive the signature.
      proxy.setRule(() =>
        proxy.seen.length > 20
          ? { kind: 'delay', delayMs: Math.max(1, startMs + lastingMs + 2000 - Date.now()) }
          : undefined,
      )
      const result = await withStore(hasty, (store) => importInto(store, { concurrency: 2 }), {
        sharedAccessSignature: short,
      }).catch((error) => error)
      const error = result instanceof Error ? result : [...result.errors.values()][0]
      assert.equal(error.code, 'STORAGE_DENIED')
      assert.match(error.hint, /expired/)
      assert.equal(receiveExitCode(result), 9)
      assert.ok(!JSON.stringify([result.report, error.message, error.hint]).includes('sig='))
      proxy.setRule(() => undefined)
      await arrives({}, { sharedAccessSignature: accountSignature('rwlac') })
    })
  })

  it('is not begun with a signature that may not write', async () => {
    await serviceFor(async () => {
      const sharedAccessSignature = accountSignature('rl')
      await assert.rejects(
        withStore(hasty, (store) => importInto(store), { sharedAccessSignature }),
        { code: 'STORAGE_DENIED' },
      )
      assert.equal(proxy.seen.length, 0)
    })
  })

  it('needs no more than a signature of its container', async () => {
    await serviceFor(async () => {
      await withStore(patient, (store) => store.createContainer('archive'))
      const logs = { container: 'archive', prefix: 'waimportexport/' }
      const sharedAccessSignature = containerSignature('archive', 'racwl')
      await arrives({ logs, verboseLog: true }, { sharedAccessSignature })
      const names: string[] = []
      await withStore(patient, async (store) => {
        for await (const { name } of store.list('archive', 'waimportexport/')) names.push(name)
      })
      assert.equal(names.length, 1)
    })
  })
})
