// Lists that are kept in two places because two languages, or a program and its docs, need them: they must not drift apart.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorCodes, exitCodes } from '../src/errors.js'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

function firstBlock(text: string, start: string): string {
  const from = text.indexOf(start)
  assert.notEqual(from, -1, `${start} was not found`)
  return text.slice(from).split('\n\n')[0] as string
}

test('the native error codes are the first block of src/errors.ts, in the same order', () => {
  const native = [...read('native/error_codes.h').matchAll(/^\s*X\((\w+)\)/gm)].map((match) => match[1])
  const block = firstBlock(read('src/errors.ts'), 'export const errorCodes = {')
  const typescript = [...block.matchAll(/^\s+([A-Z0-9_]+):/gm)].map((match) => match[1])
  assert.ok(native.length > 20)
  assert.deepEqual(typescript, native)
})

test('module.cc exports what binding.ts declares, in the same order', () => {
  const exported = [...read('native/addon/module.cc').matchAll(/^\s*add\("(\w+)"/gm)].map((match) => match[1])
  const text = read('src/addon/binding.ts')
  const body = text.slice(text.indexOf('export interface Addon {'))
  const declared = [...body.slice(0, body.indexOf('\n}')).matchAll(/^ {2}(\w+)\??[(:<]/gm)].map((match) => match[1])
  assert.ok(exported.length > 0)
  assert.deepEqual(declared, exported)
})

test('docs/errors.md has one row for each code, with its exit code', () => {
  const documented = new Map(
    [...read('docs/errors.md').matchAll(/^\| `([A-Z0-9_]+)` \| (\d+) \| (.+) \| (.+) \|$/gm)].map((match) => [
      match[1] as string,
      Number(match[2]),
    ]),
  )
  const missing = Object.entries(errorCodes).filter(([code, exit]) => documented.get(code) !== exit)
  assert.deepEqual(missing, [], 'codes without a row in docs/errors.md, or with another exit code there')
  assert.deepEqual(
    [...documented.keys()].filter((code) => !(code in errorCodes)),
    [],
    'rows for codes that are gone',
  )
})

test('docs/errors.md lists every exit code', () => {
  const text = read('docs/errors.md')
  for (const code of Object.values(exitCodes)) assert.match(text, new RegExp(`^\\| ${code} \\|`, 'm'))
})
