// A repository in staging, its copy in the vault and the list of what travelled, side by side. All three come in the order of names,
// so that one entry of each is held at a time, however many packs there are.

import type { NamedSize } from '../formats/frozen-list.js'

export interface ComparedFile {
  name: string
  /** Undefined where it is not there. */
  stagingBytes?: number
  vaultBytes?: number
  frozenBytes?: number
}

/** @throws RangeError when a list is out of order. */
export async function* compareRepositories(
  staging: AsyncIterable<NamedSize>,
  vault: AsyncIterable<NamedSize>,
  frozen: AsyncIterable<NamedSize>,
): AsyncIterable<ComparedFile> {
  const [left, middle, right] = [new Cursor(staging), new Cursor(vault), new Cursor(frozen)]
  try {
    await Promise.all([left.next(), middle.next(), right.next()])
    for (;;) {
      const name = smallest(left.current?.name, middle.current?.name, right.current?.name)
      if (name === undefined) return
      const file: ComparedFile = { name }
      if (left.current?.name === name) file.stagingBytes = left.current.sizeBytes
      if (middle.current?.name === name) file.vaultBytes = middle.current.sizeBytes
      if (right.current?.name === name) file.frozenBytes = right.current.sizeBytes
      yield file
      for (const cursor of [left, middle, right]) if (cursor.current?.name === name) await cursor.next()
    }
  } finally {
    for (const cursor of [left, middle, right]) await cursor.end()
  }
}

class Cursor {
  current: NamedSize | undefined
  readonly #entries: AsyncIterator<NamedSize>

  constructor(entries: AsyncIterable<NamedSize>) {
    this.#entries = entries[Symbol.asyncIterator]()
  }

  async next(): Promise<void> {
    const before = this.current?.name
    const { done, value } = await this.#entries.next()
    this.current = done ? undefined : value
    if (before !== undefined && this.current !== undefined && this.current.name <= before) {
      throw new RangeError(`expected names in order but received ${this.current.name} after ${before}`)
    }
  }

  async end(): Promise<void> {
    await this.#entries.return?.()
  }
}

function smallest(...names: (string | undefined)[]): string | undefined {
  let least: string | undefined
  for (const name of names) if (name !== undefined && (least === undefined || name < least)) least = name
  return least
}

/**
 * `same`: there and of the same size. `missing`: to be sent. `differs`: to be sent again. `kept`: no longer in staging, or replaced
 * there, and in the vault. `lost`: it travelled and is nowhere now. `foreign`: in the vault alone, and never part of this seed.
 */
export type FileVerdict = 'same' | 'missing' | 'differs' | 'kept' | 'lost' | 'foreign'

export function judgeFile({ name, stagingBytes, vaultBytes, frozenBytes }: ComparedFile): FileVerdict {
  if (stagingBytes !== undefined) {
    if (vaultBytes === undefined) return 'missing'
    return stagingBytes === vaultBytes ? 'same' : 'differs'
  }
  // An index is replaced by newer ones that list the same packs.
  if (name.startsWith('index/')) return 'kept'
  if (vaultBytes === undefined) return 'lost'
  if (frozenBytes === undefined) return 'foreign'
  return vaultBytes === frozenBytes ? 'kept' : 'lost'
}
