// What a journal says happened, as plain data: sessions, their drives, and how far each drive is. The one place that knows
// which stage may follow which. session-records.ts has the records.
//
//   planned → erased → copying → copied → sealed → prepared      (failed from any of them, and back to where it was)
//
// What takes several records counts when the last of them is there: a session when all its drives are planned, a replacement
// when the record that names them follows the new drives. A crash before that leaves what was.

import { TransferError } from '../errors.js'
import type { JournalRecord } from '../formats/journal.js'

/** How far a drive is. Each is recorded only after the device was flushed. */
export const driveStages = ['planned', 'erased', 'copying', 'copied', 'sealed', 'prepared'] as const
export type DriveStage = (typeof driveStages)[number]

export interface DriveState {
  readonly driveId: string
  /** As given on the command line. */
  readonly path: string
  readonly sizeBytes: number
  readonly recoveryPassword: string
  stage: DriveStage
  /** Chunks and bytes that are on stable storage, with their digests in the hash spool. */
  chunk: number
  bytesDone: number
  /** Files left out while copying, by index in the drive's plan, with the reason. */
  readonly dropped: Map<number, string>
  /** Why the last run gave up on this drive. */
  failure?: string
  manifestHash?: string
  files?: number
  bytes?: number
}

export interface SessionState {
  readonly sessionId: string
  state: 'open' | 'completed' | 'aborted'
  /** Drives that the session was started with; until all of them are planned it has not begun. */
  readonly drivesAtStart: number
  readonly drives: Map<string, DriveState>
  /** Drives that were given up, by id. Nobody ships them: no job names them, their keys are of no more use. */
  readonly replaced: Map<string, ReplacedDrive>
}

export interface ReplacedDrive {
  readonly drive: DriveState
  /** Ids of the drives that took its files. */
  readonly by: readonly string[]
}

/** A session without any drive yet. */
export function newSession(sessionId: string, drivesAtStart: number): SessionState {
  return { sessionId, state: 'open', drivesAtStart, drives: new Map(), replaced: new Map() }
}

/** A crash came before all drives of the session were recorded: nothing was written to any, so it is planned anew. */
export function isUnstarted(session: SessionState): boolean {
  return session.state === 'open' && session.drives.size < session.drivesAtStart
}

/** The new drives join the session, which is open again; the old one leaves it. */
export function applyReplacement(session: SessionState, driveId: string, by: readonly DriveState[]): void {
  const drive = session.drives.get(driveId)
  if (drive === undefined) throw invalid(`drive ${driveId} was replaced but is none of session ${session.sessionId}`)
  session.drives.delete(driveId)
  for (const added of by) session.drives.set(added.driveId, added)
  session.replaced.set(driveId, { drive, by: by.map((added) => added.driveId) })
  session.state = 'open'
}

/** A drive of which only the plan is stored. */
export function plannedDrive(
  facts: Pick<DriveState, 'driveId' | 'path' | 'sizeBytes' | 'recoveryPassword'>,
): DriveState {
  return { ...facts, stage: 'planned', chunk: 0, bytesDone: 0, dropped: new Map() }
}

export interface JournalState {
  readonly sessions: Map<string, SessionState>
}

/** @throws TransferError JOURNAL_INVALID for a record that cannot follow the ones before it. */
export function reduceJournal(records: readonly JournalRecord[]): JournalState {
  const journal: Reduction = { sessions: new Map(), joining: new Map() }
  for (const record of records) apply(journal, new Map(record.fields.map(([key, value]) => [key, value])))
  return { sessions: journal.sessions }
}

interface Reduction extends JournalState {
  /** Drives that are planned to replace another, until the record that says so; key: session and drive id. */
  readonly joining: Map<string, DriveState>
}

function apply(journal: Reduction, fields: ReadonlyMap<string, string>): void {
  // A record without our SessionId is WAImportExport's or a later version's: not ours to judge.
  if (!fields.has('SessionId')) return
  const activityId = fields.get('ActivityId')
  if (activityId === 'Session') applySession(journal, fields)
  else if (activityId === 'Drive') applyDrive(journal, fields)
  else if (activityId === 'DriveReplaced') applyReplaced(journal, fields)
  else if (activityId === 'FileDropped') {
    driveOf(journal, fields).dropped.set(integer(fields, 'File'), text(fields, 'Reason'))
  } else if (activityId === 'DriveFailed') driveOf(journal, fields).failure = text(fields, 'Reason')
}

