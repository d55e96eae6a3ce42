// What was received, as plain data: what `receive` fills in, the sums of it, and the same as objects for programs.
// receive-page.ts makes the page for people.

import type { BlobStatus, DriveStatus } from '../formats/copy-log-codes.js'

export interface ReceiveFailure {
  /** `container/name` */
  blobPath: string
  /** `\container\name` */
  filePath: string
  status: BlobStatus
  message: string
}

export interface ReceivedDrive {
  driveId: string
  /** Of the device or image that was read. */
  path: string
  /** Of the hardware, where it says one. */
  serial: string | undefined
  status: DriveStatus
  /** Why, where the status alone does not say it: the sentence of an error. */
  message?: string | undefined
  /** Undefined where it could not be read. */
  manifest:
    | {
        /** MD5, 32 hexadecimal digits. */
        hash: string
        /** `the job`, `the journal`; undefined when there was nothing to check it against. */
        checkedAgainst: string | undefined
      }
    | undefined
  /** What was checked, each a clause: `every block against its MD5`. */
  checked: readonly string[]
  blobs: {
    total: number
    /** In the storage now because of this run; renamed and overwritten ones are among them. */
    imported: number
    renamed: number
    overwritten: number
    /** Left as they were: not wanted, or there already. */
    skipped: number
    failed: number
  }
  bytesImported: number
  /** Not sent because the storage had them already. */
  bytesThere: number
  blocksDamaged: number
  seconds: number
  /** Paths or addresses, without signatures. */
  logs: readonly { kind: 'error' | 'verbose' | 'manifest'; location: string }[]
  /** The first ones. */
  failures: readonly ReceiveFailure[]
  /** All of them. */
  failuresTotal: number
}

export interface ReceiveReport {
  /** ISO 8601. */
  startedAt: string
  finishedAt: string
  /** Name of the storage account. */
  account: string
  drives: readonly ReceivedDrive[]
}

export interface ReceiveTotals {
  drives: number
  drivesComplete: number
  drivesFailed: number
  blobs: ReceivedDrive['blobs']
  bytesImported: number
  bytesThere: number
  blocksDamaged: number
  failures: number
  /** From start to finish: drives run side by side. */
  seconds: number
  bytesPerSecond: number
}

/** Complete: everything that was wanted is there. Partly: some blobs failed. Failed: the drive as a whole. */
export type DriveOutcome = 'complete' | 'partly' | 'failed'

export function driveOutcome({ status }: { status: DriveStatus }): DriveOutcome {
  if (status === 'Completed' || status === 'CompletedWithWarnings') return 'complete'
  return status === 'CompletedWithErrors' ? 'partly' : 'failed'
}

export function receiveTotals({ startedAt, finishedAt, drives }: ReceiveReport): ReceiveTotals {
  const sum = (of: (drive: ReceivedDrive) => number) => drives.reduce((total, drive) => total + of(drive), 0)
  const bytesImported = sum((drive) => drive.bytesImported)
  const seconds = Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)
  return {
    drives: drives.length,
    drivesComplete: drives.filter((drive) => driveOutcome(drive) === 'complete').length,
    drivesFailed: drives.filter((drive) => driveOutcome(drive) === 'failed').length,
    blobs: {
      total: sum(({ blobs }) => blobs.total),
      imported: sum(({ blobs }) => blobs.imported),
      renamed: sum(({ blobs }) => blobs.renamed),
      overwritten: sum(({ blobs }) => blobs.overwritten),
      skipped: sum(({ blobs }) => blobs.skipped),
      failed: sum(({ blobs }) => blobs.failed),
    },
    bytesImported,
    bytesThere: sum((drive) => drive.bytesThere),
    blocksDamaged: sum((drive) => drive.blocksDamaged),
    failures: sum((drive) => drive.failuresTotal),
    seconds,
    bytesPerSecond: rate(bytesImported, seconds),
  }
}

/** Too short a time gives no rate. */
export function rate(bytes: number, seconds: number): number {
  return seconds >= 0.001 ? bytes / seconds : 0
}

/** One object for each drive, then one for all together. docs/json.md has the fields. */
export function receiveReportToJson(report: ReceiveReport): Record<string, unknown>[] {
  const { startedAt, finishedAt, account, drives } = report
  const lines: Record<string, unknown>[] = drives.map(({ failures, failuresTotal, ...drive }) => ({
    event: 'received-drive',
    ...drive,
    outcome: driveOutcome(drive),
    bytesPerSecond: rate(drive.bytesImported, drive.seconds),
    failures,
    failuresLeftOut: failuresTotal - failures.length,
  }))
  lines.push({ event: 'received', startedAt, finishedAt, account, ...receiveTotals(report) })
  return lines
}
