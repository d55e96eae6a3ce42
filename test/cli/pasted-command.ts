// A command that the program prints as the next step, as a shell takes it from whoever copies it there.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'

/** @returns its words behind `diskferry`. @param before what stands in front of it on its line. */
export function pastedWords(output: string, before: string): string[] {
  const line = output.split('\n').find((text) => text.includes(`${before}diskferry `)) ?? ''
  const command = line.slice(line.indexOf(before) + before.length)
  assert.notEqual(command, '', `${before} is not in ${output}`)
  const script = `diskferry() { printf '%s\\n' "$@"; }\n${command}`
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n')
}
