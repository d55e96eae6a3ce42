// Azurite for tests: a process of its own on a port that the system chooses, with a folder of its own, gone with the test.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const startTimeoutMs = 120_000
/** It writes its lists when it is told to end; a busy machine takes its time for that. */
const endTimeoutMs = 60_000
/** For as long as somebody else's connection may have its port. */
const portTimeoutMs = 60_000

/** Azurite's account and key, as its documentation publishes them. */
export const azuriteAccount = 'devstoreaccount1'
export const azuriteKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export interface Azurite {
  /** With the account, such as http://127.0.0.1:10000/devstoreaccount1. */
  readonly url: string
  readonly port: number
  readonly connectionString: string
  /** Ends it and removes its folder if it made it. */
  stop(): Promise<void>
  /**
   * The folder stays. With SIGKILL it forgets what it was told in the last seconds, also what it has confirmed: it writes its
   * lists every 5 s. With SIGTERM it writes them first.
   */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** After `kill` or `stop`, on the same port and folder. */
  restart(): Promise<void>
}

/** Why tests that need it are left out; false when it is there. */
export function azuriteMissing(): string | false {
  return program() === undefined ? 'azurite is not installed' : false
}

/** @param options.dir where it keeps its data; a temporary folder without it. */
export async function startAzurite(options: { dir?: string; port?: number } = {}): Promise<Azurite> {
  const path = program()
  if (path === undefined) throw new Error('azurite is not installed')
  const folder = options.dir ?? (await mkdtemp(join(tmpdir(), 'diskferry-azurite-')))
  let running = await start(path, folder, options.port ?? 0)
  const { port } = running
  const url = `http://127.0.0.1:${port}/${azuriteAccount}`
  const end = async (signal: NodeJS.Signals) => {
    const { child } = running
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    // It has written its lists then, and lives on until its input closes.
    void running.closed.then(() => child.stdin?.end())
    const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs)
    await gone
    clearTimeout(timer)
  }
  return {
    url,
    port,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${azuriteAccount};AccountKey=${azuriteKey};BlobEndpoint=${url};`,
    stop: async () => {
      // It has nothing to tell that a test would miss, and takes seconds to close connections that are kept.
      await end('SIGKILL')
      if (options.dir === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
    kill: (signal = 'SIGKILL') => end(signal),
    restart: async () => {
      running = await startOn(path, folder, port)
    },
  }
}

function program(): string | undefined {
  try {
    const require = createRequire(import.meta.url)
    return join(dirname(require.resolve('azurite/package.json')), 'dist/src/blob/main.js')
  } catch {
    return undefined
  }
}

/** On a port that was its own before: a connection of somebody else may have it for a moment. */
async function startOn(path: string, folder: string, port: number): Promise<Running> {
  const until = Date.now() + portTimeoutMs
  for (;;) {
    try {
      return await start(path, folder, port)
    } catch (error) {
      if (!/EADDRINUSE/.test(String(error)) || Date.now() > until) throw error
      await sleep(100)
    }
  }
}

interface Running {
  child: ChildProcess
  port: number
  /** When it said that it wrote its lists. */
  closed: Promise<void>
}

async function start(path: string, folder: string, port: number): Promise<Running> {
  const flags = ['--silent', '--disableTelemetry', '--skipApiVersionCheck', '--blobHost', '127.0.0.1']
  // It ends when our end of its input closes: also when this process is killed.
  const endWithUs = "data:text/javascript,process.stdin.on('end',()=>process.exit()).resume()"
  const parameters = ['--import', endWithUs, path, ...flags, '--blobPort', String(port), '--location', folder]
  const child = spawn(process.execPath, parameters, { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  let isClosed = () => {}
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve
  })
  const found = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`azurite did not start: ${output}`)), startTimeoutMs)
    const look = (text: Buffer) => {
      output += text.toString()
      const listening = /successfully listens? on https?:\/\/[^:\s]+:(\d+)\s/.exec(output)
      if (listening !== null) {
        clearTimeout(timer)
        resolve(Number(listening[1]))
      }
      if (output.includes('successfully closed')) isClosed()
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`azurite ended with ${code}: ${output}`))
    })
  })
  try {
    return { child, port: await found, closed }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}
