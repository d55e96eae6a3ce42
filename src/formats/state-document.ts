// A state file of a staging location: one JSON object that names its format and its version. People may read and edit it, so
// it is opened like the words of a stranger; what its fields mean, each reader knows.

import { TransferError } from '../errors.js'
import { type JsonValue, rootOf } from './json-value.js'

export interface StateForm {
  format: string
  version: number
  /** What is said of a document of another format. */
  foreign: string
  /** What is said of one that was cut off. */
  broken: string
}

/** Throws; a parser says with which error. */
export type Fail = (problem: string) => never

const textMax = 1 << 20

export function encodeStateDocument({ format, version }: StateForm, state: object): string {
  return `${JSON.stringify({ format, version, ...state }, undefined, 2)}\n`
}

/** Its root, once it is known to be one of ours. `reviver` may fail with a TransferError of its own. */
export function openStateDocument(
  text: string,
  { format, version, foreign, broken }: StateForm,
  fail: Fail,
  reviver?: (name: string, value: unknown) => unknown,
): JsonValue {
  if (text.length > textMax) fail(`it has ${text.length} characters, at most ${textMax} are read`)
  let document: unknown
  try {
    document = JSON.parse(text, reviver)
  } catch (error) {
    if (error instanceof TransferError) throw error
    fail(broken)
  }
  const root = rootOf(document, fail)
  if (root.get('format')?.text() !== format) fail(foreign)
  const found = root.need('version').number()
  if (found !== version) fail(`it is of version ${found}, and this program reads version ${version}`)
  return root
}
