// The records of a session's journal, as they are appended: one function for each thing that can happen to it.

import type { RecordDraft } from '../formats/journal.js'
import type { DriveStage, DriveState } from './session-state.js'

type Field = readonly [key: string, value: string]

export const sessionRecords = {
  newJournal: (creator: string): RecordDraft => ({
    type: 'NewJournalFile',
    fields: [
      ['VocabularyVersion', '2013-02-01'],
      ['Creator', creator],
    ],
  }),
  started: (sessionId: string, drives: number): RecordDraft =>
    activity('Session', [
      ['SessionId', sessionId],
      ['State', 'Started'],
      ['Drives', String(drives)],
    ]),
  session: (sessionId: string, state: 'Completed' | 'Aborted'): RecordDraft =>
    activity('Session', [
      ['SessionId', sessionId],
      ['State', state],
    ]),
  drive: (sessionId: string, driveId: string, stage: DriveStage, more: Field[] = []): RecordDraft =>
    activity('Drive', [['SessionId', sessionId], ['DriveId', driveId], ['Stage', stage], ...more]),
  planned: (
    sessionId: string,
    drive: Pick<DriveState, 'driveId' | 'path' | 'sizeBytes' | 'recoveryPassword'>,
    /** Id of a drive of the session whose files it takes, once `replaced` has been recorded. */
    replaces?: string,
  ): RecordDraft =>
    sessionRecords.drive(sessionId, drive.driveId, 'planned', [
      ['Path', drive.path],
      ['SizeBytes', String(drive.sizeBytes)],
      ['BitLockerKey', drive.recoveryPassword],
      ...(replaces === undefined ? [] : [['Replaces', replaces] as const]),
    ]),
  replaced: (sessionId: string, driveId: string, by: readonly string[]): RecordDraft =>
    activity('DriveReplaced', [
      ['SessionId', sessionId],
      ['DriveId', driveId],
      ['ReplacedBy', by.join(' ')],
    ]),
  mark: (sessionId: string, driveId: string, chunk: number, bytesDone: number): RecordDraft =>
    sessionRecords.drive(sessionId, driveId, 'copying', [
      ['Chunk', String(chunk)],
      ['BytesDone', String(bytesDone)],
    ]),
  dropped: (sessionId: string, driveId: string, file: number, reason: string): RecordDraft =>
    activity('FileDropped', [
      ['SessionId', sessionId],
      ['DriveId', driveId],
      ['File', String(file)],
      ['Reason', reason],
    ]),
  failed: (sessionId: string, driveId: string, reason: string): RecordDraft =>
    activity('DriveFailed', [
      ['SessionId', sessionId],
      ['DriveId', driveId],
      ['Reason', reason],
    ]),
  /** The record that WAImportExport writes for a finished drive. */
  driveInfo: (driveXml: string): RecordDraft =>
    activity('DriveInfo', [
      ['DriveState', driveXml],
      ['SaveCommandOutput', 'Completed'],
    ]),
}

function activity(activityId: string, fields: Field[]): RecordDraft {
  return { type: 'ActivityRecord', fields: [['ActivityId', activityId], ...fields] }
}
