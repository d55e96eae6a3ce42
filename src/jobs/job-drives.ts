// Where the four values come from that a job needs of each drive: the journal of its sessions, or the file <DriveId>.xml.

import { readFile } from 'node:fs/promises'
import { listDrives } from '../drives/inventory.js'
import { TransferError } from '../errors.js'
import { parseDriveInfo } from '../formats/drive-info.js'
import type { JobDriveRequest } from '../formats/import-job.js'
import type { DriveFacts } from '../plan/job-rules.js'
import type { DriveState } from '../plan/session-state.js'
import { type RuleFinding, violation } from '../plan/shipping-rules.js'
import { readJournal } from '../prepare/session-journal.js'

export interface JobDrives {
  drives: JobDriveRequest[]
  facts: DriveFacts[]
  /** Drives that are not ready. */
  findings: RuleFinding[]
}

const manifestFile = '\\DriveManifest.xml'

/**
 * @param sessionId one session's drives; all of the journal when it is not given.
 * @throws TransferError JOURNAL_INVALID; SESSION_INVALID when there is no such session.
 */
export async function drivesFromJournal(journalPath: string, sessionId?: string): Promise<JobDrives> {
  const { sessions } = await readJournal(journalPath)
  const wanted = [...sessions.values()].filter((session) => {
    return session.state !== 'aborted' && (sessionId === undefined || session.sessionId === sessionId)
  })
  if (wanted.length === 0) {
    const what = sessionId === undefined ? 'no session' : `no session ${JSON.stringify(sessionId)}`
    const names = [...sessions.keys()].join(', ') || 'none'
    throw new TransferError('SESSION_INVALID', `The journal ${journalPath} has ${what} to order; it has ${names}.`)
  }
  const states = wanted.flatMap((session) => [...session.drives.values()])
  const transports = await connectedTransports()
  return {
    drives: states.filter(isReady).map(({ driveId, recoveryPassword, manifestHash = '' }) => {
      return { driveId, bitLockerKey: recoveryPassword, manifestFile, manifestHash: manifestHash.toUpperCase() }
    }),
    facts: states.map((state) => factsOf(state, transports)),
    findings: states.filter((state) => !isReady(state)).map(unprepared),
  }
}

function isReady(state: DriveState): boolean {
  return state.stage === 'prepared' && state.manifestHash !== undefined
}

function unprepared({ driveId, stage, failure }: DriveState): RuleFinding {
  const why = failure === undefined ? '' : `, and its last run failed: ${failure}`
  const written = stage === 'sealed' ? 'written and was not read back' : `at the stage “${stage}”`
  return violation('DRIVE_PREPARED', `Drive ${driveId} is ${written}${why}.`)
}

function factsOf({ driveId, path, sizeBytes }: DriveState, transports: ReadonlyMap<string, string>): DriveFacts {
  if (!path.startsWith('/dev/')) return { driveId, sizeBytes, kind: 'image' }
  if (path.startsWith('/dev/loop')) return { driveId, sizeBytes, kind: 'loop' }
  const transport = transports.get(driveId)
  return { driveId, sizeBytes, kind: 'disk', ...(transport === undefined ? {} : { transport }) }
}

// The drives may be packed already: what is not connected now has no facts.
async function connectedTransports(): Promise<Map<string, string>> {
  const drives = await listDrives().catch(() => [])
  return new Map(drives.flatMap(({ serial, transport }) => (serial === undefined ? [] : [[serial, transport]])))
}

/** From `<DriveId>.xml`, as this program and WAImportExport write it. @throws TransferError JOURNAL_INVALID, JOB_FILE_INVALID */
export async function drivesFromFiles(paths: readonly string[]): Promise<JobDrives> {
  const drives = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, 'utf8').catch((cause: Error) => {
        throw new TransferError('JOB_FILE_INVALID', `${path} cannot be read: ${cause.message}.`, { cause, path })
      })
      return parseDriveInfo(text, path)
    }),
  )
  return { drives, facts: [], findings: [] }
}
