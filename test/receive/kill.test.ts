// Goal: an import that is killed goes on with the same command, and ends as if nothing had happened: every blob once, and nothing
// that the account had was sent again. Method: the real command line against a real Azurite, through a proxy that counts; it is
// killed with SIGKILL at requests that a fixed seed draws, several times in one import.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBlobStore } from '../../src/index.js'
import { main } from '../built-program.js'
import { xorshift } from '../formats/mutate.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { azuriteAccount, azuriteKey, azuriteMissing, startAzurite } from '../storage/azurite.js'
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../storage/fault-proxy.js'
import { assertArrived, type MadeDrives, makeDrives } from './made-import.js'

const mebibyte = 1 << 20
const isLong = process.env.DISKFERRY_LONG_TESTS === '1'
const killsEach = isLong ? 5 : 4
const imports = isLong ? 4 : 1
const smallFiles = isLong ? 3000 : 400
const concurrency = 16

function sourceFiles(): Record<string, Buffer> {
  const files: Record<string, Buffer> = {
    'large/9.bin': contentOf(1, 9 * mebibyte + 1),
    'large/17.bin': contentOf(2, 17 * mebibyte),
    'large/last.bin': contentOf(3, (isLong ? 40 : 21) * mebibyte + 4097),
    'disks/a.vhd': Buffer.concat([contentOf(4, 8 * mebibyte), Buffer.alloc(8 * mebibyte), contentOf(5, 4 * mebibyte)]),
    'disks/b.vhd': contentOf(6, 12 * mebibyte + 512),
    'empty.txt': Buffer.alloc(0),
  }
  for (let index = 0; index < smallFiles; index++) files[`small/${index % 30}/${index}`] = contentOf(index, 100 + index)
  return files
}

interface Ended {
  exitCode: number | null
  errors: string
}

/** Runs the command, and kills it when the proxy sees so manieth a request of it. */
function run(words: string[], proxy: FaultProxy, killAtRequest: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
    const stopAt = proxy.seen.length + killAtRequest
    proxy.setRule(() => {
      if (proxy.seen.length >= stopAt) child.kill('SIGKILL')
      return undefined
    })
    let errors = ''
    child.stderr.on('data', (text) => {
      errors += text
    })
    child.on('close', (exitCode) => resolve({ exitCode, errors }))
  })
}

/** What a request puts into the account; undefined for requests that put nothing there. */
function contentKey({ method, url, range }: SeenRequest): string | undefined {
  if (method !== 'PUT' || /restype=|comp=(blocklist|properties|metadata)/.test(url)) return undefined
  return `${url} ${range ?? ''}`
}

/** Requests whose content the account had taken before. */
function sentTwice(seen: readonly SeenRequest[]): SeenRequest[] {
  const taken = new Set<string>()
  return seen.filter((request) => {
    const key = contentKey(request)
    if (key === undefined || request.status !== 201) return false
    const isRepeated = taken.has(key)
    taken.add(key)
    return isRepeated
  })
}

/** At the first request of all, and at others that are drawn; together they are fewer than the import has blobs. */
function killRequests(round: number): number[] {
  const random = xorshift(2026 + round)
  return Array.from({ length: killsEach }, (_, kill) => 1 + (kill === 0 ? 0 : random(smallFiles / killsEach)))
}

async function importWithKills(made: MadeDrives, round: number): Promise<string> {
  const azurite = await startAzurite()
  const proxy = await startFaultProxy(azurite.port, () => undefined)
  const store = await openBlobStore(azurite.url, { accountKey: azuriteKey })
  try {
    const keyFile = join(made.folder, 'key')
    writeFileSync(keyFile, azuriteKey, { mode: 0o600 })
    const words = ['receive', '--drive', join(made.folder, 'drive-0.img'), '--journal', join(made.folder, 'job.jrn')]
    words.push('--state', join(made.folder, `import-${round}`), '--account-key-file', keyFile)
    words.push('--concurrency', String(concurrency), '--to', `http://127.0.0.1:${proxy.port}/${azuriteAccount}`)
    let killed = 0
    for (const request of killRequests(round)) {
      const { exitCode, errors } = await run(killed === 0 ? words : [...words, '--resume'], proxy, request)
      assert.equal(exitCode, null, `it ended before its request ${request}: ${errors}`)
      killed++
    }
    const { exitCode, errors } = await run([...words, '--resume'], proxy, Number.POSITIVE_INFINITY)
    assert.equal(exitCode, 0, errors)
    await assertArrived(made, store)
    const twice = sentTwice(proxy.seen)
    // Only what was on its way when it was killed, and reached the account after the next run had looked for it.
    assert.ok(
      twice.length <= concurrency * killed,
      `${twice.length} requests: ${twice.slice(0, 5).map(({ url }) => url)}`,
    )
    const bytes = twice.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
    const incomplete = (await store.head({ container: 'archive', name: 'in/disks/a.vhd' }))?.properties.metadata ?? []
    assert.deepEqual(incomplete, [])
    return `${killed} kills in ${proxy.seen.length} requests; ${twice.length} (${bytes} bytes) were sent twice`
  } finally {
    await store.close()
    await proxy.stop()
    await azurite.stop()
  }
}

const options = { skip: azuriteMissing(), timeout: imports * 300_000 }
test(
  `an import that is killed at ${imports * killsEach} requests arrives as if it had not been`,
  options,
  async (context) => {
    const made = await makeDrives(temporaryFolder('receive-kill'), sourceFiles())
    for (let round = 0; round < imports; round++) context.diagnostic(await importWithKills(made, round))
  },
)
