// What is on a device that is to be captured: its partitions, and which parts of them no file uses.

import { realpath, stat } from 'node:fs/promises'
import type { Device } from '../addon/device.js'
import { readBlockFacts } from '../drives/block-facts.js'
import { mountedRanges } from '../drives/mounted-ranges.js'
import { type FoundPartition, readPartitions } from '../drives/partition-disk.js'
import { readVolumes, tableDoubt } from '../drives/read-volumes.js'
import { deviceNumber } from '../drives/refuse-unsafe.js'
import type { ByteRange } from '../formats/byte-ranges.js'
import type { ImageDescription, ImageFileSystem, ImagePartition } from '../formats/image-description.js'
import { planSkipRanges, type VolumeDecision } from '../plan/skip-ranges.js'

export interface SourceContents {
  partitionTable: ImageDescription['partitionTable']
  partitions: ImagePartition[]
  /** Not to be read; whole sectors. Empty when everything is wanted. */
  skipped: ByteRange[]
  notes: string[]
}

/** @param trustUnclean believe file systems that are mounted, or were not unmounted. */
export async function surveyContents(device: Device, usedOnly: boolean, trustUnclean = false): Promise<SourceContents> {
  const table = await readPartitions(device).catch(() => undefined)
  if (table === undefined) {
    const note = 'The partition table could not be read.'
    return { partitionTable: 'unknown', partitions: [], skipped: [], notes: [note] }
  }
  const volumes = await readVolumes(device, table, await mountsOn(device.path))
  const doubt = tableDoubt(table)
  const plan = planSkipRanges({
    deviceBytes: device.sizeBytes,
    sectorBytes: device.logicalSectorBytes,
    volumes,
    trustUnclean,
    ...(doubt === undefined ? {} : { tableDoubt: doubt }),
  })
  const fileSystems = new Map(plan.volumes.map((decision) => [decision.number, fileSystemOf(decision)]))
  const notes = table.findings.map(({ message }) => message)
  return {
    partitionTable: table.kind,
    partitions: partitionsOf(table.partitions, device.sizeBytes, fileSystems),
    skipped: usedOnly ? plan.skipped : [],
    notes: usedOnly ? [...notes, ...plan.notes] : notes,
  }
}

async function mountsOn(path: string) {
  const real = await realpath(path)
  const found = await stat(real)
  const target = found.isBlockDevice() ? { number: deviceNumber(found.rdev) } : { path: real }
  return mountedRanges(target, await readBlockFacts())
}

function fileSystemOf({ fileSystem, label, state, usedBytes }: VolumeDecision): ImageFileSystem | undefined {
  if (fileSystem === '') return undefined
  return {
    kind: fileSystem,
    // No file system's own limit is larger; a hostile volume's label may be.
    ...(label === '' ? {} : { label: label.slice(0, 128) }),
    state,
    ...(usedBytes === undefined ? {} : { usedBytes }),
  }
}

/** A device without a table that is one file system counts as partition 0. */
function partitionsOf(
  found: readonly FoundPartition[],
  deviceBytes: number,
  fileSystems: ReadonlyMap<number, ImageFileSystem | undefined>,
): ImagePartition[] {
  const whole = fileSystems.get(0)
  if (whole !== undefined) {
    return [{ number: 0, type: 'whole device', offsetBytes: 0, sizeBytes: deviceBytes, fileSystem: whole }]
  }
  return found.map(({ number, type, name, offsetBytes, sizeBytes }) => {
    const fileSystem = fileSystems.get(number)
    return {
      number,
      type,
      ...(name === '' ? {} : { name }),
      offsetBytes,
      sizeBytes,
      ...(fileSystem === undefined ? {} : { fileSystem }),
    }
  })
}
