// An image in another form: LZ4, raw and VHD into each other, and what other programs wrote into ours. The new one gets what the
// old one knows of its device. The old one stays as it is.

import { rm, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Device } from '../addon/device.js'
import { captureImage, ImageSource, transferImage } from '../addon/image-engine.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { createImageFile } from '../drives/image-file.js'
import { TransferError } from '../errors.js'
import { mergeRanges } from '../formats/byte-ranges.js'
import { type HashName, hashNames, type ImageDescription, type ImageDigests } from '../formats/image-description.js'
import { ImageIndex, indexHeadBytes } from '../formats/image-index.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { vhdContentBytesMax } from '../formats/vhd-footer.js'
import type { CaptureLevel } from '../plan/capture-state.js'
import { version } from '../version.js'
import { finishImage, type ImageData } from './finish-image.js'
import { containerOf, partialPath } from './image-names.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { contentOf, type FoundImage, openImage } from './open-image.js'
import { toRanges } from './ranges.js'
import { surveyContents } from './survey-contents.js'

export interface ConvertOptions {
  image: string
  /** The file to make. */
  to: string
  /** By the new name when not given. */
  format?: ImageContainer
  /** Takes the old image for this, whatever it looks like. */
  from?: ImageContainer
  level?: CaptureLevel
  overwrite?: boolean
  memoryBytes?: number
  signal?: AbortSignal
}

export interface ConvertResult {
  image: string
  to: string
  container: ImageContainer
  contentBytes: number
  imageBytes: number
  digests: ImageDigests
  notes: string[]
  seconds: number
}

/** `result` rejects with TransferError: as openImage, FILE_EXISTS, IMAGE_LIMIT, IMAGE_DAMAGED, DEVICE_FULL, INTERRUPTED. */
export function convertImage(options: ConvertOptions): ImageRun<ConvertResult> {
  const full = { ...options, image: resolve(options.image), to: resolve(options.to) }
  return startImageRun((context) => convert(full, context), options.signal)
}

async function convert(options: ConvertOptions, context: RunContext): Promise<ConvertResult> {
  const startedMs = performance.now()
  const { to } = options
  const image = await openImage(options.image, options.from)
  const container = containerOf(to, options.format)
  await refuseTarget(options, image, container)
  const partial = partialPath(to)
  const plain = `${partial}.raw`
  const startedAt = new Date().toISOString()
  try {
    const data =
      image.container !== 'lz4'
        ? await packFile(image, image.path, container, partial, options, context)
        : await unpackFile(image, container, { partial, plain }, options, context)
    const description = describe(data.description, startedAt, data.digests)
    const imageBytes = await finishImage(partial, to, { ...data, container, description })
    return {
      image: image.path,
      to,
      container,
      contentBytes: data.contentBytes,
      imageBytes,
      digests: data.digests,
      notes: data.index === undefined ? ['Without an index: the old image has none. Capture it again for one.'] : [],
      seconds: (performance.now() - startedMs) / 1000,
    }
  } finally {
    await rm(plain, { force: true })
    await rm(partial, { force: true })
  }
}

async function refuseTarget(
  { to, overwrite }: ConvertOptions,
  image: FoundImage,
  container: ImageContainer,
): Promise<void> {
  if (to === image.path) throw new TypeError('expected another file for to than the image itself')
  if (image.container === container && (container !== 'lz4' || image.trailer !== undefined)) {
    throw new TypeError(`expected another format than ${container}: the image has it already`)
  }
  if (container === 'vhd' && (image.contentBytes ?? 0) > vhdContentBytesMax) {
    const message = `A VHD holds at most 2040 GiB; the image has ${image.contentBytes} bytes.`
    throw new TransferError('IMAGE_LIMIT', message, { hint: 'Choose lz4 or raw.' })
  }
  for (const path of [to, partialPath(to)]) {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined || (overwrite && found.isFile())) continue
    throw new TransferError('FILE_EXISTS', `${path} is there already.`, { path, hint: 'Replace it with --overwrite.' })
  }
}

type Converted = Omit<ImageData, 'description' | 'container'> & {
  description: Omit<ImageDescription, 'digests'>
  digests: ImageDigests
}

/** From a device as it is, in a file: the same as a capture of it. */
async function packFile(
  image: FoundImage,
  from: string,
  container: ImageContainer,
  partial: string,
  options: ConvertOptions,
  context: RunContext,
): Promise<Converted> {
  const device = await Device.open(from, { access: 'read' })
  try {
    const contentBytes = image.contentBytes ?? device.sizeBytes
    const description = image.trailer?.description ?? (await foreignDescription(image, device, contentBytes))
    const { skipped, unreadable } = description
    const hashes = chosenHashes(description.digests)
    const run = captureImage(
      {
        source: device,
        sizeBytes: contentBytes,
        // Zeros there, and known to be: they are not read.
        skip: toRanges(mergeRanges([...skipped, ...unreadable])),
        path: partial,
        container: container === 'lz4' ? 'lz4' : 'raw',
        level: options.level ?? 'fast',
        hashes,
        ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
      },
      () => {},
    )
    const captured = await context.follow(run, progressRow(image, contentBytes))
    const digests = hexDigests(captured.digests, hashes)
    checkDigests(image, digests)
    const index = new ImageIndex(captured.index.subarray(indexHeadBytes))
    return { contentBytes, dataBytes: captured.imageBytes, index, description, digests }
  } finally {
    await device.close()
  }
}

