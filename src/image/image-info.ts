// What an image says of itself, without reading its content.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TransferError } from '../errors.js'
import { mergeRanges } from '../formats/byte-ranges.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { imageBlockBytes, ourContentBytes } from '../formats/lz4-frame.js'
import { readJournalRecords } from '../journal/journal-file.js'
import { reduceCapture } from '../plan/capture-state.js'
import type { ImageInfo } from '../reports/describe-image.js'
import { journalPath, partialPath } from './image-names.js'
import { type FoundImage, openImage } from './open-image.js'
import { readAt, withFile } from './read-file.js'

/** @throws TransferError as openImage; an image without its end is no error here. */
export async function imageInfo(image: string, container?: ImageContainer): Promise<ImageInfo> {
  const path = resolve(image)
  const unfinished = await unfinishedInfo(path)
  if (unfinished !== undefined) return unfinished
  try {
    return infoOf(await openImage(path, container))
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'IMAGE_INCOMPLETE') throw error
    return await cutInfo(path)
  }
}

function infoOf({ path, container, fileBytes, contentBytes, trailer }: FoundImage): ImageInfo {
  const base = { path, container, fileBytes, ...(contentBytes === undefined ? {} : { contentBytes }) }
  if (trailer === undefined) return { ...base, state: 'plain' }
  const { index, description } = trailer
  const { storedBytes, ...blocks } = index.summary()
  const kinds = Uint8Array.from({ length: index.blocks }, (_, block) => index.records[block * 24 + 4] as number)
  return { ...base, state: description.state, blocks, kinds, storedBytes, description }
}

/** By its journal, when the image itself is not there yet. */
async function unfinishedInfo(path: string): Promise<ImageInfo | undefined> {
  const isThere = await readFile(journalPath(path)).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const state = reduceCapture(await readJournalRecords(journalPath(path)), journalPath(path))
  const fileBytes = await withFile(partialPath(path), async (_, bytes) => bytes).catch(() => undefined)
  if (state === undefined || fileBytes === undefined) return undefined
  const { container, description } = state.plan
  const { resumedAt, plan } = state
  const sizeBytes = description.source.sizeBytes
  const readBytes = Math.min(state.blocks * imageBlockBytes, sizeBytes)
  const unreadable = mergeRanges([...plan.knownBad, ...state.unreadable])
  return {
    path: partialPath(path),
    state: 'unfinished',
    container,
    fileBytes,
    contentBytes: sizeBytes,
    readBytes,
    description: { ...description, unreadable, resumedAt },
  }
}

async function cutInfo(path: string): Promise<ImageInfo> {
  return withFile(path, async (file, fileBytes) => {
    const contentBytes = ourContentBytes(await readAt(file, 0, 15))
    return { path, state: 'cut', container: 'lz4', fileBytes, ...(contentBytes === undefined ? {} : { contentBytes }) }
  })
}
