// diskferry repair: what a copy log says is missing is sent again, from the drive or from the folder the files came from.

import { readFile, writeFile } from 'node:fs/promises'
import type { Argv, CommandModule } from 'yargs'
import {
  describeRepair,
  encodePathMap,
  exitCodes,
  isDriveLost,
  type PathMap,
  parsePathMap,
  type RepairReport,
  type RepairRequest,
  repairImport,
  repairToJson,
  TransferError,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { readShippedDrive, type ShippedDriveOptions, shippedDriveOptions } from '../shipped-drive-options.js'
import { abortOnSignals, sameAgain } from '../signals.js'
import { openStore, type StorageOptions, storageOptions } from '../storage-options.js'
import { createTerminal, type Terminal } from '../terminal.js'
import { checkConcurrency, readRateLimit } from '../transfer-options.js'

interface RepairOptions extends GlobalOptions, StorageOptions, ShippedDriveOptions {
  copyLog: string
  drive?: string
  from?: string[]
  pathMap?: string
  state?: string
  concurrency: number
  limitRate?: string
}

export const repairCommand: CommandModule<GlobalOptions, RepairOptions> = {
  command: 'repair',
  describe: 'Send what a copy log says is missing, and nothing else',
  builder: (options) => repairOptions(options) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { signal, done } = abortOnSignals(sameAgain)
    try {
      const { request, newPathMap } = await readRequest(options, terminal)
      const store = await openStore(options, terminal)
      try {
        const { report, unresolved } = await repairImport({ ...request, store, signal, onProgress: terminal.progress })
        const pathMap = await writePathMap(newPathMap, unresolved)
        tell({ ...report, pathMap }, terminal)
        process.exitCode = report.blobs.left > 0 || isDriveLost(report) ? exitCodes.partly : exitCodes.done
      } finally {
        await store.close()
      }
    } finally {
      done()
    }
  },
}

function repairOptions(options: Argv<GlobalOptions>) {
  return shippedDriveOptions(storageOptions(options))
    .option('copy-log', { type: 'string', demandOption: true, describe: 'Copy log of the import: …_error.xml' })
    .option('drive', { type: 'string', describe: 'The drive of the log, or a copy of it' })
    .option('from', { type: 'string', array: true, describe: 'Folder that the files came from (repeatable)' })
    .option('path-map', {
      type: 'string',
      describe: 'File that says where files are now; written, to be filled in, when it is not there',
    })
    .option('state', { type: 'string', describe: 'Journal of the repair; <copy-log>.repair when not given' })
    .option('concurrency', { type: 'number', default: 16, describe: 'Requests under way at once, 1 to 256' })
    .option('limit-rate', { type: 'string', describe: 'At most so many bytes a second, for example 20M' })
    .example(
      '$0 repair --copy-log seed_9WM35C2V_error.xml --from /srv/backup --to https://ACCOUNT.blob.core.windows.net',
      '',
    )
    .example(
      '$0 repair --copy-log seed_9WM35C2V_error.xml --drive copy.img --recovery-password-file key.txt --to ./blobs',
      '',
    )
    .epilogue(
      `With --drive and --from the manifest is that of the drive, and what the drive cannot give comes from the folder.
Also read: AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, DISKFERRY_RECOVERY_PASSWORD.

${exitCodeHelp}`,
    )
}

interface ReadOptions {
  request: Omit<RepairRequest, 'store' | 'signal' | 'onProgress'>
  /** The path map is not there yet: it goes here. */
  newPathMap: string | undefined
}

async function readRequest(options: RepairOptions, terminal: Terminal): Promise<ReadOptions> {
  const { copyLog, drive, from, pathMap: path, state, concurrency, limitRate } = options
  if (drive === undefined && from === undefined && path === undefined) {
    throw new TypeError('expected --drive, --from or --path-map to repair from')
  }
  checkConcurrency(concurrency, 256)
  const rateLimit = readRateLimit(limitRate)
  const pathMap = path === undefined ? undefined : await readPathMap(path)
  const request: ReadOptions['request'] = {
    logPath: copyLog,
    concurrency,
    ...(drive === undefined ? {} : { drive: await readShippedDrive(drive, options, terminal) }),
    ...(from === undefined ? {} : { from }),
    ...(path === undefined ? {} : { pathMap: pathMap ?? new Map() }),
    ...(state === undefined ? {} : { statePath: state }),
    ...rateLimit,
  }
  return { request, newPathMap: pathMap === undefined ? path : undefined }
}

/** Undefined when it is not there yet. */
async function readPathMap(path: string): Promise<PathMap | undefined> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new TransferError('PATH_MAP_INVALID', `${path} cannot be read: ${cause.message}`, { cause, path })
  })
  return text === undefined ? undefined : parsePathMap(text, path)
}

/** Where it is now; undefined when none was written. One that came into being meanwhile is left alone. */
async function writePathMap(path: string | undefined, unresolved: readonly string[]): Promise<string | undefined> {
  if (path === undefined || unresolved.length === 0) return undefined
  await writeFile(path, encodePathMap(new Set(unresolved)), { flag: 'wx' })
  return path
}

function tell(report: RepairReport, terminal: Terminal): void {
  for (const object of repairToJson(report)) terminal.emit(object)
  terminal.print(describeRepair(report))
}
