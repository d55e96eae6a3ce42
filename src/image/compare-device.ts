// Compares a device with its image, block by block. What the image left out is not compared: there the device may hold anything.

import { createHash } from 'node:crypto'
import { Device } from '../addon/device.js'
import { ImageSource, transferImage } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import { type ByteRange, eachTouchedBlock } from '../formats/byte-ranges.js'
import { blockLengthBytes, blocksOf } from '../formats/image-index.js'
import { imageBlockBytes } from '../formats/lz4-frame.js'
import { addFinding, type ImageVerification } from './image-findings.js'
import type { RunContext } from './image-run.js'
import { contentOf, type FoundImage, type ImageTrailer } from './open-image.js'

interface CompareOptions {
  blocks: Uint32Array | undefined
  memoryBytes?: number
}

/** @throws TransferError TARGET_TOO_SMALL, DEVICE_* */
export async function compareDevice(
  image: FoundImage,
  path: string,
  options: CompareOptions,
  report: ImageVerification,
  context: RunContext,
): Promise<void> {
  const device = await Device.open(path, { access: 'read' })
  try {
    const { contentBytes = 0, trailer } = image
    if (device.sizeBytes < contentBytes) {
      const message = `${path} has ${device.sizeBytes} bytes, and the image ${contentBytes}.`
      throw new TransferError('TARGET_TOO_SMALL', message, { path })
    }
    const { whole, inPart } = splitBlocks(image, options.blocks)
    if (whole === undefined || whole.length > 0)
      await compareWhole(image, device, { ...options, blocks: whole }, report, context)
    for (const block of inPart) {
      if (context.signal.aborted) throw new TransferError('INTERRUPTED', 'The run was stopped.')
      if (!(await isSameInPart(trailer as ImageTrailer, device, block)))
        addDifference(report, path, block, contentBytes)
    }
    report.blocksChecked += inPart.length
    report.checked.push(
      `${report.blocksChecked} of ${blocksOf(contentBytes)} blocks of ${path}, but for what was left out`,
    )
  } finally {
    await device.close()
  }
}

/** Blocks that are compared as they are, and those of which the image left a part out. Undefined: all of them. */
function splitBlocks({ trailer, contentBytes = 0 }: FoundImage, chosen: Uint32Array | undefined) {
  const skipped = new Map<number, number>()
  eachTouchedBlock(trailer?.description.skipped ?? [], imageBlockBytes, (block, bytes) => skipped.set(block, bytes))
  if (skipped.size === 0) return { whole: chosen, inPart: [] }
  const all = chosen ?? Uint32Array.from({ length: blocksOf(contentBytes) }, (_, block) => block)
  const whole = all.filter((block) => !skipped.has(block))
  const inPart = [...all].filter((block) => (skipped.get(block) ?? 0) % blockLengthBytes(block, contentBytes) !== 0)
  return { whole, inPart }
}

async function compareWhole(
  image: FoundImage,
  device: Device,
  { blocks, memoryBytes }: CompareOptions,
  report: ImageVerification,
  context: RunContext,
): Promise<void> {
  const source = await ImageSource.open(contentOf(image))
  const { contentBytes = 0 } = image
  let failure: TransferError | undefined
  try {
    const run = transferImage(
      {
        source,
        targets: [device],
        mode: 'compare',
        zeros: 'write',
        readBack: false,
        resume: false,
        hashes: [],
        checkBlocks: image.trailer !== undefined,
        ...(blocks === undefined ? {} : { blocks }),
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      },
      (event) => {
        if (event.kind === 'mismatch') addDifference(report, device.path, event.block, contentBytes)
        else if (event.kind === 'targetFailed') failure = event.error
        else
          addFinding(report, {
            code: 'IMAGE_BLOCK',
            severity: 'damage',
            offsetBytes: event.offsetBytes,
            message: event.message,
          })
      },
    )
    const row = {
      driveId: device.path,
      path: device.path,
      activity: 'comparing' as const,
      bytesDone: 0,
      bytesTotal: contentBytes,
    }
    report.blocksChecked += (await context.follow(run, row)).blocks
  } finally {
    source.close()
  }
  if (failure !== undefined) throw failure
}

async function isSameInPart(
  { index, foot, description }: ImageTrailer,
  device: Device,
  block: number,
): Promise<boolean> {
  const offsetBytes = block * imageBlockBytes
  const bytes = await device.read(offsetBytes, blockLengthBytes(block, foot.contentBytes))
  for (const range of overlapping(description.skipped, offsetBytes, bytes.length)) {
    const endBytes = Math.min(bytes.length, range.offsetBytes + range.lengthBytes - offsetBytes)
    bytes.fill(0, Math.max(0, range.offsetBytes - offsetBytes), endBytes)
  }
  return createHash('md5').update(bytes).digest().equals(index.md5(block))
}

function overlapping(ranges: readonly ByteRange[], offsetBytes: number, lengthBytes: number): ByteRange[] {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const { offsetBytes: start, lengthBytes: length } = ranges[middle] as ByteRange
    if (start + length <= offsetBytes) low = middle + 1
    else high = middle
  }
  const found: ByteRange[] = []
  for (let at = low; at < ranges.length; at++) {
    const range = ranges[at] as ByteRange
    if (range.offsetBytes >= offsetBytes + lengthBytes) break
    found.push(range)
  }
  return found
}

function addDifference(report: ImageVerification, path: string, block: number, contentBytes: number): void {
  const [offsetBytes, lengthBytes] = [block * imageBlockBytes, blockLengthBytes(block, contentBytes)]
  const message = `${path} differs from the image in bytes ${offsetBytes} to ${offsetBytes + lengthBytes - 1}.`
  addFinding(report, { code: 'DEVICE_BLOCK', severity: 'damage', offsetBytes, lengthBytes, message })
  report.differingBlocks++
}
