// The map of a capture for ddrescue and its tools: what was read, what was not, what was not reached.

import { writeFile } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import type { ByteRange } from '../formats/byte-ranges.js'
import { encodeRescueMap, rescueParts } from '../formats/ddrescue-map.js'
import type { ImageDescription } from '../formats/image-description.js'
import type { ImageInfo } from '../reports/describe-image.js'

/** @throws TransferError DEVICE_WRITE_FAILED */
export async function writeRescueMap(
  path: string,
  description: ImageDescription,
  reached: { unreadable: readonly ByteRange[]; triedBytes: number },
): Promise<void> {
  const { sizeBytes } = description.source
  const isFinished = reached.triedBytes === sizeBytes
  const text = encodeRescueMap(rescueParts(reached.unreadable, sizeBytes, reached.triedBytes), {
    by: description.madeBy,
    command: `image of ${description.source.path}`,
    startedAt: description.startedAt,
    finishedAt: description.finishedAt,
    isFinished,
  })
  await writeFile(path, text).catch((cause: Error) => {
    throw new TransferError('DEVICE_WRITE_FAILED', `The map ${path} cannot be written: ${cause.message}.`, {
      cause,
      path,
    })
  })
}

/** The map of an image that is there, or of an unfinished one as far as it is. @throws TransferError IMAGE_UNSUPPORTED */
export async function writeImageMap(info: ImageInfo, path: string): Promise<void> {
  if (info.description === undefined) {
    throw new TransferError('IMAGE_UNSUPPORTED', `${info.path} does not say what of it could be read.`, {
      path: info.path,
    })
  }
  const { description, contentBytes = 0 } = info
  await writeRescueMap(path, description, { unreadable: description.unreadable, triedBytes: contentBytes })
}
