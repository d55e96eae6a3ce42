// `diskferry service`: the job service on this machine, for rehearsals, for tests, and as the order book of a receiving station.

import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { FastifyError, FastifyInstance } from 'fastify'
import { TransferError } from '../../errors.js'
import { takeProcessLock } from '../../journal/process-lock.js'
import { writeWhole } from '../../prepare/session-files.js'
import { isLoopback } from '../endpoint.js'
import { AccessToken } from './access-token.js'
import { ArmError } from './arm-error.js'
import { PageSessions, requireToken } from './authenticate.js'
import { JobBook } from './job-book.js'
import { jobRoutes } from './job-routes.js'
import { pageRoutes } from './page-routes.js'
import { makeSelfSigned } from './self-signed.js'
import { MovableClock, type ServiceClock, systemClock } from './service-clock.js'
import type { ServiceContext } from './service-context.js'
import { readOrMakeLocations } from './station-locations.js'
import { stationRoutes } from './station-routes.js'

export interface LocalServiceOptions {
  /** Folder of this service alone; made with mode 0700. */
  dataFolder: string
  /** Default 127.0.0.1. Anything but this machine needs `tls`. */
  host?: string
  /** Default 0: any free one. */
  port?: number
  /** PEM files, or a certificate that is made at the first start and kept in the data folder. */
  tls?: 'self-signed' | { certificatePath: string; keyPath: string }
  clock?: ServiceClock
  /** Lets a call move the clock forward. For rehearsals. */
  movableClock?: boolean
}

export interface LocalService {
  url: string
  /** File with the bearer token. */
  tokenPath: string
  isNewToken: boolean
  /** The self-signed certificate that clients have to be given. */
  certificatePath?: string
  close(): Promise<void>
}

const settleEveryMs = 30_000