async function unpackFile(
  image: FoundImage,
  container: ImageContainer,
  files: { partial: string; plain: string },
  options: ConvertOptions,
  context: RunContext,
): Promise<Converted> {
  if (container !== 'lz4' && image.trailer !== undefined)
    return unpack(image, image.contentBytes as number, files.partial, options, context)
  // How large the content of another program's file is, only its end tells; then it is packed as any raw image is.
  const contentBytes = await measure(image, context)
  await unpack(image, contentBytes, files.plain, options, context)
  return packFile({ ...image, contentBytes }, files.plain, container, files.partial, options, context)
}

async function measure(image: FoundImage, context: RunContext): Promise<number> {
  const source = await ImageSource.open(contentOf(image))
  try {
    const run = transferImage({ source, targets: [], mode: 'check', zeros: 'skip', ...noExtras, hashes: [] }, () => {})
    const { sizeBytes } = await context.follow(run, { ...progressRow(image, 0), activity: 'verifying' })
    if (sizeBytes > 0 && sizeBytes % 512 === 0) return sizeBytes
    const message = `${image.path} holds ${sizeBytes} bytes: an image of a device is whole sectors of 512.`
    throw new TransferError('IMAGE_INVALID', message, { path: image.path, hint: 'Is it an image?' })
  } finally {
    source.close()
  }
}

const noExtras = { readBack: false, resume: false, checkBlocks: false }

async function unpack(
  image: FoundImage,
  contentBytes: number,
  path: string,
  { memoryBytes }: ConvertOptions,
  context: RunContext,
): Promise<Converted> {
  await rm(path, { force: true })
  await createImageFile(path, contentBytes)
  const device = await Device.open(path, { access: 'write' })
  const source = await ImageSource.open(contentOf(image))
  try {
    const hashes = chosenHashes(image.trailer?.description.digests ?? {})
    let failure: TransferError | undefined
    const run = transferImage(
      {
        source,
        targets: [device],
        mode: 'write',
        zeros: 'skip',
        ...noExtras,
        checkBlocks: image.trailer !== undefined,
        hashes,
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      },
      (event) => {
        if (event.kind === 'targetFailed') failure = event.error
      },
    )
    const result = await context.follow(run, progressRow(image, contentBytes))
    if (failure !== undefined) throw failure
    const digests = hexDigests(result.digests, hashes)
    checkDigests(image, digests)
    const description = image.trailer?.description ?? (await foreignDescription(image, device, contentBytes))
    const index = image.trailer === undefined ? {} : { index: image.trailer.index }
    return { contentBytes, dataBytes: contentBytes, description, digests, ...index }
  } finally {
    source.close()
    await device.close()
  }
}

/** Those that the old image has, so that they can be compared; SHA-256 where it has none. */
function chosenHashes(digests: ImageDigests): HashName[] {
  const known = hashNames.filter((name) => digests[name] !== undefined)
  return known.length > 0 ? known : ['sha256']
}

function hexDigests(digests: Partial<Record<HashName, Buffer>>, hashes: readonly HashName[]): ImageDigests {
  return Object.fromEntries(hashes.map((name) => [name, digests[name]?.toString('hex') as string]))
}

function checkDigests(image: FoundImage, digests: ImageDigests): void {
  for (const [name, expected] of Object.entries(image.trailer?.description.digests ?? {})) {
    const found = digests[name as HashName]
    if (found === undefined || found === expected) continue
    const message = `${image.path}: the ${name} of its content is ${found}, and its description says ${expected}.`
    throw new TransferError('IMAGE_DAMAGED', message, { path: image.path })
  }
}

function progressRow(image: FoundImage, bytesTotal: number): DriveProgress {
  return { driveId: basename(image.path), path: image.path, activity: 'converting', bytesDone: 0, bytesTotal }
}

function describe(old: Omit<ImageDescription, 'digests'>, startedAt: string, digests: ImageDigests): ImageDescription {
  const note = `Converted from another form by diskferry ${version}, ${startedAt}.`
  return { ...old, digests, notes: [...old.notes, note] }
}

/** An image of another program tells nothing; what is on it is looked at. */
async function foreignDescription(image: FoundImage, device: Device, sizeBytes: number): Promise<ImageDescription> {
  const at = new Date().toISOString()
  const { partitionTable, partitions, notes } = await surveyContents(device, false, [])
  const { logicalSectorBytes, physicalSectorBytes } = device
  return {
    formatVersion: 1,
    madeBy: `diskferry ${version}`,
    startedAt: at,
    finishedAt: at,
    resumedAt: [],
    state: 'complete',
    source: { path: image.path, kind: 'image', sizeBytes, logicalSectorBytes, physicalSectorBytes },
    partitionTable,
    partitions,
    options: { usedOnly: false, rescue: false },
    digests: {},
    skipped: [],
    unreadable: [],
    notes,
  }
}
