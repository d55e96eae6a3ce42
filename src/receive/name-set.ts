// Which names were met already, in eight bytes a name: a drive may have millions of blobs, and a set of strings would take
// more memory than everything else. Two names with the same 64-bit hash would be taken for one; among ten million names that
// happens once in 300,000 drives, and then a drive is refused that a person will look at.

const firstSlots = 1 << 12

export class NameSet {
  #low = new Uint32Array(firstSlots)
  #high = new Uint32Array(firstSlots)
  #count = 0

  /** False when the name was there. */
  add(name: string): boolean {
    if (this.#count * 2 >= this.#low.length) this.#grow()
    const [low, high] = hash64(name)
    return this.#insert(low, high)
  }

  #insert(low: number, high: number): boolean {
    const mask = this.#low.length - 1
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      if (this.#low[slot] === 0 && this.#high[slot] === 0) {
        this.#low[slot] = low
        this.#high[slot] = high
        this.#count++
        return true
      }
      if (this.#low[slot] === low && this.#high[slot] === high) return false
    }
  }

  #grow(): void {
    const low = this.#low
    const high = this.#high
    this.#low = new Uint32Array(low.length * 2)
    this.#high = new Uint32Array(low.length * 2)
    this.#count = 0
    for (let slot = 0; slot < low.length; slot++) {
      if (low[slot] !== 0 || high[slot] !== 0) this.#insert(low[slot] as number, high[slot] as number)
    }
  }
}

// Two FNV-1a over the UTF-16 units with different starts, each mixed at its end; never 0 and 0.
function hash64(name: string): [low: number, high: number] {
  let low = 0x811c9dc5
  let high = 0x2f0b4c47
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x0100019d) ^ (low >>> 13)
  }
  return [(mix(low) | 1) >>> 0, mix(high)]
}

function mix(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const again = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return (again ^ (again >>> 16)) >>> 0
}
