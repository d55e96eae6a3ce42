// Any part of an image, without unpacking the rest: the index says where each block is.

import { resolve } from 'node:path'
import { ImageSource } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { imageBlockBytes } from '../formats/lz4-frame.js'
import { contentOf, openImage } from './open-image.js'

export interface ReadImageOptions {
  image: string
  format?: ImageContainer
  /** From the start of the device; 0 when not given. */
  offsetBytes?: number
  /** To the end when not given. */
  lengthBytes?: number
  signal?: AbortSignal
}

/**
 * The content, in pieces of at most 4 MiB. Each block is checked before any of it is given.
 * @throws TransferError IMAGE_DAMAGED, IMAGE_UNSUPPORTED for an LZ4 file without an index, DEVICE_RANGE
 */
export async function* readImage(options: ReadImageOptions): AsyncGenerator<Buffer> {
  const { offsetBytes = 0, lengthBytes, signal } = options
  for (const [name, value] of Object.entries({ offsetBytes, lengthBytes })) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
      throw new RangeError(`expected a whole number of bytes for ${name} but received ${value}`)
    }
  }
  const image = await openImage(resolve(options.image), options.format)
  const { contentBytes } = image
  if (contentBytes === undefined) {
    const message = `${options.image} has no index: it can only be read from its start to its end.`
    throw new TransferError('IMAGE_UNSUPPORTED', message, {
      path: options.image,
      hint: 'lz4 -dc prints all of it; image convert makes an image with an index.',
    })
  }
  const endBytes = lengthBytes === undefined ? contentBytes : offsetBytes + lengthBytes
  if (offsetBytes > contentBytes || endBytes > contentBytes) {
    const message = `Bytes ${offsetBytes} to ${endBytes} are asked for; the image has ${contentBytes}.`
    throw new TransferError('DEVICE_RANGE', message, { path: options.image })
  }
  const source = await ImageSource.open(contentOf(image))
  try {
    for (let at = offsetBytes; at < endBytes; ) {
      if (signal?.aborted) throw new TransferError('INTERRUPTED', 'The run was stopped.')
      // To the end of its block, so that no block is unpacked twice.
      const untilBytes = Math.min(endBytes, (Math.floor(at / imageBlockBytes) + 1) * imageBlockBytes)
      yield await source.read(at, untilBytes - at)
      at = untilBytes
    }
  } finally {
    source.close()
  }
}
