// Puts a few large items onto drives by searching, where taking the largest first and the first place that fits would
// fail. Bounded: after a number of steps it gives up, and the caller splits folders instead.

const stepsMax = 100_000

/**
 * The drive for each item, or undefined when none was found. `weights[i]` is item i's weight on each drive, descending in i
 * on drive 0; `free` is the room of each drive.
 */
export function fitExactly(weights: readonly (readonly number[])[], free: readonly number[]): number[] | undefined {
  const room = [...free]
  const chosen: number[] = []
  const left = remainingSums(weights)
  let steps = 0

  const place = (item: number): boolean => {
    if (item === weights.length) return true
    if (++steps > stepsMax || (left[item] as number) > usable(weights[weights.length - 1], room)) return false
    const tried = new Set<number>()
    for (let drive = 0; drive < room.length; drive++) {
      const before = room[drive] as number
      const weight = weights[item]?.[drive] as number
      // Two drives with the same room are the same choice.
      if (weight > before || tried.has(before)) continue
      tried.add(before)
      room[drive] = before - weight
      chosen[item] = drive
      if (place(item + 1)) return true
      room[drive] = before
      if (steps > stepsMax) return false
    }
    return false
  }
  return place(0) ? chosen : undefined
}

/** Least sum of items i and after it, whichever drives they go to. */
function remainingSums(weights: readonly (readonly number[])[]): Float64Array {
  const sums = new Float64Array(weights.length + 1)
  for (let item = weights.length - 1; item >= 0; item--) {
    sums[item] = (sums[item + 1] as number) + Math.min(...(weights[item] as readonly number[]))
  }
  return sums
}

/** Room that the smallest item can still use. */
function usable(smallest: readonly number[] | undefined, room: readonly number[]): number {
  return room.reduce((sum, bytes, drive) => (bytes >= (smallest?.[drive] ?? 0) ? sum + bytes : sum), 0)
}

const stepsPerDrive = 5_000

/**
 * The drive for each item, or undefined: fills one drive after the other, the smallest first, each with the largest item that
 * it takes and with those others that together leave least of it (Gupta and Ho's minimum bin slack). Finds good places where
 * there are too many items for a full search. Arguments as above.
 */
export function fitByLeastSlack(
  weights: readonly (readonly number[])[],
  free: readonly number[],
): number[] | undefined {
  const order = [...free.keys()].sort((left, right) => (free[left] as number) - (free[right] as number) || left - right)
  const chosen: number[] = new Array(weights.length).fill(-1)
  let left = [...weights.keys()]
  for (const drive of order) {
    const room = free[drive] as number
    const first = left.find((item) => (weights[item]?.[drive] as number) <= room)
    if (first === undefined) continue
    const others = left.filter((item) => item !== first)
    const sizes = others.map((item) => weights[item]?.[drive] as number)
    const best = fillRoom(sizes, room - (weights[first]?.[drive] as number))
    chosen[first] = drive
    for (const index of best) chosen[others[index] as number] = drive
    left = left.filter((item) => chosen[item] === -1)
  }
  return left.length === 0 ? chosen : undefined
}

/** Indexes of the sizes (descending) whose sum comes nearest to `room` from below, as far as a bounded search finds. */
function fillRoom(sizes: readonly number[], room: number): number[] {
  let best: number[] = []
  let bestSlack = room
  let steps = 0
  const rest = new Float64Array(sizes.length + 1)
  for (let index = sizes.length - 1; index >= 0; index--)
    rest[index] = (rest[index + 1] as number) + (sizes[index] as number)
  const search = (start: number, slack: number, taken: number[]): void => {
    if (slack < bestSlack) {
      bestSlack = slack
      best = [...taken]
    }
    for (let index = start; index < sizes.length && bestSlack > 0; index++) {
      // Even everything that is left would not do better.
      if (slack - (rest[index] as number) >= bestSlack || ++steps > stepsPerDrive) return
      const size = sizes[index] as number
      if (size > slack || (index > start && size === sizes[index - 1])) continue
      taken.push(index)
      search(index + 1, slack - size, taken)
      taken.pop()
    }
  }
  search(0, room, [])
  return best
}
