// A journal on disk, opened by one process at a time: read whole at the start (a torn tail from a crash is cut off), then only
// appended to, each record synced before the call returns. What the records mean is its owner's business.

import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import { encodeRecord, type JournalRecord, parseJournal, type RecordDraft } from '../formats/journal.js'

export class JournalFile {
  readonly #file: FileHandle
  readonly #lockPath: string
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
    lockPath: string,
  ) {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#lockPath = lockPath
  }

  /** Creates the journal (mode 0600) or reads and continues it. @throws TransferError JOURNAL_IN_USE, JOURNAL_INVALID. */
  static async open(path: string): Promise<JournalFile> {
    const lockPath = `${path}.lock`
    await takeLock(lockPath)
    try {
      const file = await open(path, 'a+', 0o600)
      const { records, tornTailBytes } = parseJournal(await readFile(path), path)
      const sizeBytes = (await file.stat()).size - tornTailBytes
      if (tornTailBytes > 0) await file.truncate(sizeBytes)
      return new JournalFile(path, records, file, sizeBytes, lockPath)
    } catch (error) {
      await rm(lockPath, { force: true })
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
    await rm(this.#lockPath, { force: true })
  }
}

/** The records of a journal, without opening it for writing. @throws TransferError JOURNAL_INVALID */
export async function readJournalRecords(path: string): Promise<JournalRecord[]> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new TransferError('JOURNAL_INVALID', `The journal ${path} cannot be read: ${cause.message}.`, { cause, path })
  })
  return parseJournal(bytes, path).records
}

// A lock file with the owner's process id: a crash leaves it behind, and a process that is gone owns nothing.
async function takeLock(lockPath: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(lockPath, 'wx', 0o600)
      await file.writeFile(`${process.pid} ${await startTicks(process.pid)}\n`)
      await file.close()
      return
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
    const [pid = 0, ticks = ''] = (await readFile(lockPath, 'utf8').catch(() => '')).trim().split(' ')
    if ((await startTicks(Number(pid))) === ticks && ticks !== '') {
      const message = `The journal ${lockPath.slice(0, -5)} is in use by process ${pid}.`
      throw new TransferError('JOURNAL_IN_USE', message, { hint: 'Wait for it, or stop it first.' })
    }
    await rm(lockPath, { force: true })
  }
  throw new TransferError('JOURNAL_IN_USE', `The lock ${lockPath} could not be taken; another process is starting.`)
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused process id apart. */
async function startTicks(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
