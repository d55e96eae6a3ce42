// Is an image what was written, and is a device what its image says? Everything that has a checksum is compared; what is wrong
// is a finding with its place. Nothing is written.

import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { ImageSource, type TransferredImage, transferImage } from '../addon/image-engine.js'
import { TransferError } from '../errors.js'
import { totalBytes } from '../formats/byte-ranges.js'
import { hashNames } from '../formats/image-description.js'
import { blockLengthBytes, blocksOf } from '../formats/image-index.js'
import type { ImageContainer } from '../formats/image-trailer.js'
import { imageBlockBytes } from '../formats/lz4-frame.js'
import { compareDevice } from './compare-device.js'
import { addFinding, type ImageVerification } from './image-findings.js'
import { type ImageRun, type RunContext, startImageRun } from './image-run.js'
import { contentOf, type FoundImage, openImage } from './open-image.js'

export interface VerifyImageOptions {
  image: string
  format?: ImageContainer
  /** A device that is compared with the image. */
  against?: string
  /** Above 0 to 1: so much of the blocks, chosen at random. */
  sample?: number
  /** Compute the digests of the whole content again: not together with `against` or `sample`, as `notChecked` then says. */
  digests?: boolean
  memoryBytes?: number
  signal?: AbortSignal
}

/** @throws (result) TransferError when there is no image at all; damage is in the result. */
export function verifyImage(options: VerifyImageOptions): ImageRun<ImageVerification> {
  const { sample } = options
  if (sample !== undefined && !(sample > 0 && sample <= 1)) {
    throw new RangeError(`expected a share above 0, up to 1, for sample but received ${sample}`)
  }
  return startImageRun((context) => verify({ ...options, image: resolve(options.image) }, context), options.signal)
}

async function verify(options: VerifyImageOptions, context: RunContext): Promise<ImageVerification> {
  const startedMs = performance.now()
  const report: ImageVerification = {
    image: options.image,
    findings: [],
    damagedBlocks: 0,
    differingBlocks: 0,
    blocksChecked: 0,
    checked: [],
    notChecked: [],
    sound: true,
    seconds: 0,
  }
  const image = await findImage(options, report)
  if (image !== undefined) {
    report.container = image.container
    if (image.contentBytes !== undefined) report.contentBytes = image.contentBytes
    tellUnreadable(image, report)
    const blocks = chooseBlocks(image, options.sample)
    if (options.against === undefined) await checkBlocks(image, { ...options, blocks }, report, context)
    else {
      await compareDevice(image, options.against, { ...options, blocks }, report, context)
      tellDigestsLeft(image, options, report)
    }
    if (blocks !== undefined) report.notChecked.push('all other blocks')
  }
  report.sound = report.findings.every(({ severity }) => severity !== 'damage')
  report.seconds = (performance.now() - startedMs) / 1000
  return report
}

/** Undefined when what stands behind the data is damaged: a finding, after which nothing can be compared. */
async function findImage(options: VerifyImageOptions, report: ImageVerification): Promise<FoundImage | undefined> {
  try {
    const image = await openImage(options.image, options.format)
    if (image.trailer !== undefined)
      report.checked.push('foot, index and description: CRC-32, SHA-256, places and sizes')
    else {
      const what =
        image.container === 'lz4'
          ? 'damage is found only where its own format has checksums'
          : 'nothing is there to compare its content with'
      const message = `${options.image} has no index: ${what}.`
      report.findings.push({ code: 'IMAGE_NO_INDEX', severity: 'warning', message })
    }
    return image
  } catch (error) {
    const isDamage =
      error instanceof TransferError && (error.code === 'IMAGE_DAMAGED' || error.code === 'IMAGE_INCOMPLETE')
    if (!isDamage) throw error
    report.findings.push({ code: 'IMAGE_TRAILER', severity: 'damage', message: error.message })
    return undefined
  }
}

/** Sound is not whole: what no device gave is zeros, in an image without a fault. */
function tellUnreadable({ path, trailer }: FoundImage, report: ImageVerification): void {
  const bytes = totalBytes(trailer?.description.unreadable ?? [])
  if (bytes === 0) return
  const message = `${path} has zeros for ${bytes} bytes that could not be read when it was made, or were lost since.`
  report.findings.push({ code: 'IMAGE_UNREADABLE', severity: 'warning', message })
}

