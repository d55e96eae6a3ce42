// Repairs an image of which the index is good: each block is judged by itself, and only the bad ones are replaced.

import { ImageSource, transferImage } from '../addon/image-engine.js'
import { type ByteRange, mergeRanges } from '../formats/byte-ranges.js'
import { hashNames, type ImageDigests } from '../formats/image-description.js'
import { blockLengthBytes } from '../formats/image-index.js'
import { imageBlockBytes } from '../formats/lz4-frame.js'
import { copyRepaired } from './copy-repaired.js'
import { finishImage } from './finish-image.js'
import { partialPath } from './image-names.js'
import type { RunContext } from './image-run.js'
import { contentOf, type FoundImage, type ImageTrailer } from './open-image.js'
import type { RepairOptions } from './repair-image.js'
import { describeRepaired, type Repaired, repairRow } from './repaired-image.js'

export type IndexedImage = FoundImage & { trailer: ImageTrailer }

export async function repairBlocks(found: IndexedImage, { to }: RepairOptions, context: RunContext): Promise<Repaired> {
  const { foot, index, description } = found.trailer
  const { contentBytes } = foot
  const bad = new Set<number>()
  await check(found, [], context, (block) => bad.add(block))
  const partial = partialPath(to)
  const dataBytes = await copyRepaired(found.path, partial, { index, contentBytes, bad })
  const lost = mergeRanges([...bad].map((block) => rangeOf(block, contentBytes)))
  const repaired: FoundImage = {
    path: partial,
    fileBytes: dataBytes,
    container: 'lz4',
    contentBytes,
    trailer: found.trailer,
  }
  const digests = await check(
    repaired,
    hashNames.filter((name) => description.digests[name] !== undefined),
    context,
  )
  const told = describeRepaired(description, lost, digests)
  const imageBytes = await finishImage(partial, to, {
    container: 'lz4',
    contentBytes,
    dataBytes,
    index,
    description: told,
  })
  return {
    contentBytes,
    imageBytes,
    blocks: index.blocks,
    goodBlocks: index.blocks - bad.size,
    lost,
    notes: told.notes,
  }
}

async function check(
  image: FoundImage,
  hashes: readonly (typeof hashNames)[number][],
  context: RunContext,
  onBad: (block: number) => void = () => {},
): Promise<ImageDigests> {
  const source = await ImageSource.open(contentOf(image))
  try {
    const none = { targets: [], readBack: false, resume: false, zeros: 'skip' as const }
    const run = transferImage({ source, mode: 'check', checkBlocks: true, hashes, ...none }, (event) => {
      if (event.kind === 'damaged') onBad(event.block)
    })
    const { digests } = await context.follow(run, repairRow(image.path, image.contentBytes ?? 0))
    return Object.fromEntries(hashes.map((name) => [name, digests[name]?.toString('hex') as string]))
  } finally {
    source.close()
  }
}

function rangeOf(block: number, contentBytes: number): ByteRange {
  return { offsetBytes: block * imageBlockBytes, lengthBytes: blockLengthBytes(block, contentBytes) }
}
