// What a repaired image says of itself, and how repairing it is shown.

import { basename } from 'node:path'
import { type ByteRange, mergeRanges, totalBytes } from '../formats/byte-ranges.js'
import type { ImageDescription, ImageDigests } from '../formats/image-description.js'
import { version } from '../package.js'
import type { RepairedImage } from './repair-image.js'

export type Repaired = Omit<RepairedImage, 'image' | 'to' | 'seconds'>

export function describeRepaired(
  known: ImageDescription,
  lost: readonly ByteRange[],
  digests: ImageDigests,
  reason = '',
): ImageDescription {
  const why = reason === '' ? '' : ` (${reason})`
  const note = `Repaired by diskferry ${version}: ${totalBytes(lost)} bytes were not found${why} and are zeros.`
  return {
    ...known,
    state: lost.length === 0 && known.state === 'complete' ? 'complete' : 'repaired',
    finishedAt: known.finishedAt === '' ? known.startedAt : known.finishedAt,
    digests,
    unreadable: mergeRanges([...known.unreadable, ...lost]),
    notes: [...known.notes, note],
  }
}

export function repairRow(path: string, bytesTotal: number) {
  return { driveId: basename(path), path, activity: 'repairing' as const, bytesDone: 0, bytesTotal }
}
