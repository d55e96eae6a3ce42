// A proxy before a service that does what the network and busy services do: each entry of the script is used for one request,
// in order; then everything passes.

import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

export type Fault =
  | 'pass'
  /** The connection breaks before the service hears of the request. */
  | 'drop-before'
  /** The service does it, and the connection breaks before its answer. */
  | 'drop-after'
  | { status: number; headers?: Record<string, string>; body?: string }

export async function startFaultProxy(target: string, script: Fault[] = []) {
  const seen: { method: string; path: string; atMs: number }[] = []
  const server = createServer((incoming, outgoing) => {
    seen.push({ method: incoming.method ?? '', path: incoming.url ?? '', atMs: performance.now() })
    const fault = script.shift() ?? 'pass'
    if (fault === 'drop-before') incoming.socket.destroy()
    else if (typeof fault === 'object') outgoing.writeHead(fault.status, fault.headers).end(fault.body ?? '')
    else pass(incoming, outgoing, target, fault === 'drop-after')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, script, seen }
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: string, drops: boolean): void {
  const { method, headers } = incoming
  const onward = forward(new URL(incoming.url ?? '/', target), { method: method ?? 'GET', headers }, (answer) => {
    if (drops) {
      answer.resume().on('end', () => incoming.socket.destroy())
      return
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(outgoing)
  })
  onward.on('error', () => incoming.socket.destroy())
  incoming.pipe(onward)
}