async function checkBlocks(
  image: FoundImage,
  options: VerifyImageOptions & { blocks: Uint32Array | undefined },
  report: ImageVerification,
  context: RunContext,
): Promise<void> {
  const { blocks } = options
  const expected = image.trailer?.description.digests ?? {}
  const hashes = options.digests && blocks === undefined ? hashNames.filter((name) => expected[name] !== undefined) : []
  const result = await runCheck(
    image,
    { hashes, ...(blocks === undefined ? {} : { blocks }) },
    report,
    context,
    options,
  )
  report.blocksChecked = result.blocks
  const part = blocks === undefined ? 'every block' : `${result.blocks} of ${blocksOf(image.contentBytes ?? 0)} blocks`
  const sums = image.container === 'lz4' ? 'XXH32, length' : 'length'
  if (image.trailer !== undefined) report.checked.push(`${part}: ${sums}, MD5 of its content`)
  else if (image.container === 'lz4') report.checked.push('the checksums of its own format')
  else report.notChecked.push('the content, which could be read')
  if (hashes.length === 0) tellDigestsLeft(image, options, report)
  for (const name of hashes) {
    const found = result.digests[name]?.toString('hex')
    if (found === undefined) {
      report.notChecked.push(`${name} of the whole content: damaged blocks have none`)
      continue
    }
    report.checked.push(`${name} of the whole content`)
    if (found === expected[name] || result.damagedBlocks > 0) continue
    const message = `The ${name} of the content is ${found}, and the description says ${expected[name]}.`
    report.findings.push({ code: 'IMAGE_DIGEST', severity: 'damage', message })
  }
}

/** Only a run over the whole image computes its digests; whoever asked for them hears it when this was none. */
function tellDigestsLeft(image: FoundImage, options: VerifyImageOptions, report: ImageVerification): void {
  const { digests, against, sample } = options
  const expected = image.trailer?.description.digests ?? {}
  const names = hashNames.filter((name) => expected[name] !== undefined)
  const without = [against === undefined ? '' : '--against', sample === undefined ? '' : '--sample'].filter(Boolean)
  const how = without.length === 0 ? '--digests' : `--digests without ${without.join(' and ')}`
  if (names.length > 0) report.notChecked.push(`${names.join(', ')} of the whole content (${how})`)
  else if (digests) report.notChecked.push('digests of the whole content: the image has none')
}

async function runCheck(
  image: FoundImage,
  input: { hashes: readonly (typeof hashNames)[number][]; blocks?: Uint32Array },
  report: ImageVerification,
  context: RunContext,
  { memoryBytes }: VerifyImageOptions,
): Promise<TransferredImage> {
  const source = await ImageSource.open(contentOf(image))
  try {
    const run = transferImage(
      {
        source,
        targets: [],
        mode: 'check',
        zeros: 'skip',
        readBack: false,
        resume: false,
        checkBlocks: image.trailer !== undefined,
        ...input,
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      },
      (event) => {
        if (event.kind !== 'damaged') return
        const { offsetBytes, block, message } = event
        const lengthBytes = image.contentBytes === undefined ? 0 : blockLengthBytes(block, image.contentBytes)
        addFinding(report, { code: 'IMAGE_BLOCK', severity: 'damage', offsetBytes, lengthBytes, message })
        report.damagedBlocks++
        context.tell({ kind: 'damaged', offsetBytes, lengthBytes, message })
      },
    )
    const bytesTotal = image.contentBytes ?? 0
    const row = { driveId: image.path, path: image.path, activity: 'verifying' as const, bytesDone: 0, bytesTotal }
    return await context.follow(run, row)
  } catch (error) {
    // A file without an index ends at the first thing that is wrong with it.
    if (!(error instanceof TransferError) || error.code !== 'IMAGE_DAMAGED') throw error
    addFinding(report, { code: 'IMAGE_BLOCK', severity: 'damage', message: error.message })
    return {
      sizeBytes: 0,
      blocks: 0,
      zeroBlocks: 0,
      damagedBlocks: 1,
      mismatches: 0,
      failedTargets: 0,
      digests: {},
      seconds: 0,
    }
  } finally {
    source.close()
  }
}

function chooseBlocks({ contentBytes }: FoundImage, sample: number | undefined): Uint32Array | undefined {
  if (sample === undefined || contentBytes === undefined) return undefined
  const count = Math.ceil(contentBytes / imageBlockBytes)
  const chosen = Uint32Array.from({ length: count }, (_, block) => block).filter(
    () => randomInt(1_000_000) < sample * 1e6,
  )
  return chosen.length > 0 ? chosen : Uint32Array.of(randomInt(count))
}
