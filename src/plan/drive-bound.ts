// How many drives are needed at least, whatever the arrangement: arguments that a plan can be held against. Files are never
// split, so besides the sum of all bytes it matters how many large files fit beside each other.
//
// Each argument gives every file a weight and every drive a credit, such that the files on a drive never weigh more than
// its credit. Then as many drives are needed as it takes, from the largest credit down, to reach the weight of all files.
// The weights are dual feasible functions (Fekete and Schepers, "New classes of fast lower bounds for bin packing
// problems", 2001), extended to drives of different sizes.

const thresholdsMax = 64
const stepsMax = 16

/**
 * Least number of drives that these file weights and `otherBytes` of small parts can fit on, taken from the largest;
 * `capacities.length + 1` when they provably do not fit on all together.
 */
export function driveBound(weights: Float64Array, capacities: readonly number[], otherBytes = 0): number {
  const drives = capacities.map((capacity) => Math.max(0, capacity)).sort((left, right) => right - left)
  const total = weights.reduce((sum, weight) => sum + weight, otherBytes)
  let bound = Math.max(total > 0 ? 1 : 0, drivesFor(total, drives))
  // Only files of more than a sixty-fourth of the largest drive can waste room that matters; if there are so many that the
  // list grows long, the sum of all bytes has already said enough.
  const largest = drives[0] ?? 0
  const big = weights.filter((weight) => weight > largest / 64).sort((left, right) => right - left)
  if (big.length > 64 * drives.length || bound > drives.length) return bound
  bound = Math.max(bound, countBound(big, drives))
  for (const capacity of new Set(drives)) {
    if (capacity > 0) bound = Math.max(bound, thresholdBound(big, total, capacity, drives))
  }
  return bound
}

/** Least k such that the first k credits reach `wanted`; one more than there are when they never do. */
function drivesFor(wanted: number, credits: readonly number[]): number {
  let reached = 0
  for (let count = 0; count < credits.length; count++) {
    if (reached >= wanted) return count
    reached += credits[count] as number
  }
  return reached >= wanted ? credits.length : credits.length + 1
}

/** For each size: files of at least that size count one, a drive holds so many of them. */
function countBound(big: Float64Array, drives: readonly number[]): number {
  let bound = 0
  for (let index = 0; index < big.length; index++) {
    const size = big[index] as number
    if (size === big[index + 1]) continue
    const credits = drives.map((capacity) => Math.floor(capacity / size))
    bound = Math.max(bound, drivesFor(index + 1, credits))
  }
  return bound
}

/**
 * For each limit a: beside a file larger than `capacity - a` there is no room for a file of at least a, so it counts as the
 * whole capacity, and files below a count nothing. What remains is counted in bytes, and in steps.
 */
function thresholdBound(big: Float64Array, total: number, capacity: number, drives: readonly number[]): number {
  let bound = 0
  for (const limit of thresholds(big, capacity)) {
    const sizes = big.map((size) => (size > capacity - limit ? capacity : size >= limit ? size : 0))
    const rooms = drives.map((room) => {
      if (room > capacity) return Math.ceil((room * capacity) / (capacity - limit))
      return room > capacity - limit ? capacity : room
    })
    const counted = sizes.reduce((sum, size) => sum + size, 0)
    // Small files are only left out when there is a limit.
    const small = limit === 0 ? total - big.reduce((sum, size) => sum + size, 0) : 0
    bound = Math.max(bound, drivesFor(counted + small, rooms), stepBound(sizes, capacity, rooms))
  }
  return bound
}

/** Zero and the sizes up to half a drive; evenly chosen when there are many. */
function thresholds(big: Float64Array, capacity: number): number[] {
  const sizes = [...new Set(big)].filter((size) => size <= capacity / 2)
  const every = Math.max(1, Math.ceil(sizes.length / thresholdsMax))
  return [0, ...sizes.filter((_, index) => index % every === 0)]
}

/**
 * A file counts the steps of capacity/(k + 1) that it is strictly larger than. Those on a drive count less than its room in
 * steps, so at most the next whole number below that.
 */
function stepBound(sizes: Float64Array, capacity: number, rooms: readonly number[]): number {
  let bound = 0
  for (let steps = 2; steps <= stepsMax; steps++) {
    const stepsBelow = (size: number) => Math.max(0, Math.ceil((size * steps) / capacity) - 1)
    const counted = sizes.reduce((sum, size) => sum + stepsBelow(size), 0)
    bound = Math.max(bound, drivesFor(counted, rooms.map(stepsBelow)))
  }
  return bound
}
