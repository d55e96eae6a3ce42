// A proxy before a job service: each entry of the script is used for one request, in order; then everything passes.

import { after } from 'node:test'
import { type Fault as ServedFault, startFaultProxy } from '../storage/fault-proxy.js'

export type Fault =
  | 'pass'
  /** The connection breaks before the service hears of the request. */
  | 'drop-before'
  /** The service does it, and the connection breaks before its answer. */
  | 'drop-after'
  | { status: number; headers?: Record<string, string>; body?: string }

export async function startScriptedProxy(target: string, script: Fault[] = []) {
  const seen: { method: string; path: string; atMs: number }[] = []
  const proxy = await startFaultProxy(Number(new URL(target).port), ({ method, url }) => {
    seen.push({ method, path: url, atMs: performance.now() })
    return served(script.shift() ?? 'pass')
  })
  after(() => proxy.stop())
  return { url: `http://127.0.0.1:${proxy.port}`, script, seen }
}

function served(fault: Fault): ServedFault | undefined {
  if (fault === 'pass') return undefined
  if (fault === 'drop-before') return { kind: 'cut-request', afterBytes: 0 }
  return fault === 'drop-after' ? { kind: 'lose-answer' } : { kind: 'answer', ...fault }
}
