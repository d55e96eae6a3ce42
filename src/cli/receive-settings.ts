// What `receive` is told, checked once: how fast, where it goes on, and what is kept of the import.

import type { ReceiveRequest } from '../index.js'
import type { GlobalOptions } from './options.js'
import type { ShippedDriveOptions } from './shipped-drive-options.js'
import type { StationOptions } from './station-options.js'
import type { StorageOptions } from './storage-options.js'
import { checkConcurrency, readRateLimit } from './transfer-options.js'

export interface ReceiveOptions extends GlobalOptions, StorageOptions, ShippedDriveOptions, StationOptions {
  drive: string[]
  state?: string
  resume: boolean
  job?: string
  concurrency: number
  limitRate?: string
  contentMd5: boolean
  verboseLog: boolean
  backupManifest: boolean
  diagnosticsContainer?: string
  report?: string
}

export type ReceiveSettings = Omit<ReceiveRequest, 'drives' | 'store' | 'signal' | 'onProgress' | 'job' | 'logs'>

/** @throws TypeError for values that are none. */
export function readSettings(options: ReceiveOptions): ReceiveSettings {
  const { drive, state, journal, resume, concurrency, limitRate, manifestHash } = options
  checkConcurrency(concurrency, 256)
  const rateLimit = readRateLimit(limitRate)
  if (manifestHash !== undefined && (drive.length > 1 || !/^[0-9A-Fa-f]{32}$/.test(manifestHash))) {
    throw new TypeError('expected 32 hexadecimal digits for --manifest-hash, and one --drive')
  }
  return {
    statePath: state ?? (journal === undefined ? 'diskferry.import' : `${journal}.import`),
    mustResume: resume,
    concurrency,
    contentMd5: options.contentMd5,
    verboseLog: options.verboseLog,
    backupManifest: options.backupManifest,
    ...rateLimit,
  }
}

/** The order book says all of this, and what it says is what was promised to whoever sent the drives. @throws TypeError */
export function refuseBesideService(options: ReceiveOptions): void {
  if (options.service === undefined) return
  const { journal, driveInfo, recoveryPasswordFile, manifestFile, manifestHash, job, diagnosticsContainer } = options
  const beside = Object.entries({
    '--journal': journal,
    '--drive-info': driveInfo,
    '--recovery-password-file': recoveryPasswordFile,
    '--manifest-file': manifestFile,
    '--manifest-hash': manifestHash,
    '--job': job,
    '--diagnostics-container': diagnosticsContainer,
  }).find(([, value]) => value !== undefined)
  if (beside !== undefined) throw new TypeError(`expected no ${beside[0]} with --service: its jobs say that`)
}

/** Whoever may write into one container only finds the logs there, as with the service. */
export function logsPlace(options: ReceiveOptions): Pick<ReceiveRequest, 'job' | 'logs'> {
  const { diagnosticsContainer, job } = options
  const named = job === undefined ? {} : { job }
  if (diagnosticsContainer !== undefined) return { ...named, logs: { container: diagnosticsContainer, prefix: '' } }
  const { onlyContainer: container } = onlyContainer(options)
  return container === undefined ? named : { ...named, logs: { container, prefix: 'waimportexport/' } }
}

export function onlyContainer({ to }: ReceiveOptions): { onlyContainer?: string } {
  const [, container] = /^https?:\/\/[^/]+(?:\/devstoreaccount1)?\/([^/?]+)/.exec(to) ?? []
  return container === undefined ? {} : { onlyContainer: container }
}
