// A file of ours (a log, the copy of a manifest) goes into the account as a block blob.

import { open } from 'node:fs/promises'
import { md5Blocks } from '../addon/crypto.js'
import type { BlobPlace, BlobProperties, BlobStore } from '../storage/blob-store.js'
import { emptyMd5 } from './blob-sink.js'

const blockBytes = 8 << 20

/** Replaces a blob of that name. */
export async function storeFile(
  store: BlobStore,
  place: BlobPlace,
  path: string,
  options: { properties?: BlobProperties; signal: AbortSignal },
): Promise<void> {
  const { signal } = options
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const read = async (offset: number) => {
      const bytes = Buffer.allocUnsafe(Math.min(blockBytes, size - offset))
      await file.read(bytes, 0, bytes.length, offset)
      return { bytes, md5: bytes.length === 0 ? emptyMd5 : await md5Blocks(bytes, bytes.length) }
    }
    if (size <= blockBytes) {
      const { bytes, md5 } = await read(0)
      await store.putBlob(place, bytes, md5, options)
      return
    }
    const ids: string[] = []
    for (let offset = 0; offset < size; offset += blockBytes) {
      const { bytes, md5 } = await read(offset)
      const id = Buffer.from(String(ids.length).padStart(8, '0')).toString('base64')
      await store.putBlock(place, id, bytes, md5, { signal })
      ids.push(id)
    }
    await store.commitBlocks(place, ids, options)
  } finally {
    await file.close()
  }
}
