// Read buffers are shared out among the drives that are imported at once; a drive whose manifest has very long blocks needs
// more of them, and others then wait.

export class MemoryGate {
  #free: number
  readonly #waiting: { count: number; start: () => void }[] = []

  constructor(readonly total: number) {
    this.#free = total
  }

  /** Waits for its turn. More than there are is all of them. */
  async hold<T>(count: number, work: (count: number) => Promise<T>): Promise<T> {
    const held = Math.min(count, this.total)
    await new Promise<void>((start) => {
      this.#waiting.push({ count: held, start })
      this.#startNext()
    })
    try {
      return await work(count)
    } finally {
      this.#free += held
      this.#startNext()
    }
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.count <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.count
      next.start()
    }
  }
}
