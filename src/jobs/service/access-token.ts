// The bearer token of the local service: made at its first start, kept in a file of mode 0600, compared in constant time,
// never printed or logged.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { TransferError } from '../../errors.js'
import { writeWhole } from '../../prepare/session-files.js'

export class AccessToken {
  readonly #digest: Buffer

  constructor(token: string) {
    this.#digest = digestOf(token)
  }

  /** @throws TransferError SERVICE_DATA_INVALID when the file is too short or readable by others. */
  static async readOrMake(path: string): Promise<{ token: AccessToken; isNew: boolean }> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) {
      const made = randomBytes(32).toString('base64url')
      await writeWhole(path, [`${made}\n`])
      return { token: new AccessToken(made), isNew: true }
    }
    const mode = (await stat(path)).mode & 0o077
    const problem = text.trim().length < 20 ? 'has less than 20 characters' : mode !== 0 ? 'can be read by others' : ''
    if (problem !== '') {
      throw new TransferError('SERVICE_DATA_INVALID', `The token file ${path} ${problem}.`, {
        hint: 'Remove it and a new token is made, or set its mode to 0600.',
        path,
      })
    }
    return { token: new AccessToken(text.trim()), isNew: false }
  }

  matches(given: string): boolean {
    return timingSafeEqual(this.#digest, digestOf(given))
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
