// The long part of a capture: the native module reads the device and writes the image, and the journal follows it.

import { basename } from 'node:path'
import type { Device } from '../addon/device.js'
import { type CapturedImage, captureImage } from '../addon/image-engine.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { mergeRanges } from '../formats/byte-ranges.js'
import type { CaptureOptions } from './capture-image.js'
import type { CaptureJournal } from './capture-journal.js'
import { partialPath } from './image-names.js'
import type { RunContext } from './image-run.js'
import { toRanges } from './ranges.js'

export async function readSource(
  options: CaptureOptions,
  device: Device,
  journal: CaptureJournal,
  context: RunContext,
): Promise<CapturedImage> {
  const { image, source, limitBytesPerSecond, memoryBytes, durableEveryMs } = options
  const { plan, blocks, imageBytes, unreadable } = journal.needState()
  const sizeBytes = plan.description.source.sizeBytes
  const row: DriveProgress = {
    driveId: basename(source),
    path: source,
    activity: 'capturing',
    bytesDone: 0,
    bytesTotal: sizeBytes,
  }
  const run = captureImage(
    {
      source: device,
      sizeBytes,
      skip: toRanges(mergeRanges([...plan.description.skipped, ...plan.knownBad])),
      path: partialPath(image),
      // A VHD is the device as it is; its footer comes when it is finished.
      container: plan.container === 'lz4' ? 'lz4' : 'raw',
      level: plan.level,
      hashes: plan.hashes,
      ...(plan.retries === undefined ? {} : { rescue: { retries: plan.retries } }),
      ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(durableEveryMs === undefined ? {} : { durableEveryMs }),
      ...(blocks === 0 ? {} : { resume: { blocks, imageBytes, unreadable: toRanges(unreadable) } }),
    },
    (event) => {
      if (event.kind === 'mark') journal.mark(event.blocks, event.imageBytes)
      else {
        const { offsetBytes, lengthBytes } = event
        journal.unreadable({ offsetBytes, lengthBytes })
        context.tell(event)
      }
    },
  )
  journal.onFailure(() => run.abort())
  try {
    return await context.follow(run, row)
  } finally {
    await journal.flush()
  }
}
