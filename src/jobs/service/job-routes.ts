// The REST API of Microsoft.ImportExport, api-version 2021-01-01 and its forerunners: jobs, keys, locations, operations.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sameLocation } from '../../plan/job-rules.js'
import { ArmError, invalidContent, jobNotFound } from './arm-error.js'
import { type MoveContext, makeJob, patchJob, refuseDelete, replaceJob } from './customer-moves.js'
import { listJobs } from './list-jobs.js'
import { readPatchBody, readPutBody } from './request-body.js'
import type { ServiceContext } from './service-context.js'
import { locationResource } from './station-locations.js'
import { jobKey, keyOf, type StoredJob, toResource } from './stored-job.js'

const apiVersions = ['2016-11-01', '2020-08-01', '2021-01-01']
const provider = '/providers/Microsoft.ImportExport'
const inSubscription = `/subscriptions/:subscriptionId${provider}/jobs`
const inGroup = `/subscriptions/:subscriptionId/resourceGroups/:resourceGroup${provider}/jobs`

interface JobPlace {
  subscriptionId: string
  resourceGroup: string
  jobName: string
}

/** The path's names, decoded and checked. */
function placeOf(request: FastifyRequest): JobPlace {
  const { subscriptionId = '', resourceGroup = '', jobName = '' } = request.params as Partial<JobPlace>
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(subscriptionId)) {
    throw new ArmError(400, 'InvalidSubscriptionId', `${JSON.stringify(subscriptionId)} is no subscription id.`)
  }
  if (resourceGroup !== '' && !/^[\w().-]{0,89}[\w()-]$/.test(resourceGroup)) {
    throw new ArmError(400, 'InvalidResourceGroup', `${JSON.stringify(resourceGroup)} is no resource group’s name.`)
  }
  return { subscriptionId: subscriptionId.toLowerCase(), resourceGroup, jobName }
}

function requireApiVersion(request: FastifyRequest): void {
  const given = (request.query as Record<string, unknown>)['api-version']
  if (given === undefined) {
    throw new ArmError(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required.',
    )
  }
  if (typeof given !== 'string' || !apiVersions.includes(given)) {
    const message = `The api-version ${JSON.stringify(given)} is not known; known are ${apiVersions.join(', ')}.`
    throw new ArmError(400, 'InvalidApiVersionParameter', message)
  }
}

export function jobRoutes(server: FastifyInstance, context: ServiceContext): void {
  const { book, locations } = context
  const resource = (job: StoredJob) =>
    toResource(
      job,
      locations.find(({ name }) => name === job.location),
    )
  const keyFor = ({ subscriptionId, resourceGroup, jobName }: JobPlace) =>
    jobKey(subscriptionId, resourceGroup, jobName)
  const find = (request: FastifyRequest) => {
    const place = placeOf(request)
    const job = book.find(keyFor(place))
    if (job === undefined) throw jobNotFound(place.jobName)
    return job
  }
  const moveContext = (key: string): MoveContext => {
    const now = context.clock.now()
    return { now, locations, others: book.jobs.filter((other) => keyOf(other) !== key) }
  }

  server.addHook('preHandler', async (request) => {
    requireApiVersion(request)
    await book.settle(context.clock.now())
  })

  server.get(inSubscription, (request) => listJobs(book.jobs, placeOf(request), request, resource))
  server.get(inGroup, (request) => listJobs(book.jobs, placeOf(request), request, resource))
  server.get(`${inGroup}/:jobName`, async (request) => resource(find(request)))

  server.put(`${inGroup}/:jobName`, async (request, reply) => {
    const place = placeOf(request)
    const body = readPutBody(request.body)
    body.location = locations.find(({ name }) => sameLocation(name, body.location))?.name ?? body.location
    const { subscriptionId, resourceGroup, jobName: name } = place
    const clientTenantId = tenantOf(request)
    const key = keyFor(place)
    let isNew = false
    const job = await book.changeJob(key, (existing) => {
      if (existing !== undefined) {
        replaceJob(existing, body, moveContext(key))
        return existing
      }
      isNew = true
      return makeJob({ subscriptionId, resourceGroup, name, ...clientTenantId }, body, moveContext(key))
    })
    return reply.code(isNew ? 201 : 200).send(resource(job as StoredJob))
  })

  server.patch(`${inGroup}/:jobName`, async (request) => {
    const key = keyFor(placeOf(request))
    const body = readPatchBody(request.body)
    const job = await book.changeJob(key, (existing) => {
      if (existing === undefined) throw jobNotFound(placeOf(request).jobName)
      patchJob(existing, body, moveContext(key))
      return existing
    })
    return resource(job as StoredJob)
  })

  server.delete(`${inGroup}/:jobName`, async (request, reply) => {
    await book.changeJob(keyOf(find(request)), (existing) => {
      if (existing !== undefined) refuseDelete(existing)
      return undefined
    })
    return reply.code(200).send()
  })

  server.post(`${inGroup}/:jobName/listBitLockerKeys`, async (request) => ({
    value: find(request).drives.map(({ driveId, bitLockerKey }) => ({ driveId, bitLockerKey })),
  }))

  server.get(`${provider}/locations`, async () => ({ value: locations.map(locationResource) }))
  server.get(`${provider}/locations/:locationName`, async (request) => {
    const { locationName } = request.params as { locationName: string }
    const found = locations.find(({ name }) => sameLocation(name, locationName))
    if (found !== undefined) return locationResource(found)
    throw new ArmError(404, 'ResourceNotFound', `There is no location ${JSON.stringify(locationName)} here.`)
  })
  server.get(`${provider}/operations`, async () => ({ value: operations }))
}

function tenantOf(request: FastifyRequest): { clientTenantId?: string } {
  const given = request.headers['x-ms-client-tenant-id']
  if (given === undefined) return {}
  if (typeof given === 'string' && /^[0-9a-f-]{36}$/i.test(given)) return { clientTenantId: given }
  throw invalidContent('The header x-ms-client-tenant-id is no tenant’s id.', 'x-ms-client-tenant-id')
}

const operations = [
  ['register/action', 'Microsoft Import Export', 'Register the provider'],
  ['locations/read', 'Locations', 'Get or list locations'],
  ['jobs/read', 'Jobs', 'Get or list jobs'],
  ['jobs/write', 'Jobs', 'Make or change a job'],
  ['jobs/delete', 'Jobs', 'Delete a job'],
  ['jobs/listBitLockerKeys/action', 'Jobs', 'List the recovery passwords of a job'],
].map(([action, resource, operation]) => ({
  name: `Microsoft.ImportExport/${action}`,
  display: { provider: 'Microsoft Import Export', resource, operation, description: operation },
}))
