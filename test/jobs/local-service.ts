// A local service of a test's own: real HTTP on a free loopback port, its data in a temporary folder, a clock that moves.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { ArmImportService } from '../../src/jobs/arm-import-service.js'
import { type LocalServiceOptions, startLocalService } from '../../src/jobs/service/local-service.js'
import { MovableClock } from '../../src/jobs/service/service-clock.js'
import { staticToken } from '../../src/jobs/service-credential.js'
import { publishedCreateBody } from '../formats/sample-job.js'

export const subscriptionId = '0a1b2c3d-1111-2222-3333-444455556666'
export const group = `/subscriptions/${subscriptionId}/resourceGroups/rg/providers/Microsoft.ImportExport/jobs`
export const version = 'api-version=2021-01-01'
export const quickRetry = { triesMax: 4, delayMs: 5 }

export function temporaryData(): string {
  const folder = mkdtempSync(join(tmpdir(), 'diskferry-service-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function startService(options: Partial<LocalServiceOptions> = {}) {
  const dataFolder = options.dataFolder ?? temporaryData()
  const clock = new MovableClock()
  const service = await startLocalService({ dataFolder, clock, ...options })
  after(() => service.close())
  const token = readFileSync(service.tokenPath, 'utf8').trim()
  return { service, clock, token, dataFolder, ...callers(service.url, token) }
}

export function callers(url: string, token: string) {
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const init: RequestInit = { method, redirect: 'manual', headers: { Authorization: `Bearer ${token}`, ...headers } }
    if (body !== undefined) {
      init.body = typeof body === 'string' ? body : JSON.stringify(body)
      init.headers = { 'Content-Type': 'application/json', ...init.headers }
    }
    const answer = await fetch(url + path, init)
    const answered: { get(name: string): string | null; getSetCookie(): string[] } = answer.headers
    const text = await answer.text()
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
    let json: any
    try {
      json = JSON.parse(text)
    } catch {
      json = undefined
    }
    return { status: answer.status, headers: answered, text, json }
  }
  const client = new ArmImportService({
    endpoint: url,
    subscriptionId,
    resourceGroup: 'rg',
    credential: staticToken(token),
    retry: quickRetry,
  })
  return {
    call,
    client,
    job: (method: string, name: string, body?: unknown) => call(method, `${group}/${name}?${version}`, body),
  }
}

/** The published body with other drives. */
export function jobBody(...driveIds: string[]) {
  const body = structuredClone(publishedCreateBody)
  const [drive] = body.properties.driveList
  if (driveIds.length > 0) {
    body.properties.driveList = driveIds.map((driveId) => ({ ...(drive as NonNullable<typeof drive>), driveId }))
  }
  return body
}

export function shipping(trackingNumber: string, driveCount = 1) {
  return { properties: { state: 'Shipping', deliveryPackage: { carrierName: 'FedEx', trackingNumber, driveCount } } }
}
