// What a run reports while it works: counters that the caller reads on a timer, one row a drive.

export type DriveActivity =
  | 'waiting'
  | 'erasing'
  | 'copying'
  | 'sealing'
  | 'verifying'
  | 'prepared'
  | 'checking'
  | 'importing'
  | 'imported'
  | 'capturing'
  | 'restoring'
  | 'comparing'
  | 'converting'
  | 'repairing'
  | 'done'
  | 'failed'

export interface DriveProgress {
  readonly driveId: string
  readonly path: string
  activity: DriveActivity
  /** Bytes of the current activity: file data while copying, everything read back while verifying. */
  bytesDone: number
  bytesTotal: number
}

/** Calls `report` every `intervalMs` until `work` settles, and once more at the end. */
export async function withProgress<T>(
  rows: readonly DriveProgress[],
  report: ((rows: readonly DriveProgress[]) => void) | undefined,
  work: () => Promise<T>,
  intervalMs = 250,
): Promise<T> {
  if (report === undefined) return work()
  const timer = setInterval(() => report(rows), intervalMs)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    report(rows)
  }
}
