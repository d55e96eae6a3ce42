// Which parts of a device an image of used blocks leaves out: what file systems call free, and nothing else. Whatever lies
// outside of partitions is read, and so is every partition about which there is the least doubt.

import { type ByteRange, invertRanges, mergeRanges } from '../formats/byte-ranges.js'

/** What a file system says of itself, as src/addon/filesystems.ts reads it. */
export interface FoundFileSystem {
  /** Empty when none was recognized. */
  fileSystem: string
  label: string
  state: 'clean' | 'dirty' | 'needs-recovery' | 'unknown'
  /** Why it is not clean. */
  reason: string
  /** In use, from the start of the volume: ascending and disjoint. */
  offsetBytes: Float64Array
  lengthBytes: Float64Array
}

/** A partition, or the whole device. */
export interface FoundVolume {
  /** From 1; 0 for the whole device, which is given beside its partitions too. */
  number: number
  offsetBytes: number
  sizeBytes: number
  found: FoundFileSystem
  /** Where it is mounted now. */
  mountPoint?: string
}

export interface VolumeDecision {
  number: number
  fileSystem: string
  label: string
  /** In words: `clean`, `dirty: …`, `mounted: …`. */
  state: string
  /** Of data and metadata; undefined where everything is read. */
  usedBytes?: number
}

export interface SkipPlan {
  /** Whole sectors, in order, apart from each other. */
  skipped: ByteRange[]
  volumes: VolumeDecision[]
  /** Sentences about what is read whole although it was asked to be left out in part, or believed although in doubt. */
  notes: string[]
}

export interface SkipRequest {
  deviceBytes: number
  /** Skipped ranges are whole sectors of this size. */
  sectorBytes: number
  volumes: readonly FoundVolume[]
  /** What is wrong with the partition table, a sentence: then nothing is left out. */
  tableDoubt?: string
  /** Believe mounted file systems, and such as were not unmounted: what they wrote last may be missing from the image. */
  trustUnclean?: boolean
}

/** Swap holds nothing that outlives its system, mounted or not. */
const alwaysTrusted = new Set(['swap'])

export function planSkipRanges(request: SkipRequest): SkipPlan {
  const { deviceBytes, sectorBytes, volumes, tableDoubt, trustUnclean = false } = request
  const notes: string[] = []
  if (tableDoubt !== undefined) notes.push(`${tableDoubt} The device is read whole.`)
  const partitioned = volumes.some(({ number }) => number > 0)
  const hidden = volumes.find(({ number, found }) => number === 0 && partitioned && found.fileSystem !== '')
  if (hidden !== undefined) {
    const marks = `the marks of a file system (${hidden.found.fileSystem})`
    notes.push(`The device has partitions and, over all of it, ${marks}: it is read whole.`)
  }
  const mayTrust = hidden === undefined && tableDoubt === undefined
  const parts = volumes.filter(({ number }) => number > 0 || !partitioned)
  const decisions = parts.map((volume) => decide(volume, mayTrust, trustUnclean, notes))
  const free: ByteRange[] = []
  const used: ByteRange[] = []
  for (const [index, volume] of parts.entries()) {
    const { usedBytes } = decisions[index] as VolumeDecision
    const ranges = usedBytes === undefined ? [{ offsetBytes: 0, lengthBytes: volume.sizeBytes }] : usedOf(volume)
    addShifted(used, ranges, volume.offsetBytes)
    if (usedBytes !== undefined) addShifted(free, invertRanges(ranges, volume.sizeBytes), volume.offsetBytes)
  }
  const skipped = wholeSectors(without(mergeRanges(free), mergeRanges(used)), sectorBytes, deviceBytes)
  return { skipped, volumes: decisions, notes }
}

function decide(volume: FoundVolume, mayTrust: boolean, trustUnclean: boolean, notes: string[]): VolumeDecision {
  const { number, mountPoint } = volume
  const { fileSystem, label, state, reason } = volume.found
  const name = number === 0 ? 'The device' : `Partition ${number}`
  const isMounted = mountPoint !== undefined && !alwaysTrusted.has(fileSystem)
  const decision: VolumeDecision = { number, fileSystem, label, state: stateOf(volume, isMounted) }
  if (!mayTrust) return decision
  const doubt = isMounted ? `is mounted at ${mountPoint}` : state === 'clean' ? undefined : `is ${state}: ${reason}`
  const isTrusted = state !== 'unknown' && (doubt === undefined || trustUnclean)
  if (isTrusted) decision.usedBytes = usedOf(volume).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
  if (doubt === undefined) return decision
  const text = `${name} (${fileSystem || 'no known file system'}) ${doubt.replace(/\.$/, '')}`
  notes.push(
    isTrusted ? `${text}. Its free room is left out all the same, as was asked.` : `${text}. It is read whole.`,
  )
  return decision
}

function stateOf({ found: { state, reason }, mountPoint }: FoundVolume, isMounted: boolean): string {
  if (isMounted) return `mounted: at ${mountPoint}`
  return state === 'clean' ? state : `${state}: ${reason}`
}

function usedOf({ found, sizeBytes }: FoundVolume): ByteRange[] {
  const ranges = Array.from(found.offsetBytes, (offsetBytes, index) => {
    const end = Math.min(sizeBytes, offsetBytes + (found.lengthBytes[index] as number))
    return { offsetBytes, lengthBytes: Math.max(0, end - offsetBytes) }
  })
  return mergeRanges(ranges)
}

// There may be a million of them.
function addShifted(into: ByteRange[], ranges: readonly ByteRange[], byBytes: number): void {
  for (const { offsetBytes, lengthBytes } of ranges) into.push({ offsetBytes: offsetBytes + byBytes, lengthBytes })
}

/** Partitions that overlap: what one of them uses is not free. Both lists are merged. */
function without(ranges: readonly ByteRange[], taken: readonly ByteRange[]): ByteRange[] {
  const left: ByteRange[] = []
  let next = 0
  for (const { offsetBytes, lengthBytes } of ranges) {
    const end = offsetBytes + lengthBytes
    let at = offsetBytes
    while (next < taken.length && endOf(taken[next] as ByteRange) <= at) next++
    for (let index = next; index < taken.length && (taken[index] as ByteRange).offsetBytes < end; index++) {
      const hole = taken[index] as ByteRange
      if (hole.offsetBytes > at) left.push({ offsetBytes: at, lengthBytes: hole.offsetBytes - at })
      at = Math.max(at, endOf(hole))
    }
    if (at < end) left.push({ offsetBytes: at, lengthBytes: end - at })
  }
  return left
}

function endOf({ offsetBytes, lengthBytes }: ByteRange): number {
  return offsetBytes + lengthBytes
}

/** Inwards: a sector of which a part is in use is read. */
function wholeSectors(ranges: readonly ByteRange[], sectorBytes: number, deviceBytes: number): ByteRange[] {
  return ranges.flatMap(({ offsetBytes, lengthBytes }) => {
    const start = Math.ceil(offsetBytes / sectorBytes) * sectorBytes
    const end = Math.floor(Math.min(offsetBytes + lengthBytes, deviceBytes) / sectorBytes) * sectorBytes
    return end > start ? [{ offsetBytes: start, lengthBytes: end - start }] : []
  })
}
