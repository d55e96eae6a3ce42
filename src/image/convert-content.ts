// The content of an image on its way into another form: packed by the engine that captures devices, unpacked by the one that
// restores them.

import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { Device } from '../addon/device.js'
import { captureImage, ImageSource, transferImage } from '../addon/image-engine.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { createImageFile } from '../drives/image-file.js'
import { TransferError } from '../errors.js'
import { mergeRanges } from '../formats/byte-ranges.js'
import {
  blankDescription,
  type HashName,
  hashNames,
  type ImageDescription,
  type ImageDigests,
} from '../formats/image-description.js'
import { ImageIndex, indexHeadBytes } from '../formats/image-index.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { version } from '../package.js'
import type { ConvertOptions } from './convert-image.js'
import type { ImageData } from './finish-image.js'
import type { RunContext } from './image-run.js'
import { measureImage } from './measure-image.js'
import { contentOf, type FoundImage } from './open-image.js'
import { toRanges } from './ranges.js'
import { surveyContents } from './survey-contents.js'

export type Converted = Omit<ImageData, 'description' | 'container'> & {
  description: Omit<ImageDescription, 'digests'>
  digests: ImageDigests
}

/** From a device as it is, in a file: the same as a capture of it. */
export async function packFile(
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
    checkBlocks(image, index)
    return { contentBytes, dataBytes: captured.imageBytes, index, description, digests }
  } finally {
    await device.close()
  }
}

export async function unpackFile(
  image: FoundImage,
  container: ImageContainer,
  files: { partial: string; plain: string },
  options: ConvertOptions,
  context: RunContext,
): Promise<Converted> {
  const { trailer } = image
  if (container !== 'lz4' && trailer !== undefined) {
    const contentBytes = image.contentBytes as number
    const hashes = chosenHashes(trailer.description.digests)
    const digests = await unpack(image, contentBytes, files.partial, { ...options, hashes }, context)
    checkDigests(image, digests)
    const { description, index } = trailer
    return { contentBytes, dataBytes: contentBytes, index, description, digests }
  }
  // How large the content of another program's file is, only its end tells; then it is packed as any raw image is.
  const contentBytes = await measureImage(image, context)
  await unpack(image, contentBytes, files.plain, { ...options, hashes: [] }, context)
  return packFile({ ...image, contentBytes }, files.plain, container, files.partial, options, context)
}

async function unpack(
  image: FoundImage,
  contentBytes: number,
  path: string,
  { hashes, memoryBytes }: ConvertOptions & { hashes: HashName[] },
  context: RunContext,
): Promise<ImageDigests> {
  await rm(path, { force: true })
  await createImageFile(path, contentBytes)
  const device = await Device.open(path, { access: 'write' })
  const source = await ImageSource.open(contentOf(image))
  try {
    let failure: TransferError | undefined
    const run = transferImage(
      {
        source,
        targets: [device],
        mode: 'write',
        zeros: 'skip',
        readBack: false,
        resume: false,
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
    return hexDigests(result.digests, hashes)
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

/** An image that has no digest of the whole has those of its blocks. */
function checkBlocks({ path, trailer }: FoundImage, index: ImageIndex): void {
  for (let block = 0; block < (trailer?.index.blocks ?? 0); block++) {
    if (trailer?.index.md5(block).equals(index.md5(block))) continue
    const message = `${path}: block ${block}: its content is not the one of the index (MD5).`
    throw new TransferError('IMAGE_DAMAGED', message, { path, hint: 'Use another copy of it.' })
  }
}

function progressRow(image: FoundImage, bytesTotal: number): DriveProgress {
  return { driveId: basename(image.path), path: image.path, activity: 'converting', bytesDone: 0, bytesTotal }
}

/** An image of another program tells nothing; what is on it is looked at. */
async function foreignDescription(image: FoundImage, device: Device, sizeBytes: number): Promise<ImageDescription> {
  const at = new Date().toISOString()
  const { partitionTable, partitions, notes } = await surveyContents(device, false)
  const { logicalSectorBytes, physicalSectorBytes } = device
  const source = { path: image.path, kind: 'image' as const, sizeBytes, logicalSectorBytes, physicalSectorBytes }
  return { ...blankDescription(source, `diskferry ${version}`, at), partitionTable, partitions, notes }
}
