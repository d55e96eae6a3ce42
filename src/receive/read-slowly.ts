// Content that cannot be read as runs of clusters (resident, compressed or sparse files, blocks of odd lengths, files of a folder):
// block by block, hashed and compared before anything is sent.

import { createHash } from 'node:crypto'
import { md5Blocks } from '../addon/crypto.js'
import { TransferError } from '../errors.js'
import type { RangeStatus } from '../formats/copy-log-codes.js'
import { type BlobSink, rangeMd5 } from './blob-sink.js'
import type { ShippedDrive } from './shipped-drive.js'

const pieceBytes = 4 << 20
/** Blocks that are on their way while the next is read. */
const sendingMax = 4

/** One place where the content of a blob may be found. */
export interface RangeReader {
  /** For messages; undefined for the file that the manifest names. */
  name: string | undefined
  /** Fills `bytes`. @throws TransferError when it cannot. */
  read(offsetBytes: number, bytes: Buffer): Promise<void>
}

export function readerOfDriveFile({ ntfs, tree }: ShippedDrive, file: number): RangeReader {
  const record = tree.fileRecord[file] as number
  return {
    name: undefined,
    async read(offsetBytes, bytes) {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const length = Math.min(pieceBytes, bytes.length - at)
        ;(await ntfs.readFile(record, offsetBytes + at, length)).copy(bytes, at)
      }
    },
  }
}

/** @param readers each is asked for a range until one has the right bytes. @returns the MD5 of the whole content when `hashFile` and every byte belongs to a range. */
export async function readSlowly(
  readers: readonly RangeReader[],
  sink: BlobSink,
  { hashFile, onDamage, signal }: { hashFile: boolean; onDamage(): void; signal: AbortSignal },
): Promise<Uint8Array | undefined> {
  const { blob } = sink.task
  const hash = createHash('md5')
  let hashedBytes = 0
  const sending = new Set<Promise<void>>()
  try {
    for (let range = 0; range < blob.offsets.length; range++) {
      if (!sink.isWanted(range)) continue
      signal.throwIfAborted()
      const bytes = await readRange(readers, sink, range)
      if (bytes === undefined) {
        onDamage()
        continue
      }
      if (hashFile) hash.update(bytes)
      hashedBytes += bytes.length
      const task = sink.put(range, bytes).finally(() => sending.delete(task))
      // Whoever awaits it below hears of it; until then it is not unhandled.
      task.catch(() => {})
      sending.add(task)
      if (sending.size >= sendingMax) await Promise.race(sending)
    }
    await Promise.all(sending)
  } finally {
    await Promise.allSettled(sending)
  }
  return hashFile && hashedBytes === blob.lengthBytes ? hash.digest() : undefined
}

async function readRange(readers: readonly RangeReader[], sink: BlobSink, range: number): Promise<Buffer | undefined> {
  const { blob } = sink.task
  const bytes = Buffer.allocUnsafe(blob.lengths[range] as number)
  let failure: { status: RangeStatus; message: string | undefined } | undefined
  for (const { name, read } of readers) {
    try {
      await read(blob.offsets[range] as number, bytes)
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
      failure ??= { status: 'IOFailed', message: error.message }
      continue
    }
    const found = await md5Blocks(bytes, bytes.length)
    if (found.equals(rangeMd5(sink.task, range))) return bytes
    failure ??= { status: 'Corrupted', message: name === undefined ? undefined : `${name} has other bytes there.` }
  }
  sink.fail(range, failure?.status ?? 'Failed', failure?.message)
  return undefined
}
