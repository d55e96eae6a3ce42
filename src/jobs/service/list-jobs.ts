// Lists of jobs: $top up to 100, the next page by the last name of this one, and the two conditions of $filter that are known.

import type { FastifyRequest } from 'fastify'
import { ArmError } from './arm-error.js'
import { keyOf, type StoredJob } from './stored-job.js'

const pageMax = 100

export async function listJobs(
  jobs: readonly StoredJob[],
  place: { subscriptionId: string; resourceGroup: string },
  request: FastifyRequest,
  resource: (job: StoredJob) => Record<string, unknown>,
): Promise<{ value: Record<string, unknown>[]; nextLink?: string }> {
  const query = request.query as Record<string, string | undefined>
  const top = Number(query.$top ?? pageMax)
  if (!Number.isInteger(top) || top < 1 || top > pageMax) {
    throw new ArmError(400, 'InvalidTop', `$top is ${JSON.stringify(query.$top)}, expected 1 to ${pageMax}.`)
  }
  const isWanted = parseFilter(query.$filter ?? '')
  const after = Buffer.from(query.$skiptoken ?? '', 'base64url').toString('utf8')
  const matching = jobs
    .filter((job) => job.subscriptionId === place.subscriptionId)
    .filter(
      (job) => place.resourceGroup === '' || job.resourceGroup.toLowerCase() === place.resourceGroup.toLowerCase(),
    )
    .filter((job) => isWanted(job) && keyOf(job) > after)
    .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
  const page = matching.slice(0, top)
  const value = page.map(resource)
  const last = page.at(-1)
  if (last === undefined || page.length === matching.length) return { value }
  const next = new URL(request.url, `${request.protocol}://${request.host}`)
  next.searchParams.set('$skiptoken', Buffer.from(keyOf(last)).toString('base64url'))
  return { value, nextLink: next.href }
}

function parseFilter(text: string): (job: StoredJob) => boolean {
  if (text.trim() === '') return () => true
  const conditions = text.split(/\s+and\s+/i).map((part) => {
    const match = /^\s*(state|jobType)\s+eq\s+'([A-Za-z]{1,40})'\s*$/i.exec(part)
    if (match === null) {
      const message = `$filter is ${JSON.stringify(text)}; known are state eq '…' and jobType eq '…', joined by and.`
      throw new ArmError(400, 'InvalidFilter', message)
    }
    return match
  })
  return (job) =>
    conditions.every(([, name = '', wanted]) => (name.toLowerCase() === 'state' ? job.state : 'Import') === wanted)
}
