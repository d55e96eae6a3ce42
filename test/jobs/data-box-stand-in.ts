// A stand-in for Microsoft.DataBox: it keeps what it is told and answers with it, in the published shapes. It knows no rules,
// so what is proved against it is what is sent and what is understood, not that the real service takes it.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { drive } from '../formats/sample-job.js'
import { subscriptionId } from './local-service.js'

export const dataBoxJobs = `/subscriptions/${subscriptionId}/resourceGroups/rg/providers/Microsoft.DataBox/jobs`

export interface SentRequest {
  method: string
  path: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes
  body: any
}

interface KeptJob {
  name: string
  properties: { status: string; details: Record<string, unknown> }
}

const datacenterAddress = {
  datacenterAddressType: 'DatacenterAddressLocation',
  company: 'Azure Data Box',
  street1: 'Road 1',
  city: 'Amsterdam',
  zip: '1119',
  country: 'Netherlands',
  phone: '1',
}

export async function startDataBox() {
  const sent: SentRequest[] = []
  const stored = new Map<string, KeptJob>()
  const server = createServer(async (incoming, outgoing) => {
    const request = await readRequest(incoming)
    sent.push(request)
    const [status, value] = answerTo(request, stored)
    const text = value === undefined ? '' : JSON.stringify(value)
    outgoing.writeHead(status, { 'Content-Type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { sent, stored, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function readRequest(incoming: IncomingMessage): Promise<SentRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const { method = '', url: path = '' } = incoming
  return { method, path, body: text === '' ? undefined : JSON.parse(text) }
}

function answerTo(
  { method, path, body }: SentRequest,
  stored: Map<string, KeptJob>,
): [status: number, value?: unknown] {
  const [, name, action] = /\/jobs(?:\/([^/?]+))?(?:\/(\w+))?(?:\?|$)/.exec(path) ?? []
  if (name === undefined) return [200, { value: [...stored.values()] }]
  if (method === 'PUT') {
    const details = { ...body.properties.details, datacenterAddress }
    const properties = { ...body.properties, details, status: 'AwaitingShipmentDetails' }
    stored.set(name, { name, id: `${dataBoxJobs}/${name}`, ...body, properties })
    return [200, stored.get(name)]
  }
  const job = stored.get(name)
  if (job === undefined) return [404, { error: { code: 'ResourceNotFound', message: 'No such job.' } }]
  const { properties } = job
  if (action === 'markDevicesShipped') {
    properties.status = 'ShippedToAzureDC'
    Object.assign(properties.details, body)
    return [204]
  }
  if (action === 'cancel') {
    properties.status = 'Cancelled'
    return [204]
  }
  if (action === 'listCredentials') return [200, { value: [{ jobName: name, jobSecrets: secretsOf(job) }] }]
  if (method === 'DELETE') {
    stored.delete(name)
    return [200]
  }
  if (method === 'PATCH') Object.assign(properties.details, body.properties?.details)
  return [200, job]
}

function secretsOf({ properties }: KeptJob) {
  const disks = properties.details.importDiskDetailsCollection as Record<string, { bitLockerKey: string }> | undefined
  const diskSecrets = Object.entries(disks ?? { [drive.driveId]: drive }).map(
    ([diskSerialNumber, { bitLockerKey }]) => {
      return { diskSerialNumber, bitLockerKey }
    },
  )
  return { jobSecretsType: 'DataBoxCustomerDisk', diskSecrets }
}
