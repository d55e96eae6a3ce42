// A journal on disk, opened by one process at a time: read whole at the start (a torn tail from a crash is cut off), then only
// appended to, each record synced before the call returns. What the records mean is its owner's business.

import { type FileHandle, open, readFile } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import { encodeRecord, type JournalRecord, parseJournal, type RecordDraft } from '../formats/journal.js'
import { type ProcessLock, takeProcessLock } from './process-lock.js'

export class JournalFile {
  readonly #file: FileHandle
  readonly #lock: ProcessLock
  #writes: Promise<void> = Promise.resolve()
  #sizeBytes: number
  /** Why nothing can be appended any more: the end of a record that failed is still there. */
  #failure: unknown

  private constructor(
    readonly path: string,
    /** What was there when it was opened. */
    readonly records: readonly JournalRecord[],
    file: FileHandle,
    sizeBytes: number,
    lock: ProcessLock,
  ) {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#lock = lock
  }

  /** Creates the journal (mode 0600) or reads and continues it. @throws TransferError JOURNAL_IN_USE, JOURNAL_INVALID. */
  static async open(path: string): Promise<JournalFile> {
    const lock = await takeProcessLock(`${path}.lock`, (processId) => journalInUse(path, processId))
    let file: FileHandle | undefined
    try {
      file = await open(path, 'a+', 0o600)
      const { records, tornTailBytes } = parseJournal(await readFile(path), path)
      const sizeBytes = (await file.stat()).size - tornTailBytes
      if (tornTailBytes > 0) await file.truncate(sizeBytes)
      return new JournalFile(path, records, file, sizeBytes, lock)
    } catch (error) {
      await file?.close()
      await lock.release()
      throw error
    }
  }

  /** On stable storage when the promise settles. Calls are written in order. */
  append(...drafts: RecordDraft[]): Promise<void> {
    const time = new Date()
    const bytes = Buffer.concat(drafts.map((draft) => encodeRecord({ time, ...draft })))
    const write = this.#writes.then(async () => {
      if (this.#failure !== undefined) throw this.#failure
      try {
        await this.#file.appendFile(bytes)
        await this.#file.datasync()
        this.#sizeBytes += bytes.length
      } catch (error) {
        // Half a record is a torn tail at the end only: none may follow it.
        await this.#file.truncate(this.#sizeBytes).catch(() => {
          this.#failure = error
        })
        throw error
      }
    })
    this.#writes = write.catch(() => {})
    return write
  }

  async close(): Promise<void> {
    await this.#writes
    await this.#file.close()
    await this.#lock.release()
  }
}

/** The records of a journal, without opening it for writing. @throws TransferError JOURNAL_INVALID */
export async function readJournalRecords(path: string): Promise<JournalRecord[]> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new TransferError('JOURNAL_INVALID', `The journal ${path} cannot be read: ${cause.message}.`, { cause, path })
  })
  return parseJournal(bytes, path).records
}

function journalInUse(path: string, processId: string | undefined): TransferError {
  if (processId === undefined) {
    const message = `The lock ${path}.lock could not be taken; another process is starting.`
    return new TransferError('JOURNAL_IN_USE', message)
  }
  const message = `The journal ${path} is in use by process ${processId}.`
  return new TransferError('JOURNAL_IN_USE', message, { hint: 'Wait for it, or stop it first.' })
}
