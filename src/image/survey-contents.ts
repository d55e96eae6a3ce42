// What is on a device that is to be captured: its partitions, and which parts of them no file uses.

import type { Device } from '../addon/device.js'
import { readPartitions } from '../drives/partition-disk.js'
import type { ByteRange } from '../formats/byte-ranges.js'
import type { ImageDescription, ImagePartition } from '../formats/image-description.js'

export interface SourceContents {
  partitionTable: ImageDescription['partitionTable']
  partitions: ImagePartition[]
  /** Not to be read; whole sectors. Empty when everything is wanted. */
  skipped: ByteRange[]
  notes: string[]
}

export async function surveyContents(
  device: Device,
  _usedOnly: boolean,
  _mounts: readonly { device: string; mountPoint: string }[],
): Promise<SourceContents> {
  const table = await readPartitions(device).catch(() => undefined)
  if (table === undefined) {
    const note = 'The partition table could not be read.'
    return { partitionTable: 'unknown', partitions: [], skipped: [], notes: [note] }
  }
  const partitions = table.partitions.map(({ number, type, name, offsetBytes, sizeBytes }) => ({
    number,
    type,
    ...(name === '' ? {} : { name }),
    offsetBytes,
    sizeBytes,
  }))
  return { partitionTable: table.kind, partitions, skipped: [], notes: table.findings.map(({ message }) => message) }
}
