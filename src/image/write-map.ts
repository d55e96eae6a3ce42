// What an image says of itself, for others to look at: a picture, and a map for ddrescue. Never over the image.

import { writeFile } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import type { ImageInfo } from '../reports/describe-image.js'
import { imageMapSvg } from '../reports/image-map-svg.js'
import { writeError } from './finish-image.js'
import { mapPath } from './image-names.js'
import { refuseInput } from './refuse-input.js'
import { writeRescueMap } from './rescue-map.js'

/** An SVG. @throws TransferError DRIVE_UNFIT for the image itself, DEVICE_FULL, DEVICE_WRITE_FAILED */
export async function writeImagePicture(info: ImageInfo, path: string): Promise<void> {
  await refuseImage(info, path)
  await writeFile(path, imageMapSvg(info)).catch((cause: Error) => {
    throw writeError(path, cause)
  })
}

/**
 * The map of an image that is there, or of an unfinished one as far as it is.
 * @throws TransferError IMAGE_UNSUPPORTED, and as writeImagePicture.
 */
export async function writeImageMap(info: ImageInfo, path: string): Promise<void> {
  if (info.description === undefined) {
    throw new TransferError('IMAGE_UNSUPPORTED', `${info.path} does not say what of it could be read.`, {
      path: info.path,
    })
  }
  await refuseImage(info, path)
  const { description, contentBytes = 0, readBytes = contentBytes } = info
  await writeRescueMap(path, description, { unreadable: description.unreadable, triedBytes: readBytes })
}

async function refuseImage(info: ImageInfo, path: string): Promise<void> {
  for (const own of [info.path, mapPath(info.path)]) await refuseInput(own, [path])
}
