// The list of what travelled, read back: compared with the hash that the state has of it.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { TransferError } from '../errors.js'
import { type NamedSize, parseFrozenList } from '../formats/frozen-list.js'
import type { VaultFolder } from './vault-folder.js'

/** Nothing for a vault whose list was never frozen. @throws TransferError VAULT_INVALID, at its end for one that was changed. */
export async function* frozenFiles(vault: VaultFolder): AsyncIterable<NamedSize> {
  const { frozen } = vault.state
  if (frozen === undefined) return
  const path = vault.frozenListPath
  const input = createReadStream(path)
  const hash = createHash('sha256')
  let failure: NodeJS.ErrnoException | undefined
  input.on('data', (piece) => hash.update(piece))
  input.on('error', (error) => {
    failure = error
  })
  try {
    yield* parseFrozenList(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), path)
  } catch (error) {
    throw failure === undefined ? error : changed(path, failure.message)
  } finally {
    input.destroy()
  }
  if (failure !== undefined) throw changed(path, failure.message)
  if (hash.digest('hex') !== frozen.listHash) throw changed(path, 'it is not the list that was frozen')
}

function changed(path: string, problem: string): TransferError {
  return new TransferError('VAULT_INVALID', `${path}: ${problem}.`, {
    hint: 'Restore it from a copy: it says what is on the drives.',
    path,
  })
}
