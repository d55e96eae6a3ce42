// Bytes of a folder store: blocks in files of their own until they are committed, and the written ranges of a page blob.

import { type FileHandle, open, opendir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteRange, StoredBlock } from './blob-store.js'
import { joinRanges } from './local-rules.js'

const copyBytes = 1 << 20
const pageEntryBytes = 16

/** A part of a file that becomes a part of a blob. */
export interface BlockPiece {
  open: () => Promise<FileHandle>
  offsetBytes: number
  lengthBytes: number
}

/** In hexadecimal: ids that differ in case only must differ on every file system. */
export function blockFileName(id: string): string {
  return Buffer.from(id, 'latin1').toString('hex')
}

export async function listBlockFiles(folder: string): Promise<(StoredBlock & { path: string })[]> {
  const found: (StoredBlock & { path: string })[] = []
  for await (const id of blockIds(folder)) {
    const path = join(folder, blockFileName(id))
    found.push({ id, sizeBytes: (await stat(path)).size, path })
  }
  return found
}

export async function anyBlockId(folder: string): Promise<string | undefined> {
  for await (const id of blockIds(folder)) return id
  return undefined
}

async function* blockIds(folder: string): AsyncIterable<string> {
  const entries = await opendir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (entries === undefined) return
  for await (const { name } of entries) {
    // Others are blocks whose upload was interrupted.
    if (/^([0-9a-f]{2})+$/.test(name)) yield Buffer.from(name, 'hex').toString('latin1')
  }
}

/** Behind what the file has. */
export async function copyPiece(piece: BlockPiece, target: FileHandle): Promise<void> {
  const source = await piece.open()
  try {
    for (let done = 0; done < piece.lengthBytes; done += copyBytes) {
      const wanted = Math.min(copyBytes, piece.lengthBytes - done)
      await writeAll(target, await readExactly(source, piece.offsetBytes + done, wanted))
    }
  } finally {
    await source.close()
  }
}

/** At the file's position without an offset. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, offsetBytes?: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = offsetBytes === undefined ? null : offsetBytes + done
    done += (await file.write(bytes, done, bytes.length - done, at)).bytesWritten
  }
}

export async function readExactly(file: FileHandle, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  for (let done = 0; done < lengthBytes; ) {
    const { bytesRead } = await file.read(bytes, done, lengthBytes - done, offsetBytes + done)
    if (bytesRead === 0) throw new Error(`the file ends at ${offsetBytes + done} of ${offsetBytes + lengthBytes} bytes`)
    done += bytesRead
  }
  return bytes
}

/** Offset and length, 8 bytes each, appended once the pages themselves are on stable storage. */
export async function notePages(path: string, offsetBytes: number, lengthBytes: number): Promise<void> {
  const entry = Buffer.alloc(pageEntryBytes)
  entry.writeBigUInt64LE(BigInt(offsetBytes), 0)
  entry.writeBigUInt64LE(BigInt(lengthBytes), 8)
  const file = await open(path, 'a')
  try {
    // A torn entry of an interrupted call would move all that follow it.
    const { size } = await file.stat()
    if (size % pageEntryBytes !== 0) await file.truncate(size - (size % pageEntryBytes))
    await file.write(entry)
    await file.datasync()
  } finally {
    await file.close()
  }
}

export async function notedPages(path: string): Promise<ByteRange[]> {
  const entries = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const ranges: ByteRange[] = []
  for (let at = 0; at + pageEntryBytes <= entries.length; at += pageEntryBytes) {
    const [offsetBytes, lengthBytes] = [entries.readBigUInt64LE(at), entries.readBigUInt64LE(at + 8)]
    ranges.push({ offsetBytes: Number(offsetBytes), lengthBytes: Number(lengthBytes) })
  }
  return joinRanges(ranges)
}
