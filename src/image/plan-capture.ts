// The plan of a capture: what is read, what is left out and why, and how it is stored. Decided before the first byte is written,
// kept in the journal, and never changed by a later run that goes on with it.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Device } from '../addon/device.js'
import { TransferError } from '../errors.js'
import type { ByteRange } from '../formats/byte-ranges.js'
import { parseRescueMap, partsWith } from '../formats/ddrescue-map.js'
import { blankDescription, type HashName, hashNames, type ImageDescription } from '../formats/image-description.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { shellWord } from '../formats/shell-word.js'
import { vhdContentBytesMax } from '../formats/vhd-footer.js'
import { version } from '../package.js'
import { type CaptureLevel, type CapturePlan, captureLevels } from '../plan/capture-state.js'
import { formatBytes } from '../reports/format-bytes.js'
import { containerOf } from './image-names.js'
import { surveyContents } from './survey-contents.js'
import { type SourceFacts, sourceFacts, sourceFingerprint } from './survey-source.js'

export interface CaptureRequest {
  /** A disk, a partition, a loop device, or a raw image file. */
  source: string
  /** The file to make. */
  image: string
  /** By the image's name when not given. */
  format?: ImageContainer
  /** Leave out what the file systems say is unused. */
  usedOnly?: boolean
  /** With `usedOnly`: believe also file systems that are mounted, or were not unmounted. */
  trustUnclean?: boolean
  /** Of the whole content; SHA-256 when not given. */
  hashes?: readonly HashName[]
  level?: CaptureLevel
  /** Read around what cannot be read; a sector that fails is tried so many times more. */
  rescue?: { retries: number }
  /** A map of ddrescue: what it calls bad is not read again. Needs `rescue`. */
  rescueMap?: string
  /** Capture although it, or something on it, is mounted. */
  allowMounted?: boolean
}

const mebibyte = 1 << 20
const retriesMax = 1000

/** @throws TransferError DEVICE_*, DRIVE_MOUNTED, DRIVE_UNFIT, IMAGE_LIMIT, RESCUE_MAP_INVALID */
export async function planCapture(request: CaptureRequest): Promise<CapturePlan> {
  checkRequest(request)
  const device = await Device.open(request.source, { access: 'read' })
  try {
    const facts = await sourceFacts(request.source, device, resolve(request.image))
    refuseMounted(request, facts)
    return await planOf(request, device, facts)
  } finally {
    await device.close()
  }
}

/** @throws TypeError, RangeError */
export function checkRequest(request: CaptureRequest): void {
  const { hashes = [], level = 'fast', rescue, rescueMap, usedOnly = false, trustUnclean = false } = request
  for (const hash of hashes) {
    if (!hashNames.includes(hash)) throw new TypeError(`expected md5, sha1 or sha256 for hashes but received ${hash}`)
  }
  if (!captureLevels.includes(level))
    throw new TypeError(`expected fast, default or hc for level but received ${level}`)
  const retries = rescue?.retries ?? 0
  if (!Number.isInteger(retries) || retries < 0 || retries > retriesMax) {
    throw new RangeError(`expected 0 to ${retriesMax} for retries but received ${retries}`)
  }
  if (trustUnclean && !usedOnly) throw new TypeError('expected trustUnclean only with usedOnly')
  if (rescueMap !== undefined && rescue === undefined) throw new TypeError('expected rescueMap only with rescue')
}

function refuseMounted({ source, allowMounted }: CaptureRequest, { mounts }: SourceFacts): void {
  const [first] = mounts
  if (first === undefined || allowMounted) return
  const message = `${source} is mounted (${first.device} at ${first.mountPoint}): it may change while it is read.`
  throw new TransferError('DRIVE_MOUNTED', message, {
    path: source,
    hint: `Unmount it first: umount ${shellWord(first.mountPoint)}. Or accept an image that may not be consistent: --allow-mounted`,
  })
}

async function planOf(request: CaptureRequest, device: Device, facts: SourceFacts): Promise<CapturePlan> {
  const { source, mounts } = facts
  const { usedOnly = false, trustUnclean = false, hashes = ['sha256'], level = 'fast', rescue } = request
  const container = containerOf(request.image, request.format)
  if (container === 'vhd') refuseVhd(source.sizeBytes)
  const { partitionTable, partitions, skipped, notes } = await surveyContents(device, usedOnly, trustUnclean)
  const description: ImageDescription = {
    ...blankDescription(source, `diskferry ${version}`, new Date().toISOString()),
    finishedAt: '',
    partitionTable,
    partitions,
    options: { usedOnly, rescue: rescue !== undefined, ...(container === 'lz4' ? { level } : {}) },
    skipped,
    notes: [...mounts.map(mountedNote), ...notes, ...vhdNotes(container, source.sizeBytes)],
  }
  return {
    container,
    level,
    hashes: hashNames.filter((name) => hashes.includes(name)),
    ...(rescue === undefined ? {} : { retries: rescue.retries }),
    fingerprint: await sourceFingerprint(device, partitions),
    knownBad: await knownBad(request.rescueMap, source),
    description,
  }
}

function refuseVhd(sizeBytes: number): void {
  if (sizeBytes <= vhdContentBytesMax) return
  const message = `A VHD holds at most 2040 GiB; the device has ${formatBytes(sizeBytes)}.`
  throw new TransferError('IMAGE_LIMIT', message, { hint: 'Choose --format lz4 or raw.' })
}

function vhdNotes(container: ImageContainer, sizeBytes: number): string[] {
  if (container !== 'vhd' || sizeBytes % mebibyte === 0) return []
  return ['The device is no whole number of mebibytes; Azure takes no virtual machine disk of such a size.']
}

function mountedNote({ device, mountPoint }: SourceFacts['mounts'][number]): string {
  return `${device} was mounted at ${mountPoint} while it was read; its files may not be consistent.`
}

/** A file that ddrescue wrote has nothing where it did not read; of a device only what failed before is left alone. */
async function knownBad(map: string | undefined, { kind, sizeBytes }: SourceFacts['source']): Promise<ByteRange[]> {
  if (map === undefined) return []
  const text = await readFile(map, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new TransferError('RESCUE_MAP_INVALID', `${map} cannot be read: ${cause.message}.`, { cause, path: map })
  })
  if (text === undefined) return []
  const bad = partsWith(parseRescueMap(text, map), kind === 'file' ? '?*/-' : '-', sizeBytes)
  const isWhole = bad.every(({ offsetBytes, lengthBytes }) => (offsetBytes | lengthBytes) % 512 === 0)
  if (!isWhole)
    throw new TransferError('RESCUE_MAP_INVALID', `${map} has parts that are no whole sectors.`, { path: map })
  return bad
}
