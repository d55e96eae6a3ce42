// A typed array that grows while it is filled, by doubling: for parsers that must not believe a count in a file.

type NumberArray = Uint8Array | Uint16Array | Uint32Array | Float64Array

export class GrowingColumn<Column extends NumberArray | BigInt64Array> {
  #values: Column
  #length = 0

  constructor(readonly create: new (length: number) => Column) {
    this.#values = new create(64)
  }

  get length(): number {
    return this.#length
  }

  push(value: Column[number]): void {
    if (this.#length === this.#values.length) {
      const larger = new this.create(this.#length * 2)
      larger.set(this.#values as never)
      this.#values = larger
    }
    this.#values[this.#length] = value
    this.#length += 1
  }

  /** A column of exactly the values pushed. */
  finish(): Column {
    return this.#values.slice(0, this.#length) as Column
  }
}
