// Work on many things, some of them at once.

/** Runs `work` on all items, so many at once. The first error is told at once and stops the rest from being begun. */
export async function eachLimited<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
  fail: (error: unknown) => void,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      await work(items[next++] as T).catch((error) => {
        next = items.length
        fail(error)
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker))
}
