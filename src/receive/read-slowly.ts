// Files that cannot be read as runs of clusters (resident, compressed or sparse ones, or with blocks of odd lengths): block by
// block through the file system's own reader, hashed and compared before anything is sent.

import { createHash } from 'node:crypto'
import { md5Blocks } from '../addon/crypto.js'
import { TransferError } from '../errors.js'
import { type BlobSink, rangeMd5 } from './blob-sink.js'
import type { ShippedDrive } from './shipped-drive.js'

const pieceBytes = 4 << 20
/** Blocks that are on their way while the next is read. */
const sendingMax = 4

/** @returns the MD5 of the whole content when `hashFile` and every byte belongs to a range. */
export async function readSlowly(
  drive: ShippedDrive,
  file: number,
  sink: BlobSink,
  { hashFile, onDamage }: { hashFile: boolean; onDamage(): void },
): Promise<Uint8Array | undefined> {
  const { blob } = sink.task
  const hash = createHash('md5')
  let hashedBytes = 0
  const sending = new Set<Promise<void>>()
  for (let range = 0; range < blob.offsets.length; range++) {
    if (!sink.isWanted(range)) continue
    const bytes = await readRange(drive, file, sink, range)
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
  return hashFile && hashedBytes === blob.lengthBytes ? hash.digest() : undefined
}

async function readRange(
  drive: ShippedDrive,
  file: number,
  sink: BlobSink,
  range: number,
): Promise<Buffer | undefined> {
  const { blob } = sink.task
  const offset = blob.offsets[range] as number
  const bytes = Buffer.allocUnsafe(blob.lengths[range] as number)
  const record = drive.tree.fileRecord[file] as number
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const length = Math.min(pieceBytes, bytes.length - at)
      ;(await drive.ntfs.readFile(record, offset + at, length)).copy(bytes, at)
    }
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    sink.fail(range, 'IOFailed', error.message)
    return undefined
  }
  const found = await md5Blocks(bytes, bytes.length)
  if (found.equals(rangeMd5(sink.task, range))) return bytes
  sink.fail(range, 'Corrupted')
  return undefined
}
