// The journal of a set of sessions: the file, and what its records say happened.

import type { RecordDraft } from '../formats/journal.js'
import { JournalFile, readJournalRecords } from '../journal/journal-file.js'
import { sessionRecords } from '../plan/session-records.js'
import { type JournalState, reduceJournal } from '../plan/session-state.js'

export class SessionJournal {
  private constructor(
    readonly file: JournalFile,
    readonly state: JournalState,
  ) {}

  get path(): string {
    return this.file.path
  }

  /** Creates the journal (mode 0600) or reads and continues it. @throws TransferError JOURNAL_IN_USE, JOURNAL_INVALID. */
  static async open(path: string, creator: string): Promise<SessionJournal> {
    const file = await JournalFile.open(path)
    try {
      const journal = new SessionJournal(file, reduceJournal(file.records))
      if (file.records.length === 0) await journal.append(sessionRecords.newJournal(creator))
      return journal
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** On stable storage when the promise settles. Calls are written in order. */
  append(...drafts: RecordDraft[]): Promise<void> {
    return this.file.append(...drafts)
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

/** What a journal says, without opening it for writing. */
export async function readJournal(path: string): Promise<JournalState> {
  return reduceJournal(await readJournalRecords(path))
}
