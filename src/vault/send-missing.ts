// Sends what the vault lacks, several files at once, packs before the indexes that name them, snapshots after both: whoever reads
// meanwhile never misses anything. What was sent is noted, so that a run that goes on can still tell disk and network apart.

import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { NamedSize } from '../formats/frozen-list.js'
import { compareRepositories, judgeFile } from '../plan/compare-repositories.js'
import { sendOrder } from '../plan/repository-files.js'
import { throwIfAborted } from '../storage/local-rules.js'
import type { RateLimit } from '../storage/rate-limit.js'
import { soundContent } from './named-content.js'
import { listRepository } from './staged-repository.js'
import { add, type Tally } from './survey-halves.js'
import type { VaultFolder } from './vault-folder.js'
import type { VaultPlace } from './vault-place.js'

export interface SendMissingOptions {
  /** Names whose content in the vault is damaged. */
  damaged: ReadonlySet<string>
  concurrency: number
  rateLimit?: RateLimit
  signal?: AbortSignal
  onSent?: (sent: Tally) => void
}

/** @throws TransferError STORAGE_…, VAULT_DAMAGED for a file that is damaged in staging too. */
export async function sendMissing(
  vault: VaultFolder,
  place: VaultPlace,
  options: SendMissingOptions,
): Promise<{ sent: Tally; repaired: number }> {
  const note = await SentList.open(vault.sentListPath)
  const sent = { files: 0, bytes: 0 }
  let repaired = 0
  try {
    for (const kind of sendOrder) {
      await eachLimited(toSend(vault, place, kind, options.damaged), options, async ({ name, sizeBytes, replaces }) => {
        await sendOne(vault, place, { name, sizeBytes, replaces }, options)
        await note.add({ name, sizeBytes })
        add(sent, sizeBytes)
        if (replaces) repaired++
        options.onSent?.(sent)
      })
    }
  } finally {
    await note.close()
  }
  return { sent, repaired }
}

interface Cargo extends NamedSize {
  replaces: boolean
}

async function* toSend(
  vault: VaultFolder,
  place: VaultPlace,
  kind: string,
  damaged: ReadonlySet<string>,
): AsyncIterable<Cargo> {
  const staging = listRepository(vault.repositoryPath, kind)
  for await (const file of compareRepositories(staging, exactly(place.list(kind), kind), nothing())) {
    const verdict = judgeFile(file)
    const replaces = verdict === 'differs' || damaged.has(file.name)
    if (verdict !== 'missing' && !replaces) continue
    if (file.stagingBytes !== undefined) yield { name: file.name, sizeBytes: file.stagingBytes, replaces }
  }
}

/** A prefix that is a file's name also finds longer names. */
async function* exactly(files: AsyncIterable<NamedSize>, kind: string): AsyncIterable<NamedSize> {
  for await (const file of files) if (kind.endsWith('/') || file.name === kind) yield file
}

async function* nothing(): AsyncIterable<NamedSize> {}

async function sendOne(
  vault: VaultFolder,
  place: VaultPlace,
  { name, sizeBytes, replaces }: Cargo,
  { rateLimit, signal }: SendMissingOptions,
): Promise<void> {
  await place.send(name, soundContent(vault.repositoryPath, name), sizeBytes, {
    replaces,
    ...(signal === undefined ? {} : { signal }),
    ...(rateLimit === undefined ? {} : { take: (bytes: number) => rateLimit.take(bytes, signal) }),
  })
}

/** The first failure stops what has not begun, and is thrown when everything under way has ended. */
async function eachLimited<T>(
  items: AsyncIterable<T>,
  { concurrency, signal }: SendMissingOptions,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const item of items) {
    throwIfAborted(signal)
    const one = work(item)
      .catch((error) => {
        failures.push(error)
      })
      .finally(() => running.delete(one))
    running.add(one)
    if (running.size >= concurrency) await Promise.race(running)
    if (failures.length > 0) break
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}

class SentList {
  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<SentList> {
    return new SentList(await open(path, 'a', 0o600))
  }

  async add({ name, sizeBytes }: NamedSize): Promise<void> {
    await this.file.appendFile(`${sizeBytes} ${name}\n`)
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

/** What went by network so far, each file once. */
export async function sentSoFar(path: string): Promise<Tally> {
  const sizes = new Map<string, number>()
  const input = createReadStream(path)
  input.on('error', () => {})
  try {
    for await (const line of createInterface({ input })) {
      const match = /^(\d{1,16}) ([\w./-]+)$/.exec(line)
      if (match !== null) sizes.set(match[2] as string, Number(match[1]))
    }
  } catch {
    // Nothing was sent yet.
  }
  const tally = { files: 0, bytes: 0 }
  for (const bytes of sizes.values()) add(tally, bytes)
  return tally
}
