// The jobs of the local service. Changes go one after the other: on a copy, then to disk, then they are true. A change that is
// refused, or that the disk does not take, has not happened.

import { readState, type ServiceState, writeState } from './state-file.js'
import type { JobEvent, StoredJob } from './stored-job.js'
import { keyOf } from './stored-job.js'
import { applyTimers } from './timers.js'

const noticesMax = 100

export class JobBook {
  #state: ServiceState
  #turn: Promise<unknown> = Promise.resolve()
  readonly #listeners = new Set<() => void>()
  /** Grows with every change. */
  revision = 0

  private constructor(
    private readonly path: string,
    state: ServiceState,
  ) {
    this.#state = state
  }

  static async open(path: string): Promise<JobBook> {
    return new JobBook(path, await readState(path))
  }

  get jobs(): readonly StoredJob[] {
    return this.#state.jobs
  }

  get notices(): readonly JobEvent[] {
    return this.#state.notices
  }

  get clockAheadMs(): number {
    return this.#state.clockAheadMs
  }

  find(key: string): StoredJob | undefined {
    return this.#state.jobs.find((job) => keyOf(job) === key)
  }

  /** Changes the job of that key; `change` gets undefined when there is none, and gives undefined to delete it. */
  async changeJob(
    key: string,
    change: (job: StoredJob | undefined) => StoredJob | undefined,
  ): Promise<StoredJob | undefined> {
    return this.#commit((state) => {
      const index = state.jobs.findIndex((job) => keyOf(job) === key)
      const changed = change(index === -1 ? undefined : structuredClone(state.jobs[index]))
      const jobs = state.jobs.filter((_job, at) => at !== index)
      if (changed !== undefined) jobs.splice(index === -1 ? jobs.length : index, 0, changed)
      return [{ ...state, jobs }, changed]
    })
  }

  /** Does what time demands. Writes nothing when that is nothing. */
  async settle(now: Date): Promise<void> {
    const isDue = this.#state.jobs.some((job) => {
      const copy = structuredClone(job)
      return applyTimers(copy, now) !== undefined || copy.modifiedAt !== job.modifiedAt || copy.state !== job.state
    })
    if (!isDue) return
    await this.#commit((state) => {
      const notices = [...state.notices]
      const jobs = structuredClone(state.jobs).filter((job) => {
        const gone = applyTimers(job, now)
        if (gone !== undefined)
          notices.push({ at: now.toISOString(), text: `Job ${job.name} ${gone}`, isProblem: true })
        return gone === undefined
      })
      return [{ ...state, jobs, notices: notices.slice(-noticesMax) }, undefined]
    })
  }

  async setClock(clockAheadMs: number): Promise<void> {
    await this.#commit((state) => [{ ...state, clockAheadMs }, undefined])
  }

  /** Calls `listener` after every change. @returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #commit<Result>(change: (state: ServiceState) => [ServiceState, Result]): Promise<Result> {
    const turn = this.#turn.then(async () => {
      const [next, result] = change(this.#state)
      await writeState(this.path, next)
      this.#state = next
      this.revision += 1
      for (const listener of this.#listeners) listener()
      return result
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** When everything that was asked for is on disk. */
  async close(): Promise<void> {
    await this.#turn
    this.#listeners.clear()
  }
}
