// How many requests are under way at once, over all drives, and whose turn it is: each drive has a lane, and lanes with
// something to do take turns, so that a drive of small files does not stand behind one of large ones.

export interface UploadLane {
  /** Runs `task` when it is this lane's turn; settles as it does. */
  run<T>(task: () => Promise<T>): Promise<T>
}

export class UploadSlots {
  #free: number
  readonly #lanes: (() => void)[][] = []
  #next = 0

  constructor(count: number) {
    this.#free = count
  }

  lane(): UploadLane {
    const waiting: (() => void)[] = []
    this.#lanes.push(waiting)
    return {
      run: async (task) => {
        await new Promise<void>((start) => {
          waiting.push(start)
          this.#startNext()
        })
        try {
          return await task()
        } finally {
          this.#free++
          this.#startNext()
        }
      },
    }
  }

  #startNext(): void {
    for (let tried = 0; this.#free > 0 && tried < this.#lanes.length; tried++) {
      const lane = this.#lanes[this.#next] as (() => void)[]
      this.#next = (this.#next + 1) % this.#lanes.length
      const start = lane.shift()
      if (start === undefined) continue
      this.#free--
      tried = -1
      start()
    }
  }
}
