// Content of a file whose name is its SHA-256: read in pieces, compared at its end.

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { TransferError } from '../errors.js'
import { hashInName } from '../plan/repository-files.js'
import { pieceBytes, type VaultPlace } from './vault-place.js'

/**
 * The file in staging, piece by piece through one buffer. Throws at its end when the content is not that of the name: whoever
 * stores what came only after the end stores nothing damaged.
 * @throws TransferError VAULT_DAMAGED
 */
export async function* soundContent(folder: string, name: string): AsyncIterable<Buffer> {
  const path = join(folder, name)
  const wanted = hashInName(name)
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(pieceBytes)
  const file = await open(path)
  try {
    for (;;) {
      let lengthBytes = 0
      while (lengthBytes < pieceBytes) {
        const { bytesRead } = await file.read(buffer, lengthBytes, pieceBytes - lengthBytes, null)
        if (bytesRead === 0) break
        lengthBytes += bytesRead
      }
      if (lengthBytes === 0) break
      hash.update(buffer.subarray(0, lengthBytes))
      yield buffer.subarray(0, lengthBytes)
      if (lengthBytes < pieceBytes) break
    }
  } finally {
    await file.close()
  }
  const found = hash.digest('hex')
  if (wanted === undefined || wanted === found) return
  throw new TransferError('VAULT_DAMAGED', `${path} is damaged: its SHA-256 is ${found}.`, { path })
}

/** Whether what lies in the vault is what its name says; true also where the name says nothing. */
export async function isSound(place: VaultPlace, name: string): Promise<boolean> {
  const wanted = hashInName(name)
  if (wanted === undefined) return true
  const hash = createHash('sha256')
  for await (const piece of place.read(name)) hash.update(piece)
  return hash.digest('hex') === wanted
}
