// Reading JSON that somebody else wrote: each step down remembers its path, so that a wrong value is named where it stands.
// What a reader does not ask for is left alone: services add fields.

export class JsonValue {
  constructor(
    private readonly value: unknown,
    /** `properties.driveList[2].driveId`; empty for the whole document. */
    readonly path: string,
    /** Throws; a parser says with which error. */
    private readonly fail: (problem: string, path: string) => never,
  ) {}

  /** Undefined also for null, which services send for what is not set. */
  get(name: string): JsonValue | undefined {
    const value = Object.hasOwn(this.#object(), name) ? this.#object()[name] : undefined
    return value === undefined || value === null ? undefined : this.#child(value, this.#pathTo(name))
  }

  need(name: string): JsonValue {
    return this.get(name) ?? this.fail('is missing', this.#pathTo(name))
  }

  text(lengthMax = 4096): string {
    if (typeof this.value !== 'string') return this.fail(`is ${kindOf(this.value)}, expected text`, this.path)
    if (this.value.length > lengthMax) {
      return this.fail(`has ${this.value.length} characters, at most ${lengthMax} are read`, this.path)
    }
    return this.value
  }

  number(): number {
    if (typeof this.value === 'number' && Number.isFinite(this.value)) return this.value
    return this.fail(`is ${kindOf(this.value)}, expected a number`, this.path)
  }

  /** From 0 on. */
  count(): number {
    const value = this.number()
    return Number.isSafeInteger(value) && value >= 0 ? value : this.fail('is no whole number', this.path)
  }

  oneOf<const Name extends string>(names: readonly Name[]): Name {
    const text = this.text(64)
    return names.find((name) => name === text) ?? this.fail(`is none of ${names.join(', ')}`, this.path)
  }

  boolean(): boolean {
    return typeof this.value === 'boolean'
      ? this.value
      : this.fail(`is ${kindOf(this.value)}, expected true or false`, this.path)
  }

  list(countMax = 1000): JsonValue[] {
    if (!Array.isArray(this.value)) return this.fail(`is ${kindOf(this.value)}, expected a list`, this.path)
    if (this.value.length > countMax) {
      return this.fail(`has ${this.value.length} entries, at most ${countMax} are read`, this.path)
    }
    return this.value.map((entry, index) => this.#child(entry, `${this.path}[${index}]`))
  }

  names(): string[] {
    return Object.keys(this.#object())
  }

  #object(): Record<string, unknown> {
    if (typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value)) {
      return this.value as Record<string, unknown>
    }
    return this.fail(`is ${kindOf(this.value)}, expected an object`, this.path)
  }

  #pathTo(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  #child(value: unknown, path: string): JsonValue {
    return new JsonValue(value, path, this.fail)
  }
}

/** The root of a whole document; what `fail` is told begins with where it is. */
export function rootOf(document: unknown, fail: (problem: string) => never): JsonValue {
  return new JsonValue(document, '', (problem, path) => fail(`${path || 'the document'} ${problem}`))
}

/** The root of a text that somebody typed. `fail` is told as by `rootOf`, and why it is no JSON. */
export function readJson(text: string, fail: (problem: string) => never): JsonValue {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    fail(`this is no JSON: ${(cause as Error).message}`)
  }
  return rootOf(document, fail)
}

/** The fields of `names` that are there, as text. */
export function textFields<Name extends string>(
  from: JsonValue,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const fields: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = from.get(name)?.text()
    if (value !== undefined) fields[name] = value
  }
  return fields
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
