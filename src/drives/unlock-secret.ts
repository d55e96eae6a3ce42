// Secrets from a file, so that none is ever needed on the command line, where every user of the machine can read it.

import { open } from 'node:fs/promises'
import { TransferError } from '../errors.js'

const secretBytesMax = 4096

/**
 * The first line of a file, without blanks around it.
 * @param warn is told when other users may read the file.
 * @throws TransferError KEY_MISSING when there is no such file or nothing in it.
 */
export async function readSecretFile(path: string, warn?: (message: string) => void): Promise<string> {
  const missing = (what: string, cause?: unknown) =>
    new TransferError('KEY_MISSING', `${path} ${what}.`, cause === undefined ? { path } : { path, cause })
  const file = await open(path, 'r').catch((cause: Error) => {
    throw missing(`cannot be opened for a key: ${cause.message}`, cause)
  })
  const bytes = Buffer.alloc(secretBytesMax)
  try {
    const found = await file.stat()
    if (found.isDirectory()) throw missing('is a folder, not a file with a key')
    if (found.isFile() && (found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
      warn?.(`${path} holds a secret and other users may reach it (mode ${mode}); chmod 600 keeps it private.`)
    }
    // A pipe or process substitution has no size: read until the line is complete.
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
      if (bytes.subarray(0, length).includes(0x0a)) break
    }
    const secret = firstLine(bytes.subarray(0, length))
    if (secret === '') throw missing('holds no key: its first line is empty')
    return secret
  } finally {
    bytes.fill(0)
    await file.close()
  }
}

/** Notepad writes UTF-16 or a byte order mark; both are understood. */
function firstLine(bytes: Buffer): string {
  const isUtf16 = bytes.length >= 2 && bytes.readUInt16LE(0) === 0xfeff
  const text = bytes.toString(isUtf16 ? 'utf16le' : 'utf8').replace(/^\ufeff/, '')
  return (text.split(/\r?\n/, 1)[0] ?? '').trim()
}