function applySession(journal: JournalState, fields: ReadonlyMap<string, string>): void {
  const sessionId = text(fields, 'SessionId')
  const state = text(fields, 'State')
  const session = journal.sessions.get(sessionId)
  if (state === 'Started') {
    const drives = fields.has('Drives') ? integer(fields, 'Drives') : 1
    if (session === undefined || isUnstarted(session)) journal.sessions.set(sessionId, newSession(sessionId, drives))
  } else if (session === undefined || (state !== 'Completed' && state !== 'Aborted')) {
    throw invalid(`session ${sessionId} is ${state} but was never started`)
  } else session.state = state === 'Completed' ? 'completed' : 'aborted'
}

function applyDrive(journal: Reduction, fields: ReadonlyMap<string, string>): void {
  const stage = text(fields, 'Stage') as DriveStage
  if (!driveStages.includes(stage)) throw invalid(`unknown drive stage ${stage}`)
  if (stage === 'planned') addDrive(journal, fields)
  else advanceDrive(driveOf(journal, fields), stage, fields)
}

function advanceDrive(drive: DriveState, stage: DriveStage, fields: ReadonlyMap<string, string>): void {
  if (!mayFollow(drive.stage, stage)) {
    throw invalid(`drive ${drive.driveId} went from ${drive.stage} to ${stage}`)
  }
  drive.stage = stage
  delete drive.failure
  if (stage === 'erased') {
    drive.chunk = 0
    drive.bytesDone = 0
    drive.dropped.clear()
  }
  if (stage === 'copying') {
    drive.chunk = integer(fields, 'Chunk')
    drive.bytesDone = integer(fields, 'BytesDone')
  }
  if (stage === 'sealed') drive.manifestHash = text(fields, 'ManifestHash')
  if (stage === 'prepared') {
    drive.files = integer(fields, 'Files')
    drive.bytes = integer(fields, 'Bytes')
  }
}

function addDrive(journal: Reduction, fields: ReadonlyMap<string, string>): void {
  const session = sessionOf(journal, fields)
  const drive = plannedDrive({
    driveId: text(fields, 'DriveId'),
    path: text(fields, 'Path'),
    sizeBytes: integer(fields, 'SizeBytes'),
    recoveryPassword: text(fields, 'BitLockerKey'),
  })
  if (fields.has('Replaces')) journal.joining.set(`${session.sessionId} ${drive.driveId}`, drive)
  else session.drives.set(drive.driveId, drive)
}

function applyReplaced(journal: Reduction, fields: ReadonlyMap<string, string>): void {
  const session = sessionOf(journal, fields)
  const by = text(fields, 'ReplacedBy').split(' ')
  const drives = by.map((driveId) => {
    const drive = journal.joining.get(`${session.sessionId} ${driveId}`)
    if (drive === undefined) throw invalid(`drive ${driveId} replaced another but was never planned`)
    return drive
  })
  applyReplacement(session, text(fields, 'DriveId'), drives)
  journal.joining.clear()
}

/** A stage may be recorded again (a resumed step), and each leads to the next; an erased drive starts over. */
export function mayFollow(before: DriveStage, after: DriveStage): boolean {
  const from = driveStages.indexOf(before)
  const to = driveStages.indexOf(after)
  return to === from || to === from + 1 || after === 'erased' || (before === 'erased' && after === 'copied')
}

function sessionOf(journal: JournalState, fields: ReadonlyMap<string, string>): SessionState {
  const session = journal.sessions.get(text(fields, 'SessionId'))
  if (session === undefined) throw invalid(`session ${text(fields, 'SessionId')} was never started`)
  return session
}

function driveOf(journal: JournalState, fields: ReadonlyMap<string, string>): DriveState {
  const drive = sessionOf(journal, fields).drives.get(text(fields, 'DriveId'))
  if (drive === undefined) throw invalid(`drive ${text(fields, 'DriveId')} was never planned`)
  return drive
}

function text(fields: ReadonlyMap<string, string>, key: string): string {
  const value = fields.get(key)
  if (value === undefined) throw invalid(`a ${fields.get('ActivityId')} record has no ${key}`)
  return value
}

function integer(fields: ReadonlyMap<string, string>, key: string): number {
  const value = Number(text(fields, key))
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${key} is ${fields.get(key)}, not a whole number`)
  return value
}

function invalid(what: string): TransferError {
  return new TransferError('JOURNAL_INVALID', `The journal contradicts itself: ${what}.`, {
    hint: 'Was it edited, or are two journals mixed up? Start over with a new journal.',
  })
}
