// The copy logs of a drive, from its manifest and what the journal says became of each blob: written beside the journal first,
// then sent to the account.

import { mkdir, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { DispositionStatus, DriveStatus } from '../formats/copy-log-codes.js'
import { type CopyLogBlob, type CopyLogRange, copyLogName } from '../formats/copy-log-writer.js'
import type { BlobFailure, BlobOutcome, ImportDriveState } from '../plan/import-state.js'
import type { ReceiveFailure } from '../reports/receive-report.js'
import { AttributeReader, attachmentOnDrive } from './blob-attributes.js'
import { CopyLogFile } from './copy-log-file.js'
import { placeOf } from './import-context.js'
import type { ManifestSource, NumberedBlob } from './manifest-source.js'
import type { ShippedDrive } from './shipped-drive.js'

export interface CopyLogRequest {
  folder: string
  job: string
  driveId: string
  time: Date
  status: DriveStatus
  /** Also a log of every blob. */
  verbose: boolean
}

export interface WrittenLog {
  kind: 'error' | 'verbose'
  path: string
  /** Name of the blob it becomes. */
  name: string
}

export interface CopyLogs {
  logs: WrittenLog[]
  /** The first ones, for the report. */
  failures: ReceiveFailure[]
}

const failuresMax = 1000

/** An error log when anything failed, a verbose one when asked for. `drive` is undefined when it could not be opened. */
export async function writeCopyLogs(
  request: CopyLogRequest,
  imported: { drive: ShippedDrive; source: ManifestSource; state: ImportDriveState } | undefined,
): Promise<CopyLogs> {
  const { folder, job, driveId, time, status, verbose } = request
  await mkdir(folder, { recursive: true })
  const hasFailed = status !== 'Completed' && status !== 'CompletedWithWarnings'
  const kinds = [...(hasFailed ? ['error' as const] : []), ...(verbose ? ['verbose' as const] : [])]
  const files = await Promise.all(
    kinds.map(async (kind) => {
      const name = copyLogName({ job, driveId, time, kind })
      return await CopyLogFile.open(kind, join(folder, basename(name)), name)
    }),
  )
  const failures: ReceiveFailure[] = []
  try {
    if (imported !== undefined && (hasFailed || verbose)) await spoolBlobs(imported, files, failures)
    for (const file of files) await file.finish(driveId, status)
  } finally {
    for (const file of files) await file.close()
  }
  return { logs: files.map(({ kind, path, name }) => ({ kind, path, name })), failures }
}

async function spoolBlobs(
  { drive, source, state }: { drive: ShippedDrive; source: ManifestSource; state: ImportDriveState },
  files: readonly CopyLogFile[],
  failures: ReceiveFailure[],
): Promise<void> {
  const attributes = new AttributeReader([attachmentOnDrive(drive)])
  for await (const numbered of source.blobs()) {
    const outcome = state.outcomes.get(numbered.number)
    const failure = state.failures.get(numbered.number)
    if (outcome === undefined && failure === undefined) continue
    const { metadataFile, propertiesFile } = await attributes.of(numbered.blob)
    // A page blob that failed is in the account under the name that it got, in part.
    const made = outcome ?? state.pages.get(numbered.number)?.outcome
    const told = blobRecord(numbered, made, failure, state.renamed.get(numbered.number))
    for (const file of files) {
      if (file.kind === 'error' && failure === undefined) file.count('Completed')
      else await file.add({ ...told, metadata: metadataFile, properties: propertiesFile })
    }
    if (failure !== undefined && failures.length < failuresMax) {
      const { blobPath, filePath } = told
      failures.push({ blobPath, filePath, status: failure.status, message: failure.message })
    }
  }
}

const dispositionStatuses: Record<BlobOutcome, DispositionStatus> = {
  created: 'Created',
  overwritten: 'Overwritten',
  renamed: 'Renamed',
  skipped: 'Skipped',
}

function blobRecord(
  { blob }: NumberedBlob,
  outcome: BlobOutcome | undefined,
  failure: BlobFailure | undefined,
  renamed: string | undefined,
): CopyLogBlob {
  const { container } = placeOf(blob.blobPath)
  return {
    status: failure?.status ?? 'Completed',
    blobPath: renamed === undefined ? blob.blobPath : `${container}/${renamed}`,
    filePath: blob.filePath,
    lengthBytes: blob.lengthBytes,
    disposition: {
      wanted: blob.disposition ?? 'rename',
      status: outcome === undefined ? 'Cancelled' : dispositionStatuses[outcome],
    },
    kind: blob.kind,
    ranges: rangesOf(blob, failure),
  }
}

function* rangesOf(blob: NumberedBlob['blob'], failure: BlobFailure | undefined): Generator<CopyLogRange> {
  const other = failure === undefined ? 'Completed' : 'Cancelled'
  const runs = failure?.ranges ?? []
  let run = 0
  let left = runs[0]?.count ?? 0
  for (let range = 0; range < blob.offsets.length; range++) {
    while (left === 0 && run < runs.length) left = runs[++run]?.count ?? 0
    const status = runs[run]?.status ?? other
    left--
    yield {
      offsetBytes: blob.offsets[range] as number,
      lengthBytes: blob.lengths[range] as number,
      id: blob.ids?.[range],
      hash: blob.digests.toString('hex', range * 16, range * 16 + 16).toUpperCase(),
      status,
    }
  }
}

/** A copy of the manifest as it is on the drive; its path. */
export async function saveManifest(folder: string, name: string, source: ManifestSource): Promise<string> {
  const path = join(folder, basename(name))
  await mkdir(folder, { recursive: true })
  const file = await open(path, 'w', 0o600)
  try {
    for await (const piece of source.bytes()) await file.write(piece)
    await file.sync()
  } finally {
    await file.close()
  }
  return path
}
