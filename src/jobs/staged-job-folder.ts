// One import job in a staging location, opened by one computer at a time. Its state is replaced whole, its history only grows,
// and both are text that a person can read.
//
//   <account>_<job>/
//     README.txt               what this folder is
//     job.json                 the state
//     history.txt              what was done, when, by which computer; a line each
//     <account>_<job>.txt      the summary: drives, where to ship, shipping details
//     lock                     who works on it now
//     journal/                 job.jrn and <DriveId>.xml, mode 0700: the only place with keys
//     files/                   what is to travel beside a backup's own files
//     vault/                   the state of a vault whose first backup travels
//     …_AIBBlob, …_BaseBlob    the backup's files

import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { TransferError } from '../errors.js'
import { redact } from '../formats/redact.js'
import { encodeStagedJob, parseJobFolderName, parseStagedJob, type StagedJob } from '../formats/staged-job.js'
import { describeStagedJob, stagedFolderReadme } from '../reports/describe-staging.js'
import { printable } from '../reports/printable.js'
import { findStagedData, type StagedData } from './staging-data.js'
import { appendLine, factsOf, invalid, readPlainFile, replaceFile, writeNewFile } from './staging-files.js'
import { type LockOptions, type StagingLock, takeStagingLock } from './staging-lock.js'

const stateBytesMax = 1 << 20

/** What may be changed; account and job are the folder's name. */
export type JobChange = Partial<Omit<StagedJob, 'account' | 'job' | 'createdAt' | 'changedAt' | 'revision'>>

export class StagedJobFolder {
  readonly name: string
  readonly account: string
  readonly job: string
  #state: StagedJob | undefined

  private constructor(
    readonly folder: string,
    readonly lock: StagingLock,
    state: StagedJob | undefined,
  ) {
    const { account, job } = namesOf(folder)
    this.account = account
    this.job = job
    this.name = `${account}_${job}`
    this.#state = state
  }

  /** @throws TransferError STAGING_IN_USE, STAGING_INVALID, STAGING_NOT_FOUND */
  static async open(folder: string, options: LockOptions = {}): Promise<StagedJobFolder> {
    await refuseLink(folder)
    const lock = await takeStagingLock(folder, options)
    try {
      const opened = new StagedJobFolder(folder, lock, await readStagedJob(folder))
      if (lock.tookOverFrom !== undefined) await opened.note(`took over the lock of ${lock.tookOverFrom}`)
      return opened
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Undefined in a folder that a backup made and nobody has worked on. */
  get state(): StagedJob | undefined {
    return this.#state
  }

  /** The journal of the session that prepares the drives. */
  get journalPath(): string {
    return join(this.folder, 'journal', 'job.jrn')
  }

  get summaryPath(): string {
    return join(this.folder, `${this.name}.txt`)
  }

  /** The first state of a job. */
  async create(first: JobChange & Pick<StagedJob, 'container'>): Promise<StagedJob> {
    const now = new Date().toISOString()
    const { account, job } = this
    const names = { account, job, createdAt: now, changedAt: now, revision: 1 }
    const state: StagedJob = { state: 'staged', drives: [], ...first, ...names }
    await writeNewFile(join(this.folder, 'README.txt'), stagedFolderReadme(account, job)).catch(ignoreExisting)
    await this.#store(state, 'made this job')
    return state
  }

  /** @param words for the history: what was done. */
  async update(change: JobChange, words: string): Promise<StagedJob> {
    const before = this.#state
    if (before === undefined) throw new TypeError('expected a job that was created before it is changed')
    const changedAt = new Date().toISOString()
    const after = { ...before, ...change, changedAt, revision: before.revision + 1 }
    await this.#store(after, words)
    return after
  }

  async #store(state: StagedJob, words: string): Promise<void> {
    const text = encodeStagedJob(state)
    // What could not be read again is not written.
    const checked = parseStagedJob(text)
    await this.lock.assertHeld()
    await replaceFile(join(this.folder, 'job.json'), text)
    this.#state = checked
    await this.note(words)
    await replaceFile(this.summaryPath, describeStagedJob(checked))
  }

  /** A line in the history, without secrets and line ends of others. */
  async note(words: string): Promise<void> {
    const line = `${new Date().toISOString()}  ${hostname()}[${process.pid}]  ${printable(redact(words))}`
    await appendLine(join(this.folder, 'history.txt'), line)
  }

  data(): Promise<StagedData> {
    return findStagedData(this.folder, this.#state?.container ?? '')
  }

  /** Makes the folder of the journal. @throws TransferError STAGING_INVALID when a link stands where it should be. */
  async prepareJournal(): Promise<string> {
    const path = this.journalPath
    const folder = join(this.folder, 'journal')
    await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting)
    if ((await factsOf(folder))?.isDirectory() !== true) throw invalid(folder, 'it is no folder')
    for (const [name, isRight] of [
      [path, 'isFile'],
      [`${path}.d`, 'isDirectory'],
    ] as const) {
      const facts = await factsOf(name)
      if (facts !== undefined && !facts[isRight]())
        throw invalid(name, 'it is a link or of another kind than it should be')
    }
    return path
  }

  close(): Promise<void> {
    return this.lock.release()
  }
}

/** Reads the state without a lock: for lists. @throws TransferError STAGING_INVALID */
export async function readStagedJob(folder: string): Promise<StagedJob | undefined> {
  const path = join(folder, 'job.json')
  const text = await readPlainFile(path, stateBytesMax)
  if (text === undefined) return undefined
  const state = parseStagedJob(text, path)
  const { account, job } = namesOf(folder)
  if (state.account !== account || state.job !== job) {
    throw invalid(path, `it is of job ${state.account}_${state.job} and lies in the folder of ${account}_${job}`)
  }
  return state
}

function namesOf(folder: string): { account: string; job: string } {
  const names = parseJobFolderName(basename(folder))
  if (names !== undefined) return names
  throw invalid(folder, 'the name of the folder is not <account>_<job>')
}

async function refuseLink(folder: string): Promise<void> {
  const facts = await factsOf(folder)
  if (facts === undefined) {
    throw new TransferError('STAGING_NOT_FOUND', `There is no job folder ${folder}.`, {
      hint: 'Make it with diskferry stage init.',
      path: folder,
    })
  }
  if (!facts.isDirectory()) throw invalid(folder, 'it is a link or no folder')
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
