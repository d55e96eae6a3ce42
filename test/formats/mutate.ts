// Deterministic damage for parser tests: the same seed gives the same mutations on every machine.

/** Marsaglia's xorshift32. */
export function xorshift(seed: number): (below: number) => number {
  let state = seed | 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** One to four of: a flipped bit, a byte replaced, a piece cut out, doubled or moved in from elsewhere, the end cut off. */
export function mutate(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original)
  for (let rounds = 1 + random(4); rounds > 0 && bytes.length > 0; rounds--) {
    const at = random(bytes.length)
    const length = 1 + random(Math.min(64, bytes.length - at))
    const piece = bytes.subarray(at, at + length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (random(6)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random(8))
        break
      case 1:
        bytes[at] = random(256)
        break
      case 2:
        bytes = Buffer.concat([before, bytes.subarray(at + length)])
        break
      case 3:
        bytes = Buffer.concat([before, piece, after])
        break
      case 4: {
        const target = random(bytes.length)
        bytes = Buffer.concat([bytes.subarray(0, target), piece, bytes.subarray(target)])
        break
      }
      default:
        bytes = Buffer.from(before)
    }
  }
  return bytes
}
