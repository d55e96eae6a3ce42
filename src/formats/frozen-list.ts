// frozen.list: every file that travels, a line each with its size and name, in the order of names. A head says of which vault and how
// many; the state has the hash of all of it.

import { TransferError } from '../errors.js'

/** A file of a repository, by its path there. */
export interface NamedSize {
  name: string
  sizeBytes: number
}

export function encodeFrozenHead(seedId: string, generation: number): string {
  return `# diskferry frozen list 1, seed ${seedId}, generation ${generation}\n`
}

export function encodeFrozenEntry({ name, sizeBytes }: NamedSize): string {
  return `${sizeBytes} ${name}\n`
}

/** @throws TransferError VAULT_INVALID with the line. */
export async function* parseFrozenList(lines: AsyncIterable<string>, path = 'frozen.list'): AsyncIterable<NamedSize> {
  let line = 0
  let before = ''
  const fail = (problem: string): never => {
    throw new TransferError('VAULT_INVALID', `${path}, line ${line}: ${problem}.`, { path, line })
  }
  for await (const text of lines) {
    line++
    if (line === 1) {
      if (!text.startsWith('# diskferry frozen list 1,')) fail('this is no list of what travels')
      continue
    }
    const match = /^(\d{1,16}) ([\w./-]{1,512})$/.exec(text)
    if (match === null) return fail('expected a size and a name')
    const name = match[2] as string
    if (name <= before) fail(`${name} does not come after ${before}`)
    before = name
    yield { name, sizeBytes: Number(match[1]) }
  }
  if (line === 0) fail('it is empty')
}
