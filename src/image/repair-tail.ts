// Repairs an image without its trailer. Nothing says where blocks are but themselves: what is whole from the start on is kept.

import { copyFile, constants as fileConstants, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { captureImage, walkImage } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import { mergeRanges } from '../formats/byte-ranges.js'
import { blankDescription, hashNames, type ImageDescription } from '../formats/image-description.js'
import { ImageIndex, indexHeadBytes } from '../formats/image-index.js'
import { imageBlockBytes, ourContentBytes } from '../formats/lz4-frame.js'
import { readJournalRecords } from '../journal/journal-file.js'
import { version } from '../package.js'
import { reduceCapture } from '../plan/capture-state.js'
import { finishImage, writeError } from './finish-image.js'
import { journalPath, partialPath } from './image-names.js'
import type { RunContext } from './image-run.js'
import { toRanges } from './ranges.js'
import { readAt, withFile } from './read-file.js'
import type { RepairOptions } from './repair-image.js'
import { describeRepaired, type Repaired, repairRow } from './repaired-image.js'

export async function repairTail({ image, to }: RepairOptions, context: RunContext): Promise<Repaired> {
  const contentBytes = await withFile(image, async (file, fileBytes) => {
    return ourContentBytes(fileBytes < 15 ? Buffer.alloc(0) : await readAt(file, 0, 15))
  })
  if (contentBytes === undefined) {
    const message = `${image} does not begin as an image of this program does.`
    throw new TransferError('IMAGE_INVALID', message, { path: image, hint: 'lz4 -d unpacks what other programs made.' })
  }
  const walked = await context.follow(walkImage(image), repairRow(image, contentBytes))
  const partial = partialPath(to)
  await copyStart(image, partial, walked.imageBytes)
  const known = await knownDescription(image, contentBytes)
  const hashes = hashNames.filter((name) => known.digests[name] !== undefined || name === 'sha256')
  const run = captureImage(
    {
      source: undefined,
      sizeBytes: contentBytes,
      skip: toRanges([]),
      path: partial,
      container: 'lz4',
      level: 'fast',
      hashes,
      resume: { blocks: walked.blocks, imageBytes: walked.imageBytes, unreadable: toRanges([]) },
    },
    () => {},
  )
  const captured = await context.follow(run, repairRow(image, contentBytes))
  const endBytes = Math.min(walked.blocks * imageBlockBytes, contentBytes)
  const lost = endBytes < contentBytes ? [{ offsetBytes: endBytes, lengthBytes: contentBytes - endBytes }] : []
  const digests = Object.fromEntries(hashes.map((name) => [name, captured.digests[name]?.toString('hex') as string]))
  const description = describeRepaired(known, lost, digests, walked.reason)
  const index = new ImageIndex(captured.index.subarray(indexHeadBytes))
  const data = { container: 'lz4' as const, contentBytes, dataBytes: captured.imageBytes, index, description }
  const imageBytes = await finishImage(partial, to, data)
  return { contentBytes, imageBytes, blocks: index.blocks, goodBlocks: walked.blocks, lost, notes: description.notes }
}

async function copyStart(from: string, to: string, lengthBytes: number): Promise<void> {
  try {
    await copyFile(from, to, fileConstants.COPYFILE_FICLONE)
    const file = await open(to, 'r+')
    try {
      await file.truncate(lengthBytes)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw writeError(to, cause)
  }
}

/** From what is left of the trailer, or the journal of a capture that will not go on; else only what the header tells. */
async function knownDescription(path: string, contentBytes: number): Promise<ImageDescription> {
  const journal = journalPath(path.replace(/\.partial$/, ''))
  const records = await readJournalRecords(journal).catch(() => [])
  const planned = reduceCapture(records, journal)
  if (planned !== undefined && planned.plan.description.source.sizeBytes === contentBytes) {
    const unreadable = mergeRanges([...planned.plan.knownBad, ...planned.unreadable])
    return { ...planned.plan.description, unreadable, resumedAt: planned.resumedAt }
  }
  const at = (await stat(path)).mtime.toISOString()
  const sector = { logicalSectorBytes: 512, physicalSectorBytes: 512 }
  const source = { path: basename(path), kind: 'image' as const, sizeBytes: contentBytes, ...sector }
  return {
    ...blankDescription(source, `diskferry ${version}`, at),
    state: 'repaired',
    notes: ['What the image said of its device was lost with its end.'],
  }
}
