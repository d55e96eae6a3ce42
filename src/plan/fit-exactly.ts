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
