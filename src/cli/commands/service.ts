// diskferry service: the job service on this machine, until it is stopped.

import { once } from 'node:events'
import type { Argv, CommandModule } from 'yargs'
import { startLocalService } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface ServiceCommandOptions extends GlobalOptions {
  data: string
  listen: string
  tls?: 'self-signed'
  tlsCertificate?: string
  tlsKey?: string
  movableClock: boolean
}

export const serviceCommand: CommandModule<GlobalOptions, ServiceCommandOptions> = {
  command: 'service',
  describe: 'Run a local import service: the same REST API, a state page, the receiving station’s order book',
  builder: (options) =>
    options
      .option('data', {
        type: 'string',
        demandOption: true,
        describe: 'Folder for its state and token; made when missing',
      })
      .option('listen', { type: 'string', default: '127.0.0.1:8717', describe: 'HOST:PORT; port 0 takes any free one' })
      .option('tls', {
        choices: ['self-signed'] as const,
        describe: 'https with a certificate made at the first start',
      })
      .option('tls-certificate', { type: 'string', describe: 'https with this certificate (PEM)' })
      .option('tls-key', { type: 'string', describe: 'and its key (PEM)' })
      .option('movable-clock', {
        type: 'boolean',
        default: false,
        describe: 'For rehearsals: a call moves its clock forward',
      })
      .epilogue(exitCodeHelp)
      .example(
        '$0 service --data /var/lib/diskferry',
        'then open the address it prints',
      ) as unknown as Argv<ServiceCommandOptions>,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { host, port } = parseListen(options.listen)
    const tls = readTls(options)
    const service = await startLocalService({
      dataFolder: options.data,
      host,
      port,
      movableClock: options.movableClock,
      ...(tls === undefined ? {} : { tls }),
    })
    const { url, tokenPath, certificatePath } = service
    terminal.emit({ event: 'service', url, tokenPath, certificatePath })
    terminal.print(`Import service at ${url}; its state page is there too.`)
    terminal.print(`${service.isNewToken ? 'A new token is' : 'The token is'} in ${tokenPath}`)
    if (certificatePath !== undefined)
      terminal.print(`Clients need its certificate: --service-certificate ${certificatePath}`)
    if (options.movableClock) terminal.warn('Its clock can be moved: for rehearsals only.')
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    await service.close()
    terminal.print('Stopped.')
  },
}

function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || port > 65535)
    throw new TypeError(`expected HOST:PORT such as 127.0.0.1:8717 for --listen but received ${text}`)
  return { host, port }
}

function readTls({ tls, tlsCertificate, tlsKey }: ServiceCommandOptions) {
  if ((tlsCertificate === undefined) !== (tlsKey === undefined))
    throw new TypeError('expected --tls-certificate with --tls-key')
  if (tlsCertificate === undefined || tlsKey === undefined) return tls
  if (tls !== undefined) throw new TypeError('expected --tls self-signed or a certificate of your own, not both')
  return { certificatePath: tlsCertificate, keyPath: tlsKey }
}
