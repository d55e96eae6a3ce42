// The files of an image: itself, what it is called while it is not finished, its capture's journal, and the trailer's file of a
// raw or VHD image.

import { extname } from 'node:path'
import { containers, type ImageContainer } from '../formats/image-trailer.js'

/** Of the name's end when none was asked for: `.vhd`; `.raw`, `.img`, `.dd` and `.bin` are raw; all others LZ4. */
export function containerOf(path: string, asked?: ImageContainer): ImageContainer {
  if (asked !== undefined) {
    if (!containers.includes(asked)) throw new TypeError(`expected lz4, raw or vhd for format but received ${asked}`)
    return asked
  }
  const extension = extname(path).toLowerCase()
  if (extension === '.vhd') return 'vhd'
  return ['.raw', '.img', '.dd', '.bin'].includes(extension) ? 'raw' : 'lz4'
}

export const partialPath = (imagePath: string) => `${imagePath}.partial`
export const journalPath = (imagePath: string) => `${imagePath}.capture`
/** Where a raw or VHD image has its index, description and foot. */
export const mapPath = (imagePath: string) => `${imagePath}.dfmap`
/** Every file that making an image may write or remove. */
export const namesOf = (imagePath: string) => [
  imagePath,
  partialPath(imagePath),
  `${partialPath(imagePath)}.raw`,
  journalPath(imagePath),
  mapPath(imagePath),
  partialPath(mapPath(imagePath)),
]