/** @throws TransferError SERVICE_DATA_IN_USE, SERVICE_DATA_INVALID, SERVICE_INSECURE, SERVICE_START_FAILED */
export async function startLocalService(options: LocalServiceOptions): Promise<LocalService> {
  const { host = '127.0.0.1', port = 0 } = options
  if (options.tls === undefined && !isLoopback(host)) {
    throw new TransferError('SERVICE_INSECURE', `Without TLS, keys and tokens would travel openly to ${host}.`, {
      hint: 'Give --tls self-signed, or --tls-certificate with --tls-key.',
    })
  }
  const dataFolder = resolve(options.dataFolder)
  await mkdir(dataFolder, { recursive: true, mode: 0o700 }).catch((cause: Error) => {
    const message = `The folder ${dataFolder} cannot be made: ${cause.message}.`
    throw new TransferError('SERVICE_START_FAILED', message, { cause, path: dataFolder })
  })
  const lock = await takeProcessLock(join(dataFolder, '.lock'), (processId) => dataInUse(dataFolder, processId))
  try {
    const tokenPath = join(dataFolder, 'token')
    const { token, isNew } = await AccessToken.readOrMake(tokenPath)
    const book = await JobBook.open(join(dataFolder, 'state.json'))
    const locations = await readOrMakeLocations(join(dataFolder, 'locations.json'))
    const clock = options.movableClock ? new MovableClock(book.clockAheadMs) : (options.clock ?? systemClock)
    const tls = await readTls(dataFolder, options)
    const server = await buildServer({ book, clock, locations }, token, tls)
    await listen(server, host, port)
    const timer = setInterval(() => void book.settle(clock.now()).catch(() => {}), settleEveryMs)
    const address = server.server.address()
    const boundPort = address !== null && typeof address === 'object' ? address.port : port
    const name = host.includes(':') ? `[${host}]` : host
    return {
      url: `${tls === undefined ? 'http' : 'https'}://${name}:${boundPort}`,
      tokenPath,
      isNewToken: isNew,
      ...(options.tls === 'self-signed' ? { certificatePath: join(dataFolder, 'certificate.pem') } : {}),
      async close() {
        clearInterval(timer)
        await server.close()
        await book.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  await server.listen({ host, port }).catch(async (cause: Error) => {
    await server.close()
    const message = `The service cannot listen on ${host}, port ${port}: ${cause.message}.`
    throw new TransferError('SERVICE_START_FAILED', message, { cause, hint: 'Give another --listen HOST:PORT.' })
  })
}

type Tls = { cert: string; key: string } | undefined

async function readTls(dataFolder: string, { tls, host = '127.0.0.1' }: LocalServiceOptions): Promise<Tls> {
  if (tls === undefined) return undefined
  const [certificatePath, keyPath] =
    tls === 'self-signed'
      ? [join(dataFolder, 'certificate.pem'), join(dataFolder, 'certificate-key.pem')]
      : [tls.certificatePath, tls.keyPath]
  const read = () => Promise.all([readFile(certificatePath, 'utf8'), readFile(keyPath, 'utf8')])
  try {
    const [cert, key] = await read()
    return { cert, key }
  } catch (cause) {
    if (tls !== 'self-signed' || (cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new TransferError('SERVICE_START_FAILED', `The certificate cannot be read: ${(cause as Error).message}.`, {
        cause,
      })
    }
  }
  const names = [...new Set(['localhost', '127.0.0.1', '::1', hostname(), host])].filter(
    (name) => !/^(0\.0\.0\.0|::)$/.test(name),
  )
  const made = makeSelfSigned(names, new Date(Date.now() - 3_600_000), 825)
  await writeWhole(keyPath, [made.key])
  await writeWhole(certificatePath, [made.certificate])
  return { cert: made.certificate, key: made.key }
}

/** No log of requests: addresses in them name jobs, and nothing here may ever hold a token. */
async function buildServer(context: ServiceContext, token: AccessToken, tls: Tls): Promise<FastifyInstance> {
  // Loaded here, so that no other command waits for it.
  const { fastify } = await import('fastify')
  const server = fastify({
    logger: false,
    bodyLimit: 1 << 20,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    routerOptions: { caseSensitive: false, maxParamLength: 256 },
    ...(tls === undefined ? {} : { https: tls }),
  }) as unknown as FastifyInstance
  const sessions = new PageSessions(tls !== undefined)
  requireToken(server, token, sessions)
  server.addHook('onRequest', async (request, reply) => {
    reply
      .header('x-ms-request-id', request.id)
      .header('Cache-Control', 'no-store')
      .header('X-Content-Type-Options', 'nosniff')
    const clientId = request.headers['x-ms-client-request-id']
    if (typeof clientId === 'string' && /^[\w-]{1,64}$/.test(clientId)) reply.header('x-ms-client-request-id', clientId)
  })
  server.setErrorHandler<FastifyError>((error, _request, reply) => {
    const { status, body } = toArmError(error)
    return reply.code(status).send(body)
  })
  server.setNotFoundHandler(() => {
    throw new ArmError(404, 'ResourceNotFound', 'Nothing is served at this address.')
  })
  server.register(async (scope) => jobRoutes(scope, context))
  server.register(async (scope) => stationRoutes(scope, context))
  server.register(async (scope) => pageRoutes(scope, context, { token, sessions }))
  return server
}

function dataInUse(folder: string, processId: string | undefined): TransferError {
  const detail = { path: folder }
  if (processId === undefined) {
    const message = `The lock ${join(folder, '.lock')} could not be taken; another process is starting.`
    return new TransferError('SERVICE_DATA_IN_USE', message, detail)
  }
  const hint = 'Stop that process first, or give another folder.'
  return new TransferError('SERVICE_DATA_IN_USE', `The folder ${folder} is in use by process ${processId}.`, {
    ...detail,
    hint,
  })
}

function toArmError(error: FastifyError | ArmError): ArmError {
  if (error instanceof ArmError) return error
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return new ArmError(status, 'InvalidRequestContent', error.message)
  // What went wrong inside may name files and more; the caller learns that it did.
  return new ArmError(500, 'InternalServerError', 'The service could not do this; its disk may be full.')
}
