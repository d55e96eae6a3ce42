// A storage emulator of its own for each measurement: what it holds makes it slower, and it forgets nothing.

import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export function withEmulator<T>(folder: string, work: (url: string) => T): T {
  const own = mkdtempSync(join(folder, 'azurite-'))
  const package_ = dirname(createRequire(import.meta.url).resolve('azurite/package.json'))
  const log = join(own, 'log')
  const output = openSync(log, 'w')
  const program = [join(package_, 'dist/src/blob/main.js'), '--silent', '--disableTelemetry', '--skipApiVersionCheck']
  const child = spawn(process.execPath, [...program, '--blobPort', '0', '--location', own], {
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  try {
    for (let tries = 0; tries < 300; tries++) {
      const port = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(log, 'utf8'))?.[1]
      if (port !== undefined) return work(`http://127.0.0.1:${port}/devstoreaccount1`)
      spawnSync('sleep', ['0.1'])
    }
    throw new Error(`the emulator did not start: ${readFileSync(log, 'utf8')}`)
  } finally {
    child.kill('SIGKILL')
    rmSync(own, { recursive: true, force: true, maxRetries: 3 })
  }
}
