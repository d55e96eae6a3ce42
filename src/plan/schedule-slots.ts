// When a scheduled backup is due. A slot is a time of day on a day. The latest one that has passed and was not run is due, so that
// missed runs are made up, several of them by one; a clock that was wrong must neither stop the backups nor repeat them.

export interface SlotQuestion {
  nowMs: number
  /** Minutes since midnight, local time, in order. */
  atMinutes: readonly number[]
  /** Slots before that are not made up. */
  sinceMs: number
  /** The slot that was run last. */
  lastSlotMs?: number
}

export interface SlotAnswer {
  /** The slot to be run now. */
  dueMs?: number
  /** When the next one comes. */
  nextMs: number
  /** What is noted lies far in the future: the clock was wrong then, or is now. */
  isClockBack: boolean
}

/** A clock that is set back by less is set right: the slot that was run is not run again. */
const stepBackMs = 60 * 60_000

/** @throws RangeError without a time of day. */
export function dueSlot({ nowMs, atMinutes, sinceMs, lastSlotMs }: SlotQuestion): SlotAnswer {
  if (atMinutes.length === 0) throw new RangeError('expected at least one time of day')
  const { latestMs, nextMs } = slotsAround(nowMs, atMinutes)
  const isBeyond = (time: number) => time > nowMs + stepBackMs
  const isClockBack = isBeyond(sinceMs) || (lastSlotMs !== undefined && isBeyond(lastSlotMs))
  const doneMs = Math.max(
    ...[sinceMs, lastSlotMs ?? Number.NEGATIVE_INFINITY].filter((time) => !isBeyond(time)),
    Number.NEGATIVE_INFINITY,
  )
  return { nextMs, isClockBack, ...(latestMs > doneMs ? { dueMs: latestMs } : {}) }
}

/** The slot at or before, and the one after. Days are those of the local calendar, also when clocks change. */
function slotsAround(nowMs: number, atMinutes: readonly number[]): { latestMs: number; nextMs: number } {
  const today = new Date(nowMs)
  const slots = [-1, 0, 1, 2].flatMap((day) => {
    return atMinutes.map((minute) =>
      new Date(today.getFullYear(), today.getMonth(), today.getDate() + day, 0, minute).getTime(),
    )
  })
  slots.sort((one, other) => one - other)
  const latestMs = slots.findLast((slot) => slot <= nowMs) as number
  return { latestMs, nextMs: slots.find((slot) => slot > nowMs) as number }
}
