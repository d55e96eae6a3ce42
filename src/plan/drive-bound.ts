// How many drives are needed at least, whatever the arrangement: three arguments that a plan can be held against. Files are
// never split, so besides the sum of all bytes it matters how many large files fit beside each other.

/**
 * Least number of drives that these file weights and `otherBytes` of small parts can fit on, taken from the largest;
 * `capacities.length + 1` when they provably do not fit on all together.
 */
export function driveBound(weights: Float64Array, capacities: readonly number[], otherBytes = 0): number {
  const drives = capacities.map((capacity) => Math.max(0, capacity)).sort((left, right) => right - left)
  const total = weights.reduce((sum, weight) => sum + weight, otherBytes)
  let bound = Math.max(total > 0 ? 1 : 0, drivesFor(total, drives))
  // Only files of more than a sixty-fourth of the largest drive can waste room that matters; if there are so many that the
  // list grows long, the volume bound has already said enough.
  const largest = drives[0] ?? 0
  const big = weights.filter((weight) => weight > largest / 64).sort((left, right) => right - left)
  if (big.length > 64 * drives.length || bound > drives.length) return bound
  const sums = prefixSums(big)
  for (let index = 0; index < big.length; index++) {
    const size = big[index] as number
    if (size === big[index + 1]) continue
    bound = Math.max(
      bound,
      drivesFor(
        index + 1,
        drives.map((capacity) => Math.floor(capacity / size)),
      ),
    )
  }
  for (const capacity of new Set(drives)) bound = Math.max(bound, mixedBound(big, sums, total, capacity, drives))
  return bound
}

/** Least k such that the first k amounts reach `wanted`; one more than there are when they never do. */
function drivesFor(wanted: number, amounts: readonly number[]): number {
  let reached = 0
  for (let count = 0; count < amounts.length; count++) {
    if (reached >= wanted) return count
    reached += amounts[count] as number
  }
  return reached >= wanted ? amounts.length : amounts.length + 1
}

/**
 * For each limit a: on a drive of this capacity, a file larger than capacity - a has no room beside it for any file of at
 * least a, so it counts as the whole capacity; files below a count nothing (Martello and Toth's bound L2, with larger
 * drives credited by the most that such files could count there).
 */
function mixedBound(
  big: Float64Array,
  sums: Float64Array,
  total: number,
  capacity: number,
  drives: readonly number[],
): number {
  let bound = 0
  for (let index = 0; index <= big.length; index++) {
    const limit = index === 0 ? 0 : (big[index - 1] as number)
    if (limit > capacity / 2 || limit === big[index]) continue
    const largest = countAbove(big, capacity - limit)
    const middle = limit === 0 ? total - (sums[largest] as number) : (sums[index] as number) - (sums[largest] as number)
    const credits = drives.map((size) => {
      if (size > capacity) return Math.ceil((size * capacity) / (capacity - limit))
      return size > capacity - limit ? capacity : size
    })
    bound = Math.max(bound, drivesFor(largest * capacity + middle, credits))
  }
  return bound
}

function prefixSums(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  values.forEach((value, index) => {
    sums[index + 1] = (sums[index] as number) + value
  })
  return sums
}

/** How many of a descending list are above `limit`. */
function countAbove(descending: Float64Array, limit: number): number {
  let low = 0
  let high = descending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((descending[middle] as number) > limit) low = middle + 1
    else high = middle
  }
  return low
}
