// The comparison of a container with 100,000 packs: under 60 s and 300 MB, with what is wrong among them found.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { NamedSize } from '../../src/formats/frozen-list.js'
import type { BlobFacts } from '../../src/storage/blob-store.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { surveyLists } from '../../src/vault/survey-halves.js'
import { BlobVaultPlace } from '../../src/vault/vault-place.js'

const packs = 100_000
const packBytes = 16

function names(): string[] {
  const found = Array.from({ length: packs }, (_, index) => {
    const hash = createHash('sha256').update(`${index}`).digest('hex')
    return `data/${hash.slice(0, 2)}/${hash}`
  })
  return found.sort()
}

async function* listOf(all: readonly string[], sizeBytes: number): AsyncIterable<NamedSize> {
  for (const name of all) yield { name, sizeBytes }
}

/** A container with all but one of them, and one that is short. It makes its entries as they are asked for, as a service does. */
class ListedStore extends MemoryStore {
  constructor(private readonly all: readonly string[]) {
    super()
  }

  override async *list(_container: string, prefix: string): AsyncIterable<BlobFacts> {
    for (const [index, name] of this.all.entries()) {
      if (index === 500) continue
      const sizeBytes = index === 600 ? packBytes - 8 : packBytes
      yield { name: `${prefix}${name}`, kind: 'block', sizeBytes, modifiedMs: 0, properties: {} }
    }
  }
}

test(`${packs} packs are compared within bounds`, { timeout: 120_000 }, async (context) => {
  const all = names()
  const place = new BlobVaultPlace(new ListedStore(all), 'backup', 'seed')
  let mostBytes = 0
  const start = performance.now()
  const survey = await surveyLists([listOf(all, packBytes), place.list(), listOf(all, packBytes)], async () => true, {
    hashes: ({ name }) => name.startsWith('data/7'),
    onProgress: ({ same }) => {
      if (same.files % 5000 === 0) mostBytes = Math.max(mostBytes, process.memoryUsage().rss)
    },
  })
  const seconds = (performance.now() - start) / 1000
  context.diagnostic(`${seconds.toFixed(1)} s, ${Math.round(mostBytes / 2 ** 20)} MiB of the whole process`)
  assert.deepEqual([survey.same.files, survey.missing.files, survey.notArrived.files], [packs - 2, 1, 1])
  assert.deepEqual(survey.damaged, [all[600]])
  assert.ok(survey.hashed.files > 5000)
  assert.ok(seconds < 60, `${seconds} s`)
  assert.ok(mostBytes < 300 * 2 ** 20, `${mostBytes} bytes`)
})
