// How the demo runs things: the command line as its users do, and what has to be stopped when the demo ends, however it ends.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../setup.mjs'

/** Everything that the demo makes is below it, and goes with it. */
export const folder = mkdtempSync(join(tmpdir(), 'diskferry-demo-'))
const program = join(root, 'dist/cli/main.js')
const children = new Set()

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

const short = (word) => word.replace(`${root}/`, '').replace(`${folder}/`, '').replace(folder, '.')
const shown = (word) => (/[\s"'*]/.test(word) ? `"${short(word)}"` : short(word))

/** Runs diskferry and gives what it says; what it says is shown unless it is `quiet`. Ends the demo when it fails. */
export async function diskferry(words, { quiet = false } = {}) {
  console.log(`\n$ diskferry ${words.map(shown).join(' ')}`)
  const stdio = ['ignore', 'pipe', 'inherit']
  const child = spawn(process.execPath, [program, ...words], { cwd: folder, stdio })
  children.add(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  children.delete(child)
  if (status !== 0) {
    console.error(`${output}\nThe demo stopped: exit code ${status}.`)
    process.exit(status ?? 1)
  }
  if (!quiet) console.log(output.trimEnd().replaceAll(`${folder}/`, ''))
  return output
}

/** Starts a program that stays; the first line for which `ready` gives something says that it is there. */
export async function start(words, ready) {
  const child = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  child.on('close', () => children.delete(child))
  for await (const line of createInterface(child.stdout)) {
    const found = ready(line)
    if (found !== undefined) return { found, stop: () => child.kill('SIGTERM') }
  }
  throw new Error(`${words[0]} did not start`)
}

export const service = (...words) => [program, 'service', ...words]
