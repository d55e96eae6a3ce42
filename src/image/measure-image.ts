// How large the content of another program's LZ4 file is: its header may not say, so it is read to its end once. That also tells
// whether it is whole, before anything is written by it.

import { basename } from 'node:path'
import { ImageSource, transferImage } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import type { RunContext } from './image-run.js'
import { contentOf, type FoundImage } from './open-image.js'

/** @throws TransferError IMAGE_DAMAGED, IMAGE_INVALID for content that is not whole sectors, INTERRUPTED */
export async function measureImage(image: FoundImage, context: Pick<RunContext, 'follow'>): Promise<number> {
  const { path } = image
  const source = await ImageSource.open(contentOf(image))
  try {
    const settings = { zeros: 'skip' as const, readBack: false, resume: false, checkBlocks: false }
    const run = transferImage({ source, targets: [], mode: 'check', hashes: [], ...settings }, () => {})
    const row = { driveId: basename(path), path, activity: 'verifying' as const, bytesDone: 0, bytesTotal: 0 }
    const { sizeBytes } = await context.follow(run, row)
    if (sizeBytes > 0 && sizeBytes % 512 === 0) return sizeBytes
    const message = `${path} holds ${sizeBytes} bytes: an image of a device is whole sectors of 512.`
    throw new TransferError('IMAGE_INVALID', message, { path, hint: 'Is it an image?' })
  } finally {
    source.close()
  }
}
