// The map of a capture for ddrescue and its tools: what was read, what was not, what was not reached.

import { writeFile } from 'node:fs/promises'
import type { ByteRange } from '../formats/byte-ranges.js'
import { encodeRescueMap, rescueParts } from '../formats/ddrescue-map.js'
import type { ImageDescription } from '../formats/image-description.js'
import { writeError } from './finish-image.js'

/** @throws TransferError DEVICE_FULL, DEVICE_WRITE_FAILED */
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
    throw writeError(path, cause)
  })
}
