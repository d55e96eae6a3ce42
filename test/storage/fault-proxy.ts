// A proxy on the loopback interface between a store and its service, which does to requests what networks and busy services
// do: wrong answers, silence, and connections cut at any byte of the way there or back.

import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fault =
  /** Takes the request in and answers itself. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** Lets it through late. */
  | { kind: 'delay'; delayMs: number }
  /** Cuts the connection when so many bytes of the body have come, or it is complete. */
  | { kind: 'cut-request'; afterBytes: number }
  /** Lets the service do the request, and cuts the connection after so many bytes of the answer's body. */
  | { kind: 'cut-answer'; afterBytes: number }
  /** Lets the service do the request, and cuts the connection before its answer. */
  | { kind: 'lose-answer' }

export interface SeenRequest {
  method: string
  /** Path and query as they came. */
  url: string
  /** How many requests with this method and address came before it. */
  repeats: number
  /** Of the body. */
  lengthBytes: number
  /** The pages that it writes or reads. */
  range: string | undefined
  /** What the service answered; undefined until then. */
  status?: number
}

/** What happens to a request; undefined lets it through. */
export type FaultRule = (seen: SeenRequest) => Fault | undefined

export interface FaultProxy {
  readonly port: number
  /** Requests that were not let through as they are. */
  readonly faultCount: number
  readonly seen: readonly SeenRequest[]
  setRule(rule: FaultRule): void
  stop(): Promise<void>
}

/** The fault for the first `count` tries of each request. */
export const firstTries =
  (count: number, fault: Fault): FaultRule =>
  ({ repeats }) =>
    repeats < count ? fault : undefined

export async function startFaultProxy(targetPort: number, firstRule: FaultRule): Promise<FaultProxy> {
  let rule = firstRule
  let faultCount = 0
  const seen: SeenRequest[] = []
  const counts = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '' } = incoming
    const key = `${method} ${url}`
    const repeats = counts.get(key) ?? 0
    counts.set(key, repeats + 1)
    const range = incoming.headers['x-ms-range']
    const lengthBytes = Number(incoming.headers['content-length'] ?? 0)
    const entry: SeenRequest = {
      method,
      url,
      repeats,
      lengthBytes,
      range: typeof range === 'string' ? range : undefined,
    }
    seen.push(entry)
    const fault = rule(entry)
    if (fault !== undefined) faultCount++
    if (fault?.kind !== 'delay') return handle(targetPort, incoming, outgoing, fault, entry)
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!incoming.destroyed) handle(targetPort, incoming, outgoing, undefined, entry)
    }, fault.delayMs)
    timers.add(timer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get faultCount() {
      return faultCount
    },
    seen,
    setRule: (next) => {
      rule = next
      counts.clear()
    },
    stop: async () => {
      for (const timer of timers) clearTimeout(timer)
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

type PassingFault = Exclude<Fault, { kind: 'delay' }> | undefined

function handle(
  targetPort: number,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: PassingFault,
  entry: SeenRequest,
): void {
  incoming.on('error', () => outgoing.destroy())
  if (fault?.kind === 'answer') {
    incoming.resume()
    incoming.on('end', () => {
      outgoing.writeHead(fault.status, fault.headers)
      outgoing.end(incoming.method === 'HEAD' ? undefined : fault.body)
    })
    return
  }
  if (fault?.kind === 'cut-request') {
    let receivedBytes = 0
    incoming.on('data', (piece: Buffer) => {
      receivedBytes += piece.length
      if (receivedBytes >= fault.afterBytes) incoming.socket.destroy()
    })
    incoming.on('end', () => incoming.socket.destroy())
    return
  }
  forward(targetPort, incoming, outgoing, fault, entry)
}

function forward(
  targetPort: number,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: PassingFault,
  entry: SeenRequest,
): void {
  const { method, url, headers } = incoming
  const options = {
    host: '127.0.0.1',
    port: targetPort,
    method,
    path: url,
    headers: { ...headers, connection: 'close' },
  }
  const onward = request(options, (answer) => {
    if (answer.statusCode !== undefined) entry.status = answer.statusCode
    if (fault?.kind === 'lose-answer') {
      answer.resume()
      answer.on('end', () => incoming.socket.destroy())
      return
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    if (fault?.kind !== 'cut-answer') {
      answer.pipe(outgoing)
      return
    }
    outgoing.flushHeaders()
    let leftBytes = fault.afterBytes
    answer.on('data', (piece: Buffer) => {
      outgoing.write(piece.subarray(0, leftBytes))
      leftBytes -= Math.min(leftBytes, piece.length)
    })
    answer.on('end', () => setImmediate(() => incoming.socket.destroy()))
  })
  onward.on('error', () => incoming.socket.destroy())
  outgoing.on('close', () => onward.destroy())
  incoming.pipe(onward)
}
