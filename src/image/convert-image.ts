// An image in another form: LZ4, raw and VHD into each other, and what other programs wrote into ours. The new one gets what the
// old one knows of its device. The old one stays as it is.

import { rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TransferError } from '../errors.js'
import type { ImageDescription, ImageDigests } from '../formats/image-description.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { vhdContentBytesMax } from '../formats/vhd-footer.js'
import { version } from '../package.js'
import type { CaptureLevel } from '../plan/capture-state.js'
import { packFile, unpackFile } from './convert-content.js'
import { finishImage } from './finish-image.js'
import { forgetCapture, holdImage } from './hold-image.js'
import { containerOf, namesOf, partialPath } from './image-names.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { type FoundImage, openImage } from './open-image.js'
import { refuseInput } from './refuse-input.js'

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
  seconds: number
}

/** `result` rejects with TransferError: as openImage, FILE_EXISTS, IMAGE_LIMIT, IMAGE_DAMAGED, DEVICE_FULL, INTERRUPTED. */
export function convertImage(options: ConvertOptions): ImageRun<ConvertResult> {
  const full = { ...options, image: resolve(options.image), to: resolve(options.to) }
  return startImageRun((context) => holdImage(full.to, () => convert(full, context)), options.signal)
}

async function convert(options: ConvertOptions, context: RunContext): Promise<ConvertResult> {
  const startedMs = performance.now()
  const { to } = options
  const image = await openImage(options.image, options.from)
  const container = containerOf(to, options.format)
  await refuseTarget(options, image, container)
  await forgetCapture(to)
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
  await refuseInput(image.path, namesOf(to))
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

function describe(old: Omit<ImageDescription, 'digests'>, startedAt: string, digests: ImageDigests): ImageDescription {
  const note = `Converted from another form by diskferry ${version}, ${startedAt}.`
  return { ...old, digests, notes: [...old.notes, note] }
}
