// The time of the local service. Its rules count in weeks, so tests and rehearsals can move it; forward only.

export interface ServiceClock {
  now(): Date
}

export const systemClock: ServiceClock = { now: () => new Date() }

export class MovableClock implements ServiceClock {
  constructor(public aheadMs = 0) {}

  now(): Date {
    return new Date(Date.now() + this.aheadMs)
  }

  advance(ms: number): void {
    if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`expected milliseconds from 0 on but received ${ms}`)
    this.aheadMs += ms
  }
}
