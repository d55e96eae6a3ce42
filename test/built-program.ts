// The built program as its users have it: run to its end in a folder of a test's own, started beside the test, or left running as the
// local service.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

export const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

/** Has nothing of the environment of whoever runs the tests but the PATH, and what is given. */
export function runIn(folder: string, words: readonly string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, NO_COLOR: '1', ...environment }
  const ended = spawnSync(process.execPath, [main, ...words], { cwd: folder, encoding: 'utf8', env, timeout: 300_000 })
  const { status, stdout, stderr } = ended
  /** With --json: an object a line. */
  const events = () =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  return { status, stdout, stderr, output: `${stdout}\n${stderr}`, events }
}

export interface StartedProgram {
  child: ChildProcess
  ended: Promise<{ status: number | null; output: string }>
}

/** For tests that do something while it runs, such as answering its requests. It is stopped after `timeoutMs`. */
export function startIn(
  folder: string,
  words: readonly string[],
  { env, timeoutMs = 240_000 }: { env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): StartedProgram {
  const options = { cwd: folder, timeout: timeoutMs, ...(env === undefined ? {} : { env }) }
  const child = spawn(process.execPath, [main, ...words], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, output }))
  return { child, ended }
}

/** The local service, gone with the tests of the file. `at`: the options that lead a command to it. */
export async function startServiceProgram(dataFolder: string, ...more: string[]) {
  const words = [main, 'service', '--data', dataFolder, '--listen', '127.0.0.1:0', '--json', ...more]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(120_000) })) as [string]
  const { url, tokenPath } = JSON.parse(line) as { url: string; tokenPath: string }
  return { child, line, url, tokenPath, at: ['--service', url, '--token-file', tokenPath] }
}
